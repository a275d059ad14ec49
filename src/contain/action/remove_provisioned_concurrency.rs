//! Takes the environments from a function that AWS keeps ready for it: a limit of concurrency cannot go below their
//! number.

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};

use super::function::{
    FUNCTION, QUALIFIER, client, detail, function_of, is_own, is_unprovisioned, known, on_functions, qualifier_of,
    target, unless_gone,
};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Provisioned concurrency, one target for each version or alias that has some.
pub(crate) struct RemoveProvisionedConcurrency;

impl Action for RemoveProvisionedConcurrency {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "remove-provisioned-concurrency",
                about: "Removes the provisioned concurrency of a function's versions and aliases",
                on: &[FUNCTION],
                class: Class::R1,
                phase: phase::RESPAWN,
                reads: &[
                    on_functions("lambda:GetFunctionConfiguration"),
                    on_functions("lambda:ListProvisionedConcurrencyConfigs"),
                    on_functions("lambda:GetProvisionedConcurrencyConfig"),
                ],
                writes: &[on_functions("lambda:DeleteProvisionedConcurrencyConfig")],
                undoes: &[on_functions("lambda:PutProvisionedConcurrencyConfig")],
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
            let list = client.list_provisioned_concurrency_configs().function_name(name_of(function_of(&subject.arn)));
            let list = list.into_paginator().items().send().try_collect().await;
            let list = match list {
                Ok(list) => list,
                Err(error) if is_unprovisioned(error.code()) => Vec::new(),
                Err(error) => return Err(Refusal::of("lambda:ListProvisionedConcurrencyConfigs", &error)),
            };
            let qualifiers = list.iter().filter_map(|config| qualifier_of(config.function_arn.as_deref()?));
            let mut targets: Vec<_> = qualifiers
                .map(|name| target(subject, &format!("provisioned-{name}"), &known.code, &[(QUALIFIER, name)]))
                .collect();
            targets.sort();
            Ok(targets)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            let id = known(&client, &target.arn).await?.code;
            let get = client.get_provisioned_concurrency_config().function_name(name_of(function_of(&target.arn)));
            let provisioned = match get.qualifier(detail(target, QUALIFIER).unwrap_or_default()).send().await {
                Ok(answer) => answer.requested_provisioned_concurrent_executions(),
                Err(error) if is_unprovisioned(error.code()) => None,
                Err(error) => return Err(Refusal::of("lambda:GetProvisionedConcurrencyConfig", &error)),
            };
            Ok(Observed { id, state: json!({ "provisioned": provisioned }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        state["provisioned"].is_i64().then(|| json!({ "provisioned": null }))
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let (name, count) = (name_of(&target.arn), &before["provisioned"]);
        let which = detail(target, QUALIFIER).unwrap_or_default();
        (
            format!("removes the provisioned concurrency of {count} from {which} of function {name}"),
            Some(format!("gives {which} of function {name} its provisioned concurrency of {count} again")),
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
            let function = name_of(function_of(&target.arn));
            let qualifier = detail(target, QUALIFIER).unwrap_or_default();
            match to["provisioned"].as_i64().and_then(|count| i32::try_from(count).ok()) {
                Some(count) => {
                    let put = client.put_provisioned_concurrency_config().function_name(function).qualifier(qualifier);
                    let answer = put.provisioned_concurrent_executions(count).send().await;
                    answer.map_err(|error| Refusal::of("lambda:PutProvisionedConcurrencyConfig", &error))?;
                }
                None => {
                    let delete = client.delete_provisioned_concurrency_config().function_name(function);
                    let answer = delete.qualifier(qualifier).send().await;
                    answer.map_err(|error| Refusal::of("lambda:DeleteProvisionedConcurrencyConfig", &error))?;
                }
            }
            Ok(Value::Null)
        })
    }
}
