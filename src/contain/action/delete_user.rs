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

const READS: &[Right] = &[Right::on("iam:GetUser", USERS), LIST_USERS];
const WRITES: &[Right] = &[
    Right::on("iam:ListAccessKeys", USERS),
    Right::on("iam:DeleteAccessKey", USERS),
    Right::on("iam:DeleteLoginProfile", USERS),
    Right::on("iam:ListSSHPublicKeys", USERS),
    Right::on("iam:DeleteSSHPublicKey", USERS),
    Right::on("iam:ListServiceSpecificCredentials", USERS),
    Right::on("iam:DeleteServiceSpecificCredential", USERS),
    Right::on("iam:ListSigningCertificates", USERS),
    Right::on("iam:DeleteSigningCertificate", USERS),
    Right::on("iam:ListMFADevices", USERS),
    Right::on("iam:DeactivateMFADevice", USERS),
    Right::on("iam:DeleteVirtualMFADevice", "arn:aws:iam::{account}:mfa/*"),
    Right::on("iam:ListGroupsForUser", USERS),
    Right::on("iam:RemoveUserFromGroup", "arn:aws:iam::{account}:group/*"),
    Right::on("iam:ListUserPolicies", USERS),
    Right::on("iam:GetUserPolicy", USERS),
    Right::on("iam:DeleteUserPolicy", USERS),
    Right::on("iam:ListAttachedUserPolicies", USERS),
    Right::on("iam:DetachUserPolicy", USERS),
    Right::on("iam:DeleteUser", USERS),
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
