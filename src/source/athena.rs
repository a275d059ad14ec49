//! What a query engine makes of a record's fields, and back: column names without capitals, and
//! structures written as `{type=IAMUser, arn=...}`.

use serde_json::{Map, Value};

use super::scan;

/// The names CloudTrail uses, for those that differ from their lower-case form.
const NAMES: [&str; 60] = [
    "accessKeyId",
    "accountId",
    "additionalEventData",
    "apiVersion",
    "assumedRoot",
    "awsRegion",
    "cipherSuite",
    "clientProvidedHostHeader",
    "creationDate",
    "credentialId",
    "ec2RoleDelivery",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "federatedProvider",
    "identityProvider",
    "identityStoreArn",
    "inScopeOf",
    "insightDetails",
    "invokedBy",
    "invokedByDelegate",
    "issuerType",
    "managementEvent",
    "mfaAuthenticated",
    "onBehalfOf",
    "principalId",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "sessionContext",
    "sessionCredentialFromConsole",
    "sessionIssuer",
    "sharedEventID",
    "sourceIdentity",
    "sourceIPAddress",
    "tlsDetails",
    "tlsVersion",
    "originalRequestID",
    "originalEventID",
    "userAgent",
    "userId",
    "userIdentity",
    "userName",
    "vpcEndpointAccountId",
    "vpcEndpointId",
    "webIdFederationData",
    "credentialsIssuedTo",
    "resourceType",
    "updatedFields",
];

/// How deep structures in structures are followed.
const MAX_DEPTH: usize = 16;

/// CloudTrail's spelling of a name, where it is one of CloudTrail's.
pub(super) fn name(any_case: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(any_case))
}

/// The value of a cell of the column `key`; none when there is nothing in it.
pub(super) fn value(key: &str, cell: &str) -> Option<Value> {
    let cell = cell.trim();
    if cell.is_empty() || cell == "null" {
        return None;
    }
    if matches!(key, "readOnly" | "managementEvent") {
        let flag = cell.to_ascii_lowercase().parse().map(Value::Bool);
        return Some(flag.unwrap_or_else(|_| Value::String(cell.to_owned())));
    }
    let free_form =
        matches!(key, "requestParameters" | "responseElements" | "additionalEventData" | "serviceEventDetails");
    let parsed = if !cell.starts_with(['{', '[']) {
        None
    } else if let Ok(value) = serde_json::from_str(cell) {
        Some(value)
    } else {
        structure(cell)
    };
    Some(match parsed {
        Some(value) if free_form => value,
        Some(value) => with_capitals(value),
        None => Value::String(cell.to_owned()),
    })
}

/// Gives the keys of CloudTrail's own structures their capitals back.
fn with_capitals(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| {
                let key = name(&key).map_or(key, str::to_owned);
                (key, with_capitals(value))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(values) => values.into_iter().map(with_capitals).collect(),
        other => other,
    }
}

/// Reads `{key=value, key={...}, key=[...]}`. Nothing in it is quoted, so a text that can be
/// read in two ways is not read at all.
fn structure(text: &str) -> Option<Value> {
    let mut reader = Structure { text, at: 0 };
    let value = reader.value(0, b'}')?;
    (reader.at == text.len()).then_some(value)
}

struct Structure<'t> {
    text: &'t str,
    at: usize,
}

impl Structure<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The value at hand inside of something that `closing` ends.
    fn value(&mut self, depth: usize, closing: u8) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let opening = self.peek()?;
        if depth > 0 && opening == b'{' && self.text.as_bytes().get(self.at + 1) == Some(&b'"') {
            return self.document();
        }
        match opening {
            b'{' => self.members(depth),
            b'[' => self.elements(depth),
            _ => Some(self.scalar(closing)),
        }
    }

    /// JSON inside a structure stays the text it was.
    fn document(&mut self) -> Option<Value> {
        let end = scan::value(self.text.as_bytes(), self.at).ok()?;
        let document = self.text.get(self.at..end)?;
        self.at = end;
        Some(Value::String(document.to_owned()))
    }

    fn members(&mut self, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(Value::Object(members));
        }
        loop {
            let length = key_length(&self.text[self.at..])?;
            let key = self.text[self.at..self.at + length].to_owned();
            self.at += length + 1;
            match self.value(depth + 1, b'}')? {
                Value::String(text) if text == "null" => members.insert(key, Value::Null),
                value => members.insert(key, value),
            };
            if self.ends(b'}')? {
                return Some(Value::Object(members));
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Option<Value> {
        let mut elements = Vec::new();
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Some(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1, b']')?);
            if self.ends(b']')? {
                return Some(Value::Array(elements));
            }
        }
    }

    /// True behind the closing bracket, false behind a comma.
    fn ends(&mut self, closing: u8) -> Option<bool> {
        let rest = &self.text[self.at..];
        if rest.as_bytes().first() == Some(&closing) {
            self.at += 1;
            return Some(true);
        }
        self.at += 2;
        rest.starts_with(", ").then_some(false)
    }

    /// Text up to the closing bracket, or up to a comma that something else follows.
    fn scalar(&mut self, closing: u8) -> Value {
        let rest = &self.text[self.at..];
        let end = rest.bytes().enumerate().position(|(at, byte)| {
            let next = || rest.get(at + 2..);
            byte == closing
                || byte == b','
                    && rest[at..].starts_with(", ")
                    && (closing == b']' || next().and_then(key_length).is_some())
        });
        let end = end.unwrap_or(rest.len());
        self.at += end;
        Value::String(rest[..end].to_owned())
    }
}

/// The length of a key that an equals sign follows.
fn key_length(text: &str) -> Option<usize> {
    let length = text.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || b"_-.:/@".contains(&byte)))?;
    (length > 0 && text.as_bytes()[length] == b'=').then_some(length)
}
