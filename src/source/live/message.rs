//! What a message of a queue says: which objects are new, an event itself, nothing, or nothing that can be read.

use serde_json::Value;

use super::trail::layout::is_log;

/// Envelopes inside of envelopes: a notification of SNS around one of S3.
const MOST_LAYERS: usize = 3;

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Logs in buckets: bucket and key. None where it tells of digests or of deletions.
    Objects(Vec<(String, String)>),
    /// JSON text that holds events.
    Events(String),
    Garbage(&'static str),
}

/// Reads the body of a message.
pub(super) fn meaning(body: &str) -> Meaning {
    let mut text = body.to_owned();
    for _ in 0..MOST_LAYERS {
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            return Meaning::Garbage("it is no JSON text");
        };
        match wrapped(&value) {
            Some(inner) => text = inner,
            None => return of(&value, text),
        }
    }
    Meaning::Garbage("it is wrapped too often")
}

/// The text inside of a notification of SNS.
fn wrapped(value: &Value) -> Option<String> {
    let is_notification = value.get("Type").and_then(Value::as_str) == Some("Notification");
    let message = value.get("Message").and_then(Value::as_str)?;
    is_notification.then(|| message.to_owned())
}

fn of(value: &Value, text: String) -> Meaning {
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Meaning::Objects(Vec::new());
    }
    if let Some(objects) = from_cloudtrail(value).or_else(|| from_eventbridge(value)) {
        return Meaning::Objects(objects);
    }
    if let Some(records) = value.get("Records").and_then(Value::as_array) {
        // What is none among events is counted where they are read.
        if records.iter().any(is_event) {
            return Meaning::Events(text);
        }
        return from_s3(records).map_or(Meaning::Garbage("its records are no notifications of S3"), Meaning::Objects);
    }
    // Whoever may put events on a bus chooses their source freely, but for those of AWS.
    let is_told_by_aws =
        value.get("source").is_none_or(|source| source.as_str().is_some_and(|source| source.starts_with("aws.")));
    let is_bridged =
        is_told_by_aws && value.get("detail-type").is_some() && value.get("detail").is_some_and(Value::is_object);
    if is_bridged || is_event(value) {
        return Meaning::Events(text);
    }
    Meaning::Garbage("it is neither a notification of S3 nor an event")
}

/// Whether this is a CloudTrail record; a notification of S3 has versions 2.x.
fn is_event(value: &Value) -> bool {
    let version = value.get("eventVersion").and_then(Value::as_str).unwrap_or_default();
    version.starts_with("1.") && value.get("eventName").is_some()
}

/// The names of new logs in S3's own notifications, where a key is encoded as in a form.
fn from_s3(records: &[Value]) -> Option<Vec<(String, String)>> {
    let mut objects = Vec::new();
    for record in records {
        let bucket = record.pointer("/s3/bucket/name").and_then(Value::as_str)?;
        let key = decoded(record.pointer("/s3/object/key").and_then(Value::as_str)?);
        let name = record.get("eventName").and_then(Value::as_str).unwrap_or("ObjectCreated:Put");
        if name.trim_start_matches("s3:").starts_with("ObjectCreated") && is_log(&key) {
            objects.push((bucket.to_owned(), key));
        }
    }
    Some(objects)
}

/// What CloudTrail itself tells a topic.
fn from_cloudtrail(value: &Value) -> Option<Vec<(String, String)>> {
    let bucket = value.get("s3Bucket").and_then(Value::as_str)?;
    let keys = value.get("s3ObjectKey").and_then(Value::as_array)?.iter().filter_map(Value::as_str);
    Some(keys.filter(|key| is_log(key)).map(|key| (bucket.to_owned(), key.to_owned())).collect())
}

/// What S3 tells EventBridge, where a key is not encoded.
fn from_eventbridge(value: &Value) -> Option<Vec<(String, String)>> {
    if value.get("source").and_then(Value::as_str) != Some("aws.s3") {
        return None;
    }
    let bucket = value.pointer("/detail/bucket/name").and_then(Value::as_str)?;
    let key = value.pointer("/detail/object/key").and_then(Value::as_str)?;
    let is_new = value.get("detail-type").and_then(Value::as_str) == Some("Object Created") && is_log(key);
    Some(is_new.then(|| (bucket.to_owned(), key.to_owned())).into_iter().collect())
}

/// A key without the encoding of a form; bytes that are no UTF-8 stay as they are.
fn decoded(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'+', _) => (b' ', behind),
            (b'%', [high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (first, &rest[1..]),
            },
            _ => (first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| key.to_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
