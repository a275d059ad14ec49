//! Lets nobody get new sessions of a role. Sessions that live go on: their end is another action.

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::Subject;
use super::iam::{Principal, ROLES, document, held_whole, refused};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::Refusal;
use crate::model::plan::{Class, Target};

/// State: `document`, the trust policy, byte for byte.
pub(super) struct CloseTrust;

const READS: &[Right] = &[Right::on("iam:GetRole", ROLES)];
const WRITES: &[Right] = &[Right::on("iam:UpdateAssumeRolePolicy", ROLES)];

impl Action for CloseTrust {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "close-trust",
                about: "Replaces the trust policy of the role by one that lets nobody assume it.",
                on: &["iam:role"],
                class: Class::R2,
                phase: phase::DENY,
                reads: READS,
                writes: WRITES,
                undoes: WRITES,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(held_whole(cloud, subject))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let head = Principal::of(cloud, target)?.head().await?;
            Ok(Observed { id: head.id, state: json!({ "document": head.trust }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        let goal = json!({ "document": document::deny_trust() });
        // Without the former text there is no way back.
        (state["document"].is_string() && *state != goal).then_some(goal)
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let changes = format!("lets nobody assume {}, services included", Principal::words(&target.arn));
        let lost = before["document"].as_str().is_some_and(document::names_the_gone);
        let undo = if lost {
            "AWS does not take the former trust policy back: it names principals that are deleted; it is in the plan as text"
        } else {
            "writes the former trust policy back"
        };
        (changes, Some(undo.to_owned()))
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        from: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            if from == to {
                return Ok(Value::Null);
            }
            let Some(document) = to["document"].as_str() else {
                let why = "the trust policy to write is not known".to_owned();
                return Err(Refusal::Other { action: "iam:UpdateAssumeRolePolicy", why });
            };
            let principal = Principal::of(cloud, target)?;
            let call = principal.client.update_assume_role_policy().role_name(&principal.name);
            let answer = call.policy_document(document).send().await;
            answer.map(|_| Value::Null).map_err(refused!("iam:UpdateAssumeRolePolicy"))
        })
    }
}
