//! What the actions on functions share: the client, names and qualifiers, and what a function is.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_lambda::Client;

use super::Right;
use crate::aws::Refusal;
use crate::contain::arn::thing;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::Target;

/// The kind of subjects that are functions.
pub(super) const FUNCTION: &str = "lambda:function";
/// Functions of an account, in the words of IAM.
pub(super) const FUNCTIONS: &str = "arn:aws:lambda:*:{account}:function:*";
/// The key of a detail: the version or alias of a part; absent for the function as a whole.
pub(super) const QUALIFIER: &str = "qualifier";
/// The key of a detail: why a thing stays as it is although it is a target.
pub(super) const LEFT: &str = "left";

/// A right on functions.
pub(super) const fn on_functions(action: &'static str) -> Right {
    Right { action, resource: FUNCTIONS, only_if: None }
}

/// Whether a subject is the incident's own. The ARN of a version or an alias tells that of the function nothing.
pub(super) fn is_own(subject: &Subject) -> bool {
    subject.made && (subject.kind != FUNCTION || qualifier_of(&subject.arn).is_none())
}

/// A client where a target is.
///
/// # Errors
/// An account that cannot be reached.
pub(super) fn client(cloud: &Cloud, account: &str, region: &str) -> Result<Client, Refusal> {
    Ok(Client::new(&cloud.config(account, region)?))
}

/// The function that an ARN is about: without a version, an alias or a part.
pub(super) fn function_of(arn: &str) -> &str {
    let arn = thing(arn);
    match arn.match_indices(':').nth(6) {
        Some((end, _)) => arn.get(..end).unwrap_or(arn),
        None => arn,
    }
}

/// The version or alias at the end of a function's ARN.
pub(super) fn qualifier_of(arn: &str) -> Option<&str> {
    thing(arn).splitn(8, ':').nth(7).filter(|qualifier| !qualifier.is_empty())
}

/// The account in an ARN; empty where it names none.
pub(super) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// A target of a subject: the function itself, or a part of it.
pub(super) fn target(subject: &Subject, part: &str, id: &str, detail: &[(&str, &str)]) -> Target {
    let function = function_of(&subject.arn);
    let arn = if part.is_empty() { function.to_owned() } else { format!("{function}#{part}") };
    Target {
        kind: FUNCTION.to_owned(),
        arn,
        account: subject.account.clone(),
        region: subject.region.clone(),
        id: id.to_owned(),
        detail: detail.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
    }
}

/// A detail of a target.
pub(super) fn detail<'a>(target: &'a Target, key: &str) -> Option<&'a str> {
    target.detail.get(key).map(String::as_str)
}

/// What a function is: the hash of its code, which is its id, and what of it limits what can be done.
pub(super) struct Known {
    pub code: String,
    /// It runs on instances of its owner, which a limit of concurrency does not reach.
    pub on_instances: bool,
}

/// Reads what a function is.
pub(super) async fn known(client: &Client, arn: &str) -> Result<Known, Refusal> {
    let answer = client.get_function_configuration().function_name(name_of(function_of(arn))).send().await;
    let answer = answer.map_err(|error| Refusal::of("lambda:GetFunctionConfiguration", &error))?;
    // Functions are asked for by name: whose they are is what credentials decide.
    let found = answer.function_arn().map_or("", account_of);
    if found != account_of(arn) {
        let why = format!("account {found} answers instead of account {}", account_of(arn));
        return Err(Refusal::Other { action: "lambda:GetFunctionConfiguration", why });
    }
    let code = answer.code_sha256().unwrap_or_default().to_owned();
    Ok(Known { code, on_instances: answer.capacity_provider_config().is_some() })
}

/// Versions and aliases of a function, without `$LATEST`.
pub(super) async fn qualifiers(client: &Client, arn: &str) -> Result<BTreeSet<String>, Refusal> {
    let function = name_of(function_of(arn));
    let versions = client.list_versions_by_function().function_name(function).into_paginator().items().send();
    let versions = versions.try_collect().await;
    let versions = versions.map_err(|error| Refusal::of("lambda:ListVersionsByFunction", &error))?;
    let aliases = client.list_aliases().function_name(function).into_paginator().items().send().try_collect().await;
    let aliases = aliases.map_err(|error| Refusal::of("lambda:ListAliases", &error))?;
    let versions = versions.into_iter().filter_map(|version| version.version);
    let names = versions.chain(aliases.into_iter().filter_map(|alias| alias.name));
    Ok(names.filter(|name| name != "$LATEST").collect())
}

/// Whether an error code says that a function, version or alias has no provisioned concurrency. Some stand-ins have a
/// shorter one. What is gone itself has another.
pub(super) fn is_unprovisioned(code: Option<&str>) -> bool {
    matches!(code, Some("ProvisionedConcurrencyConfigNotFoundException" | "NotFound"))
}

/// Whether a thing is no more: then there is nothing to do about it.
pub(super) fn unless_gone<T>(answer: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::Gone(_)) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
