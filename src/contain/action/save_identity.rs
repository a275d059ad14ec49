//! Saves what a user or role is and may do, before anything of it is changed.

mod read;

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::evidence::{self, Found};
use super::super::subject::Subject;
use super::iam::{Kind, Principal, ROLES, USERS, whole};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::model::plan::{Class, Target};

/// State: `saved`, whether the vault has it.
pub(super) struct SaveIdentity;

const ANY_POLICY: &str = "arn:aws:iam::*:policy/*";
const READS: &[Right] = &[
    Right::on("iam:GetUser", USERS),
    Right::on("iam:GetRole", ROLES),
    Right::on("iam:GetLoginProfile", USERS),
    Right::on("iam:GetPolicy", ANY_POLICY),
    Right::on("iam:GetPolicyVersion", ANY_POLICY),
    Right::on("iam:GetRolePolicy", ROLES),
    Right::on("iam:GetUserPolicy", USERS),
    Right::on("iam:GetAccessKeyLastUsed", USERS),
    Right::on("iam:ListAccessKeys", USERS),
    Right::on("iam:ListAttachedRolePolicies", ROLES),
    Right::on("iam:ListAttachedUserPolicies", USERS),
    Right::on("iam:ListGroupsForUser", USERS),
    Right::on("iam:ListInstanceProfilesForRole", ROLES),
    Right::on("iam:ListMFADevices", USERS),
    Right::on("iam:ListRolePolicies", ROLES),
    Right::on("iam:ListSSHPublicKeys", USERS),
    Right::on("iam:ListServiceSpecificCredentials", USERS),
    Right::on("iam:ListSigningCertificates", USERS),
    Right::on("iam:ListUserPolicies", USERS),
];

impl Action for SaveIdentity {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "save-identity",
                about: "Saves what a user or role is: its trust, policies with their texts, groups, and all of its credentials but their \
         secrets.",
                on: &["iam:user", "iam:role"],
                class: Class::R0,
                phase: phase::EVIDENCE,
                reads: READS,
                writes: &[],
                undoes: &[],
            }
        }
    }

    fn is_undoable(&self) -> bool {
        false
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(whole(cloud, subject, &[]))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let id = Principal::of(cloud, target)?.head().await?.id;
            let saved = evidence::is_saved(cloud, &evidence::path(cloud, target)).await?;
            Ok(Observed { id, state: json!({ "saved": saved }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["saved"] != true).then(|| json!({ "saved": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("saves the policies and credentials of {}, without secrets", Principal::words(&target.arn)), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        _: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let principal = Principal::of(cloud, target)?;
            let mut found = Found::of(target, knobs);
            match principal.kind {
                Kind::User => read::user(&principal, &mut found).await,
                Kind::Role => read::role(&principal, &mut found).await,
            }
            read::policies(&principal, &mut found).await;
            evidence::save(cloud, &evidence::path(cloud, target), found).await
        })
    }
}
