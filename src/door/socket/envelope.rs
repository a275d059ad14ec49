//! What Slack says over a connection of Socket Mode.

use serde_json::{Value, json};

use crate::door::press;
use crate::model::click::Click;

/// Slack's reasons for an end that comes every few hours, after which the next connection is to be made at once.
const ROUTINE: [&str; 2] = ["warning", "refresh_requested"];
/// The longest reason that is told, in characters.
const LONGEST_REASON: usize = 64;

/// One text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The connection stands.
    Hello,
    /// Slack is about to end it.
    Bye { why: String, is_routine: bool },
    /// Something that wants an answer, and the press that it is, where it is one of ours.
    Envelope { id: String, click: Option<Click> },
    /// Nothing that is known here.
    Other,
}

/// Reads a text.
pub(super) fn read(text: &str) -> Said {
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    let text = |key| said.get(key).and_then(Value::as_str);
    match (text("type"), text("envelope_id")) {
        (Some("hello"), _) => Said::Hello,
        (Some("disconnect"), _) => {
            let reason = text("reason").unwrap_or("no reason");
            let is_part = |c: &char| c.is_ascii_alphanumeric() || "_- ".contains(*c);
            let why = reason.chars().filter(is_part).take(LONGEST_REASON).collect();
            Said::Bye { why, is_routine: ROUTINE.contains(&reason) }
        }
        (Some("interactive"), Some(id)) => {
            Said::Envelope { id: id.to_owned(), click: said.get("payload").and_then(press::click) }
        }
        (_, Some(id)) => Said::Envelope { id: id.to_owned(), click: None },
        _ => Said::Other,
    }
}

/// The answer to an envelope.
pub(super) fn acknowledgement(id: &str) -> String {
    json!({ "envelope_id": id }).to_string()
}
