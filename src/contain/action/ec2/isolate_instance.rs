//! Cuts an instance off the network, interface by interface, connections that are open too.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::NetworkInterface;
use serde_json::{Value, json};

use super::group::{self, Role};
use super::{ANY, OfGroup, filter};
use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, is_mixed, phase};
use crate::contain::arn;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// State: the security groups of one interface, and whether that is a group of ours that lets nothing through; `passage`
/// while it is in the group that it only passes.
pub(super) struct IsolateInstance;

/// The key of a state: it is between its groups and isolation, and accepts everything.
const PASSAGE: &str = "passage";
const INTERFACES: Right = Right::on("ec2:DescribeNetworkInterfaces", ANY);
const GROUPS: Right = Right::on("ec2:DescribeSecurityGroups", ANY);
const ALL: &[Right] = &[
    Right::on("ec2:ModifyNetworkInterfaceAttribute", "arn:aws:ec2:*:{account}:network-interface/*"),
    Right::on("ec2:ModifyNetworkInterfaceAttribute", "arn:aws:ec2:*:{account}:security-group/*"),
    group::MAKES[0],
    group::MAKES[1],
    group::MAKES[2],
    group::MAKES[3],
    group::MAKES[4],
    group::MAKES[5],
    group::MAKES[6],
];

impl Action for IsolateInstance {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "isolate-instance",
                about: "Puts each network interface of an instance into an empty security group, and cuts its open connections",
                on: super::INSTANCES,
                class: Class::R2,
                phase: phase::STOP,
                reads: &[super::DESCRIBE_INSTANCES, super::DESCRIBE_SPOT, super::DESCRIBE_GROUPS, INTERFACES, GROUPS],
                writes: ALL,
                undoes: ALL,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let instances = super::instances(cloud, subject, OfGroup::Staying).await?;
            let ids = instances.iter().filter_map(|instance| instance.instance_id());
            let ids: Vec<_> = ids.map(str::to_owned).collect();
            let client = Client::new(&cloud.config(&subject.account, &subject.region)?);
            let mut targets = Vec::new();
            for ids in ids.chunks(super::MOST_VALUES) {
                for interface in interfaces(&client, "attachment.instance-id", ids).await? {
                    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
                    let (Some(instance), Some(id)) = (instance, interface.network_interface_id()) else { continue };
                    let mut target = super::target(subject, "instance", instance);
                    target.arn = format!("{}#{id}", target.arn);
                    "ec2:network-interface".clone_into(&mut target.kind);
                    targets.push(target);
                }
            }
            Ok(targets)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = super::client(cloud, target)?;
            let interface = interface(&client, target).await?;
            let groups = groups_of(&interface);
            let role = match interface.groups() {
                [one] => group::role_of(&client, one, &cloud.incident).await?,
                _ => None,
            };
            let mut state = json!({ "groups": groups, "isolated": role == Some(Role::Isolation) });
            if role == Some(Role::Passage)
                && let Some(parts) = state.as_object_mut()
            {
                parts.insert(PASSAGE.to_owned(), Value::Bool(true));
            }
            Ok(Observed { id: String::new(), state })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        // Which group it is cannot be known before it is made.
        (state["isolated"] == false).then(|| json!({ "isolated": true }))
    }

    fn holds(&self, state: &Value, after: &Value) -> bool {
        if after["isolated"] == true { state["isolated"] == true } else { state == after }
    }

    fn is_between(&self, state: &Value, before: &Value, after: &Value) -> bool {
        // Only this program puts an interface there, and a crash leaves it there.
        state[PASSAGE] == true || is_mixed(state, before, after)
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let instance = name_of(&target.arn);
        let interface = part_of(target);
        let groups: Vec<_> = before["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        (
            format!(
                "cut {interface} of instance {instance} off the network; it accepts everything for about a second first"
            ),
            Some(format!("give {interface} its security groups {} back", groups.join(", "))),
        )
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        to: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let client = super::client(cloud, target)?;
            let interface = interface(&client, target).await?;
            let vpc = interface.vpc_id().unwrap_or_default();
            if to["isolated"] == true {
                return isolate(&client, target, &groups_of(&interface), vpc, knobs).await;
            }
            let former = to["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
            put(&client, target, former.map(str::to_owned).collect()).await?;
            group::remove(&client, vpc, Role::Passage, knobs).await;
            group::remove(&client, vpc, Role::Isolation, knobs).await;
            Ok(json!({}))
        })
    }
}

/// Through the passage, where connections are not tracked, into isolation. Both groups are ready before anything moves.
async fn isolate(
    client: &Client,
    target: &Target,
    from: &[String],
    vpc: &str,
    knobs: &Knobs,
) -> Result<Value, Refusal> {
    let isolation = group::ready(client, vpc, Role::Isolation, knobs).await?;
    if from != [isolation.clone()] {
        let passage = group::ready(client, vpc, Role::Passage, knobs).await?;
        put(client, target, vec![passage]).await?;
    }
    let arrived = put(client, target, vec![isolation.clone()]).await;
    if let Err(refusal) = arrived {
        // An open door is worse than where it came from.
        put(client, target, from.to_vec()).await?;
        return Err(refusal);
    }
    group::remove(client, vpc, Role::Passage, knobs).await;
    Ok(json!({ "group": isolation }))
}

fn part_of(target: &Target) -> &str {
    arn::part(&target.arn).unwrap_or_default()
}

fn groups_of(interface: &NetworkInterface) -> Vec<String> {
    let mut groups: Vec<_> = interface.groups().iter().filter_map(|group| group.group_id.clone()).collect();
    groups.sort_unstable();
    groups
}

async fn interface(client: &Client, target: &Target) -> Result<NetworkInterface, Refusal> {
    let id = part_of(target).to_owned();
    let found = interfaces(client, "network-interface-id", std::slice::from_ref(&id)).await?;
    found.into_iter().next().ok_or(Refusal::Gone(id))
}

async fn interfaces(client: &Client, by: &str, values: &[String]) -> Result<Vec<NetworkInterface>, Refusal> {
    let mut pages = client.describe_network_interfaces().filters(filter(by, values)).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(interface) = pages.next().await {
        found.push(interface.map_err(|error| Refusal::of("ec2:DescribeNetworkInterfaces", &error))?);
    }
    Ok(found)
}

async fn put(client: &Client, target: &Target, groups: Vec<String>) -> Result<(), Refusal> {
    let request = client.modify_network_interface_attribute().network_interface_id(part_of(target));
    let answer = request.set_groups(Some(groups)).send().await;
    answer.map(drop).map_err(|error| Refusal::of("ec2:ModifyNetworkInterfaceAttribute", &error))
}
