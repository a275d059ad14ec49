//! Deletes a function with its versions, aliases and policy. Its mappings, rules, schedules and logs stay.

use serde_json::{Value, json};

use super::code;
use super::function::{FUNCTION, client, function_of, is_own, known, on_functions, target, unless_gone};
use super::gone::{self, is_to_go};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::evidence;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Functions that the incident made.
pub(crate) struct DeleteFunction;

impl Action for DeleteFunction {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-function",
                about: "Deletes a function that the incident made; its logs stay",
                on: &[FUNCTION],
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: &[on_functions("lambda:GetFunctionConfiguration")],
                writes: &[on_functions("lambda:DeleteFunction")],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !is_own(subject) {
                return Ok(Vec::new());
            }
            let client = client(cloud, &subject.account, &subject.region)?;
            let known = unless_gone(known(&client, &subject.arn).await)?;
            Ok(known.map(|known| target(subject, "", &known.code, &[])).into_iter().collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            let known = unless_gone(known(&client, &target.arn).await)?;
            Ok(gone::observed(target, known.map(|known| known.code)))
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        gone::goal(state)
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes function {} with all versions and aliases", name_of(&target.arn)), None)
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
            is_to_go(to, "lambda:DeleteFunction")?;
            let client = client(cloud, &target.account, &target.region)?;
            let Some(known) = unless_gone(known(&client, &target.arn).await)? else {
                return Ok(json!({ "deleted": target.arn }));
            };
            // Nothing brings the code back, and an image stays where it is: that is deleted by hand.
            let saved = match code::in_hex(&known.code) {
                Some(digest) => evidence::holds(cloud, &evidence::path(cloud, target), &digest).await?,
                None => false,
            };
            if !saved {
                let why = "the code that it has is not in the vault, so it is not deleted".to_owned();
                return Err(Refusal::Other { action: "evidence", why });
            }
            let answer = client.delete_function().function_name(name_of(function_of(&target.arn))).send().await;
            unless_gone(answer.map_err(|error| Refusal::of("lambda:DeleteFunction", &error)))?;
            Ok(json!({ "deleted": target.arn }))
        })
    }
}
