//! What Slack's words mean for a message: whether it is worth another try, and what mends it.

use crate::notify::{Refused, Undelivered};
use crate::slack::Failure;

/// Slack does not want this message, whatever is set.
const FINAL: [&str; 9] = [
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_charset",
    "invalid_form_data",
    "invalid_json",
    "markdown_text_conflict",
    "no_text",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_locked",
];
/// Slack does not want it with these blocks.
const LAYOUT: [&str; 5] =
    ["block_mismatch", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"];
/// Trouble of Slack's own, whatever is sent.
const TROUBLE: [&str; 6] =
    ["accesslimited", "fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"];
/// The message that is spoken of is not there, or not this app's.
const GONE: [&str; 5] =
    ["cannot_reply_to_message", "cant_update_message", "edit_window_closed", "message_not_found", "thread_not_found"];
/// A channel that this app cannot read. It may post there all the same.
const UNREADABLE: [&str; 6] = [
    "access_denied",
    "channel_not_found",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_in_channel",
];

/// What a failed call means. `about` is the id of what it is about, of this side's own settings.
///
/// What the settings of one side can mend may be mended while the message waits.
pub(super) fn of(doing: &str, about: &str, failure: Failure) -> Undelivered {
    let (word, retry_after) = match &failure {
        Failure::Refused { word, .. } => (word.as_str(), None),
        Failure::Busy(wait) => ("", *wait),
        Failure::Lost(_) => ("", None),
    };
    let is_refusal = matches!(&failure, Failure::Refused { .. });
    // What somebody can mend in the settings concerns every message of a channel. What nobody knows concerns this one.
    let refused = match mend(word) {
        _ if !is_refusal || TROUBLE.contains(&word) => None,
        _ if LAYOUT.contains(&word) => Some(Refused::Layout),
        Some(_) => None,
        None => Some(Refused::Message),
    };
    let mend = mend(word).map_or_else(String::new, |mend| format!(": {mend}"));
    let space = if about.is_empty() { "" } else { " " };
    let why = format!("Slack: {doing}{space}{about}: {failure}{mend}");
    if GONE.contains(&word) {
        return Undelivered::gone(why);
    }
    let is_final = FINAL.contains(&word) || LAYOUT.contains(&word);
    Undelivered { retry_after, is_final, refused, ..Undelivered::passing(why) }
}

/// The same for looking for a message: what cannot be read is final, so that it is posted again and not lost.
pub(super) fn of_reading(channel: &str, failure: Failure) -> Undelivered {
    let is_unreadable = matches!(&failure, Failure::Refused { word, .. } if UNREADABLE.contains(&word.as_str()));
    let lost = of("looking for a message in", channel, failure);
    Undelivered { is_final: lost.is_final || is_unreadable, ..lost }
}

/// What a person can do.
fn mend(word: &str) -> Option<&'static str> {
    Some(match word {
        "channel_not_found" => "check the channel's id in the settings, and invite the app there: /invite @Stakeout",
        "not_in_channel" => "invite the app: /invite @Stakeout",
        "is_archived" => "unarchive the channel, or name another in the settings",
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "install the app again, and put the new token where the settings look for it"
        }
        "missing_scope" | "no_permission" => {
            "add the scope to the app, as `stakeout slack manifest` has it, and install the app again"
        }
        "not_allowed_token_type" => {
            "name the bot's token (xoxb-) in slack.token, and the one for Socket Mode (xapp-) in slack.app_token"
        }
        "restricted_action" | "restricted_action_read_only_channel" | "restricted_action_thread_only_channel" => {
            "let the app post in this channel, in the channel's settings"
        }
        "no_such_subteam" | "subteam_not_found" => "check the user group's id in approval.approvers",
        "team_access_not_granted" | "org_login_required" | "ekm_access_denied" | "access_denied" => {
            "an administrator of the workspace has to let the app in"
        }
        _ => return None,
    })
}
