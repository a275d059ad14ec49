//! Deletes an EventBridge rule with its targets.

use aws_sdk_eventbridge::Client;
use serde_json::{Value, json};

use super::function::unless_gone;
use super::gone::{self, is_to_go};
use super::rule::{self, RULE, on_rules, place};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

/// Rules that the incident made.
pub(crate) struct DeleteRule;

/// Targets that one request removes.
const TARGETS: usize = 100;

impl Action for DeleteRule {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-rule",
                about: "Deletes an EventBridge rule that the incident made, with its targets",
                on: &[RULE],
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: &[on_rules("events:DescribeRule"), on_rules("events:ListTargetsByRule")],
                writes: &[on_rules("events:RemoveTargets"), on_rules("events:DeleteRule")],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(rule::find(cloud, subject))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let rule = unless_gone(rule::read(&rule::client(cloud, target)?, target).await)?;
            Ok(gone::observed(target, rule.map(|_| target.id.clone())))
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        gone::goal(state)
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes the rule {} with its targets", place(&target.arn).1), None)
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
            is_to_go(to, "events:DeleteRule")?;
            let client = rule::client(cloud, target)?;
            let removed = unless_gone(remove_targets(&client, target).await)?;
            let (bus, name) = place(&target.arn);
            let answer = client.delete_rule().name(name).set_event_bus_name(bus).send().await;
            unless_gone(answer.map_err(|error| Refusal::of("events:DeleteRule", &error)))?;
            Ok(json!({ "deleted": target.arn, "targets": removed.unwrap_or_default() }))
        })
    }
}

/// A rule that has targets cannot be deleted. Gives their ARNs.
async fn remove_targets(client: &Client, target: &Target) -> Result<Vec<String>, Refusal> {
    let (bus, name) = place(&target.arn);
    let called = rule::called(client, target).await?;
    let ids: Vec<_> = called.iter().map(|one| one.id().to_owned()).collect();
    let arns = called.into_iter().map(|one| one.arn).collect();
    for ids in ids.chunks(TARGETS) {
        let remove = client.remove_targets().rule(&name).set_event_bus_name(bus.clone()).set_ids(Some(ids.to_vec()));
        let answer = remove.send().await.map_err(|error| Refusal::of("events:RemoveTargets", &error))?;
        if let Some(failed) = answer.failed_entries().first() {
            let why = failed.error_message().unwrap_or("a target stays").to_owned();
            return Err(Refusal::Other { action: "events:RemoveTargets", why });
        }
    }
    Ok(arns)
}
