//! What AWS itself tells through EventBridge, as records in the shape of CloudTrail's own: Health, GuardDuty, Security Hub
//! and Cost Anomaly Detection. They run through the same engine as events, so that a detector file says how bad one is, and
//! incidents join them by key.
//!
//! Pure. One notice about several things gives a record for each. The id of a record is a hash of what it says, so that a
//! notice that is delivered twice counts once.

mod cost;
mod guardduty;
mod health;
mod record;
mod security_hub;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// Longest text of a notice, in characters.
const LONGEST: usize = 512;
/// Things that one notice may be about.
const MOST_THINGS: usize = 100;

/// Whether events of EventBridge that have this `source` are notices. It is quoted as in JSON.
pub(super) fn is_source(quoted: &[u8]) -> bool {
    matches!(quoted, b"\"aws.health\"" | b"\"aws.guardduty\"" | b"\"aws.securityhub\"" | b"\"aws.ce\"")
}

/// What the envelope of a notice says of where and when.
struct Envelope<'v> {
    account: &'v str,
    region: &'v str,
    /// `time`, RFC 3339.
    time: &'v str,
    detail: &'v Value,
}

/// The records of one event of EventBridge, or of one finding as GuardDuty exports it; none where it is something else.
pub(super) fn records(object: &[u8]) -> Vec<String> {
    let Ok(mut value) = serde_json::from_slice::<Value>(object) else {
        return Vec::new();
    };
    bound(&mut value);
    let Some(source) = text(&value, "source").filter(|_| value["detail"].is_object()) else {
        let time = text(&value, "updatedAt").or_else(|| text(&value, "UpdatedAt")).unwrap_or_default();
        return guardduty::records(&Envelope { account: "", region: "", time, detail: &value });
    };
    let envelope = Envelope {
        account: text(&value, "account").unwrap_or_default(),
        region: text(&value, "region").unwrap_or_default(),
        time: text(&value, "time").unwrap_or_default(),
        detail: &value["detail"],
    };
    match source {
        "aws.health" => health::records(&envelope),
        "aws.guardduty" => guardduty::records(&envelope),
        "aws.securityhub" => security_hub::records(&envelope),
        "aws.ce" => cost::records(&envelope),
        _ => Vec::new(),
    }
}

/// Cuts long texts: whoever can name a thing may choose how long its name is.
fn bound(value: &mut Value) {
    match value {
        Value::String(text) => *text = cut(std::mem::take(text)),
        Value::Array(items) => items.iter_mut().for_each(bound),
        Value::Object(fields) => fields.values_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text that is bounded, with an ellipsis where something is left out.
fn cut(mut text: String) -> String {
    let mut ends = text.char_indices().map(|(at, _)| at).skip(LONGEST - 1);
    if let (Some(end), Some(_)) = (ends.next(), ends.next()) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A text that is not empty.
fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The same, deeper.
fn deep<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}
