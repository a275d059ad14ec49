//! Ends an instance for good, one at a time: a call for several fails for all of a zone where one is protected.

use aws_sdk_ec2::types::AttributeBooleanValue;
use serde_json::{Value, json};

use super::{INSTANCE, OfGroup};
use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

pub(super) struct TerminateInstance;

impl Action for TerminateInstance {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "terminate-instance",
                about: "Terminates an instance that the incident made, with its protections turned off first",
                on: super::INSTANCES,
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: &[super::DESCRIBE_INSTANCES, super::DESCRIBE_SPOT, super::DESCRIBE_GROUPS],
                writes: &[
                    super::CANCEL_SPOT,
                    Right::on("ec2:TerminateInstances", INSTANCE),
                    Right::on("ec2:ModifyInstanceAttribute", INSTANCE),
                ],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !subject.made {
                return Ok(Vec::new());
            }
            let instances = super::instances(cloud, subject, OfGroup::All).await?;
            let ids = instances.iter().filter_map(|instance| instance.instance_id());
            Ok(ids.map(|id| super::target(subject, "instance", id)).collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let there = match super::instance(&super::client(cloud, target)?, target).await {
                Ok(_) => true,
                Err(Refusal::Gone(_)) => false,
                Err(refusal) => return Err(refusal),
            };
            Ok(Observed { id: String::new(), state: json!({ "there": there }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["there"] == true).then(|| json!({ "there": false }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let id = name_of(&target.arn);
        (format!("terminate instance {id} and delete the volumes that end with it"), None)
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
            if to["there"] != false {
                let why = "what is terminated does not come back".to_owned();
                return Err(Refusal::Other { action: "ec2:TerminateInstances", why });
            }
            let client = super::client(cloud, target)?;
            let id = name_of(&target.arn);
            let instance = match super::instance(&client, target).await {
                // An earlier call got through without its answer.
                Err(Refusal::Gone(_)) => return Ok(json!({})),
                instance => instance?,
            };
            // A lasting request would bring another instance.
            if let Some(request) = instance.spot_instance_request_id() {
                super::cancel_spot(&client, request).await?;
            }
            let terminate = async || {
                let answer = client.terminate_instances().instance_ids(id).send().await;
                answer.map(drop).map_err(|error| Refusal::of("ec2:TerminateInstances", &error))
            };
            match terminate().await {
                Err(refusal) if super::is_protected(&refusal) => {}
                result => return result.map(|()| json!({})),
            }
            let modify = || client.modify_instance_attribute().instance_id(id);
            let off = || AttributeBooleanValue::builder().value(false).build();
            for change in [modify().disable_api_termination(off()), modify().disable_api_stop(off())] {
                change.send().await.map_err(|error| Refusal::of("ec2:ModifyInstanceAttribute", &error))?;
            }
            terminate().await?;
            Ok(json!({ "protection": "turned off" }))
        })
    }
}
