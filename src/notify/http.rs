//! How the program asks other people's servers.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::event::{HOUR, Seconds};

const CONNECT: Duration = Duration::from_secs(10);

/// A client that follows no redirect: what is signed for one receiver is not sent to another.
///
/// # Errors
/// Where TLS cannot be set up.
pub(super) fn client() -> Result<Client, String> {
    let agent = concat!("stakeout/", env!("CARGO_PKG_VERSION"));
    let client = Client::builder().user_agent(agent).redirect(Policy::none()).connect_timeout(CONNECT);
    client.build().map_err(|error| format!("setting up TLS: {}", told(error)))
}

/// What went wrong on the way, without the URL, which may be a secret.
pub(super) fn told(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    super::chain(&error.without_url())
}

/// Whether the same request may be taken later.
pub(super) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
}

/// How long a server asks to be left alone: seconds, or an HTTP date. An hour at most, whatever it says.
pub(super) fn retry_after(headers: &HeaderMap, now: Seconds) -> Option<Seconds> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let until = |text: &str| Some(DateTimeParser::new().parse_timestamp(text).ok()?.as_second().saturating_sub(now));
    let wait = text.parse::<Seconds>().ok().or_else(|| until(text))?;
    Some(wait.clamp(0, HOUR))
}
