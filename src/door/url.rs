//! Clicks through the URL of a Lambda function: a request as Lambda tells it, and an answer as Lambda wants it.
//!
//! It is read field by field: what a stand-in or a newer version of Lambda adds or leaves out elsewhere takes no press away.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::receive::{LARGEST, Reply, Request, is_likely};
use crate::event::Seconds;
use crate::model::base64;

/// A request that may be Slack's, in a form that can be handed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    pub signature: String,
    pub timestamp: String,
    pub content_type: String,
    /// As it was signed.
    pub body: String,
}

impl Posted {
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            signature: &self.signature,
            timestamp: &self.timestamp,
            content_type: &self.content_type,
            body: self.body.as_bytes(),
        }
    }
}

/// What came in, where it may be Slack's: anybody can ask the URL.
///
/// # Errors
/// The status of HTTP for what is not.
pub(crate) fn posted(event: &Value, now: Seconds) -> Result<Posted, u16> {
    if event.pointer("/requestContext/http/method").and_then(Value::as_str) != Some("POST") {
        return Err(405);
    }
    let header = |name: &str| {
        let headers = event.get("headers").and_then(Value::as_object);
        let found = headers.into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
    };
    let (signature, timestamp) = (header("x-slack-signature"), header("x-slack-request-timestamp"));
    if !is_likely(&signature, &timestamp, now) {
        return Err(401);
    }
    let text = event.get("body").and_then(Value::as_str).unwrap_or_default();
    // In base64 it is a third longer.
    if text.len() > LARGEST / 3 * 4 + 4 {
        return Err(413);
    }
    let is_encoded = event.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    let body = if is_encoded { decoded(text) } else { Some(text.to_owned()) };
    let body = body.ok_or(400_u16)?;
    Ok(Posted { signature, timestamp, content_type: header("content-type"), body })
}

/// Slack's requests are text.
fn decoded(text: &str) -> Option<String> {
    String::from_utf8(base64::decode(text)?).ok()
}

/// An answer with every field that Lambda knows: `cargo lambda watch` refuses one that lacks any.
pub(crate) fn answer(reply: &Reply) -> Value {
    json!({
        "statusCode": reply.status,
        "headers": { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
        "multiValueHeaders": {},
        "body": reply.body,
        "isBase64Encoded": false,
        "cookies": [],
    })
}
