//! Refuses everything to some sessions of a role, or to every session that began before the step, and leaves the rest.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::{Hold, Subject};
use super::iam::{Inline, LIST_USERS, Principal, ROLES, USERS, document, whole};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::event::Seconds;
use crate::model::plan::{Class, Target};

/// State: `document`, the inline policy of this incident, or null.
pub(super) struct DenySessions;

const INLINE: Inline = Inline { name: "stakeout-sessions" };
/// A session that is minted while the policy spreads dies with the older ones.
const SPREAD: Seconds = 30;
/// In a target: the sessions as a list in JSON; without it all that are older than the step.
const SESSIONS: &str = "sessions";
/// In a target, and in what a plan wants: when the incident last did anything, in seconds since 1970. A document of an
/// earlier time leaves sessions alive that began since.
const SINCE: &str = "since";

const READS: &[Right] = &[
    Right::on("iam:GetUser", USERS),
    LIST_USERS,
    Right::on("iam:GetRole", ROLES),
    Right::on("iam:GetUserPolicy", USERS),
    Right::on("iam:GetRolePolicy", ROLES),
];
const WRITES: &[Right] = &[Right::on("iam:PutUserPolicy", USERS), Right::on("iam:PutRolePolicy", ROLES)];
const UNDOES: &[Right] = &[
    Right::on("iam:DeleteUserPolicy", USERS),
    Right::on("iam:DeleteRolePolicy", ROLES),
    Right::on("iam:PutUserPolicy", USERS),
    Right::on("iam:PutRolePolicy", ROLES),
];

impl Action for DenySessions {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "deny-sessions",
                about: "Puts an inline policy that refuses everything to the sessions of the incident, or to every session that is older \
         than the step; keys that are no session stay.",
                on: &["iam:user", "iam:role"],
                class: Class::R2,
                phase: phase::DENY,
                reads: READS,
                writes: WRITES,
                undoes: UNDOES,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let since = [(SINCE, subject.since.to_string())];
            let since = if subject.since > 0 { &since[..] } else { &[] };
            match (subject.kind.as_str(), subject.hold) {
                (_, Hold::OldSessions) | ("iam:user", Hold::Sessions) => whole(cloud, subject, since).await,
                // Sessions that a key minted outlive the key.
                ("iam:user", Hold::Credentials) if !subject.sessions.is_empty() => whole(cloud, subject, since).await,
                ("iam:role", Hold::Sessions) if !subject.sessions.is_empty() => {
                    whole(cloud, subject, &[(SESSIONS, json!(subject.sessions).to_string())]).await
                }
                _ => Ok(Vec::new()),
            }
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        INLINE.observe(cloud, target)
    }

    /// For old sessions, a document of an earlier plan does, unless the incident went on since.
    fn goal(&self, target: &Target, state: &Value) -> Option<Value> {
        let goal = match (sessions(target), since(target)) {
            (Some(sessions), _) => json!({ "document": document::deny_sessions(&sessions) }),
            (None, Some(since)) => json!({ "document": document::deny_before(document::STEP_TIME), SINCE: since }),
            (None, None) => json!({ "document": document::deny_before(document::STEP_TIME) }),
        };
        (!self.holds(state, &goal)).then_some(goal)
    }

    fn holds(&self, state: &Value, after: &Value) -> bool {
        let time = || state["document"].as_str().and_then(document::time_of);
        let is_late = after[SINCE].as_i64().is_none_or(|since| time().is_some_and(|time| time >= since));
        Inline::holds(state, after) && is_late
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let who = Principal::words(&target.arn);
        let changes = match sessions(target) {
            Some(sessions) => {
                let names: Vec<_> =
                    sessions.iter().map(|one| one.split_once(':').map_or(&**one, |(_, name)| name)).collect();
                format!("refuses everything to these sessions of {who}: {}", names.join(", "))
            }
            None => format!("refuses everything to all sessions of {who} that are older than the step"),
        };
        (changes, Some(INLINE.undo_words(before)))
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        from: &'a Value,
        to: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        let time = knobs.now.saturating_add(SPREAD).max(to[SINCE].as_i64().unwrap_or_default());
        Box::pin(INLINE.set(cloud, target, (from, to), time))
    }
}

fn since(target: &Target) -> Option<Seconds> {
    target.detail.get(SINCE)?.parse().ok()
}

fn sessions(target: &Target) -> Option<BTreeSet<String>> {
    serde_json::from_str(target.detail.get(SESSIONS)?).ok()
}
