//! What a JSON object is, by its keys: a record, one of the envelopes, or no log at all.

use super::scan::{members, skip_blank};

/// What to do with an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// A record, or something odd that only its reader can judge.
    Record,
    /// An envelope around an array.
    Array(&'t [u8]),
    /// An envelope around another object.
    Object(&'t [u8]),
    /// An envelope around JSON text inside a JSON string. Where `required`, it can only be a
    /// record; elsewhere any text may stand.
    Encoded { text: &'t [u8], required: bool },
    /// What AWS itself tells and no call does; the whole envelope.
    Notice(&'t [u8]),
    /// A digest, a notification or another thing that is no record.
    NotALog,
}

/// The values that tell one kind from another.
#[derive(Default)]
struct Keys<'t> {
    is_record: bool,
    event_source: &'t [u8],
    records: Option<&'t [u8]>,
    events: Option<&'t [u8]>,
    hits: Option<&'t [u8]>,
    source: &'t [u8],
    detail: Option<&'t [u8]>,
    detail_type: bool,
    /// Keys that a finding has which GuardDuty exports.
    finding_keys: u8,
    cloud_trail_event: Option<&'t [u8]>,
    message: Option<&'t [u8]>,
    body: Option<&'t [u8]>,
    document: Option<&'t [u8]>,
    sns: Option<&'t [u8]>,
    event: Option<&'t [u8]>,
    digest_keys: u8,
    is_notice: bool,
}

/// The key of an envelope whose value is an array of records or of further envelopes.
pub(super) fn is_container_key(key: &[u8]) -> bool {
    matches!(key, b"Records" | b"Events" | b"events" | b"logEvents" | b"Messages")
}

/// Whether an object begins as CloudTrail writes every record: with a version of its own, which
/// is 1.x where that of an S3 notification is 2.x.
pub(super) fn is_plain_record(object: &[u8]) -> bool {
    const START: &[u8] = b"{\"eventVersion\":\"1.";
    if object.starts_with(START) {
        return true;
    }
    let mut at = 0;
    for part in [&b"{"[..], b"\"eventVersion\"", b":", b"\"1."] {
        at = skip_blank(object, at);
        if !object[at..].starts_with(part) {
            return false;
        }
        at += part.len();
    }
    true
}

/// Where the array of an object that begins with `{"Records":[` starts.
pub(super) fn records_ahead(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    for part in [&b"{"[..], b"\"Records\"", b":"] {
        at = skip_blank(text, at);
        if !text[at..].starts_with(part) {
            return None;
        }
        at += part.len();
    }
    let array = skip_blank(text, at);
    (text.get(array) == Some(&b'[')).then_some(array)
}

/// Where the array of a broken envelope starts, looking at what is sound before the fault.
pub(super) fn array_inside(text: &[u8], object: usize) -> Option<usize> {
    let mut inside = members(text, object);
    while let Some((key, start)) = inside.key() {
        if is_container_key(key) && text.get(start) == Some(&b'[') {
            return Some(start);
        }
        inside.pass(start)?;
    }
    None
}

/// Judges a sound object.
pub(super) fn kind(object: &[u8]) -> Kind<'_> {
    if is_plain_record(object) {
        return Kind::Record;
    }
    let Some(keys) = Keys::of(object) else {
        return Kind::Record;
    };
    let from_queue = match keys.event_source {
        b"\"aws:s3\"" => return Kind::NotALog,
        b"\"aws:sqs\"" => keys.body.map(encoded),
        b"\"aws:sns\"" => keys.sns.map(Kind::Object),
        _ => None,
    };
    if let Some(kind) = from_queue {
        return kind;
    }
    if keys.is_record {
        return Kind::Record;
    }
    keys.cloud_trail(object).unwrap_or_else(|| keys.other())
}

impl<'t> Keys<'t> {
    /// The keys of an object; none when it turns out to be a record half-way.
    fn of(object: &'t [u8]) -> Option<Self> {
        let mut keys = Self::default();
        for (key, value) in members(object, 0) {
            match key {
                b"eventVersion" if value.starts_with(b"\"1.") => return None,
                b"eventVersion" | b"eventName" | b"eventTime" | b"eventID" | b"userIdentity" | b"eventname"
                | b"eventtime" | b"eventid" | b"useridentity" => {
                    keys.is_record = true;
                }
                b"eventSource" | b"EventSource" => keys.event_source = value,
                b"Records" => keys.records = Some(value),
                b"Events" | b"events" | b"logEvents" | b"Messages" => keys.events = Some(value),
                b"hits" => keys.hits = Some(value),
                b"source" => keys.source = value,
                b"detail" => keys.detail = Some(value),
                b"detail-type" => keys.detail_type = true,
                b"CloudTrailEvent" => keys.cloud_trail_event = Some(value),
                b"message" | b"Message" => keys.message = Some(value),
                b"body" | b"Body" => keys.body = Some(value),
                b"_source" => keys.document = Some(value),
                b"Sns" => keys.sns = Some(value),
                b"event" => keys.event = Some(value),
                b"awsAccountId" | b"digestStartTime" | b"digestEndTime" | b"digestS3Bucket" | b"logFiles" => {
                    keys.digest_keys += 1
                }
                b"schemaVersion" | b"severity" | b"resource" | b"service" => keys.finding_keys += 1,
                b"s3ObjectKey" => keys.is_notice = true,
                b"Event" => keys.is_notice |= value == b"\"s3:TestEvent\"",
                _ => {}
            }
        }
        Some(keys)
    }

    /// The envelopes AWS itself puts around records.
    fn cloud_trail(&self, object: &'t [u8]) -> Option<Kind<'t>> {
        if let Some(event) = self.cloud_trail_event {
            return Some(match event.first() {
                Some(b'"') => Kind::Encoded { text: event, required: true },
                Some(b'{') => Kind::Object(event),
                _ => Kind::NotALog,
            });
        }
        if let Some(records) = self.records {
            return Some(array(records).unwrap_or(Kind::NotALog));
        }
        if let Some(kind) = self.events.and_then(array) {
            return Some(kind);
        }
        if let Some(detail) = self.detail
            && self.detail_type
        {
            // Whoever may put events on a bus chooses their source freely, but for those of AWS.
            let is_told_by_aws = self.source.is_empty() || self.source.starts_with(b"\"aws.");
            return Some(match is_record(detail) && is_told_by_aws {
                true => Kind::Object(detail),
                false if super::notice::is_source(self.source) => Kind::Notice(object),
                false => Kind::NotALog,
            });
        }
        if self.finding_keys == 4 {
            return Some(Kind::Notice(object));
        }
        (self.digest_keys >= 2 || self.is_notice).then_some(Kind::NotALog)
    }

    /// Queues, shippers and stores that carry records; otherwise it is for its reader to judge.
    fn other(&self) -> Kind<'t> {
        let hits = self.hits.and_then(|hits| member(hits, b"hits"));
        if let Some(kind) = hits.and_then(array) {
            return kind;
        }
        if let Some(inner) = self.sns.or(self.document)
            && inner.starts_with(b"{")
        {
            return Kind::Object(inner);
        }
        let original = self.event.and_then(|event| member(event, b"original"));
        match (self.body, original, self.message) {
            (Some(text), _, _) | (_, Some(text), _) | (_, _, Some(text)) => encoded(text),
            _ => Kind::Record,
        }
    }
}

fn array(value: &[u8]) -> Option<Kind<'_>> {
    value.starts_with(b"[").then_some(Kind::Array(value))
}

/// Text in a string, or the object that some shippers make of it.
fn encoded(value: &[u8]) -> Kind<'_> {
    match value.first() {
        Some(b'"') => Kind::Encoded { text: value, required: false },
        Some(b'{') => Kind::Object(value),
        _ => Kind::NotALog,
    }
}

fn is_record(value: &[u8]) -> bool {
    value.starts_with(b"{") && (is_plain_record(value) || Keys::of(value).is_none_or(|keys| keys.is_record))
}

fn member<'t>(object: &'t [u8], wanted: &[u8]) -> Option<&'t [u8]> {
    if !object.starts_with(b"{") {
        return None;
    }
    members(object, 0).find(|(key, _)| *key == wanted).map(|(_, value)| value)
}
