//! Evidence of an instance: how it is set up, what it was started with, what it wrote on its console, and its volumes.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Instance, InstanceAttributeName, ResourceType, Tag, TagSpecification};
use serde_json::{Value, json};

use super::raw::Raw;
use super::{ANY, INSTANCE, OfGroup, filter};
use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::contain::cloud::Cloud;
use crate::contain::evidence::{self, Found};
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// On snapshots, with the incident that they are of.
const TAG: &str = "stakeout:incident";

/// Answers are kept as they came. Volumes stay in the account, as snapshots.
pub(super) struct SaveInstance;

const SNAPSHOT: &str = "arn:aws:ec2:*::snapshot/*";

impl Action for SaveInstance {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "save-instance",
                about: "Saves an instance's settings, user data, console, interfaces and security groups, and takes snapshots of its volumes",
                on: super::INSTANCES,
                class: Class::R0,
                phase: phase::EVIDENCE,
                reads: &[super::DESCRIBE_INSTANCES, super::DESCRIBE_SPOT, super::DESCRIBE_GROUPS],
                writes: &[
                    Right::on("ec2:DescribeInstanceAttribute", INSTANCE),
                    Right::on("ec2:GetConsoleOutput", INSTANCE),
                    Right::on("ec2:DescribeVolumes", ANY),
                    Right::on("ec2:DescribeNetworkInterfaces", ANY),
                    Right::on("ec2:DescribeSecurityGroups", ANY),
                    Right::on("ec2:DescribeSnapshots", ANY),
                    Right::on("ec2:CreateSnapshot", "arn:aws:ec2:*:{account}:volume/*"),
                    Right::on("ec2:CreateSnapshot", SNAPSHOT),
                    Right::on("ec2:CreateTags", SNAPSHOT).only_if((
                        "StringEquals",
                        "ec2:CreateAction",
                        "CreateSnapshot",
                    )),
                ],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let instances = super::instances(cloud, subject, OfGroup::All).await?;
            let ids = instances.iter().filter_map(|instance| instance.instance_id());
            Ok(ids.map(|id| super::target(subject, "instance", id)).collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let saved = evidence::is_saved(cloud, &evidence::path(cloud, target)).await?;
            Ok(Observed { id: String::new(), state: json!({ "saved": saved }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["saved"] != true).then(|| json!({ "saved": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let id = name_of(&target.arn);
        (format!("save what instance {id} is and does, and take snapshots of its volumes"), None)
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
            let client = super::client(cloud, target)?;
            let instance = super::instance(&client, target).await?;
            let mut found = Found::of(target, knobs);
            settings(&client, name_of(&target.arn), &mut found).await;
            surroundings(&client, &instance, &mut found).await;
            snapshots(&client, &instance, &mut found, knobs).await;
            evidence::save(cloud, &evidence::path(cloud, target), found).await
        })
    }
}

/// Keeps an answer as it came, or why there is none.
fn keep<T>(found: &mut Found, name: &str, raw: &Raw, answer: Result<T, Refusal>) -> Option<T> {
    match answer {
        Ok(answer) => {
            found.object(format!("{name}.xml"), raw.take());
            Some(answer)
        }
        Err(refusal) => {
            found.missing(name, refusal.to_string());
            None
        }
    }
}

async fn settings(client: &Client, id: &str, found: &mut Found) {
    let raw = Raw::default();
    let request = client.describe_instances().filters(filter("instance-id", [id])).customize();
    let answer = request.interceptor(raw.clone()).send().await;
    keep(found, "instance", &raw, answer.map_err(|error| Refusal::of("ec2:DescribeInstances", &error)));
    for (name, attribute) in [
        ("user-data", InstanceAttributeName::UserData),
        ("termination-protection", InstanceAttributeName::DisableApiTermination),
        ("stop-protection", InstanceAttributeName::DisableApiStop),
    ] {
        let request = client.describe_instance_attribute().instance_id(id).attribute(attribute).customize();
        let answer = request.interceptor(raw.clone()).send().await;
        keep(found, name, &raw, answer.map_err(|error| Refusal::of("ec2:DescribeInstanceAttribute", &error)));
    }
    let request = client.get_console_output().instance_id(id).customize();
    let answer = request.interceptor(raw.clone()).send().await;
    keep(found, "console", &raw, answer.map_err(|error| Refusal::of("ec2:GetConsoleOutput", &error)));
}

async fn surroundings(client: &Client, instance: &Instance, found: &mut Found) {
    let raw = Raw::default();
    let id = instance.instance_id().unwrap_or_default();
    let request = client.describe_volumes().filters(filter("attachment.instance-id", [id])).customize();
    let answer = request.interceptor(raw.clone()).send().await;
    keep(found, "volumes", &raw, answer.map_err(|error| Refusal::of("ec2:DescribeVolumes", &error)));
    let request = client.describe_network_interfaces().filters(filter("attachment.instance-id", [id])).customize();
    let answer = request.interceptor(raw.clone()).send().await;
    let answer = answer.map_err(|error| Refusal::of("ec2:DescribeNetworkInterfaces", &error));
    let interfaces = keep(found, "interfaces", &raw, answer);
    let interfaces = interfaces.as_ref().map(|answer| answer.network_interfaces()).unwrap_or_default();
    let groups = interfaces.iter().flat_map(|interface| interface.groups());
    let mut groups: Vec<_> = groups.filter_map(|group| group.group_id()).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() {
        return;
    }
    let request = client.describe_security_groups().filters(filter("group-id", groups)).customize();
    let answer = request.interceptor(raw.clone()).send().await;
    keep(found, "security-groups", &raw, answer.map_err(|error| Refusal::of("ec2:DescribeSecurityGroups", &error)));
}

/// Takes a snapshot of each volume that this incident has none of yet.
async fn snapshots(client: &Client, instance: &Instance, found: &mut Found, knobs: &Knobs) {
    let volumes = instance.block_device_mappings().iter().filter_map(|mapping| mapping.ebs()?.volume_id());
    let mut taken = Vec::new();
    for volume in volumes {
        match snapshot(client, volume, knobs).await {
            Ok(id) => taken.push(json!({ "volume": volume, "snapshot": id })),
            Err(refusal) => found.missing(format!("snapshot of {volume}"), refusal.to_string()),
        }
    }
    if let Ok(text) = serde_json::to_vec_pretty(&json!({ "snapshots": taken })) {
        found.object("snapshots.json", text);
    }
}

async fn snapshot(client: &Client, volume: &str, knobs: &Knobs) -> Result<String, Refusal> {
    let of_volume = filter("volume-id", [volume]);
    let of_incident = filter("tag:stakeout:incident", [knobs.incident.as_str()]);
    let answer = client.describe_snapshots().filters(of_volume).filters(of_incident).send().await;
    let answer = answer.map_err(|error| Refusal::of("ec2:DescribeSnapshots", &error))?;
    if let Some(id) = answer.snapshots().iter().find_map(|snapshot| snapshot.snapshot_id()) {
        return Ok(id.to_owned());
    }
    let tag = Tag::builder().key(TAG).value(&knobs.incident).build();
    let tags = TagSpecification::builder().resource_type(ResourceType::Snapshot).tags(tag).build();
    let request = client.create_snapshot().volume_id(volume).tag_specifications(tags);
    let answer = request.description(format!("Evidence of {}", knobs.incident)).send().await;
    let answer = answer.map_err(|error| Refusal::of("ec2:CreateSnapshot", &error))?;
    Ok(answer.snapshot_id.unwrap_or_default())
}
