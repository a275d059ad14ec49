//! What trails write to: their buckets, keys and topics, as the log itself tells.
//!
//! A part is named by its kind and its own name: `bucket NAME`, `key ID`, `topic NAME`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Event, Identity, PrincipalKind, Record, Seconds, Shape};

/// As whom CloudTrail calls.
const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
/// An account has no more trails that matter; more are the work of somebody who makes noise.
const MOST: usize = 256;
/// How the names of such buckets usually read.
const USUAL: [&str; 6] =
    ["cloudtrail", "controltower-logs", "control-tower-logs", "trail-log", "audit-log", "auditlog"];

/// Parts of trails by account, and since when each is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trails(BTreeMap<String, BTreeMap<String, Seconds>>);

impl Trails {
    /// Learns that a trail of an account uses a part, from a time on.
    pub(crate) fn learn(&mut self, account: &str, part: &str, since: Seconds) {
        if part.is_empty() {
            return;
        }
        if !self.0.contains_key(account) {
            self.0.insert(account.to_owned(), BTreeMap::new());
        }
        let Some(parts) = self.0.get_mut(account) else { return };
        match parts.get_mut(part) {
            Some(known) => *known = (*known).min(since),
            None => _ = parts.insert(part.to_owned(), since),
        }
        // Those that are known first stay, so that the order in which they are learned does not matter.
        if parts.len() > MOST {
            let last = parts.iter().map(|(part, since)| (*since, part)).max().map(|(_, part)| part.clone());
            last.iter().for_each(|part| _ = parts.remove(part));
        }
    }

    /// Takes others in.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(account, part, since)| self.learn(account, part, since));
    }

    /// Accounts with parts, and since when each is known, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, Seconds)> {
        self.0.iter().flat_map(|(account, parts)| {
            parts.iter().map(move |(part, since)| (account.as_str(), part.as_str(), *since))
        })
    }

    /// Learns from an event that makes or changes a trail.
    pub(crate) fn note(&mut self, event: &Event) {
        for part in event.facts.iter().flat_map(|facts| &facts.records_to) {
            self.learn(&event.place.account, part, event.time);
        }
    }

    /// Whether a thing is part of a trail at a time, as far as anybody knows by then. A bucket whose name says so is.
    pub(crate) fn has(&self, account: &str, part: &str, at: Seconds) -> bool {
        let known = self.0.get(account).and_then(|parts| parts.get(part)).is_some_and(|since| *since <= at);
        known || part.strip_prefix("bucket ").is_some_and(|name| USUAL.iter().any(|usual| name.contains(usual)))
    }
}

/// The part of a trail that CloudTrail itself makes use of with a call.
pub(crate) fn used_by_cloudtrail(record: &Record<'_>, identity: &Identity) -> Option<String> {
    if identity.kind != PrincipalKind::Service || identity.key != CLOUDTRAIL || !record.error_code.is_empty() {
        return None;
    }
    let text = |key: &str| {
        // Asked all day about keys that are not there, for which an error would be made each time.
        let value = record.request.contains(key).then(|| sonic_rs::get(&*record.request, [key]).ok())??;
        serde_json::from_str::<String>(value.as_raw_str()).ok()
    };
    match (&*record.source, &*record.name) {
        ("s3.amazonaws.com", "GetBucketAcl" | "PutObject") => Some(bucket(&text("bucketName")?)),
        ("kms.amazonaws.com", "GenerateDataKey") => Some(key(&text("keyId")?)),
        _ => None,
    }
}

/// What a trail is told to write to.
pub(crate) fn of_trail(request: &Value, response: &Value) -> Vec<String> {
    let text = |name: &str| [response, request].into_iter().find_map(|of| of.get(name)?.as_str());
    let bucket = text("s3BucketName").map(bucket);
    let key = text("kmsKeyId").map(key);
    let topic = text("snsTopicARN").or_else(|| text("snsTopicName")).map(topic);
    bucket.into_iter().chain(key).chain(topic).collect()
}

/// What a call is about, if that can be part of a trail.
pub(crate) fn about(shape: &Shape, request: &Value, refused_on: Option<&str>) -> Option<String> {
    let text = |name: &str| request.get(name).and_then(Value::as_str).or(refused_on).filter(|text| !text.is_empty());
    match shape.service() {
        "s3" => Some(bucket(text("bucketName")?)),
        "kms" => Some(key(text("keyId")?)),
        "sns" => Some(topic(text("topicArn")?)),
        _ => None,
    }
}

fn bucket(name: &str) -> String {
    format!("bucket {}", name.rsplit(":::").next().unwrap_or(name))
}

fn key(name: &str) -> String {
    format!("key {}", name.rsplit('/').next().unwrap_or(name))
}

fn topic(name: &str) -> String {
    format!("topic {}", name.rsplit(':').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::{Identity, MOST, Record, Trails, of_trail, used_by_cloudtrail};

    #[test]
    fn parts_are_known_from_when_they_were_seen() {
        let mut trails = Trails::default();
        trails.learn("111122223333", "bucket plain", 200);
        trails.learn("111122223333", "bucket plain", 100);
        let has = |account: &str, part: &str, at| trails.has(account, part, at);
        assert!(has("111122223333", "bucket plain", 100) && !has("111122223333", "bucket plain", 99));
        assert!(!has("123456789012", "bucket plain", 100) && !has("111122223333", "key plain", 100));
        assert!(has("123456789012", "bucket aws-cloudtrail-logs", 0));
    }

    #[test]
    fn of_too_many_parts_the_first_stay_in_any_order() {
        let parts: Vec<_> = (0..MOST as i64 + 40).map(|n| (format!("topic {n}"), n / 3)).collect();
        let all = |parts: &[(String, i64)]| {
            let mut trails = Trails::default();
            parts.iter().for_each(|(part, since)| trails.learn("1", part, *since));
            trails
        };
        let known = all(&parts);
        assert_eq!(known.iter().count(), MOST);
        let mut backwards: Vec<_> = parts.iter().cloned().rev().collect();
        assert_eq!(all(&backwards), known);
        fastrand::Rng::with_seed(1).shuffle(&mut backwards);
        let mut merged = all(&backwards[..100]);
        merged.merge(&all(&backwards[60..]));
        assert_eq!(merged, known);
    }

    #[test]
    fn calls_of_cloudtrail_and_about_trails_tell_parts() {
        let told = |service: &str, name: &str, request: serde_json::Value, caller: &str| {
            let raw = json!({
                "eventTime": "2026-03-10T02:14:07Z", "eventSource": format!("{service}.amazonaws.com"),
                "eventName": name, "userIdentity": {"type": "AWSService", "invokedBy": caller},
                "requestParameters": request,
            })
            .to_string();
            let record = Record::scan(&raw).unwrap();
            used_by_cloudtrail(&record, &Identity::parse(&record.identity, "111122223333"))
        };
        let cloudtrail = "cloudtrail.amazonaws.com";
        let bucket = json!({"bucketName": "plain"});
        assert_eq!(told("s3", "GetBucketAcl", bucket.clone(), cloudtrail).as_deref(), Some("bucket plain"));
        assert_eq!(told("s3", "GetBucketAcl", bucket.clone(), "config.amazonaws.com"), None);
        assert_eq!(told("s3", "DeleteBucket", bucket, cloudtrail), None);
        let key = json!({"keyId": "arn:aws:kms:eu-west-1:111122223333:key/0000-11"});
        assert_eq!(told("kms", "GenerateDataKey", key, cloudtrail).as_deref(), Some("key 0000-11"));
        let trail = json!({"s3BucketName": "plain", "kmsKeyId": "0000-11", "snsTopicName": "told"});
        assert_eq!(of_trail(&trail, &serde_json::Value::Null), ["bucket plain", "key 0000-11", "topic told"]);
    }
}
