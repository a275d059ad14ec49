//! `stakeout replay`: exported logs in, explained incidents out.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::findings::Findings;
use super::input::{self, Gathered, Input};
use super::{Status, Voice, now};
use crate::baseline::file;
use crate::replay::replay;

/// Find incidents in exported CloudTrail logs.
///
/// Takes files, directories, globs, s3://bucket/prefix and `-` for standard input: AWS's delivery tree (AWSLogs/...),
/// JSON, JSON lines, gzip, zip, LookupEvents answers, EventBridge and CloudWatch Logs envelopes, CloudTrail Lake and Athena CSV.
/// What happened earlier in the logs is the history against which later events are judged; thirty days tell much
/// more than one.
///
/// Of the settings only `[[allow]]` matters here: what it covers is counted, and told by no finding of its own.
///
/// Exit status: 0 nothing found, 1 incidents found, 2 could not run, 3 ran but part of the input could not be read.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Start from what earlier runs learned; several files are merged.
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Write what this run learned.
    #[arg(long, value_name = "FILE")]
    save_baseline: Option<PathBuf>,
    #[command(flatten)]
    findings: Findings,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Gathered { config, settings, rules, baseline, objects, bills } =
        arguments.input.gather(config, &arguments.baseline, voice)?;
    let bar = input::progress_bar(&objects, voice);
    let (report, baseline) = replay(&objects, &bills, &rules, baseline, settings, &|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    config.check_allow(report.summary.last_event.unwrap_or(0).max(now()))?;
    if let Some(path) = &arguments.save_baseline {
        file::save(&baseline, path)?;
    }
    arguments.findings.tell(report, None, &bills.superseded, rules.problems.is_empty(), voice)
}
