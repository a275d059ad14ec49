//! Refuses everything to a user from elsewhere than its usual networks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::{Hold, Subject};
use super::iam::{Inline, Principal, USERS, document, whole};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::model::plan::{Class, Target};

/// State: `document`, the inline policy of this incident, or null.
pub(super) struct DenyOtherNetworks;

const INLINE: Inline = Inline { name: "stakeout-networks" };
/// In a target: the networks as a list in JSON.
const NETWORKS: &str = "networks";

const READS: &[Right] = &[Right::on("iam:GetUser", USERS), Right::on("iam:GetUserPolicy", USERS)];
const WRITES: &[Right] = &[Right::on("iam:PutUserPolicy", USERS)];
const UNDOES: &[Right] = &[Right::on("iam:DeleteUserPolicy", USERS), Right::on("iam:PutUserPolicy", USERS)];

impl Action for DenyOtherNetworks {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "deny-other-networks",
                about: "Puts an inline policy that refuses everything to the user from other networks than its usual ones, but for what \
         AWS services do on its behalf.",
                on: &["iam:user"],
                class: Class::R2,
                phase: phase::DENY,
                reads: READS,
                writes: WRITES,
                undoes: UNDOES,
            }
        }
    }

    /// Without usual networks it would be a denial of everything, which is another action.
    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if subject.hold != Hold::Networks || subject.usual_networks.is_empty() {
                return Ok(Vec::new());
            }
            whole(cloud, subject, &[(NETWORKS, json!(subject.usual_networks).to_string())]).await
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        INLINE.observe(cloud, target)
    }

    fn goal(&self, target: &Target, state: &Value) -> Option<Value> {
        let networks = networks(target)?;
        let goal = json!({ "document": document::deny_elsewhere(&networks) });
        (!Inline::holds(state, &goal)).then_some(goal)
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let networks: Vec<_> = networks(target).unwrap_or_default().into_iter().collect();
        let who = Principal::words(&target.arn);
        let changes = format!("refuses everything to {who} from elsewhere than {}", networks.join(", "));
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
        Box::pin(INLINE.set(cloud, target, (from, to), knobs.now))
    }
}

fn networks(target: &Target) -> Option<BTreeSet<String>> {
    serde_json::from_str(target.detail.get(NETWORKS)?).ok()
}
