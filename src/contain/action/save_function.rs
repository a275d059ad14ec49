//! Saves what a function is before anything of it is changed: code, configuration, who may start it and what does.
//!
//! Its environment may hold secrets: it is in the files and nowhere else.

mod parts;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use serde_json::{Value, json};

use super::code;
use super::function::{FUNCTION, client, function_of, is_own, known, on_functions, qualifiers, target, unless_gone};
use super::raw::Tape;
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::evidence::{self, Found};
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Functions that the incident made.
pub(crate) struct SaveFunction;

/// Versions whose code is saved beside the latest.
const VERSIONS: usize = 10;

impl Action for SaveFunction {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "save-function",
                about: "Saves a function's code, configuration, policy and triggers with their hashes",
                on: &[FUNCTION],
                class: Class::R0,
                phase: phase::EVIDENCE,
                reads: &[on_functions("lambda:GetFunctionConfiguration")],
                writes: parts::RIGHTS,
                undoes: &[],
            }
        }
    }

    fn is_undoable(&self) -> bool {
        false
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
            let id = known(&client, &target.arn).await?.code;
            let saved = evidence::is_saved(cloud, &evidence::path(cloud, target)).await?;
            Ok(Observed { id, state: json!({ "saved": saved }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["saved"] != true).then(|| json!({ "saved": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("saves code, configuration and triggers of function {}", name_of(&target.arn)), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        _: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let config = cloud.config(&target.account, &target.region)?;
            let mut found = Found::of(target, knobs);
            let latest = function(&config, target, None, &mut found).await;
            parts::of_function(&config, target, &mut found).await;
            parts::of_starters(&config, target, &mut found).await;
            versions(&config, target, latest.as_deref(), &mut found).await;
            evidence::save(cloud, &evidence::path(cloud, target), found).await
        })
    }
}

/// Saves the function or one version of it, with its code; gives the hash of the code.
async fn function(config: &SdkConfig, target: &Target, version: Option<&str>, found: &mut Found) -> Option<String> {
    let named = |what: &str| version.map_or_else(|| what.to_owned(), |version| format!("{what}-{version}"));
    let tape = Tape::default();
    let recording = aws_sdk_lambda::config::Builder::from(config).interceptor(tape.clone()).build();
    let get = Client::from_conf(recording).get_function().function_name(name_of(function_of(&target.arn)));
    let answer = match get.set_qualifier(version.map(str::to_owned)).send().await {
        Ok(answer) => answer,
        Err(error) => {
            found.missing(named("function"), Refusal::of("lambda:GetFunction", &error).to_string());
            return None;
        }
    };
    for body in tape.take() {
        found.object(format!("{}.json", named("function")), without_address(&body));
    }
    let hash = answer.configuration().and_then(|configuration| configuration.code_sha256()).map(str::to_owned);
    let Some(location) = answer.code().and_then(|code| code.location()) else {
        let image = answer.code().and_then(|code| code.resolved_image_uri().or(code.image_uri()));
        let why = image.map_or_else(|| "AWS names no place".to_owned(), |image| format!("it is the image {image}"));
        found.missing(named("code"), why);
        return hash;
    };
    match code::download(location, config.endpoint_url()).await {
        Ok(bytes) => {
            if hash.as_deref().is_some_and(|hash| hash != code::hash(&bytes)) {
                found.missing(named("code"), "what was downloaded has another hash than AWS says");
            }
            found.object(format!("{}.zip", named("code")), bytes);
        }
        Err(why) => found.missing(named("code"), why),
    }
    hash
}

/// Saves versions whose code is not that of the latest.
async fn versions(config: &SdkConfig, target: &Target, latest: Option<&str>, found: &mut Found) {
    let client = Client::new(config);
    let list = client.list_versions_by_function().function_name(name_of(function_of(&target.arn))).into_paginator();
    // That they cannot be listed is said where they are saved.
    let Ok(list) = list.items().send().try_collect().await else { return };
    let others = list.iter().filter(|one| one.version() != Some("$LATEST") && one.code_sha256() != latest);
    for (place, version) in others.filter_map(|one| one.version()).enumerate() {
        if place < VERSIONS {
            function(config, target, Some(version), found).await;
        } else {
            found.missing(format!("code-{version}"), format!("only {VERSIONS} versions are saved"));
        }
    }
}

/// The answer without the signature in the address of the code, which opens it to everybody for some minutes.
fn without_address(body: &[u8]) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    if let Some(location) = answer.pointer_mut("/Code/Location")
        && let Some(address) = location.as_str().and_then(|text| text.split('?').next()).map(str::to_owned)
    {
        *location = Value::String(address);
    }
    serde_json::to_vec_pretty(&answer).unwrap_or_default()
}

/// Qualifiers that have policies of their own; none where they cannot be listed, which is said where they are saved.
async fn names(client: &Client, target: &Target) -> Vec<String> {
    qualifiers(client, &target.arn).await.unwrap_or_default().into_iter().collect()
}
