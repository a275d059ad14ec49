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
    Right { action: "iam:GetUser", resource: USERS, only_if: None },
    Right { action: "iam:GetRole", resource: ROLES, only_if: None },
    Right { action: "iam:GetLoginProfile", resource: USERS, only_if: None },
    Right { action: "iam:GetPolicy", resource: ANY_POLICY, only_if: None },
    Right { action: "iam:GetPolicyVersion", resource: ANY_POLICY, only_if: None },
    Right { action: "iam:GetRolePolicy", resource: ROLES, only_if: None },
    Right { action: "iam:GetUserPolicy", resource: USERS, only_if: None },
    Right { action: "iam:GetAccessKeyLastUsed", resource: USERS, only_if: None },
    Right { action: "iam:ListAccessKeys", resource: USERS, only_if: None },
    Right { action: "iam:ListAttachedRolePolicies", resource: ROLES, only_if: None },
    Right { action: "iam:ListAttachedUserPolicies", resource: USERS, only_if: None },
    Right { action: "iam:ListGroupsForUser", resource: USERS, only_if: None },
    Right { action: "iam:ListInstanceProfilesForRole", resource: ROLES, only_if: None },
    Right { action: "iam:ListMFADevices", resource: USERS, only_if: None },
    Right { action: "iam:ListRolePolicies", resource: ROLES, only_if: None },
    Right { action: "iam:ListSSHPublicKeys", resource: USERS, only_if: None },
    Right { action: "iam:ListServiceSpecificCredentials", resource: USERS, only_if: None },
    Right { action: "iam:ListSigningCertificates", resource: USERS, only_if: None },
    Right { action: "iam:ListUserPolicies", resource: USERS, only_if: None },
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
