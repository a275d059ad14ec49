//! A request from Slack, or from somebody who says so.

#[cfg(test)]
pub(crate) mod tests;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use serde_json::Value;
use sha2::Sha256;

use super::press;
pub(crate) use super::seen::Seen;
use crate::config::Revealed;
use crate::event::Seconds;
use crate::model::click::Click;

/// How far the time of a request may be from this machine's.
pub(super) const WINDOW: Seconds = 300;
/// How old a request may be that was proved before and handed on. Lambda keeps what is handed on for up to six hours, and
/// delivers it late where the function is throttled. Slack takes an answer for half an hour after the press: of a press
/// that is decided later nobody could be told, and whoever copied one could press it again for longer.
const HANDED_ON: Seconds = 1_800;
/// The largest body, in bytes. A press comes with the message that it is in.
pub(super) const LARGEST: usize = 1 << 18;
/// The longest challenge that is sent back, in bytes.
const LONGEST_CHALLENGE: usize = 1_024;
const DIGEST: usize = 32;

/// A request, with its body as it was sent (of a function URL decoded from base64).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'r> {
    /// `X-Slack-Signature`.
    pub signature: &'r str,
    /// `X-Slack-Request-Timestamp`.
    pub timestamp: &'r str,
    pub content_type: &'r str,
    pub body: &'r [u8],
}

/// What is answered, and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status of HTTP.
    pub status: u16,
    pub body: String,
    pub click: Option<Click>,
}

impl Reply {
    pub(crate) fn only(status: u16) -> Self {
        Self { status, body: String::new(), click: None }
    }
}

/// Proves that Slack sent a request, and reads it. A press that was seen before is answered, and is no click.
pub(crate) fn receive(request: Request<'_>, secret: &Revealed, seen: &mut Seen, now: Seconds) -> Reply {
    within(WINDOW, request, secret, seen, now)
}

/// The same of a request that was proved when it came, and handed on by somebody who proves nothing.
pub(crate) fn receive_again(request: Request<'_>, secret: &Revealed, now: Seconds) -> Reply {
    within(HANDED_ON, request, secret, &mut Seen::default(), now)
}

/// Proves a request that is at most so many seconds old, and reads it.
fn within(window: Seconds, request: Request<'_>, secret: &Revealed, seen: &mut Seen, now: Seconds) -> Reply {
    if request.body.len() > LARGEST {
        return Reply::only(413);
    }
    if !is_signed(&request, secret, window, now) {
        return Reply::only(401);
    }
    let Ok(body) = std::str::from_utf8(request.body) else { return Reply::only(400) };
    let media = request.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let reply = match media.as_str() {
        "application/x-www-form-urlencoded" => form(body, seen, now),
        "application/json" => event(body),
        _ => None,
    };
    reply.unwrap_or_else(|| Reply::only(400))
}

/// Whether the headers of a request are such as Slack sends at a time. Nobody else's body is worth reading.
pub(super) fn is_likely(signature: &str, timestamp: &str, now: Seconds) -> bool {
    let is_signature = signature.strip_prefix("v0=").and_then(bytes).is_some();
    is_signature && time(timestamp).is_some_and(|at| now.abs_diff(at) <= WINDOW.unsigned_abs())
}

/// Whether the signature of this version is of exactly this body and time, and the time is this one.
fn is_signed(request: &Request<'_>, secret: &Revealed, window: Seconds, now: Seconds) -> bool {
    let signature = request.signature.strip_prefix("v0=").and_then(bytes);
    let (Some(signature), Some(at)) = (signature, time(request.timestamp)) else { return false };
    // What is to come is no older for having been handed on.
    let is_near = now.abs_diff(at) <= WINDOW.unsigned_abs() || (at..=at.saturating_add(window)).contains(&now);
    if secret.as_bytes().is_empty() || !is_near {
        return false;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(b"v0:");
    mac.update(request.timestamp.as_bytes());
    mac.update(b":");
    mac.update(request.body);
    mac.verify_slice(&signature).is_ok()
}

/// Digits and nothing else.
fn time(text: &str) -> Option<Seconds> {
    let is_digits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits { text.parse().ok() } else { None }
}

/// A digest of lower-case hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<_>>>().filter(|bytes| bytes.len() == DIGEST && text.len() == 2 * DIGEST)
}

/// What a person did. None where it cannot be read.
fn form(body: &str, seen: &mut Seen, now: Seconds) -> Option<Reply> {
    // The query of a URL is written as such a form is.
    let mut url = Url::parse("http://127.0.0.1/").ok()?;
    url.set_query(Some(body));
    let mut payloads = Vec::new();
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "payload" => payloads.push(value),
            "ssl_check" if value == "1" => return Some(Reply::only(200)),
            _ => {}
        }
    }
    let [payload] = payloads.as_slice() else { return None };
    let payload: Value = serde_json::from_str(payload).ok().filter(Value::is_object)?;
    let click = press::click(&payload).filter(|click| seen.is_new(&click.id, now));
    Some(Reply { click, ..Reply::only(200) })
}

/// What Slack says of itself. None where it cannot be read.
fn event(body: &str) -> Option<Reply> {
    let event: Value = serde_json::from_str(body).ok().filter(Value::is_object)?;
    if event.get("type").and_then(Value::as_str) != Some("url_verification") {
        return Some(Reply::only(200));
    }
    let challenge = event.get("challenge").and_then(Value::as_str);
    let challenge = challenge.filter(|challenge| challenge.len() <= LONGEST_CHALLENGE)?;
    Some(Reply { body: challenge.to_owned(), ..Reply::only(200) })
}
