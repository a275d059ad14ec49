//! `stakeout slack preview`: every message, to look at.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum as _};
use serde_json::json;

use crate::cli::Status;
use crate::cli::sample::{Sample, State, small};
use crate::drill::Scenario;
use crate::notify::slack::card::Mark;

/// Write what Slack is told about a sample incident in each of its states, one JSON object a line.
///
/// `{"scenario","state","text","blocks"}`: paste an object's `text` and `blocks` into Slack's Block Kit Builder to look at
/// it. The incidents are those that the scenarios of `stakeout drill` come to; the same every time. Needs no network and no
/// settings.
#[derive(Args)]
pub(super) struct Arguments {
    /// Only this state.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only this scenario: lambda-ddos-all-regions or missing-key.
    #[arg(long, value_name = "NAME")]
    scenario: Option<Scenario>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let states = arguments.state.map_or_else(|| State::value_variants().to_vec(), |state| vec![state]);
    let scenarios = arguments.scenario.map_or_else(|| Scenario::ALL.to_vec(), |scenario| vec![scenario]);
    let mut out = io::stdout().lock();
    for scenario in scenarios {
        let (_, sample) = Sample::play(Some(scenario), &small())?;
        let sample = sample.with_context(|| format!("{scenario} comes to no incident"))?;
        for state in states.iter().filter(|state| sample.has(**state)) {
            let name = state.to_possible_value().map(|value| value.get_name().to_owned());
            let words = sample.words(*state, Mark::Real, &sample.incident.id);
            let line = json!({
                "scenario": scenario.to_string(), "state": name, "text": words.text, "blocks": words.blocks,
            });
            writeln!(out, "{line}")?;
        }
    }
    Ok(Status::Quiet)
}
