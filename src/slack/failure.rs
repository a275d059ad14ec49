//! What went wrong between this program and Slack. Nothing of a body is told but Slack's own word for a refusal: bodies
//! hold what people wrote, and addresses that are secrets.

use std::error::Error;
use std::fmt;

use serde_json::Value;
use slack_morphism::errors::SlackClientError;

use crate::event::{HOUR, Seconds};
use crate::model::{chain, escape};

/// The longest word and the longest reason that are told, in characters.
const LONGEST_WORD: usize = 64;
const LONGEST_REASON: usize = 200;
/// Words by which Slack asks to be left alone in an answer that is otherwise a success.
const BUSY: [&str; 2] = ["ratelimited", "rate_limited"];

/// Why a call is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Slack says no.
    Refused {
        /// Its word for why, such as `channel_not_found`.
        word: String,
        /// The scope that it misses, such as `channels:history`.
        needed: Option<String>,
    },
    /// Slack asks to be left alone, for so many seconds where it says so, an hour at most.
    Busy(Option<Seconds>),
    /// No answer, or none that Slack gives. The call may have had its effect.
    Lost(String),
}

impl Failure {
    /// What Slack says in a body with `ok: false`.
    pub(crate) fn refused(word: &str, body: Option<&Value>) -> Self {
        let word = named(word);
        if BUSY.contains(&word.as_str()) {
            return Self::Busy(None);
        }
        let needed = body.and_then(|body| body.get("needed")).and_then(Value::as_str).map(named);
        Self::Refused { word, needed }
    }

    /// By a status of HTTP that is no success.
    pub(crate) fn of_status(status: u16, retry_after: Option<Seconds>) -> Self {
        match status {
            429 => Self::Busy(retry_after.map(|wait| wait.clamp(0, HOUR))),
            300..400 => Self::Lost(format!("the answer is {status}; redirects are not followed")),
            _ => Self::Lost(format!("the answer is {status}")),
        }
    }

    /// An answer that cannot be read.
    pub(crate) fn garbage() -> Self {
        Self::Lost("the answer is none that Slack gives".to_owned())
    }

    /// What went wrong on the way.
    pub(crate) fn on_the_way(error: &(dyn Error + 'static)) -> Self {
        let why = escape::terminal(&chain(error));
        Self::Lost(why.chars().take(LONGEST_REASON).collect())
    }
}

impl From<SlackClientError> for Failure {
    fn from(error: SlackClientError) -> Self {
        let cause = |cause: Option<Box<dyn Error + Send + Sync>>| match cause {
            Some(cause) => Self::on_the_way(cause.as_ref()),
            None => Self::Lost("the connection failed".to_owned()),
        };
        match error {
            SlackClientError::ApiError(error) => {
                let body = error.http_response_body.and_then(|body| serde_json::from_str(&body).ok());
                Self::refused(&error.code, body.as_ref())
            }
            SlackClientError::RateLimitError(error) => {
                Self::of_status(429, error.retry_after.map(|wait| wait.as_secs().try_into().unwrap_or(HOUR)))
            }
            SlackClientError::HttpError(error) => Self::of_status(error.status_code.as_u16(), None),
            SlackClientError::ProtocolError(_) => Self::garbage(),
            SlackClientError::HttpProtocolError(error) => cause(error.cause),
            SlackClientError::SystemError(error) => cause(error.cause),
            SlackClientError::EndOfStream(_) | SlackClientError::SocketModeProtocolError(_) => cause(None),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { word, needed: None } => f.write_str(word),
            Self::Refused { word, needed: Some(scope) } => write!(f, "{word} ({scope})"),
            Self::Busy(None) => f.write_str("Slack asks to be left alone"),
            Self::Busy(Some(wait)) => write!(f, "Slack asks to be left alone for {wait} seconds"),
            Self::Lost(why) => f.write_str(why),
        }
    }
}

/// A word or a list of scopes as Slack writes them, and nothing else.
fn named(text: &str) -> String {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || "_.,:-".contains(*c);
    let word: String = text.chars().filter(is_part).take(LONGEST_WORD).collect();
    if word.is_empty() { "an error without a name".to_owned() } else { word }
}
