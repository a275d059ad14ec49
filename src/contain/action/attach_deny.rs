//! Refuses everything to a user or role and to all of its sessions, with the policy that AWS keeps for this. Where that
//! cannot be attached or has no effect, an inline policy does the same.

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::Subject;
use super::iam::{DENY_ALL, LIST_USERS, Principal, ROLES, USERS, document, held_whole};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::Refusal;
use crate::model::plan::{Class, Target};

/// State: `attached` and `inline` say what is there, `denied` whether it is proven to refuse everything. What a plan wants
/// has no truth in `inline`, but a sentence: whether it is needed is known only after attaching.
pub(super) struct AttachDeny;

const INLINE: &str = "stakeout-deny";
const AS_NEEDED: &str = "only where attaching fails or has no effect";

const READS: &[Right] = &[
    Right::on("iam:GetUser", USERS),
    LIST_USERS,
    Right::on("iam:GetRole", ROLES),
    Right::on("iam:ListAttachedUserPolicies", USERS),
    Right::on("iam:ListAttachedRolePolicies", ROLES),
    Right::on("iam:GetUserPolicy", USERS),
    Right::on("iam:GetRolePolicy", ROLES),
    Right::on("iam:GetPolicy", DENY_ALL),
    Right::on("iam:GetPolicyVersion", DENY_ALL),
    Right::on("iam:SimulatePrincipalPolicy", USERS),
    Right::on("iam:SimulatePrincipalPolicy", ROLES),
];
const ONLY_DENY: Option<(&str, &str, &str)> = Some(("ArnEquals", "iam:PolicyARN", DENY_ALL));
/// The first two are enough while ten attached policies are not.
const WRITES: &[Right] = &[
    Right { action: "iam:AttachUserPolicy", resource: USERS, only_if: ONLY_DENY },
    Right { action: "iam:AttachRolePolicy", resource: ROLES, only_if: ONLY_DENY },
    Right::on("iam:PutUserPolicy", USERS),
    Right::on("iam:PutRolePolicy", ROLES),
];
const UNDOES: &[Right] = &[
    Right { action: "iam:DetachUserPolicy", resource: USERS, only_if: ONLY_DENY },
    Right { action: "iam:DetachRolePolicy", resource: ROLES, only_if: ONLY_DENY },
    Right::on("iam:DeleteUserPolicy", USERS),
    Right::on("iam:DeleteRolePolicy", ROLES),
];

impl Action for AttachDeny {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "attach-deny",
                about: "Attaches AWSDenyAll, or an inline policy that does the same, so that every call of the user or role and of its \
         sessions is refused.",
                on: &["iam:user", "iam:role"],
                class: Class::R1,
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
            let principal = Principal::of(cloud, target)?;
            let id = principal.head().await?.id;
            let (deny_all, policy) = (principal.deny_all(), inline_name(&cloud.incident));
            let attached = principal.attached().await?.iter().any(|(arn, _)| *arn == deny_all);
            let own = principal.inline(&policy).await?;
            let is_denied = if attached || own.is_some() {
                let is_written = own.as_deref().is_some_and(document::denies_all);
                proven(&principal, attached, is_written).await
            } else {
                false
            };
            Ok(Observed { id, state: json!({ "attached": attached, "inline": own.is_some(), "denied": is_denied }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (!is_cut_off(state)).then(|| json!({ "attached": true, "inline": AS_NEEDED, "denied": true }))
    }

    fn holds(&self, state: &Value, after: &Value) -> bool {
        if is_restoring(after) {
            state["attached"] == after["attached"] && state["inline"] == after["inline"]
        } else {
            is_cut_off(state)
        }
    }

    /// Each of the two ways may be gone half way, with or without effect.
    fn is_between(&self, state: &Value, _: &Value, _: &Value) -> bool {
        state["attached"].is_boolean() && state["inline"].is_boolean()
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let who = Principal::words(&target.arn);
        let changes = format!("attaches AWSDenyAll to {who}: every call of it and of its sessions is refused");
        let undo = match (before["attached"].as_bool(), before["inline"].as_bool()) {
            (Some(true), _) => "deletes the inline policy that was added; AWSDenyAll was attached before and stays",
            _ => "detaches AWSDenyAll, and deletes the inline policy where one was added",
        };
        (changes, Some(undo.to_owned()))
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        from: &'a Value,
        to: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let principal = Principal::of(cloud, target)?;
            let policy = inline_name(&knobs.incident);
            if is_restoring(to) {
                restore(&principal, &policy, from, to).await
            } else {
                deny(&principal, &policy, from).await
            }
        })
    }
}

fn inline_name(incident: &str) -> String {
    format!("{INLINE}-{incident}")
}

/// By what is there for it: a denial of another incident may go with that incident.
fn is_cut_off(state: &Value) -> bool {
    state["denied"] == true && (state["attached"] == true || state["inline"] == true)
}

/// Whether a state is one that was read, and not one that a plan wants.
fn is_restoring(to: &Value) -> bool {
    to["inline"].is_boolean()
}

/// Whether AWS says that everything is refused; where it does not say, whether a document in force says so.
async fn proven(principal: &Principal, attached: bool, is_written: bool) -> bool {
    match principal.is_denied().await {
        Some(said) => said,
        None => is_written || attached && principal.refuses_all(&principal.deny_all()).await,
    }
}

/// Attaches, and adds the inline policy where that is not possible or shows no effect. Where it was attached before this
/// call and is not proven, it had its chance.
async fn deny(principal: &Principal, policy: &str, from: &Value) -> Result<Value, Refusal> {
    if is_cut_off(from) {
        return Ok(Value::Null);
    }
    let why = if from["attached"] == true {
        "it has no effect".to_owned()
    } else {
        match principal.attach(&principal.deny_all()).await {
            Ok(())
                if principal.refuses_all(&principal.deny_all()).await || principal.is_denied().await == Some(true) =>
            {
                return Ok(json!({ "by": "AWSDenyAll" }));
            }
            Ok(()) => "it has no effect".to_owned(),
            // Then the inline policy would not be taken either, or the next try goes better.
            Err(refusal @ (Refusal::Throttled(_) | Refusal::Passing(_) | Refusal::Credentials(_))) => {
                return Err(refusal);
            }
            Err(refusal) => refusal.to_string(),
        }
    };
    match principal.put_inline(policy, &document::deny_all()).await {
        Ok(()) => Ok(json!({ "by": policy, "why_not_attached": why })),
        Err(refusal @ Refusal::Other { action, .. }) => {
            Err(Refusal::Other { action, why: format!("{refusal}; and AWSDenyAll: {why}") })
        }
        Err(refusal) => Err(refusal),
    }
}

/// Exactly what was there before: nothing that somebody else put there is taken away.
async fn restore(principal: &Principal, policy: &str, from: &Value, to: &Value) -> Result<Value, Refusal> {
    let deny_all = principal.deny_all();
    match (from["attached"] == true, to["attached"] == true) {
        (true, false) => principal.detach(&deny_all).await.or_else(gone_is_done)?,
        (false, true) => principal.attach(&deny_all).await?,
        _ => {}
    }
    match (from["inline"] == true, to["inline"] == true) {
        (true, false) => principal.delete_inline(policy).await.or_else(gone_is_done)?,
        (false, true) => principal.put_inline(policy, &document::deny_all()).await?,
        _ => {}
    }
    Ok(Value::Null)
}

fn gone_is_done(refusal: Refusal) -> Result<(), Refusal> {
    if matches!(refusal, Refusal::Gone(_)) { Ok(()) } else { Err(refusal) }
}
