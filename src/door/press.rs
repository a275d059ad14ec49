//! What Slack says about a press of a button: the same over HTTP and Socket Mode.
//!
//! It is read field by field: whatever Slack adds or leaves out elsewhere in it takes no press away.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::click::{Button, Click, SlackUser};
use crate::model::hex;

/// The longest id that Slack gives, and the longest address for an answer.
const LONGEST_ID: usize = 40;
const LONGEST_URL: usize = 2_000;

/// The press of one of this program's buttons; none of anything else that people do in Slack.
pub(super) fn click(payload: &Value) -> Option<Click> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("/type") != Some("block_actions") {
        return None;
    }
    let user = text("/user/id").filter(|id| is_id(id, "UW"))?;
    // In a channel that workspaces share, a person may be of another workspace than the app.
    let team = text("/user/team_id").or_else(|| text("/team/id")).filter(|id| is_id(id, "TE")).unwrap_or_default();
    let actions = payload.get("actions").and_then(Value::as_array)?;
    let (action, button) = actions.iter().find_map(|action| {
        let text = |key| action.get(key).and_then(Value::as_str);
        Some((action, Button::parse(text("action_id")?, text("value")?)?))
    })?;
    let moment = action.get("action_ts").and_then(Value::as_str).or_else(|| text("/trigger_id")).unwrap_or_default();
    let channel = text("/channel/id").or_else(|| text("/container/channel_id"));
    let message = text("/container/message_ts").or_else(|| text("/message/ts"));
    Some(Click {
        id: id(&[user, button.action_id(), &button.value(), moment]),
        user: SlackUser { team: team.to_owned(), id: user.to_owned() },
        channel: channel.filter(|id| is_id(id, "CGD")).map(str::to_owned),
        message: message.filter(|ts| ts.len() <= LONGEST_ID).map(str::to_owned),
        response_url: text("/response_url").filter(|url| url.len() <= LONGEST_URL).map(str::to_owned),
        button,
    })
}

/// The same for the same press, however often it is delivered.
fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(hash.finalize().get(..16).unwrap_or_default())
}

/// An id as Slack gives it: a letter for its kind, then capitals and digits.
fn is_id(text: &str, kinds: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.starts_with(|kind| kinds.contains(kind)) && (2..=LONGEST_ID).contains(&text.len()) && text.bytes().all(is_part)
}
