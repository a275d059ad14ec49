//! Bounds a user or role by a policy that allows nothing: a second denial beside an attached one.

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::Subject;
use super::iam::{DENY_ALL, Principal, ROLES, USERS, deny_all, held_whole};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::model::plan::{Class, Target};

/// State: `boundary`, the ARN of the permissions boundary, or null.
pub(super) struct SetDenyBoundary;

const READS: &[Right] = &[Right::on("iam:GetUser", USERS), Right::on("iam:GetRole", ROLES)];
const ONLY_DENY: Option<(&str, &str, &str)> = Some(("ArnEquals", "iam:PermissionsBoundary", DENY_ALL));
const WRITES: &[Right] = &[
    Right { action: "iam:PutUserPermissionsBoundary", resource: USERS, only_if: ONLY_DENY },
    Right { action: "iam:PutRolePermissionsBoundary", resource: ROLES, only_if: ONLY_DENY },
];
/// The former boundary may be any.
const UNDOES: &[Right] = &[
    Right { action: "iam:DeleteUserPermissionsBoundary", resource: USERS, only_if: ONLY_DENY },
    Right { action: "iam:DeleteRolePermissionsBoundary", resource: ROLES, only_if: ONLY_DENY },
    Right::on("iam:PutUserPermissionsBoundary", USERS),
    Right::on("iam:PutRolePermissionsBoundary", ROLES),
];

impl Action for SetDenyBoundary {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "set-deny-boundary",
                about: "Makes AWSDenyAll the permissions boundary of the user or role: a denial beside the attached one.",
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
        Box::pin(held_whole(cloud, subject))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let head = Principal::of(cloud, target)?.head().await?;
            Ok(Observed { id: head.id, state: json!({ "boundary": head.boundary }) })
        })
    }

    fn goal(&self, target: &Target, state: &Value) -> Option<Value> {
        let goal = json!({ "boundary": deny_all(&target.arn) });
        (*state != goal).then_some(goal)
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let changes = format!("makes AWSDenyAll the permissions boundary of {}", Principal::words(&target.arn));
        let undo = match before["boundary"].as_str() {
            Some(boundary) => format!("makes {boundary} the permissions boundary again"),
            None => "takes the permissions boundary away".to_owned(),
        };
        (changes, Some(undo))
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
            let principal = Principal::of(cloud, target)?;
            match to["boundary"].as_str() {
                _ if from == to => {}
                Some(boundary) => principal.put_boundary(boundary).await?,
                None => principal.delete_boundary().await?,
            }
            Ok(Value::Null)
        })
    }
}
