//! What belongs to a function beside its code, each part read for itself: one that cannot be read costs no other.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata as _;

use super::super::Right;
use super::super::function::{function_of, is_unprovisioned, on_functions};
use super::super::raw::Tape;
use super::names;
use crate::aws::{Refusal, Work};
use crate::contain::evidence::Found;
use crate::contain::subject::name_of;
use crate::model::plan::Target;

/// Rights to read all of it.
pub(super) const RIGHTS: &[Right] = &[
    on_functions("lambda:GetFunction"),
    on_functions("lambda:ListVersionsByFunction"),
    on_functions("lambda:ListAliases"),
    on_functions("lambda:GetPolicy"),
    on_functions("lambda:ListFunctionUrlConfigs"),
    on_functions("lambda:GetFunctionConcurrency"),
    on_functions("lambda:ListProvisionedConcurrencyConfigs"),
    on_functions("lambda:ListFunctionEventInvokeConfigs"),
    on_functions("lambda:ListTags"),
    anywhere("lambda:ListEventSourceMappings"),
    anywhere("events:ListRuleNamesByTarget"),
    anywhere("events:DescribeRule"),
    anywhere("events:ListTargetsByRule"),
    anywhere("scheduler:ListSchedules"),
    anywhere("scheduler:GetSchedule"),
];

const fn anywhere(action: &'static str) -> Right {
    Right { action, resource: "*", only_if: None }
}

/// Reads one part and files its answers: one as it is, several with their number. What does not exist is no loss.
async fn part(found: &mut Found, tape: &Tape, name: &str, reading: Work<'_, Result<(), Refusal>>) {
    let outcome = reading.await;
    let bodies = tape.take();
    let is_one = bodies.len() == 1;
    for (place, body) in bodies.into_iter().enumerate() {
        let number = if is_one { String::new() } else { format!("-{}", place + 1) };
        found.object(format!("{name}{number}.json"), body);
    }
    match outcome {
        Ok(()) | Err(Refusal::Gone(_)) => {}
        Err(refusal) => found.missing(name, refusal.to_string()),
    }
}

/// What the service of functions knows of one.
pub(super) async fn of_function(config: &SdkConfig, target: &Target, found: &mut Found) {
    let tape = &Tape::default();
    let recording = aws_sdk_lambda::config::Builder::from(config).interceptor(tape.clone()).build();
    let client = &Client::from_conf(recording);
    let function = name_of(function_of(&target.arn));
    macro_rules! pages {
        ($name:literal, $right:literal, $list:expr) => {
            let reading = async {
                let mut pages = $list.into_paginator().send();
                while let Some(page) = pages.next().await {
                    match page {
                        Err(error) if is_unprovisioned(error.code()) => break,
                        page => _ = page.map_err(|error| Refusal::of($right, &error))?,
                    }
                }
                Ok(())
            };
            part(found, tape, $name, Box::pin(reading)).await;
        };
    }
    macro_rules! one {
        ($name:expr, $right:literal, $get:expr) => {
            let reading = async { $get.send().await.map(drop).map_err(|error| Refusal::of($right, &error)) };
            part(found, tape, $name, Box::pin(reading)).await;
        };
    }
    pages!("versions", "lambda:ListVersionsByFunction", client.list_versions_by_function().function_name(function));
    pages!("aliases", "lambda:ListAliases", client.list_aliases().function_name(function));
    pages!("urls", "lambda:ListFunctionUrlConfigs", client.list_function_url_configs().function_name(function));
    pages!("mappings", "lambda:ListEventSourceMappings", client.list_event_source_mappings().function_name(function));
    one!("concurrency", "lambda:GetFunctionConcurrency", client.get_function_concurrency().function_name(function));
    pages!(
        "provisioned-concurrency",
        "lambda:ListProvisionedConcurrencyConfigs",
        client.list_provisioned_concurrency_configs().function_name(function)
    );
    pages!(
        "event-invoke-configs",
        "lambda:ListFunctionEventInvokeConfigs",
        client.list_function_event_invoke_configs().function_name(function)
    );
    one!("tags", "lambda:ListTags", client.list_tags().resource(function_of(&target.arn)));
    one!("policy", "lambda:GetPolicy", client.get_policy().function_name(function));
    for name in names(&Client::new(config), target).await {
        let file = format!("policy-{name}");
        one!(&file, "lambda:GetPolicy", client.get_policy().function_name(function).qualifier(&name));
    }
}

/// What starts a function: rules and schedules.
pub(super) async fn of_starters(config: &SdkConfig, target: &Target, found: &mut Found) {
    let tape = &Tape::default();
    let recording = aws_sdk_eventbridge::config::Builder::from(config).interceptor(tape.clone()).build();
    let events = aws_sdk_eventbridge::Client::from_conf(recording);
    let mut rules = Vec::new();
    let reading = async {
        let list = events.list_rule_names_by_target().target_arn(function_of(&target.arn)).send().await;
        let list = list.map_err(|error| Refusal::of("events:ListRuleNamesByTarget", &error))?;
        rules = list.rule_names.unwrap_or_default();
        Ok(())
    };
    part(found, tape, "rules", Box::pin(reading)).await;
    for rule in &rules {
        let reading = async {
            let answer = events.describe_rule().name(rule).send().await;
            answer.map(drop).map_err(|error| Refusal::of("events:DescribeRule", &error))?;
            let answer = events.list_targets_by_rule().rule(rule).send().await;
            answer.map(drop).map_err(|error| Refusal::of("events:ListTargetsByRule", &error))
        };
        part(found, tape, &format!("rule-{rule}"), Box::pin(reading)).await;
    }
    let recording = aws_sdk_scheduler::config::Builder::from(config).interceptor(tape.clone()).build();
    let scheduler = aws_sdk_scheduler::Client::from_conf(recording);
    // The list is of the whole account: only what starts this function is filed.
    let list = aws_sdk_scheduler::Client::new(config).list_schedules().into_paginator().items().send();
    let list = match list.try_collect().await {
        Ok(list) => list,
        Err(error) => {
            found.missing("schedules", Refusal::of("scheduler:ListSchedules", &error).to_string());
            return;
        }
    };
    let starts = |arn: Option<&str>| arn.is_some_and(|arn| function_of(arn) == function_of(&target.arn));
    for schedule in list.iter().filter(|one| starts(one.target().map(|target| target.arn()))) {
        let name = schedule.name().unwrap_or_default();
        let reading = async {
            let get = scheduler.get_schedule().name(name).set_group_name(schedule.group_name.clone());
            get.send().await.map(drop).map_err(|error| Refusal::of("scheduler:GetSchedule", &error))
        };
        part(found, tape, &format!("schedule-{name}"), Box::pin(reading)).await;
    }
}
