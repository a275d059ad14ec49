//! One raw CloudTrail record: its top level read once, everything below left as text until somebody asks.

use std::borrow::Cow;

use serde_json::Value;
use sonic_rs::LazyValue;

use super::{Seconds, time};

/// A CloudTrail record that borrows its text. Strings are unescaped, objects stay raw JSON.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record<'a> {
    /// The whole record as JSON.
    pub raw: Cow<'a, str>,
    pub time: Seconds,
    pub id: Cow<'a, str>,
    pub source: Cow<'a, str>,
    pub name: Cow<'a, str>,
    pub region: Cow<'a, str>,
    pub source_ip: Cow<'a, str>,
    pub user_agent: Cow<'a, str>,
    pub error_code: Cow<'a, str>,
    pub event_type: Cow<'a, str>,
    pub recipient: Cow<'a, str>,
    /// `userIdentity`, or `null`.
    pub identity: Cow<'a, str>,
    /// `readOnly`, also when it is a string.
    pub read_only: Option<bool>,
    /// `sessionCredentialFromConsole`, also when it is a string.
    pub from_console: bool,
    /// A failure that says so only in words (sign-in).
    pub error_message: bool,
    /// It came through an endpoint inside of AWS.
    pub via_endpoint: bool,
    /// `errorMessage`.
    pub message: Cow<'a, str>,
    /// `requestParameters` as JSON; empty where there are none.
    pub request: Cow<'a, str>,
    /// `responseElements` as JSON; empty where there are none.
    pub response: Cow<'a, str>,
}

/// Why a JSON value is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAnEvent {
    /// Something else that lies beside logs: an Insight, a notification, an object of another kind.
    NotALog,
    /// Meant as a record, and unreadable as one.
    Malformed(&'static str),
}

const NOT_AN_OBJECT: NotAnEvent = NotAnEvent::Malformed("not a JSON object");

impl<'a> Record<'a> {
    /// Reads the top level of one record.
    ///
    /// # Errors
    /// [`NotAnEvent`] when the text is no CloudTrail record or has no readable time.
    pub(crate) fn scan(raw: &'a str) -> Result<Self, NotAnEvent> {
        Self::of(sonic_rs::from_str(raw).map_err(|_| NOT_AN_OBJECT)?)
    }

    /// The same of a value that was found to be JSON, so that its depths are not looked at again.
    ///
    /// # Errors
    /// [`NotAnEvent`] when the value is no CloudTrail record or has no readable time.
    pub(crate) fn of(value: LazyValue<'a>) -> Result<Self, NotAnEvent> {
        let (record, event_time) = Self::fields(value)?;
        if record.name.is_empty() || event_time.is_empty() {
            return respelt(&record.raw).map_or_else(|| record.judge(&event_time), |text| Self::owned(&text));
        }
        record.judge(&event_time)
    }

    fn owned(raw: &str) -> Result<Self, NotAnEvent> {
        let record = Record::scan(raw)?;
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Ok(Record {
            raw: own(record.raw),
            id: own(record.id),
            source: own(record.source),
            name: own(record.name),
            region: own(record.region),
            source_ip: own(record.source_ip),
            user_agent: own(record.user_agent),
            error_code: own(record.error_code),
            event_type: own(record.event_type),
            recipient: own(record.recipient),
            identity: own(record.identity),
            message: own(record.message),
            request: own(record.request),
            response: own(record.response),
            ..Record {
                time: record.time,
                read_only: record.read_only,
                from_console: record.from_console,
                error_message: record.error_message,
                via_endpoint: record.via_endpoint,
                ..Record::default()
            }
        })
    }

    fn fields(value: LazyValue<'a>) -> Result<(Self, Cow<'a, str>), NotAnEvent> {
        let mut record = Self { raw: value.as_raw_cow(), identity: Cow::Borrowed("null"), ..Self::default() };
        let mut event_time = Cow::Borrowed("");
        for field in value.into_object_iter().ok_or(NOT_AN_OBJECT)? {
            let (key, value) = field.map_err(|_| NOT_AN_OBJECT)?;
            let slot = match key.as_ref() {
                "eventTime" => &mut event_time,
                "eventID" => &mut record.id,
                "eventSource" => &mut record.source,
                "eventName" => &mut record.name,
                "awsRegion" => &mut record.region,
                "sourceIPAddress" => &mut record.source_ip,
                "userAgent" => &mut record.user_agent,
                "errorCode" => &mut record.error_code,
                "eventType" => &mut record.event_type,
                "recipientAccountId" => &mut record.recipient,
                "userIdentity" => {
                    record.identity = value.as_raw_cow();
                    continue;
                }
                "requestParameters" => {
                    record.request = value.as_raw_cow();
                    continue;
                }
                "responseElements" => {
                    record.response = value.as_raw_cow();
                    continue;
                }
                "readOnly" => {
                    record.read_only = boolean(value.as_raw_str());
                    continue;
                }
                "sessionCredentialFromConsole" => {
                    record.from_console = boolean(value.as_raw_str()) == Some(true);
                    continue;
                }
                "errorMessage" => {
                    record.error_message = value.as_raw_str().len() > 4;
                    &mut record.message
                }
                "vpcEndpointId" => {
                    record.via_endpoint = value.as_raw_str().len() > 4;
                    continue;
                }
                _ => continue,
            };
            *slot = string(value.as_raw_cow());
        }
        Ok((record, event_time))
    }

    /// What AWS said about a failure. Some services tell it in their answer.
    pub(crate) fn refusal(&self) -> Option<Cow<'_, str>> {
        if !self.message.is_empty() {
            return Some(Cow::Borrowed(&self.message));
        }
        let told = sonic_rs::get(&*self.response, ["message"]).ok()?;
        Some(Cow::Owned(serde_json::from_str(told.as_raw_str()).ok()?))
    }

    /// Whether it came from inside of AWS or of a private network: through an endpoint, or from a private address.
    pub(crate) fn is_inside(&self) -> bool {
        let second = || self.source_ip.strip_prefix("172.")?.split('.').next()?.parse::<u8>().ok();
        let is_private = || {
            let begins = |prefix: &str| self.source_ip.starts_with(prefix);
            begins("10.") || begins("192.168.") || second().is_some_and(|second| (16..32).contains(&second))
        };
        self.via_endpoint || is_private()
    }

    fn judge(mut self, event_time: &str) -> Result<Self, NotAnEvent> {
        if self.event_type == "AwsCloudTrailInsight" || self.source == "aws:s3" || self.source == "aws:sqs" {
            return Err(NotAnEvent::NotALog);
        }
        if self.name.is_empty() || self.source.is_empty() {
            let meant = !self.source.is_empty() || !self.name.is_empty() || self.identity.len() > 4;
            return Err(if meant { NotAnEvent::Malformed("no eventName or eventSource") } else { NotAnEvent::NotALog });
        }
        self.time = time::parse(event_time).ok_or(NotAnEvent::Malformed("eventTime is not a time"))?;
        Ok(self)
    }
}

/// The value of a JSON string, unescaped; other scalars as they are written; null as nothing.
fn string(raw: Cow<'_, str>) -> Cow<'_, str> {
    let inside = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(text) if !text.contains('\\') => match raw {
            Cow::Borrowed(raw) => Cow::Borrowed(&raw[1..raw.len() - 1]),
            Cow::Owned(_) => Cow::Owned(text.to_owned()),
        },
        Some(_) => serde_json::from_str(&raw).map_or(Cow::Borrowed(""), Cow::Owned),
        None if raw == "null" || raw.starts_with(['{', '[']) => Cow::Borrowed(""),
        None => raw,
    }
}

fn boolean(raw: &str) -> Option<bool> {
    match raw.trim_matches('"') {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A record whose keys an export has changed (all lower case; `@timestamp` for the time), with CloudTrail's own spelling.
fn respelt(raw: &str) -> Option<String> {
    const NAMES: [&str; 22] = [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "requestID",
        "eventID",
        "eventType",
        "recipientAccountId",
        "readOnly",
        "additionalEventData",
        "sharedEventID",
        "resources",
        "managementEvent",
        "eventCategory",
    ];
    let Value::Object(fields) = serde_json::from_str::<Value>(raw).ok()? else {
        return None;
    };
    let spelt = |key: &str| NAMES.iter().copied().find(|name| name.eq_ignore_ascii_case(&key.replace('_', "")));
    let mut changed = false;
    let mut out = serde_json::Map::new();
    for (key, value) in fields {
        let name = match spelt(&key) {
            Some(name) => name.to_owned(),
            None if key == "@timestamp" => "eventTime".to_owned(),
            None => key.clone(),
        };
        changed |= name != key;
        if name == key || !out.contains_key(&name) {
            out.insert(name, value);
        }
    }
    changed.then(|| Value::Object(out).to_string())
}
