//! Deletes a function's address. Another one that is made later has another name.

use serde_json::{Value, json};

use super::function::{FUNCTION, QUALIFIER, client, detail, function_of, on_functions, unless_gone};
use super::gone::{self, is_to_go};
use super::require_signed_url::{ADDRESS, addresses, read};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Addresses of functions that the incident made.
pub(crate) struct DeleteFunctionUrl;

impl Action for DeleteFunctionUrl {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-function-url",
                about: "Deletes the URL of a function that the incident made",
                on: &[FUNCTION, ADDRESS],
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: &[on_functions("lambda:ListFunctionUrlConfigs"), on_functions("lambda:GetFunctionUrlConfig")],
                writes: &[on_functions("lambda:DeleteFunctionUrlConfig")],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(
            async move { Ok(addresses(cloud, subject).await?.into_iter().map(|address| address.target).collect()) },
        )
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            let address = unless_gone(read(&client, target).await)?;
            Ok(gone::observed(target, address.map(|address| address.creation_time().to_owned())))
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        gone::goal(state)
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes the URL of function {}", name_of(&target.arn)), None)
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
            is_to_go(to, "lambda:DeleteFunctionUrlConfig")?;
            let client = client(cloud, &target.account, &target.region)?;
            let delete = client.delete_function_url_config().function_name(name_of(function_of(&target.arn)));
            let answer = delete.set_qualifier(detail(target, QUALIFIER).map(str::to_owned)).send().await;
            unless_gone(answer.map_err(|error| Refusal::of("lambda:DeleteFunctionUrlConfig", &error)))?;
            Ok(json!({ "deleted": target.arn }))
        })
    }
}
