//! Event source mappings: what reads a queue or a stream and starts a function with it.

use std::time::Duration;

use aws_sdk_lambda::Client;

use super::Right;
use super::function::{FUNCTION, account_of, client, detail, function_of, is_own, target};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::Target;

/// A mapping as a subject of its own.
pub(super) const MAPPING: &str = "lambda:event-source-mapping";
/// What mappings are found among.
pub(super) const ON: &[&str] = &[FUNCTION, MAPPING];
const MAPPINGS: &str = "arn:aws:lambda:*:{account}:event-source-mapping:*";
/// The key of a detail: the id of a mapping.
const UUID: &str = "uuid";
/// The key of a detail: what it reads.
const SOURCE: &str = "source";
/// How often, and how far apart, a mapping is asked for that is about to change.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_secs(2);

/// Rights to find and read them.
pub(super) const READS: &[Right] =
    &[Right::on("lambda:ListEventSourceMappings", "*"), on_mappings("lambda:GetEventSourceMapping")];

/// A right on mappings.
pub(super) const fn on_mappings(action: &'static str) -> Right {
    Right { action, resource: MAPPINGS, only_if: None }
}

/// Where a mapping is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    On,
    Off,
    /// Something else of it changes; whether it reads afterwards is not said.
    Unsaid,
    Gone,
}

impl Course {
    /// What a state says of what was asked for.
    pub(super) fn of(state: &str) -> Self {
        match state {
            "Enabled" | "Enabling" => Self::On,
            "Disabled" | "Disabling" => Self::Off,
            "Deleting" => Self::Gone,
            _ => Self::Unsaid,
        }
    }
}

/// Whether a state lasts: until then AWS takes no change.
fn lasts(state: &str) -> bool {
    matches!(state, "Enabled" | "Disabled" | "Deleting")
}

/// Mappings of a subject that the incident made.
pub(super) async fn find(cloud: &Cloud, subject: &Subject) -> Result<Vec<Target>, Refusal> {
    if !is_own(subject) {
        return Ok(Vec::new());
    }
    let client = client(cloud, &subject.account, &subject.region)?;
    if subject.kind == MAPPING {
        let uuid = subject.name();
        return match state(&client, uuid).await {
            Ok(_) => Ok(vec![of_mapping(subject, uuid)]),
            Err(Refusal::Gone(_)) => Ok(Vec::new()),
            Err(refusal) => Err(refusal),
        };
    }
    let list = client.list_event_source_mappings().function_name(name_of(function_of(&subject.arn)));
    let list = match list.into_paginator().items().send().try_collect().await {
        Ok(list) => list,
        Err(error) => match Refusal::of("lambda:ListEventSourceMappings", &error) {
            Refusal::Gone(_) => return Ok(Vec::new()),
            refusal => return Err(refusal),
        },
    };
    let mut targets = Vec::new();
    for mapping in &list {
        // Some answer with the mappings of every function.
        let is_of = mapping.function_arn().is_none_or(|arn| function_of(arn) == function_of(&subject.arn));
        let (Some(uuid), true) = (mapping.uuid(), is_of) else { continue };
        let source = mapping.event_source_arn().unwrap_or_default();
        targets.push(target(subject, &format!("mapping-{uuid}"), uuid, &[(UUID, uuid), (SOURCE, source)]));
    }
    targets.sort();
    Ok(targets)
}

fn of_mapping(subject: &Subject, uuid: &str) -> Target {
    let mut target = target(subject, "", uuid, &[(UUID, uuid)]);
    target.kind = MAPPING.to_owned();
    target.arn.clone_from(&subject.arn);
    target
}

/// The id of a target's mapping.
pub(super) fn uuid(target: &Target) -> &str {
    detail(target, UUID).unwrap_or(&target.id)
}

/// How people call a target's mapping.
pub(super) fn words(target: &Target) -> String {
    let source = detail(target, SOURCE).filter(|source| !source.is_empty() && !account_of(source).is_empty());
    match source {
        Some(source) => format!("the event source mapping {} from {source}", uuid(target)),
        None => format!("the event source mapping {}", uuid(target)),
    }
}

/// The state of a mapping.
pub(super) async fn state(client: &Client, uuid: &str) -> Result<String, Refusal> {
    let answer = client.get_event_source_mapping().uuid(uuid).send().await;
    let answer = answer.map_err(|error| Refusal::of("lambda:GetEventSourceMapping", &error))?;
    Ok(answer.state().unwrap_or_default().to_owned())
}

/// Waits until a mapping stands still, and gives its state.
///
/// # Errors
/// Where it does not within half a minute: it may later.
pub(super) async fn settled(client: &Client, uuid: &str) -> Result<String, Refusal> {
    until(client, uuid, lasts).await
}

/// Waits until it is known whether a mapping is on, off or gone.
///
/// # Errors
/// As [`settled`].
pub(super) async fn course(client: &Client, uuid: &str) -> Result<Course, Refusal> {
    Ok(Course::of(&until(client, uuid, |state| Course::of(state) != Course::Unsaid).await?))
}

async fn until(client: &Client, uuid: &str, is_enough: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    let mut last = String::new();
    for turn in 0..TRIES {
        if turn > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        last = state(client, uuid).await?;
        if is_enough(&last) {
            return Ok(last);
        }
    }
    Err(Refusal::Passing(format!("mapping {uuid} stays {last}")))
}
