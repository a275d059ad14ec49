//! Takes an Auto Scaling group down to nothing: otherwise it replaces what is stopped.

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use serde_json::{Value, json};

use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

pub(super) struct ScaleGroupToZero;

const GROUP: &str = "arn:aws:autoscaling:*:{account}:autoScalingGroup:*:autoScalingGroupName/*";

const WRITES: &[Right] = &[Right::on("autoscaling:UpdateAutoScalingGroup", GROUP)];

impl Action for ScaleGroupToZero {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "scale-group-to-zero",
                about: "Sets least, most and wanted number of instances of an Auto Scaling group to 0, which ends its instances",
                on: &["autoscaling:autoScalingGroup"],
                class: Class::R2,
                phase: phase::RESPAWN,
                reads: &[super::DESCRIBE_GROUPS],
                writes: WRITES,
                undoes: WRITES,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !subject.made {
                return Ok(Vec::new());
            }
            let config = cloud.config(&subject.account, &subject.region)?;
            let Some(group) = group(&config, &subject.arn).await? else { return Ok(Vec::new()) };
            Ok(vec![Target {
                kind: subject.kind.clone(),
                arn: subject.arn.clone(),
                account: subject.account.clone(),
                region: subject.region.clone(),
                id: id_of(&group),
                detail: Default::default(),
            }])
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let config = cloud.config(&target.account, &target.region)?;
            let group = group(&config, &target.arn).await?;
            let group = group.ok_or_else(|| Refusal::Gone(group_name(&target.arn).to_owned()))?;
            let (least, most, wanted) = (group.min_size(), group.max_size(), group.desired_capacity());
            let state = json!({ "min": least, "max": most, "desired": wanted });
            Ok(Observed { id: id_of(&group), state })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        let zero = json!({ "min": 0, "max": 0, "desired": 0 });
        (*state != zero).then_some(zero)
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let name = group_name(&target.arn);
        let (least, most, wanted) = (&before["min"], &before["max"], &before["desired"]);
        (
            format!("scale group {name} from {wanted} to 0, which terminates its instances"),
            Some(format!("scale {name} back to {wanted} (least {least}, most {most}), with new instances")),
        )
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
            let number = |key: &str| to[key].as_i64().and_then(|number| i32::try_from(number).ok());
            let client = Client::new(&cloud.config(&target.account, &target.region)?);
            let request = client.update_auto_scaling_group().auto_scaling_group_name(group_name(&target.arn));
            let request = request.set_min_size(number("min")).set_max_size(number("max"));
            let answer = request.set_desired_capacity(number("desired")).send().await;
            answer.map(|_| json!({})).map_err(|error| Refusal::of("autoscaling:UpdateAutoScalingGroup", &error))
        })
    }
}

/// The name of a group in its ARN. It may hold slashes.
fn group_name(arn: &str) -> &str {
    arn.split_once("autoScalingGroupName/").map_or("", |(_, name)| name)
}

/// Its real ARN, which holds a part that is never given twice.
fn id_of(group: &AutoScalingGroup) -> String {
    group.auto_scaling_group_arn().unwrap_or_default().to_owned()
}

/// A group by ARN; none where it is gone or about to be.
pub(super) async fn group(config: &SdkConfig, arn: &str) -> Result<Option<AutoScalingGroup>, Refusal> {
    let request = Client::new(config).describe_auto_scaling_groups().auto_scaling_group_names(group_name(arn));
    let answer = request.send().await.map_err(|error| Refusal::of("autoscaling:DescribeAutoScalingGroups", &error))?;
    let mut groups = answer.auto_scaling_groups.unwrap_or_default().into_iter();
    // A status is there only while the group is deleted.
    Ok(groups.find(|group| group.status().is_none()))
}
