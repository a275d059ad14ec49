//! Withdraws a spot request, so that it brings no more instances.

use serde_json::{Value, json};

use aws_sdk_ec2::types::SpotInstanceState;

use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, phase};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Only requests that wait: of one that has its instance, the instance is stopped, which also keeps the request from
/// bringing another. Without its request an instance could not be stopped any more.
pub(super) struct CancelSpotRequest;

impl Action for CancelSpotRequest {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "cancel-spot-request",
                about: "Cancels a spot request that the incident made and that waits to start an instance",
                on: &["ec2:spot-instances-request", "ec2:instance"],
                class: Class::R2,
                phase: phase::RESPAWN,
                reads: &[super::DESCRIBE_INSTANCES, super::DESCRIBE_SPOT],
                writes: &[super::CANCEL_SPOT],
                undoes: &[],
            }
        }
    }

    fn is_undoable(&self) -> bool {
        false
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !subject.made {
                return Ok(Vec::new());
            }
            let client = aws_sdk_ec2::Client::new(&cloud.config(&subject.account, &subject.region)?);
            let id = if subject.kind == "ec2:instance" {
                let found = super::described(&client, &[subject.name().to_owned()]).await?;
                found.into_iter().find_map(|instance| instance.spot_instance_request_id)
            } else {
                super::spot_request(&client, subject.name()).await?.and_then(|request| request.spot_instance_request_id)
            };
            Ok(id.iter().map(|id| super::target(subject, "spot-instances-request", id)).collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let id = name_of(&target.arn);
            let request = super::spot_request(&super::client(cloud, target)?, id).await?;
            let request = request.ok_or_else(|| Refusal::Gone(id.to_owned()))?;
            let state = match request.state() {
                Some(SpotInstanceState::Open) => "waiting",
                // It brings another instance when the one that it has is interrupted, unless that is stopped.
                Some(SpotInstanceState::Active | SpotInstanceState::Disabled) => "has an instance",
                _ => "over",
            };
            Ok(Observed { id: String::new(), state: json!({ "request": state }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["request"] == "waiting").then(|| json!({ "request": "over" }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let id = name_of(&target.arn);
        (format!("cancel spot request {id}, which waits to start an instance; who needs it makes a new one"), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            if to["request"] != "over" {
                let why = "a cancelled request does not come back".to_owned();
                return Err(Refusal::Other { action: "ec2:CancelSpotInstanceRequests", why });
            }
            super::cancel_spot(&super::client(cloud, target)?, name_of(&target.arn)).await?;
            Ok(json!({}))
        })
    }
}
