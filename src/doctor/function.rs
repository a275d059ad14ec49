//! A function of Lambda that runs this program: how it is set up, what feeds it, and what its roles may do.
//!
//! Whoever asks is somebody else than the function, so that rights are told by simulation and by trust policies alone.

mod around;
mod rights;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use aws_config::{Region, SdkConfig};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput as Output;

use super::{Check, Room, in_time};
use crate::aws::kept::Kept;
use crate::aws::{Refusal, patient};
use crate::config::Place;

/// What the function's own invocations need to end in time, in seconds.
const SHORT: i32 = 60;
/// Of settings.
const MOST_BYTES: usize = 1 << 20;
/// Less memory makes a pass slow, in MB.
const SMALL: i32 = 256;

/// A function, as Lambda tells.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub name: String,
    pub region: String,
    /// What its process has as environment.
    pub variables: BTreeMap<String, String>,
    arn: String,
    /// The ARN of its role.
    role: String,
    /// Seconds.
    timeout: i32,
    /// MB.
    memory: i32,
    state: Option<String>,
    /// How the last update ended, and why.
    update: Option<(String, String)>,
    /// Where events go that it failed on.
    dead_letters: Option<String>,
    /// The caller's, in the function's region.
    config: SdkConfig,
}

impl Function {
    /// Reads a function by its name, in a region or in the caller's.
    ///
    /// # Errors
    /// What Lambda refuses.
    pub(crate) async fn read(name: &str, region: Option<String>) -> Result<Self, Refusal> {
        let config = patient(region).await;
        let answer = Client::new(&config).get_function_configuration().function_name(name).send().await;
        let answer = answer.map_err(|error| Refusal::of("lambda:GetFunctionConfiguration", &error))?;
        Ok(Self::of(name, answer, config))
    }

    fn of(name: &str, answer: Output, config: SdkConfig) -> Self {
        let update = answer.last_update_status().map(|status| {
            (status.as_str().to_owned(), answer.last_update_status_reason().unwrap_or_default().to_owned())
        });
        let dead_letters = answer.dead_letter_config().and_then(|it| it.target_arn()).filter(|arn| !arn.is_empty());
        Self {
            name: answer.function_name().unwrap_or(name).to_owned(),
            region: config.region().map(Region::to_string).unwrap_or_default(),
            arn: answer.function_arn().unwrap_or_default().to_owned(),
            role: answer.role().unwrap_or_default().to_owned(),
            timeout: answer.timeout().unwrap_or_default(),
            memory: answer.memory_size().unwrap_or_default(),
            state: answer.state().map(|state| state.as_str().to_owned()),
            update,
            dead_letters: dead_letters.map(str::to_owned),
            variables: answer.environment.and_then(|environment| environment.variables).into_iter().flatten().collect(),
            config,
        }
    }

    /// The text of the settings that its environment names, and their place; none where it names none.
    ///
    /// # Errors
    /// What AWS refuses, and a place that is no place of AWS.
    pub(crate) async fn settings(&self) -> anyhow::Result<Option<(String, String)>> {
        let Some(named) = self.variables.get("STAKEOUT_CONFIG").filter(|named| !named.is_empty()) else {
            return Ok(None);
        };
        let kept = Kept::with(self.config.clone());
        let read = async {
            Ok(match Place::parse(Path::new(named))? {
                Place::Parameter(name) => kept.parameter(&name).await?,
                Place::Object { bucket, key } => String::from_utf8(kept.object(&bucket, &key, MOST_BYTES).await?)?,
                Place::File(path) => bail!("{} is in the package; name a copy with --config", path.display()),
            })
        };
        let text = read.await.with_context(|| format!("reading the settings of {}, {named}", self.name))?;
        Ok(Some((text, named.clone())))
    }

    fn account(&self) -> &str {
        self.role.split(':').nth(4).unwrap_or_default()
    }
}

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(function) = room.function else { return Vec::new() };
    let feeds = around::feeds(function).await;
    let what = |what: &str| format!("{what} of {}", function.name);
    let arns: Vec<String> = feeds.iter().flatten().filter_map(|feed| feed.arn.clone()).collect();
    let (around, own, responder) = tokio::join!(
        in_time(what("surroundings"), around::all(room, function, feeds)),
        in_time(what("rights"), async { vec![rights::own(room, function, arns).await] }),
        in_time(what("responder"), rights::responder(room, function)),
    );
    let mut checks = set_up(function);
    checks.extend([around, own, responder].concat());
    checks
}

/// What Lambda says of the function itself.
fn set_up(function: &Function) -> Vec<Check> {
    let Function { name, role, timeout, memory, .. } = function;
    let what = format!("function {name}");
    let state = function.state.as_deref().unwrap_or("of no known state");
    let told = format!("{state}, {memory} MB, {timeout} s, as {role}");
    let mut checks = vec![match state {
        "Failed" => Check::fails(&what, told).mend("aws lambda get-function-configuration says why; deploy it again"),
        _ => Check::works(&what, told),
    }];
    if let Some((update, why)) = function.update.as_ref().filter(|(update, _)| update == "Failed") {
        let told = format!("its last update: {update} ({why}), so that it runs as it was before");
        checks.push(Check::fails(&what, told).mend("update the stack"));
    }
    if *timeout < SHORT || *memory < SMALL {
        let told = format!("a pass may need more than {timeout} s or {memory} MB");
        checks.push(
            Check::note(&what, told).mend("give it 512 MB and minutes, as deploy/cloudformation/stakeout.yaml does"),
        );
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_failed_fails() {
        use aws_sdk_lambda::types::{LastUpdateStatus, State};
        let config = SdkConfig::builder().region(Region::from_static("eu-west-1")).build();
        let answer = |state, update| {
            Output::builder()
                .function_name("stakeout")
                .role("arn:aws:iam::111122223333:role/stakeout")
                .timeout(300)
                .memory_size(512)
                .state(state)
                .last_update_status(update)
                .last_update_status_reason("no image")
                .build()
        };
        let told = |state, update| set_up(&Function::of("stakeout", answer(state, update), config.clone()));
        let good = told(State::Active, LastUpdateStatus::Successful);
        assert_eq!(
            good.iter().map(Check::line).collect::<Vec<_>>(),
            ["works  function stakeout: Active, 512 MB, 300 s, as arn:aws:iam::111122223333:role/stakeout"]
        );
        assert!(told(State::Failed, LastUpdateStatus::Successful)[0].is_failure());
        assert!(told(State::Active, LastUpdateStatus::Failed)[1].line().contains("no image"));
    }
}
