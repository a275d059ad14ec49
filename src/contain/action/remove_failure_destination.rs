//! Keeps a stopped function from starting another one: with concurrency 0, asynchronous events go to where failures go.

use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput;
use aws_sdk_lambda::types::{DestinationConfig, OnFailure};
use serde_json::{Value, json};

use super::function::{
    FUNCTION, QUALIFIER, client, detail, function_of, is_own, known, on_functions, qualifier_of, target, unless_gone,
};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Destinations of failures that are functions, one target for each version or alias that has one.
pub(crate) struct RemoveFailureDestination;

impl Action for RemoveFailureDestination {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "remove-failure-destination",
                about: "Removes another function as the destination of a function's failed events",
                on: &[FUNCTION],
                class: Class::R1,
                phase: phase::RESPAWN,
                reads: &[
                    on_functions("lambda:GetFunctionConfiguration"),
                    on_functions("lambda:ListFunctionEventInvokeConfigs"),
                    on_functions("lambda:GetFunctionEventInvokeConfig"),
                ],
                writes: &[on_functions("lambda:PutFunctionEventInvokeConfig")],
                undoes: &[on_functions("lambda:PutFunctionEventInvokeConfig")],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !is_own(subject) {
                return Ok(Vec::new());
            }
            let client = client(cloud, &subject.account, &subject.region)?;
            let Some(known) = unless_gone(known(&client, &subject.arn).await)? else { return Ok(Vec::new()) };
            let list = client.list_function_event_invoke_configs().function_name(name_of(function_of(&subject.arn)));
            let list = list.into_paginator().items().send().try_collect().await;
            let list = list.map_err(|error| Refusal::of("lambda:ListFunctionEventInvokeConfigs", &error));
            // Some answer that there is no such thing where a function has no configuration.
            let list = unless_gone(list)?.unwrap_or_default();
            let mut targets = Vec::new();
            for config in &list {
                let qualifier = config.function_arn.as_deref().and_then(qualifier_of);
                if destination(config.destination_config.as_ref()).is_some_and(is_function) {
                    let part = qualifier.map_or_else(|| "on-failure".to_owned(), |name| format!("on-failure-{name}"));
                    let detail: Vec<_> = qualifier.map(|name| (QUALIFIER, name)).into_iter().collect();
                    targets.push(target(subject, &part, &known.code, &detail));
                }
            }
            targets.sort();
            Ok(targets)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            let id = known(&client, &target.arn).await?.code;
            let config = unless_gone(read(&client, target).await)?;
            let destination = config.as_ref().and_then(|config| destination(config.destination_config()));
            Ok(Observed { id, state: json!({ "on_failure": destination }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        let to_function = state["on_failure"].as_str().is_some_and(is_function);
        to_function.then(|| json!({ "on_failure": null }))
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let name = name_of(&target.arn);
        let other = name_of(before["on_failure"].as_str().unwrap_or_default());
        (
            format!("removes function {other} as the destination of failed events of function {name}"),
            Some(format!("sends failed events of function {name} to function {other} again")),
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
            let client = client(cloud, &target.account, &target.region)?;
            let config = unless_gone(read(&client, target).await)?;
            let config = config.unwrap_or_else(|| GetFunctionEventInvokeConfigOutput::builder().build());
            let failure = to["on_failure"].as_str().map(|arn| OnFailure::builder().destination(arn).build());
            let success = config.destination_config().and_then(|destinations| destinations.on_success.clone());
            let destinations = DestinationConfig::builder().set_on_success(success).set_on_failure(failure).build();
            // What is put replaces all of it, so that the rest is put as it is.
            let put = client.put_function_event_invoke_config().function_name(name_of(function_of(&target.arn)));
            let put = put.set_qualifier(detail(target, QUALIFIER).map(str::to_owned)).destination_config(destinations);
            let put = put.set_maximum_retry_attempts(config.maximum_retry_attempts());
            let put = put.set_maximum_event_age_in_seconds(config.maximum_event_age_in_seconds());
            let answer = put.send().await;
            answer.map_err(|error| Refusal::of("lambda:PutFunctionEventInvokeConfig", &error))?;
            Ok(Value::Null)
        })
    }
}

async fn read(client: &aws_sdk_lambda::Client, target: &Target) -> Result<GetFunctionEventInvokeConfigOutput, Refusal> {
    let get = client.get_function_event_invoke_config().function_name(name_of(function_of(&target.arn)));
    let answer = get.set_qualifier(detail(target, QUALIFIER).map(str::to_owned)).send().await;
    answer.map_err(|error| Refusal::of("lambda:GetFunctionEventInvokeConfig", &error))
}

fn destination(config: Option<&DestinationConfig>) -> Option<&str> {
    config?.on_failure()?.destination().filter(|arn| !arn.is_empty())
}

fn is_function(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("lambda")
}
