//! Stops an instance. What is on its volumes stays; memory and instance stores are lost.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, DeviceType, Instance, InstanceLifecycleType, InstanceStateName, SpotInstanceType, Tag,
};
use serde_json::{Value, json};

use super::{INSTANCE, OfGroup};
use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, is_mixed, phase};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// On an instance whose protection against stopping was turned off for this, until it is turned on again.
const MARK: &str = "stakeout:stop-protection";
/// Why EC2 cannot stop an instance, in [`Target::detail`].
const CANNOT: &str = "cannot";
/// How often an instance that is on its way is looked at, and how long apart.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_secs(3);

/// State: `state`, running or stopped, and `protection_off`, whether its mark says that its protection is off because of
/// this. The protection itself is not read: who may read that attribute may read user data, which holds secrets.
pub(super) struct StopInstance;

const MARKED: (&str, &str, &str) = ("ForAllValues:StringEquals", "aws:TagKeys", MARK);

impl Action for StopInstance {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "stop-instance",
                about: "Stops an instance that the incident made, also where it is protected against stopping",
                on: super::INSTANCES,
                class: Class::R2,
                phase: phase::STOP,
                reads: &[super::DESCRIBE_INSTANCES, super::DESCRIBE_SPOT, super::DESCRIBE_GROUPS],
                writes: &[
                    Right::on("ec2:StopInstances", INSTANCE),
                    Right::on("ec2:ModifyInstanceAttribute", INSTANCE),
                    Right::on("ec2:CreateTags", INSTANCE).only_if(MARKED),
                ],
                undoes: &[
                    Right::on("ec2:StartInstances", INSTANCE),
                    Right::on("ec2:ModifyInstanceAttribute", INSTANCE),
                    Right::on("ec2:DeleteTags", INSTANCE).only_if(MARKED),
                ],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !subject.made {
                return Ok(Vec::new());
            }
            let client = Client::new(&cloud.config(&subject.account, &subject.region)?);
            let mut targets = Vec::new();
            for instance in super::instances(cloud, subject, OfGroup::Staying).await? {
                let Some(id) = instance.instance_id() else { continue };
                let mut target = super::target(subject, "instance", id);
                if let Some(why) = cannot_stop(&client, &instance).await? {
                    target.detail.insert(CANNOT.to_owned(), why.to_owned());
                }
                targets.push(target);
            }
            Ok(targets)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let instance = super::instance(&super::client(cloud, target)?, target).await?;
            let state = match super::state_of(&instance) {
                Some(InstanceStateName::Stopped | InstanceStateName::Stopping) => "stopped",
                _ => "running",
            };
            let state = json!({ "state": state, "protection_off": is_marked(&instance) });
            Ok(Observed { id: String::new(), state })
        })
    }

    fn goal(&self, target: &Target, state: &Value) -> Option<Value> {
        let runs = state["state"] == "running";
        (runs && !target.detail.contains_key(CANNOT)).then(|| json!({ "state": "stopped" }))
    }

    fn holds(&self, state: &Value, after: &Value) -> bool {
        // Whether a protection is in the way is not known before it is.
        if after["state"] == "stopped" { state["state"] == "stopped" } else { state == after }
    }

    fn is_between(&self, state: &Value, before: &Value, after: &Value) -> bool {
        // The mark is set before the instance stops, and is taken off after it starts.
        is_mixed(&state["state"], &before["state"], &after["state"])
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let id = name_of(&target.arn);
        match target.detail.get(CANNOT) {
            Some(why) => (format!("{id} cannot be stopped: {why}"), None),
            None => (
                format!("stop instance {id}; what is in its memory and in instance stores is lost"),
                Some(format!("start {id} again, perhaps with another public address")),
            ),
        }
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
            let client = super::client(cloud, target)?;
            match to["state"].as_str() {
                Some("stopped") => stop(&client, target).await,
                Some("running") => start(&client, target, to["protection_off"] == true).await,
                _ => Err(Refusal::Other { action: "ec2:StopInstances", why: format!("no such state: {to}") }),
            }
        })
    }
}

/// Why EC2 cannot stop an instance, where it cannot.
async fn cannot_stop(client: &Client, instance: &Instance) -> Result<Option<&'static str>, Refusal> {
    if instance.root_device_type() == Some(&DeviceType::InstanceStore) {
        return Ok(Some("its root device is an instance store, so that it can only be terminated"));
    }
    if instance.instance_lifecycle() != Some(&InstanceLifecycleType::Spot) {
        return Ok(None);
    }
    let request = match instance.spot_instance_request_id() {
        Some(id) => super::spot_request(client, id).await?,
        None => None,
    };
    let lasts = request.is_some_and(|request| request.r#type == Some(SpotInstanceType::Persistent));
    Ok((!lasts).then_some("it is a spot instance of a request for one time, so that it can only be terminated"))
}

/// Waits until an instance is not on its way from or to a state, and says whether it runs.
async fn settled(client: &Client, target: &Target) -> Result<bool, Refusal> {
    for _ in 0..LOOKS {
        match super::state_of(&super::instance(client, target).await?) {
            Some(InstanceStateName::Running) => return Ok(true),
            Some(InstanceStateName::Stopped) => return Ok(false),
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(Refusal::Passing("it neither starts nor stops".to_owned()))
}

async fn stop(client: &Client, target: &Target) -> Result<Value, Refusal> {
    let id = name_of(&target.arn);
    if !settled(client, target).await? {
        return Ok(json!({}));
    }
    let stop = async || {
        let answer = client.stop_instances().instance_ids(id).send().await;
        answer.map(drop).map_err(|error| Refusal::of("ec2:StopInstances", &error))
    };
    match stop().await {
        Err(refusal) if super::is_protected(&refusal) => {
            // Marked first: a crash in between leaves a protected instance with a mark, which loses nothing.
            let mark = client.create_tags().resources(id).tags(Tag::builder().key(MARK).value("on").build());
            mark.send().await.map_err(|error| Refusal::of("ec2:CreateTags", &error))?;
            protect(client, id, false).await?;
            stop().await?;
            Ok(json!({ "stop_protection": "turned off" }))
        }
        result => result.map(|()| json!({})),
    }
}

fn is_marked(instance: &Instance) -> bool {
    instance.tags().iter().any(|tag| tag.key() == Some(MARK))
}

/// Starts it and turns its protection on again, unless it was off before.
async fn start(client: &Client, target: &Target, was_off: bool) -> Result<Value, Refusal> {
    let id = name_of(&target.arn);
    if !settled(client, target).await? {
        let answer = client.start_instances().instance_ids(id).send().await;
        answer.map_err(|error| Refusal::of("ec2:StartInstances", &error))?;
    }
    let instance = super::instance(client, target).await?;
    if was_off || !is_marked(&instance) {
        return Ok(json!({}));
    }
    protect(client, id, true).await?;
    let unmark = client.delete_tags().resources(id).tags(Tag::builder().key(MARK).build());
    unmark.send().await.map_err(|error| Refusal::of("ec2:DeleteTags", &error))?;
    Ok(json!({ "stop_protection": "turned on" }))
}

async fn protect(client: &Client, id: &str, on: bool) -> Result<(), Refusal> {
    let value = AttributeBooleanValue::builder().value(on).build();
    let answer = client.modify_instance_attribute().instance_id(id).disable_api_stop(value).send().await;
    answer.map(drop).map_err(|error| Refusal::of("ec2:ModifyInstanceAttribute", &error))
}
