//! JSON sent by POST, signed, and tried again while that may help.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url};
use sha2::{Digest as _, Sha256};

use super::{Message, Undelivered, body, http};
use crate::config::{self, Endpoint, Revealed};
use crate::event::Seconds;
use crate::model::hex;

/// Attempts in one delivery.
const TRIES: u32 = 3;
/// The wait after the first attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait within a delivery. A receiver that asks for more is tried by a later pass.
const LONGEST_WAIT: Seconds = 10;

/// What a receiver says of the message itself, or of an address that is gone for good. All else that it refuses, such as
/// a wrong secret, is a matter for the settings of one side, and may be mended while the message waits.
const FINAL: [StatusCode; 4] =
    [StatusCode::BAD_REQUEST, StatusCode::GONE, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];

/// Waiting and chance, which tests replace. Chance is from 0 to 1.
pub(super) struct Patience<S, R> {
    pub sleep: S,
    pub random: R,
}

/// A receiver of JSON.
pub(crate) struct Webhook {
    name: String,
    url: Url,
    secret: Option<Revealed>,
    timeout: Duration,
    client: Client,
}

impl Webhook {
    /// # Errors
    /// Where the URL or the secret is not there; neither is told.
    pub(super) fn new(settings: &config::Webhook) -> Result<Self, String> {
        let url = settings.url.url().map_err(|error| error.to_string())?;
        let url = Url::parse(url.as_str()).map_err(|_| "the URL is none".to_owned())?;
        let secret = settings.secret.as_ref().map(config::Secret::reveal).transpose();
        Ok(Self {
            name: name(settings),
            url,
            secret: secret.map_err(|error| error.to_string())?,
            timeout: Duration::from_secs(settings.timeout.unsigned_abs()),
            client: http::client()?,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn deliver(&self, message: &Message, now: Seconds) -> Result<(), Undelivered> {
        let patience = Patience { sleep: |wait: Duration| tokio::time::sleep(wait), random: fastrand::f64 };
        self.post(message, now, patience).await
    }

    /// Sends it until it is taken, refused for good, or has failed three times.
    pub(super) async fn post<S: AsyncFn(Duration), R: FnMut() -> f64>(
        &self,
        message: &Message,
        now: Seconds,
        mut patience: Patience<S, R>,
    ) -> Result<(), Undelivered> {
        let body = body::json(message).map_err(|error| Undelivered::last(format!("writing JSON: {error}")))?;
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let (lost, may_help) = match self.send(&message.key, &body, now).await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => (refused(&response, now), http::is_passing(response.status())),
                Err(error) => (Undelivered::passing(http::told(error)), true),
            };
            let asked = lost.retry_after.unwrap_or(0);
            if !may_help || attempt == TRIES || asked > LONGEST_WAIT {
                return Err(lost);
            }
            attempt += 1;
            // Half of the wait is chance, so that several senders do not knock at the same moment.
            let chosen = wait.mul_f64(0.5 + (patience.random)().clamp(0.0, 1.0) / 2.0);
            (patience.sleep)(chosen.max(Duration::from_secs(asked.unsigned_abs()))).await;
            wait *= 2;
        }
    }

    async fn send(&self, key: &str, body: &str, now: Seconds) -> reqwest::Result<Response> {
        let mut request = self
            .client
            .post(self.url.clone())
            .timeout(self.timeout)
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key);
        if let Some(secret) = &self.secret {
            request = request.header("Stakeout-Signature", signature(secret.as_bytes(), now, body));
        }
        request.body(body.to_owned()).send().await
    }
}

/// What the journal calls a webhook, whether or not its URL can be had.
pub(super) fn name(settings: &config::Webhook) -> String {
    match (&settings.name, &settings.url) {
        (Some(name), _) => format!("webhook {name}"),
        (None, Endpoint::Kept(reference)) => format!("webhook {reference}"),
        // Whoever knows the path may often use it: it is told as a fingerprint.
        (None, Endpoint::Url(text)) => {
            let url = Url::parse(text).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or("nowhere");
            let hash = Sha256::digest(url.as_ref().map_or(text.as_str(), Url::as_str));
            format!("webhook {host} {}", hex(hash.get(..4).unwrap_or_default()))
        }
    }
}

/// What an answer means that is no success.
fn refused(response: &Response, now: Seconds) -> Undelivered {
    let status = response.status();
    let why = match status.is_redirection() {
        true => format!("the receiver answers {status}; redirects are not followed"),
        false => format!("the receiver answers {status}"),
    };
    let is_final = FINAL.contains(&status);
    let retry_after = http::retry_after(response.headers(), now).filter(|_| !is_final);
    Undelivered { retry_after, is_final, ..Undelivered::passing(why) }
}

/// `t=<time>,v1=<hex HMAC-SHA256 of "<time>.<body>">`: the time is signed too, so that an old message cannot be sent
/// again as a new one.
pub(super) fn signature(secret: &[u8], now: Seconds, body: &str) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{now}.").as_bytes());
    mac.update(body.as_bytes());
    format!("t={now},v1={}", hex(&mac.finalize().into_bytes()))
}
