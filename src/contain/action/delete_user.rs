//! Deletes users that the incident made, with everything that they have.

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::{Subject, name_of};
use super::iam::{LIST_USERS, Principal, USERS, made, refused, strip};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::Refusal;
use crate::model::plan::{Class, Target};

/// State: `exists`, always true: what is deleted is gone.
pub(super) struct DeleteUser;

const READS: &[Right] = &[Right { action: "iam:GetUser", resource: USERS, only_if: None }, LIST_USERS];
const WRITES: &[Right] = &[
    Right { action: "iam:ListAccessKeys", resource: USERS, only_if: None },
    Right { action: "iam:DeleteAccessKey", resource: USERS, only_if: None },
    Right { action: "iam:DeleteLoginProfile", resource: USERS, only_if: None },
    Right { action: "iam:ListSSHPublicKeys", resource: USERS, only_if: None },
    Right { action: "iam:DeleteSSHPublicKey", resource: USERS, only_if: None },
    Right { action: "iam:ListServiceSpecificCredentials", resource: USERS, only_if: None },
    Right { action: "iam:DeleteServiceSpecificCredential", resource: USERS, only_if: None },
    Right { action: "iam:ListSigningCertificates", resource: USERS, only_if: None },
    Right { action: "iam:DeleteSigningCertificate", resource: USERS, only_if: None },
    Right { action: "iam:ListMFADevices", resource: USERS, only_if: None },
    Right { action: "iam:DeactivateMFADevice", resource: USERS, only_if: None },
    Right { action: "iam:DeleteVirtualMFADevice", resource: "arn:aws:iam::{account}:mfa/*", only_if: None },
    Right { action: "iam:ListGroupsForUser", resource: USERS, only_if: None },
    Right { action: "iam:RemoveUserFromGroup", resource: "arn:aws:iam::{account}:group/*", only_if: None },
    Right { action: "iam:ListUserPolicies", resource: USERS, only_if: None },
    Right { action: "iam:GetUserPolicy", resource: USERS, only_if: None },
    Right { action: "iam:DeleteUserPolicy", resource: USERS, only_if: None },
    Right { action: "iam:ListAttachedUserPolicies", resource: USERS, only_if: None },
    Right { action: "iam:DetachUserPolicy", resource: USERS, only_if: None },
    Right { action: "iam:DeleteUser", resource: USERS, only_if: None },
];

impl Action for DeleteUser {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-user",
                about: "Deletes a user that the incident made, with all that it has.",
                on: &["iam:user"],
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: READS,
                writes: WRITES,
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(made(cloud, subject))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let id = Principal::of(cloud, target)?.head().await?.id;
            Ok(Observed { id, state: json!({ "exists": true }) })
        })
    }

    fn goal(&self, _: &Target, _: &Value) -> Option<Value> {
        Some(json!({ "exists": false }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes user {} with all of its credentials, policies and memberships", name_of(&target.arn)), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        _: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let user = Principal::of(cloud, target)?;
            let deleted = match strip(&user).await {
                Err(Refusal::Gone(_)) => return Ok(Value::Null),
                stripped => stripped?,
            };
            let answer = user.client.delete_user().user_name(&user.name).send().await;
            match answer.map_err(refused!("iam:DeleteUser")) {
                Ok(_) | Err(Refusal::Gone(_)) => Ok(deleted),
                Err(refusal) => Err(refusal),
            }
        })
    }
}
