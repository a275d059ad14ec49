//! Stops a function: nothing of it starts again, what runs ends within its time limit of 15 minutes at most.

use serde_json::{Value, json};

use super::function::{FUNCTION, client, function_of, is_own, known, on_functions, target, unless_gone};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Reserved concurrency 0, for all versions and aliases.
pub(crate) struct StopFunction;

/// Where a limit does not reach.
const ON_INSTANCES: &str = "runs-on";

impl Action for StopFunction {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "stop-function",
                about: "Sets the reserved concurrency of a function to 0, so that nothing of it starts again",
                on: &[FUNCTION],
                class: Class::R1,
                phase: phase::STOP,
                reads: &[
                    on_functions("lambda:GetFunctionConfiguration"),
                    on_functions("lambda:GetFunctionConcurrency"),
                ],
                writes: &[on_functions("lambda:PutFunctionConcurrency")],
                undoes: &[
                    on_functions("lambda:PutFunctionConcurrency"),
                    on_functions("lambda:DeleteFunctionConcurrency"),
                ],
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
            let instances = [(ON_INSTANCES, "instances")];
            let detail = if known.on_instances { &instances[..] } else { &[] };
            Ok(vec![target(subject, "", &known.code, detail)])
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            let id = known(&client, &target.arn).await?.code;
            let answer =
                client.get_function_concurrency().function_name(name_of(function_of(&target.arn))).send().await;
            let answer = answer.map_err(|error| Refusal::of("lambda:GetFunctionConcurrency", &error))?;
            Ok(Observed { id, state: json!({ "reserved": answer.reserved_concurrent_executions() }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["reserved"] != 0).then(|| json!({ "reserved": 0 }))
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let name = name_of(&target.arn);
        let mut does = format!("sets the reserved concurrency of function {name} to 0");
        if target.detail.contains_key(ON_INSTANCES) {
            does.push_str("; it runs on instances of the account, which this does not stop");
        }
        let back = match before["reserved"].as_i64() {
            Some(reserved) => format!("sets the reserved concurrency of function {name} back to {reserved}"),
            None => format!("removes the limit of function {name}"),
        };
        (does, Some(back))
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
            match to["reserved"].as_i64().and_then(|reserved| i32::try_from(reserved).ok()) {
                Some(reserved) => {
                    let put = client.put_function_concurrency().function_name(function);
                    let answer = put.reserved_concurrent_executions(reserved).send().await;
                    answer.map_err(|error| Refusal::of("lambda:PutFunctionConcurrency", &error))?;
                }
                None => {
                    let answer = client.delete_function_concurrency().function_name(function).send().await;
                    answer.map_err(|error| Refusal::of("lambda:DeleteFunctionConcurrency", &error))?;
                }
            }
            Ok(Value::Null)
        })
    }
}
