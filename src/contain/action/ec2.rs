//! Instances, spot requests, Auto Scaling groups and launch templates: the actions that need EC2's client, and what
//! several of them need.

mod cancel_spot_request;
mod delete_launch_template;
mod detach_instance_profile;
mod group;
mod isolate_instance;
mod raw;
mod save_instance;
mod save_launch_template;
mod scale_group_to_zero;
mod stop_instance;
mod terminate_instance;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Instance, InstanceStateName, SpotInstanceRequest};

use super::{Action, Right};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::Target;

/// Everything here, for the registry.
pub(super) static ACTIONS: &[&dyn Action] = &[
    &save_instance::SaveInstance,
    &save_launch_template::SaveLaunchTemplate,
    &detach_instance_profile::DetachInstanceProfile,
    &cancel_spot_request::CancelSpotRequest,
    &scale_group_to_zero::ScaleGroupToZero,
    &isolate_instance::IsolateInstance,
    &stop_instance::StopInstance,
    &terminate_instance::TerminateInstance,
    &delete_launch_template::DeleteLaunchTemplate,
];

/// Kinds of subjects that instances belong to.
const INSTANCES: &[&str] = &["ec2:instance", "ec2:spot-instances-request", "autoscaling:autoScalingGroup"];
const ANY: &str = "*";
const INSTANCE: &str = "arn:aws:ec2:*:{account}:instance/*";
const DESCRIBE_INSTANCES: Right = Right::on("ec2:DescribeInstances", ANY);
const DESCRIBE_SPOT: Right = Right::on("ec2:DescribeSpotInstanceRequests", ANY);
const DESCRIBE_TEMPLATES: Right = Right::on("ec2:DescribeLaunchTemplates", ANY);
const CANCEL_SPOT: Right =
    Right::on("ec2:CancelSpotInstanceRequests", "arn:aws:ec2:*:{account}:spot-instances-request/*");
const DESCRIBE_GROUPS: Right = Right::on("autoscaling:DescribeAutoScalingGroups", ANY);

/// Pages of one answer; more is no list of what one incident made.
const MOST_PAGES: usize = 100;
/// Ids in one filter.
const MOST_VALUES: usize = 200;

/// The client for where a target is.
fn client(cloud: &Cloud, target: &Target) -> Result<Client, Refusal> {
    Ok(Client::new(&cloud.config(&target.account, &target.region)?))
}

fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    let values = values.into_iter().map(Into::into).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// A target of a subject: a thing of EC2 in its account and region.
fn target(subject: &Subject, kind: &str, id: &str) -> Target {
    let partition = subject.arn.split(':').nth(1).unwrap_or("aws");
    Target {
        kind: format!("ec2:{kind}"),
        arn: format!("arn:{partition}:ec2:{}:{}:{kind}/{id}", subject.region, subject.account),
        account: subject.account.clone(),
        region: subject.region.clone(),
        // Ids of EC2 are never given twice.
        id: String::new(),
        detail: Default::default(),
    }
}

/// Which instances of an Auto Scaling group a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OfGroup {
    All,
    /// Those that stay when the group shrinks to nothing: somebody protected them.
    Staying,
}

/// The instances of a subject that are not terminated.
async fn instances(cloud: &Cloud, subject: &Subject, of_group: OfGroup) -> Result<Vec<Instance>, Refusal> {
    let config = cloud.config(&subject.account, &subject.region)?;
    let client = Client::new(&config);
    let ids: BTreeSet<String> = match subject.kind.as_str() {
        "ec2:instance" => BTreeSet::from([subject.name().to_owned()]),
        "ec2:spot-instances-request" => {
            let request = spot_request(&client, subject.name()).await?;
            request.and_then(|request| request.instance_id).into_iter().collect()
        }
        "autoscaling:autoScalingGroup" => {
            let group = scale_group_to_zero::group(&config, &subject.arn).await?;
            let members = group.iter().flat_map(|group| group.instances());
            let stays = |member: &&aws_sdk_autoscaling::types::Instance| {
                of_group == OfGroup::All || member.protected_from_scale_in() == Some(true)
            };
            members.filter(stays).filter_map(|member| member.instance_id()).map(str::to_owned).collect()
        }
        _ => BTreeSet::new(),
    };
    let ids: Vec<_> = ids.into_iter().collect();
    let mut found = Vec::new();
    for ids in ids.chunks(MOST_VALUES) {
        found.extend(described(&client, ids).await?);
    }
    Ok(found)
}

/// Instances by id, as far as they are there. A filter finds nothing where an id in the request would be refused.
async fn described(client: &Client, ids: &[String]) -> Result<Vec<Instance>, Refusal> {
    let mut found = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let request = client.describe_instances().filters(filter("instance-id", ids)).set_next_token(token);
        let answer = request.send().await.map_err(|error| Refusal::of("ec2:DescribeInstances", &error))?;
        let instances =
            answer.reservations.unwrap_or_default().into_iter().flat_map(|one| one.instances.unwrap_or_default());
        found.extend(instances.filter(|instance| !is_over(instance)));
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
    Err(Refusal::Other { action: "ec2:DescribeInstances", why: "the list has no end".to_owned() })
}

/// The instance of a target.
///
/// # Errors
/// [`Refusal::Gone`] where it is terminated.
async fn instance(client: &Client, target: &Target) -> Result<Instance, Refusal> {
    let id = name_of(&target.arn).to_owned();
    let mut found = described(client, std::slice::from_ref(&id)).await?;
    found.pop().ok_or_else(|| Refusal::Gone(format!("{id} is terminated or was never there")))
}

fn state_of(instance: &Instance) -> Option<&InstanceStateName> {
    instance.state().and_then(|state| state.name())
}

fn is_over(instance: &Instance) -> bool {
    matches!(state_of(instance), Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated))
}

/// A spot request by id; none where EC2 has forgotten it.
async fn spot_request(client: &Client, id: &str) -> Result<Option<SpotInstanceRequest>, Refusal> {
    let request = client.describe_spot_instance_requests().filters(filter("spot-instance-request-id", [id]));
    let answer = request.send().await.map_err(|error| Refusal::of("ec2:DescribeSpotInstanceRequests", &error))?;
    Ok(answer.spot_instance_requests.unwrap_or_default().pop())
}

async fn cancel_spot(client: &Client, id: &str) -> Result<(), Refusal> {
    let answer = client.cancel_spot_instance_requests().spot_instance_request_ids(id).send().await;
    answer.map(drop).map_err(|error| Refusal::of("ec2:CancelSpotInstanceRequests", &error))
}

/// Whether a launch template is there.
async fn has_template(client: &Client, target: &Target) -> Result<bool, Refusal> {
    let answer = client.describe_launch_templates().launch_template_ids(name_of(&target.arn)).send().await;
    match answer.map_err(|error| Refusal::of("ec2:DescribeLaunchTemplates", &error)) {
        Ok(answer) => Ok(!answer.launch_templates().is_empty()),
        Err(Refusal::Gone(_)) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

/// Whether EC2 refuses a call because a protection is on.
fn is_protected(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Other { why, .. } | Refusal::Denied { why, .. } if why.starts_with("OperationNotPermitted"))
}
