//! Policy documents: what is written, and what is read of them. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::event::{Seconds, time};

/// Stands in a plan for a time that is known when its step runs.
pub(in super::super) const STEP_TIME: &str = "TIME-OF-STEP";

/// Everything is refused.
pub(in super::super) fn deny_all() -> String {
    deny("StakeoutDeny", None)
}

/// Everything is refused to sessions, by `AROA...:name`.
pub(in super::super) fn deny_sessions(sessions: &BTreeSet<String>) -> String {
    deny("StakeoutDenySessions", Some(json!({ "StringEquals": { "aws:userid": sessions } })))
}

/// Everything is refused to sessions that began before a time. Keys that are no session have no such time, and stay.
pub(in super::super) fn deny_before(time: &str) -> String {
    deny("StakeoutDenyOldSessions", Some(json!({ "DateLessThan": { "aws:TokenIssueTime": time } })))
}

/// Everything is refused from elsewhere, but for what services of AWS do on the principal's behalf.
pub(in super::super) fn deny_elsewhere(networks: &BTreeSet<String>) -> String {
    let elsewhere =
        json!({ "NotIpAddress": { "aws:SourceIp": networks }, "BoolIfExists": { "aws:ViaAWSService": "false" } });
    deny("StakeoutDenyOtherNetworks", Some(elsewhere))
}

/// A trust policy by which nobody gets a session.
pub(in super::super) fn deny_trust() -> String {
    let ways = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
    let closed = json!({ "Sid": "StakeoutClosed", "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": ways });
    json!({ "Version": "2012-10-17", "Statement": [closed] }).to_string()
}

fn deny(sid: &str, only_if: Option<Value>) -> String {
    let mut statement = json!({ "Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "*" });
    if let (Some(only_if), Some(fields)) = (only_if, statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), only_if);
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// A document with the time of a step in the place that a plan keeps for it.
pub(in super::super) fn at(document: &str, time: Seconds) -> String {
    document.replace(STEP_TIME, &time::format(time))
}

/// A document as a plan has it: with the place for the time of its step.
pub(in super::super) fn timeless(document: &str) -> String {
    written_time(document).map_or_else(|| document.to_owned(), |time| document.replace(&time, STEP_TIME))
}

/// The time before which sessions must have begun that a document refuses; none where it refuses no such sessions.
pub(in super::super) fn time_of(document: &str) -> Option<Seconds> {
    time::parse(&written_time(document)?)
}

fn written_time(document: &str) -> Option<String> {
    let document = serde_json::from_str::<Value>(document).ok()?;
    let time = document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"].as_str()?;
    Some(time.to_owned())
}

/// Whether a document refuses everything to everybody who has it.
pub(in super::super) fn denies_all(document: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(document) else { return false };
    let is_any = |value: &Value| match value {
        Value::String(one) => one == "*",
        Value::Array(all) => all.iter().any(|one| one == "*"),
        _ => false,
    };
    let denies = |statement: &Value| {
        statement["Effect"] == "Deny"
            && is_any(&statement["Action"])
            && is_any(&statement["Resource"])
            && statement.get("Condition").is_none_or(Value::is_null)
    };
    match &document["Statement"] {
        Value::Array(all) => all.iter().any(denies),
        one => denies(one),
    }
}

/// Whether a trust policy names principals that are gone. IAM shows their ids then, and does not take those back.
pub(in super::super) fn names_the_gone(document: &str) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::String(text) => {
                let is_id = ["AIDA", "AROA"].iter().any(|prefix| text.starts_with(prefix));
                is_id && text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
            Value::Array(all) => all.iter().any(any),
            Value::Object(fields) => fields.values().any(any),
            _ => false,
        }
    }
    let Ok(document) = serde_json::from_str::<Value>(document) else { return false };
    match &document["Statement"] {
        Value::Array(all) => all.iter().any(|statement| any(&statement["Principal"])),
        one => any(&one["Principal"]),
    }
}

/// A document as it was written, from the URL encoding that IAM answers with. Some stand-ins answer without, and JSON
/// never begins with `%`.
pub(in super::super) fn decoded(text: &str) -> String {
    if !text.starts_with('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
