//! `stakeout drill`: a night to rehearse with.

mod live;
mod notify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{Status, Voice};
use crate::drill::{Options, Scenario, write_tree};
use crate::event::time;

/// Write a scenario as CloudTrail logs, with ordinary life around it, its bill, and what is true about it.
///
/// The logs are an AWS delivery tree: late, duplicated and out of order as real delivery is. `costs.csv` beside them is
/// the account's bill as polls every eight hours see it. `truth.json` names the attack's events and its principals,
/// credentials and resources, and what it costs. The same seed gives the same bytes.
///
/// With --notify nothing is written unless --out says where: the scenario goes through the engine of `replay`, and its incident
/// is printed and posted to the Slack channel of the settings, marked DRILL, with a plan whose buttons do nothing but say whether
/// whoever presses could decide. Other channels are not told, and no state is touched.
///
/// With --live the scenario is played with real API calls: users, keys and functions are made, the engine finds the intruder,
/// tells it, and with --approve-as contains it; everything is removed at the end, also after Ctrl-C, and the times are
/// reported. That happens on this machine (--endpoint of a stand-in), or in an account that `[drill] sandbox` of the settings
/// names and --confirm names again. The real state is never touched, and queues are never read. Its id and the names of what it
/// makes are said first; --clean with that id removes what is left of a drill that was killed.
///
/// Scenarios: lambda-ddos-all-regions, missing-key, gpu-mining-unused-regions, llmjacking, ses-spam, admin-persistence,
/// role-chain-cross-account (two accounts), s3-ransom, defence-evasion, insider-delete, and ordinary for ordinary life alone.
///
/// What looks like an attack and is none comes with --noise-library: agents, campaigns, a broken job that is denied 400 times an
/// hour, an office that changes its provider, a laptop in a hotel, keys that are replaced by hand, a test of the disaster plan in
/// an unused region (day 40), a hired attack (days 47 and 48), and a containment by Stakeout itself. --skill, --denied and
/// --disorder make the attack harder to see.
///
/// Exit status: 0 done (with --live: found, told, contained and refused), 1 a part of a live drill did not happen or something
/// of it could not be removed, 2 refused or could not run.
#[derive(Args)]
pub(super) struct Arguments {
    /// The scenario, or ordinary.
    name: String,
    /// Where to write [default: a folder of the scenario's name].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Post its incident to Slack, marked DRILL, instead of writing it.
    #[arg(long)]
    notify: bool,
    /// The benign look-alike instead, which must stay quiet.
    #[arg(long)]
    twin: bool,
    /// What varies: names, ids, addresses, hours.
    #[arg(long, default_value_t = 1, conflicts_with = "live")]
    seed: u64,
    /// Days of ordinary life; the attack falls on the last but one.
    #[arg(long, default_value_t = 30, conflicts_with = "live")]
    days: u32,
    /// Regions that the attack reaches, separated by commas [default: the 17 that are enabled by default; with --live the
    /// first six of them].
    #[arg(long, value_delimiter = ',', value_name = "REGION")]
    regions: Option<Vec<String>>,
    /// Median and 95th percentile of the delay of delivery.
    #[arg(long, value_name = "P50,P95", default_value = "2m,12m", value_parser = parse_delay, conflicts_with = "live")]
    delay: (Duration, Duration),
    /// Share of records delivered twice.
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, conflicts_with = "live")]
    duplicates: f64,
    /// Share of ordinary records lost.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "live")]
    missing: f64,
    /// Volume of ordinary life; 1 is about 1,500 records a day.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, conflicts_with = "live")]
    noise: f64,
    /// How often a region's records are delivered.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_length, conflicts_with = "live")]
    batch: Duration,
    /// Put everything into ordinary life that looks like an attack and is none.
    #[arg(long, conflicts_with = "live")]
    noise_library: bool,
    /// How the attacker goes about it: a quiet one asks a quarter of the questions, with the tools of the house.
    #[arg(long, value_name = "SKILL", default_value = "noisy", value_parser = ["noisy", "quiet"], conflicts_with = "live")]
    skill: String,
    /// Share of the attacker's questions that are refused.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "live")]
    denied: f64,
    /// Share of the files whose records are in no order [default: a third].
    #[arg(long, value_name = "SHARE", conflicts_with = "live")]
    disorder: Option<f64>,
    /// The first day (RFC 3339).
    #[arg(long, value_name = "TIME", default_value = "2026-09-01T00:00:00Z", conflicts_with = "live")]
    start: jiff::Timestamp,
    #[command(flatten)]
    live: live::Live,
}

fn parse_length(text: &str) -> Result<Duration, String> {
    let seconds = time::parse_duration(text).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{text:?} is no duration such as 90s, 15m or 1h"))
}

fn parse_delay(text: &str) -> Result<(Duration, Duration), String> {
    let (median, late) = text.split_once(',').ok_or_else(|| format!("{text:?} is not two durations such as 2m,12m"))?;
    Ok((parse_length(median)?, parse_length(late)?))
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let scenario = match arguments.name.as_str() {
        "ordinary" => None,
        name => Some(scenario(name)?),
    };
    if arguments.live.is_wanted() {
        return live::run(&arguments.live, scenario, arguments.regions.clone(), config, voice);
    }
    let options = Options {
        seed: arguments.seed,
        days: arguments.days,
        regions: arguments.regions.clone().unwrap_or_else(|| Options::default().regions),
        delay: arguments.delay,
        duplicates: arguments.duplicates,
        missing: arguments.missing,
        noise: arguments.noise,
        batch: arguments.batch,
        start: arguments.start,
        twin: arguments.twin,
        library: arguments.noise_library,
        quiet: arguments.skill == "quiet",
        denied: arguments.denied,
        disorder: arguments.disorder,
    };
    if arguments.notify && arguments.out.is_none() {
        return notify::run(scenario, &options, config, voice);
    }
    let out = arguments.out.clone().unwrap_or_else(|| Path::new(&arguments.name).to_path_buf());
    if out.join("AWSLogs").exists() {
        bail!("{}: holds a drill already; name another folder with --out", out.display());
    }
    write_tree(scenario, &options, &out).with_context(|| out.display().to_string())?;
    match scenario {
        Some(scenario) if !options.twin => voice.remark(scenario.summary()),
        _ => voice.remark("ordinary life: replay must find no incident"),
    }
    let out = out.display();
    if arguments.notify {
        voice.remark(&format!("wrote {out}"));
        return notify::run(scenario, &options, config, voice);
    }
    voice.remark(&format!("wrote {out}; now: stakeout replay {out} --cost {out}/costs.csv"));
    Ok(Status::Quiet)
}

fn scenario(name: &str) -> Result<Scenario> {
    Scenario::ALL.into_iter().find(|scenario| scenario.to_string() == name).with_context(|| {
        let known: Vec<_> = Scenario::ALL.iter().map(ToString::to_string).collect();
        format!("no scenario is named {name:?}; there are {} and ordinary", known.join(", "))
    })
}
