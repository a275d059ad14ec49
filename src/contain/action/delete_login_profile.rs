//! Deletes the console passwords of users that the incident made. A session in the console outlives its password.

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::subject::{Subject, name_of};
use super::iam::{Principal, USERS, delete_password, made, refused};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::Refusal;
use crate::event::Seconds;
use crate::model::plan::{Class, Target};

/// State: `exists`, always true: what is deleted is gone.
pub(super) struct DeleteLoginProfile;

const READS: &[Right] = &[Right::on("iam:GetUser", USERS), Right::on("iam:GetLoginProfile", USERS)];
const WRITES: &[Right] = &[Right::on("iam:DeleteLoginProfile", USERS)];

impl Action for DeleteLoginProfile {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-login-profile",
                about: "Deletes the console password of a user that the incident made.",
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
            let mut found = Vec::new();
            for mut target in made(cloud, subject).await? {
                let user = Principal::of(cloud, &target)?;
                match password(&user).await {
                    Ok(made) => {
                        target.arn.push_str("#password");
                        "iam:login-profile".clone_into(&mut target.kind);
                        target.id = format!("{}/{made}", target.id);
                        found.push(target);
                    }
                    Err(Refusal::Gone(_)) => {}
                    Err(refusal) => return Err(refusal),
                }
            }
            Ok(found)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let user = Principal::of(cloud, target)?;
            let id = user.head().await?.id;
            let made = password(&user).await?;
            Ok(Observed { id: format!("{id}/{made}"), state: json!({ "exists": true }) })
        })
    }

    fn goal(&self, _: &Target, _: &Value) -> Option<Value> {
        Some(json!({ "exists": false }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes the console password of user {}", name_of(&target.arn)), None)
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
            Ok(json!({ "deleted": delete_password(&user).await? }))
        })
    }
}

/// When the password was made.
async fn password(user: &Principal) -> Result<Seconds, Refusal> {
    let call = user.client.get_login_profile().user_name(&user.name).send().await;
    let answer = call.map_err(refused!("iam:GetLoginProfile"))?;
    let profile = answer.login_profile().ok_or_else(|| Refusal::Gone(format!("the password of {}", user.arn)))?;
    Ok(profile.create_date().secs())
}
