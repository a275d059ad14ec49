//! `stakeout replay`: exported logs in, explained incidents out.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Status, Voice};
use crate::baseline::{Baseline, file};
use crate::detect::Rules;
use crate::event::{Seconds, time};
use crate::model::Level;
use crate::price::Prices;
use crate::replay::map::Range;
use crate::replay::{Settings, replay};
use crate::report::{Format, Report};
use crate::source::{Object, discover, is_bill, read_bills};

/// Find incidents in exported CloudTrail logs.
///
/// Takes files, directories, globs and `-` for standard input: AWS's delivery tree (AWSLogs/...), JSON, JSON lines,
/// gzip, zip, LookupEvents answers, EventBridge and CloudWatch Logs envelopes, CloudTrail Lake and Athena CSV.
/// What happened earlier in the logs is the history against which later events are judged; thirty days tell much
/// more than one.
///
/// Exit status: 0 nothing found, 1 incidents found, 2 could not run, 3 ran but part of the input could not be read.
#[derive(Args)]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input.
    #[arg(required_unless_present = "cost", value_name = "PATH")]
    paths: Vec<String>,
    /// Bills of the same accounts: Cost Explorer answers, CUR, FOCUS, dated CSV, or what `stakeout cost --live` keeps.
    #[arg(long, value_name = "PATH")]
    cost: Vec<String>,
    /// Start from what earlier runs learned; several files are merged.
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Write what this run learned.
    #[arg(long, value_name = "FILE")]
    save_baseline: Option<PathBuf>,
    /// Add a folder of Sigma rules. Their findings are listed; incidents open on Stakeout's own detectors.
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Judge events from this time on; earlier ones are history only (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start: Option<Seconds>,
    /// Leave out events from this time on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    end: Option<Seconds>,
    /// Prices to estimate by, before the built-in ones: `instance_type,usd_per_hour` and perhaps `,region`, or a JSON map.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// How to write the results [default: table on a terminal, else ndjson].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write the results to a file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out findings below this level.
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "informational")]
    min_level: Level,
    /// Exit with 0 where incidents were found.
    #[arg(long)]
    exit_zero: bool,
    /// Reader threads [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Unpack at most so many MiB of one object.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_object: u64,
}

fn parse_time(text: &str) -> Result<Seconds, String> {
    time::parse(text).ok_or_else(|| format!("{text:?} is no RFC 3339 time such as 2026-09-01T00:00:00Z"))
}

pub(super) fn run(arguments: &Arguments, voice: Voice) -> Result<Status> {
    let range = Range { start: arguments.start.unwrap_or(Seconds::MIN), end: arguments.end.unwrap_or(Seconds::MAX) };
    if range.start >= range.end {
        bail!("--start is not before --end");
    }
    let mut rules = Rules::load(&arguments.rules)?;
    if let Some(path) = &arguments.prices {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        rules.prices = Prices::read(&text, &path.display().to_string())?;
    }
    for problem in &rules.problems {
        super::complain(&problem.to_string());
    }
    let mut baseline = Baseline::default();
    for path in &arguments.baseline {
        baseline.merge(file::load(path)?);
    }
    let (logs, costs) = sorted(arguments, voice)?;
    let objects = discover(&logs)?;
    let max_object_bytes = arguments.max_object.saturating_mul(1 << 20);
    let bills = read_bills(&costs, max_object_bytes)?;
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let settings = Settings { range, threads, max_object_bytes };
    let bar = progress_bar(&objects, voice);
    let (report, baseline) = replay(&objects, &bills, &rules, baseline, settings, &|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    let incomplete = !report.summary.skipped.is_empty() || !rules.problems.is_empty();
    voice.name(report.summary.skipped.iter().chain(&bills.superseded));
    let found = !report.incidents.is_empty();
    if let Some(path) = &arguments.save_baseline {
        file::save(&baseline, path)?;
    }
    match write(&report.at_least(arguments.min_level), arguments, voice) {
        Err(error) if super::is_broken_pipe(&error) => {}
        written => written?,
    }
    Ok(match (incomplete, found && !arguments.exit_zero) {
        (true, _) => Status::Partial,
        (false, true) => Status::Found,
        (false, false) => Status::Quiet,
    })
}

fn write(report: &Report, arguments: &Arguments, voice: Voice) -> Result<()> {
    super::output::to(arguments.output.as_deref(), voice, |look, is_terminal, out| {
        let usual = if is_terminal { Format::Table } else { Format::Ndjson };
        report.write(arguments.format.unwrap_or(usual), look, out)
    })
}

/// Paths of logs, and paths of bills. A shell turns `--cost *.csv` into one bill and paths of the others.
fn sorted(arguments: &Arguments, voice: Voice) -> Result<(Vec<String>, Vec<String>)> {
    let (mut logs, mut bills) = (Vec::new(), arguments.cost.clone());
    let is_stdin = |path: &String| path == "-";
    if arguments.paths.iter().any(is_stdin) && bills.iter().any(is_stdin) {
        bail!("standard input (-) can be read only once");
    }
    for path in &arguments.paths {
        if is_bill(path) {
            voice.remark(&format!("{path}: a bill, read as with --cost"));
            bills.push(path.clone());
        } else {
            logs.push(path.clone());
        }
    }
    Ok((logs, bills))
}

fn progress_bar(objects: &[Object], voice: Voice) -> ProgressBar {
    if voice.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(objects.iter().map(Object::bytes).sum());
    match ProgressStyle::with_template("reading {bar:30} {bytes}/{total_bytes} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
