//! What belongs to Stakeout itself, whoever changes that may want to blind it; and what belongs to those who run it.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Canaries, Identity, PrincipalKind, Seconds, Shape, refusal};

/// Names of Stakeout's own roles, policies, queues, rules, tables, functions and trails, and who Stakeout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    /// Names, ids or ARNs, as a request would hold them. One that ends in `*` is how names begin.
    pub names: Vec<String>,
    /// ARNs of the users and roles that Stakeout calls as; its roles are also known by `names`.
    pub callers: BTreeSet<String>,
    /// Before this, Stakeout was being set up, and its things were made and not changed.
    pub since: Seconds,
    /// Accounts of those who run Stakeout, beside the one that recorded an event.
    pub accounts: BTreeSet<String>,
    /// Parts of trails, as [`super::trails`] names them.
    pub trail_parts: BTreeSet<String>,
    /// What nobody has a reason to touch.
    pub canaries: Canaries,
}

impl Default for Own {
    /// The names of the default deployment, at any time.
    fn default() -> Self {
        Self {
            names: vec!["stakeout".to_owned(), "stakeout-*".to_owned()],
            callers: BTreeSet::new(),
            since: Seconds::MIN,
            accounts: BTreeSet::new(),
            trail_parts: BTreeSet::new(),
            canaries: Canaries::default(),
        }
    }
}

/// Requests are not nested deeper where they name what they are about.
const DEEPEST: usize = 6;

impl Own {
    /// Names what records are judged by before they are put together; empty where the settings say nothing of it.
    pub(crate) fn fingerprint(&self) -> String {
        let known = (&self.accounts, &self.trail_parts, &self.canaries);
        if known == (&BTreeSet::new(), &BTreeSet::new(), &Canaries::default()) {
            return String::new();
        }
        let digest = Sha256::digest(serde_json::to_vec(&known).unwrap_or_default());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a request, or the refusal of one, is about a thing of Stakeout and somebody else makes it.
    pub(crate) fn is_touched(
        &self,
        request: &Value,
        refused: Option<&str>,
        identity: &Identity,
        time: Seconds,
    ) -> bool {
        if time < self.since || self.is_caller(identity) {
            return false;
        }
        refused.and_then(refusal::thing).is_some_and(|thing| self.names(thing)) || self.is_named(request, DEEPEST)
    }

    /// Whether a call is one of those with which Stakeout watches: asked every few minutes, they say nothing about anybody.
    pub(crate) fn is_watching(&self, identity: &Identity, shape: &Shape) -> bool {
        const READS: [&str; 14] = [
            "LookupEvents",
            "DescribeTrails",
            "GetTrailStatus",
            "ListRegions",
            "DescribeRegions",
            "ListUsers",
            "ListAccessKeys",
            "GetCallerIdentity",
            "GetUser",
            "GetRole",
            "GetFunctionConfiguration",
            "DescribeInstances",
            "GetCostAndUsage",
            "GetAnomalies",
        ];
        !self.callers.is_empty() && READS.contains(&shape.name.as_str()) && self.callers.contains(&identity.arn)
    }

    /// Whether the caller is Stakeout.
    fn is_caller(&self, identity: &Identity) -> bool {
        let is_own_role = || identity.kind == PrincipalKind::Role && self.names(&identity.name);
        self.callers.contains(&identity.arn) || is_own_role()
    }

    /// Whether a value names a thing of Stakeout. What is only mentioned, in a policy or a description, does not count.
    fn is_named(&self, value: &Value, depth: usize) -> bool {
        match value {
            Value::String(text) => !text.contains(char::is_whitespace) && !text.starts_with('{') && self.names(text),
            Value::Array(items) if depth > 0 => items.iter().any(|item| self.is_named(item, depth - 1)),
            Value::Object(fields) if depth > 0 => {
                fields.iter().any(|(key, value)| !is_mention(key) && self.is_named(value, depth - 1))
            }
            _ => false,
        }
    }

    fn names(&self, text: &str) -> bool {
        self.names.iter().any(|name| match name.strip_suffix('*') {
            Some(beginning) => holds(text, beginning, true),
            None => holds(text, name, false),
        })
    }
}

/// Keys whose values only speak about things.
fn is_mention(key: &str) -> bool {
    const MENTIONS: [&str; 9] = [
        "policy",
        "policydocument",
        "assumerolepolicydocument",
        "bucketpolicy",
        "tags",
        "tagset",
        "description",
        "environment",
        "rolesessionname",
    ];
    MENTIONS.iter().any(|mention| key.eq_ignore_ascii_case(mention))
}

/// Whether a text holds a name that is no part of a longer one, or that begins one.
fn holds(text: &str, name: &str, begins: bool) -> bool {
    let goes_on =
        |next: Option<char>| next.is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_'));
    !name.is_empty()
        && text.match_indices(name).any(|(at, found)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
            !goes_on(before) && before != Some('.') && (begins || !goes_on(after))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Identity, Own, Seconds, Value};

    fn caller(arn: &str) -> Identity {
        let raw = json!({"type": "AssumedRole", "arn": arn, "accountId": "111122223333"});
        Identity::parse(&raw.to_string(), "111122223333")
    }

    fn touched(own: &Own, request: &Value, refused: Option<&str>, time: Seconds) -> bool {
        let somebody = caller("arn:aws:sts::111122223333:assumed-role/deploy/session");
        own.is_touched(request, refused, &somebody, time)
    }

    #[test]
    fn a_thing_is_known_by_its_whole_name_and_not_by_a_mention() {
        let own = Own::default();
        for named in [
            json!({"roleName": "stakeout-detector"}),
            json!({"functionName": "arn:aws:lambda:eu-west-1:111122223333:function:stakeout"}),
            json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/stakeout-events"}),
            json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/stakeout.fifo"}),
            json!({"logGroupName": "/aws/lambda/stakeout"}),
            json!({"targets": [{"id": "1", "arn": "arn:aws:sqs:eu-west-1:111122223333:stakeout-events"}]}),
        ] {
            assert!(touched(&own, &named, None, 0), "{named}");
        }
        for other in [
            json!({"roleName": "my-stakeout-detector"}),
            json!({"functionName": "stakeouts"}),
            json!({"bucketName": "old.stakeout"}),
            json!({"roleName": "ci", "tags": [{"key": "team", "value": "stakeout"}]}),
            json!({"roleName": "ci", "policyDocument": "{\"Resource\":\"arn:aws:sqs:eu-west-1:1:stakeout-events\"}"}),
            json!({"roleArn": "arn:aws:iam::111122223333:role/ci", "roleSessionName": "stakeout"}),
            json!({"roleName": "STAKEOUT-detector"}),
            Value::Null,
        ] {
            assert!(!touched(&own, &other, None, 0), "{other}");
        }
    }

    #[test]
    fn a_refusal_names_what_it_was_about() {
        let about = |resource: &str| {
            format!(
                "User: arn:aws:iam::111122223333:user/stakeout is not authorized to perform: iam:DeleteRole on resource: {resource} because no identity-based policy allows it"
            )
        };
        let refused = |resource: &str| touched(&Own::default(), &Value::Null, Some(&about(resource)), 0);
        assert!(refused("arn:aws:iam::111122223333:role/stakeout-detector"));
        assert!(refused("role stakeout-detector"));
        assert!(!refused("arn:aws:iam::111122223333:role/ci"));
    }

    #[test]
    fn set_up_and_own_calls_do_not_count() {
        let request = json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/alarms"});
        let own = Own { names: vec!["alarms".into(), "watcher".into()], since: 100, ..Own::default() };
        assert!(!touched(&own, &request, None, 99));
        assert!(touched(&own, &request, None, 100));
        let by = |own: &Own, arn: &str| own.is_touched(&request, None, &caller(arn), 100);
        assert!(!by(&own, "arn:aws:sts::111122223333:assumed-role/watcher/pass"));
        let deploy = "arn:aws:sts::111122223333:assumed-role/deploy/session";
        let callers = ["arn:aws:iam::111122223333:role/deploy".to_owned()].into();
        assert!(!by(&Own { callers, ..own }, deploy));
    }
}
