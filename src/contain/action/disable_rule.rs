//! Stops an EventBridge rule from starting anything.

use aws_sdk_eventbridge::types::RuleState;
use serde_json::{Value, json};

use super::rule::{self, RULE, on_rules, place};
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

/// Rules that the incident made.
pub(crate) struct DisableRule;

/// To give a rule its role back, where it has one.
const PASS_ROLE: Right = Right {
    action: "iam:PassRole",
    resource: "arn:aws:iam::{account}:role/*",
    only_if: Some(("StringEquals", "iam:PassedToService", "events.amazonaws.com")),
};

impl Action for DisableRule {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "disable-rule",
                about: "Disables an EventBridge rule; its targets stay",
                on: &[RULE],
                class: Class::R1,
                phase: phase::DOORS,
                reads: &[on_rules("events:DescribeRule"), on_rules("events:ListTargetsByRule")],
                writes: &[on_rules("events:DisableRule")],
                undoes: &[on_rules("events:EnableRule"), on_rules("events:PutRule"), PASS_ROLE],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(rule::find(cloud, subject))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let rule = rule::read(&rule::client(cloud, target)?, target).await?;
            let state = rule.state().map_or("ENABLED", RuleState::as_str);
            Ok(Observed { id: target.id.clone(), state: json!({ "state": state }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["state"] != "DISABLED").then(|| json!({ "state": "DISABLED" }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let (_, name) = place(&target.arn);
        (format!("disables the rule {name}"), Some(format!("enables the rule {name} again")))
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
            let client = rule::client(cloud, target)?;
            let (bus, name) = place(&target.arn);
            match to["state"].as_str() {
                Some("DISABLED") => {
                    let answer = client.disable_rule().name(name).set_event_bus_name(bus).send().await;
                    answer.map_err(|error| Refusal::of("events:DisableRule", &error))?;
                }
                Some("ENABLED") => {
                    let answer = client.enable_rule().name(name).set_event_bus_name(bus).send().await;
                    answer.map_err(|error| Refusal::of("events:EnableRule", &error))?;
                }
                state => {
                    // Only this call knows further states, and it replaces the rest of the rule.
                    let rule = rule::read(&client, target).await?;
                    let put = client.put_rule().name(name).set_event_bus_name(bus);
                    let put = put.set_event_pattern(rule.event_pattern).set_description(rule.description);
                    let put = put.set_schedule_expression(rule.schedule_expression).set_role_arn(rule.role_arn);
                    let answer = put.set_state(state.map(RuleState::from)).send().await;
                    answer.map_err(|error| Refusal::of("events:PutRule", &error))?;
                }
            }
            Ok(Value::Null)
        })
    }
}
