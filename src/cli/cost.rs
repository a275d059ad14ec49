//! `stakeout cost`: bills in, what is unusual about them out.

mod live;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Status, Voice};
use crate::cost::Day;
use crate::detect::{Rules, spend};
use crate::event::Seconds;
use crate::report::spend::{Accounting, By, Choice, SpendFormat, SpendReport, View};
use crate::source::read_bills;

const EXAMPLES: &str = "Examples:
  stakeout cost cur/2026-11/*.csv.gz
  aws ce get-cost-and-usage ... | stakeout cost - --by service
  stakeout cost --live --budget 1
  stakeout cost --live --usage-type-of 'AWS Lambda'";

/// Look at spend: what each service costs by day, and what about it is unusual.
///
/// Takes files, directories, globs and `-` for standard input: answers of Cost Explorer (`aws ce get-cost-and-usage`,
/// `aws ce get-anomalies`), the CSV of its console, cost and usage reports (CUR, CUR 2.0), FOCUS, and a plain CSV with
/// usage_date, account, service, region and amount; also gzip, zip and parquet. Only usage is judged: taxes, credits,
/// fees and commitments are summed up beside it.
///
/// With --live it asks Cost Explorer first, at most every 8 hours, and keeps every page. AWS bills $0.01 for each; the
/// price is told before and after, and never goes above --budget. Use the usual AWS_* variables; the IAM actions are
/// ce:GetCostAndUsage and ce:GetAnomalies.
///
/// A line shows the days as bars, the largest at full height, the last day, and what is usual: the median of the 28 days
/// before.
///
/// Exit status: 0 done, 1 done in part, 2 refused or could not run.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input.
    #[arg(required_unless_present = "live", conflicts_with = "live", value_name = "FILE")]
    paths: Vec<String>,
    /// Days to show, up to the last of a bill.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(i32).range(1..=400))]
    days: Day,
    /// What a line is about.
    #[arg(long, value_enum, default_value = "service-region")]
    by: By,
    /// Series to show, the largest first; those with a finding are always shown.
    #[arg(long, value_name = "N", default_value_t = 15)]
    top: usize,
    /// Add a folder of rules.
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// How to write the results [default: table on a terminal, else ndjson].
    #[arg(long, value_enum)]
    format: Option<SpendFormat>,
    /// Write the results to a file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Unpack at most so many MiB of one object.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_object: u64,
    #[command(flatten)]
    live: live::Live,
}

pub(super) fn run(arguments: &Arguments, voice: Voice) -> Result<Status> {
    arguments.live.check()?;
    let rules = Rules::load(&arguments.rules)?;
    for problem in &rules.problems {
        super::complain(&problem.to_string());
    }
    let asked = if arguments.live.live { Some(live::ask(&arguments.live, voice)?) } else { None };
    let limit = arguments.max_object.saturating_mul(1 << 20);
    let folder = asked.as_ref().map(|asked| vec![asked.folder.clone()]);
    let bills = read_bills(folder.as_ref().unwrap_or(&arguments.paths), limit)?;
    let mut complete = rules.problems.is_empty() && asked.as_ref().is_none_or(|asked| asked.complete);
    voice.name(bills.skipped.iter().chain(&bills.superseded));
    complete &= bills.skipped.is_empty();
    let choice = Choice { by: arguments.by, days: arguments.days, most: arguments.top };
    let findings = spend::judge(&bills.ledger, &bills.anomalies, &rules, (Seconds::MIN, Seconds::MAX));
    let accounting = Accounting { cost: bills.summary().unwrap_or_default(), skipped: bills.skipped };
    let mut report = SpendReport::new(&bills.ledger, findings, accounting, choice);
    if let Some((service, pages)) = asked.and_then(|asked| asked.usage_types) {
        let detail = read_bills(&pages, limit)?;
        voice.name(detail.skipped.iter().chain(&detail.superseded));
        complete &= detail.skipped.is_empty();
        report.accounting.skipped.extend(detail.skipped);
        let view = View::of(&detail.ledger, &report.findings, Choice { by: By::UsageType, ..choice });
        report.usage_types = Some((service, view));
    }
    match write(&report, arguments, voice) {
        Err(error) if super::is_broken_pipe(&error) => {}
        written => written?,
    }
    Ok(if complete { Status::Quiet } else { Status::Found })
}

fn write(report: &SpendReport, arguments: &Arguments, voice: Voice) -> Result<()> {
    super::output::to(arguments.output.as_deref(), voice, |look, is_terminal, out| {
        let usual = if is_terminal { SpendFormat::Table } else { SpendFormat::Ndjson };
        report.write(arguments.format.unwrap_or(usual), look, out)
    })
}
