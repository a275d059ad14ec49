//! Closes a function's public address: it stays, but only signed requests of this account's principals are answered.

use aws_sdk_lambda::operation::get_function_url_config::GetFunctionUrlConfigOutput;
use aws_sdk_lambda::types::FunctionUrlAuthType;
use serde_json::{Value, json};

use super::function::{
    FUNCTION, QUALIFIER, client, detail, function_of, is_own, on_functions, qualifier_of, target, unless_gone,
};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// The address as a subject of its own: the function's ARN and `#url`.
pub(super) const ADDRESS: &str = "lambda:function-url";

/// From no authentication to that of IAM.
pub(crate) struct RequireSignedUrl;

impl Action for RequireSignedUrl {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "require-signed-url",
                about: "Makes a function's public URL answer only signed requests; the address stays",
                on: &[FUNCTION, ADDRESS],
                class: Class::R1,
                phase: phase::DOORS,
                reads: &[on_functions("lambda:ListFunctionUrlConfigs"), on_functions("lambda:GetFunctionUrlConfig")],
                writes: &[on_functions("lambda:UpdateFunctionUrlConfig")],
                undoes: &[on_functions("lambda:UpdateFunctionUrlConfig")],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let is_public = |address: &Address| address.auth == FunctionUrlAuthType::None;
            Ok(addresses(cloud, subject).await?.into_iter().filter(is_public).map(|address| address.target).collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let address = read(&client(cloud, &target.account, &target.region)?, target).await?;
            let state = json!({ "auth": address.auth_type().as_str() });
            Ok(Observed { id: address.creation_time().to_owned(), state })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["auth"] == "NONE").then(|| json!({ "auth": "AWS_IAM" }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let name = name_of(&target.arn);
        (
            format!("makes the URL of function {name} answer only signed requests"),
            Some(format!("makes the URL of function {name} answer everybody again")),
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
            let address = read(&client, target).await?;
            let update = client.update_function_url_config().function_name(name_of(function_of(&target.arn)));
            let update = update.set_qualifier(detail(target, QUALIFIER).map(str::to_owned));
            let update = update.auth_type(FunctionUrlAuthType::from(to["auth"].as_str().unwrap_or("AWS_IAM")));
            // Given again as they are: nothing then depends on what an update makes of what it is not told.
            let update = update.set_cors(address.cors().cloned()).set_invoke_mode(address.invoke_mode().cloned());
            let answer = update.send().await;
            answer.map_err(|error| Refusal::of("lambda:UpdateFunctionUrlConfig", &error))?;
            Ok(Value::Null)
        })
    }
}

/// An address of a function, or of an alias of it.
pub(super) struct Address {
    pub target: Target,
    auth: FunctionUrlAuthType,
}

/// Addresses of a subject that the incident made.
pub(super) async fn addresses(cloud: &Cloud, subject: &Subject) -> Result<Vec<Address>, Refusal> {
    if !is_own(subject) {
        return Ok(Vec::new());
    }
    let client = client(cloud, &subject.account, &subject.region)?;
    let of = |function: &str, created: &str, auth: &FunctionUrlAuthType| {
        let qualifier = qualifier_of(function);
        let part = qualifier.map_or_else(|| "url".to_owned(), |name| format!("url-{name}"));
        let detail: Vec<_> = qualifier.map(|name| (QUALIFIER, name)).into_iter().collect();
        Address { target: target(subject, &part, created, &detail), auth: auth.clone() }
    };
    let list = client.list_function_url_configs().function_name(name_of(function_of(&subject.arn)));
    let listed = match list.into_paginator().items().send().try_collect().await {
        // Some do not tell whose an address is: two are the function's own then.
        Ok(list) if list.iter().filter(|one| qualifier_of(one.function_arn()).is_none()).count() > 1 => None,
        Ok(list) => Some(list),
        Err(error) => match Refusal::of("lambda:ListFunctionUrlConfigs", &error) {
            Refusal::Gone(_) => return Ok(Vec::new()),
            // Where they cannot be listed, one can be asked for.
            Refusal::Other { .. } | Refusal::Denied { .. } => None,
            refusal => return Err(refusal),
        },
    };
    let mut addresses: Vec<_> = match listed {
        Some(list) => list.iter().map(|one| of(one.function_arn(), one.creation_time(), one.auth_type())).collect(),
        None => {
            let one = unless_gone(read(&client, &target(subject, "url", "", &[])).await)?;
            one.iter().map(|one| of(function_of(one.function_arn()), one.creation_time(), one.auth_type())).collect()
        }
    };
    if subject.kind == ADDRESS {
        addresses.retain(|one| detail(&one.target, QUALIFIER) == qualifier_of(&subject.arn));
    }
    addresses.sort_by(|one, other| one.target.cmp(&other.target));
    Ok(addresses)
}

/// Reads an address.
pub(super) async fn read(
    client: &aws_sdk_lambda::Client,
    target: &Target,
) -> Result<GetFunctionUrlConfigOutput, Refusal> {
    let get = client.get_function_url_config().function_name(name_of(function_of(&target.arn)));
    let answer = get.set_qualifier(detail(target, QUALIFIER).map(str::to_owned)).send().await;
    answer.map_err(|error| Refusal::of("lambda:GetFunctionUrlConfig", &error))
}
