//! Deletes access keys of users that the incident made.

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::{Subject, name_of};
use super::iam::{LIST_USERS, Principal, USERS, credentials, delete_key, part, read};
use super::{AccessKeys, Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::model::plan::{Class, Target};

/// State: `exists`, always true: what is deleted is gone.
pub(super) struct DeleteKey;

const READS: &[Right] = &[Right::on("iam:GetUser", USERS), LIST_USERS, Right::on("iam:ListAccessKeys", USERS)];
const WRITES: &[Right] = &[Right::on("iam:DeleteAccessKey", USERS)];

impl Action for DeleteKey {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-key",
                about: "Deletes the access keys of a user that the incident made.",
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
        Box::pin(async move {
            if !subject.made {
                return Ok(Vec::new());
            }
            credentials::<AccessKeys>(cloud, subject, |_| true).await
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let (id, _) = read::<AccessKeys>(cloud, target).await?;
            Ok(Observed { id, state: json!({ "exists": true }) })
        })
    }

    fn goal(&self, _: &Target, _: &Value) -> Option<Value> {
        Some(json!({ "exists": false }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes access key {} of user {}", part(target), name_of(&target.arn)), None)
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
            delete_key(&user, part(target)).await?;
            Ok(Value::Null)
        })
    }
}
