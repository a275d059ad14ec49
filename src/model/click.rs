//! What somebody pressed in a chat: the nouns between the message that shows a button and the decision that it asks for.

use serde::{Deserialize, Serialize};

/// Somebody in a Slack workspace, as Slack says it over a connection that proves to be Slack's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SlackUser {
    /// The workspace's id, such as `T0123`.
    pub team: String,
    /// The user's id, such as `U0123`.
    pub id: String,
}

/// What a plan is to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aim {
    Contain,
    /// Takes back what was done.
    Undo,
    /// Deletes for good what is contained.
    Delete,
}

/// What a button asks for. Its value holds everything that the decision needs, so that no message is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Button {
    /// Agree to exactly this plan; with enough people it runs.
    Approve { incident: String, digest: String },
    /// Nobody may run this plan.
    Deny { incident: String, digest: String },
    /// Make a plan, and show it.
    Plan { incident: String, aim: Aim },
    /// Every step of a plan, for whoever asks.
    Show { incident: String, digest: String },
    /// It is all right: close the incident as it was shown, at this revision of it.
    Close { incident: String, revision: u32 },
    /// A button of a drill or a test: says whether whoever presses could decide, and does nothing.
    Rehearse,
}

/// Characters of a digest: SHA-256 in hex.
const DIGEST: usize = 64;
/// The longest id of an incident.
const LONGEST_ID: usize = 64;
const APPROVE: &str = "approve";
const DENY: &str = "deny";
const PLAN: [(&str, Aim); 3] = [("plan-contain", Aim::Contain), ("plan-undo", Aim::Undo), ("plan-delete", Aim::Delete)];
const SHOW: &str = "show";
const CLOSE: &str = "close";
const REHEARSE: &str = "rehearse";

impl Button {
    /// The action's id in Slack's words.
    pub(crate) fn action_id(&self) -> &'static str {
        match self {
            Self::Approve { .. } => APPROVE,
            Self::Deny { .. } => DENY,
            Self::Plan { aim, .. } => PLAN.iter().find(|(_, known)| known == aim).map_or(SHOW, |(id, _)| id),
            Self::Show { .. } => SHOW,
            Self::Close { .. } => CLOSE,
            Self::Rehearse => REHEARSE,
        }
    }

    /// The incident that it is about; of a drill something that is none.
    pub(crate) fn incident(&self) -> &str {
        match self {
            Self::Approve { incident, .. }
            | Self::Deny { incident, .. }
            | Self::Plan { incident, .. }
            | Self::Show { incident, .. }
            | Self::Close { incident, .. } => incident,
            Self::Rehearse => "",
        }
    }

    /// The value that comes back with a press.
    pub(crate) fn value(&self) -> String {
        match self {
            Self::Approve { incident, digest } | Self::Deny { incident, digest } | Self::Show { incident, digest } => {
                format!("{incident} {digest}")
            }
            Self::Plan { incident, .. } => incident.clone(),
            Self::Close { incident, revision } => format!("{incident} {revision}"),
            Self::Rehearse => String::from("drill"),
        }
    }

    /// The button that an action's id and value are of; none that is not ours. Several buttons of one drill have ids that
    /// begin alike, because no two buttons of a block may have the same.
    pub(crate) fn parse(action_id: &str, value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let (first, second) = (words.next().filter(|word| !word.is_empty())?, words.next());
        if words.next().is_some() {
            return None;
        }
        // What is ours is short: a value that is not comes from whoever holds the signing secret.
        let incident = Some(first).filter(|id| id.len() <= LONGEST_ID)?.to_owned();
        if let Some((_, aim)) = PLAN.iter().find(|(id, _)| *id == action_id) {
            return second.is_none().then_some(Self::Plan { incident, aim: *aim });
        }
        if action_id.starts_with(REHEARSE) {
            return second.is_none().then_some(Self::Rehearse);
        }
        let is_digest = |text: &&str| text.len() == DIGEST && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digest = || second.filter(is_digest).map(str::to_owned);
        match action_id {
            APPROVE => Some(Self::Approve { incident, digest: digest()? }),
            DENY => Some(Self::Deny { incident, digest: digest()? }),
            SHOW => Some(Self::Show { incident, digest: digest()? }),
            CLOSE => Some(Self::Close { incident, revision: second?.parse().ok()? }),
            _ => None,
        }
    }
}

/// One press of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Click {
    /// The same when Slack delivers it again.
    pub id: String,
    pub user: SlackUser,
    pub button: Button,
    /// The channel that the message is in, and Slack's name for the message (`ts`).
    pub channel: Option<String>,
    pub message: Option<String>,
    /// Where an answer that only the user sees may be sent, five times in 30 minutes.
    pub response_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_comes_back_as_it_was_sent() {
        let (incident, digest) = ("inc-0a1b2c".to_owned(), "0f".repeat(32));
        let mut buttons = vec![
            Button::Approve { incident: incident.clone(), digest: digest.clone() },
            Button::Deny { incident: incident.clone(), digest: digest.clone() },
            Button::Show { incident: incident.clone(), digest },
            Button::Close { incident: incident.clone(), revision: 7 },
            Button::Rehearse,
        ];
        buttons.extend(PLAN.map(|(_, aim)| Button::Plan { incident: incident.clone(), aim }));
        for button in buttons {
            assert_eq!(Button::parse(button.action_id(), &button.value()), Some(button));
        }
        assert_eq!(Button::parse("rehearse-approve", "drill"), Some(Button::Rehearse));
        for (id, value) in
            [("approve", "inc-1"), ("approve", "inc-1 xyz"), ("close", "inc-1 x"), ("plan-undo", ""), ("x", "y")]
        {
            assert_eq!(Button::parse(id, value), None, "{id} {value}");
        }
    }
}
