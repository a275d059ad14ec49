//! `stakeout drill --notify`: the incident of a drill, through to Slack.

use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::cli::sample::{Sample, State};
use crate::cli::{Status, Voice, now, output, slack, state};
use crate::config::Config;
use crate::drill::{Options, Scenario};
use crate::event::{Seconds, time};
use crate::model::id;
use crate::notify::slack::card::Mark;
use crate::notify::slack::client::Client;
use crate::notify::slack::workspace::{Spot, Workspace};
use crate::report::{Format, Report};

/// Plays a scenario, prints what comes of it, and posts its incident. Touches no state.
///
/// # Errors
/// Settings without Slack, and what Slack refuses.
pub(super) fn run(
    scenario: Option<Scenario>,
    options: &Options,
    config: Option<&Path>,
    voice: Voice,
) -> Result<Status> {
    let mut config = Config::load(config)?;
    state::block_on(async {
        config.unlock().await;
        Ok(())
    })?;
    let settings = config.slack;
    let Some(channel) = &settings.channel else { bail!("{}", slack::NOT_SET_UP) };
    let client = Client::connect(&settings).map_err(|why| anyhow!("slack.token: {why}"))?;
    let (report, sample) = Sample::play(scenario, options)?;
    print(&report, voice)?;
    let Some(sample) = sample else {
        voice.remark("no incident, so nothing is posted to Slack");
        return Ok(Status::Quiet);
    };
    let ts = state::block_on(post(&client, channel.as_str(), &sample, now()))?;
    voice.remark(&format!(
        "posted to {channel} as message {ts}, marked DRILL; its buttons are answered by `stakeout serve`"
    ));
    Ok(Status::Quiet)
}

fn print(report: &Report, voice: Voice) -> Result<()> {
    output::to(None, voice, |look, is_terminal, out| {
        report.write(if is_terminal { Format::Table } else { Format::Ndjson }, look, out)
    })
}

/// The incident at once, and its plan after it, as an incident comes.
async fn post(workspace: &impl Workspace, channel: &str, sample: &Sample, now: Seconds) -> Result<String> {
    // A drill that is played again is another message.
    let key = id("drill", &[&sample.incident.id, &time::format(now)]);
    let opened = sample.words(State::Open, Mark::Drill, &key);
    let spot = Spot { channel, thread: None };
    let ts = workspace.post(spot, &opened).await.map_err(|why| anyhow!("posting to {channel}: {why}"))?;
    let planned = sample.words(State::Pending, Mark::Drill, &key);
    let updated = workspace.update(channel, &ts, &planned).await;
    updated.map_err(|why| anyhow!("it is posted to {channel} as {ts}, and cannot be edited: {why}"))?;
    Ok(ts)
}
