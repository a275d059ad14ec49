//! `stakeout reduce`: parts in, explained incidents out.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::findings::Findings;
use super::input::{self, Extra};
use super::{Status, Voice, now};
use crate::baseline::{Baseline, file};
use crate::config::Config;
use crate::detect::Rules;
use crate::replay::history::{Given, Whole, judge, merge, open, reduce};
use crate::replay::parts::Share;
use crate::source::{join_bills, listed, output};

/// Find incidents in what `map` made of the logs.
///
/// Prints what one `stakeout replay` of all the mapped logs would print, however they were shared out and in whatever order
/// the parts come. A part that is given twice counts once; one that cannot be read or is missing is named.
///
///   stakeout reduce parts
///   stakeout reduce s3://bucket/run/parts/
///
/// Accounts that nothing ties to each other are judged one after the other, so that memory stays flat. --share judges only
/// one of so many shares of them, elsewhere or at the same time, and writes a judged part; `reduce` of all judged parts
/// prints the same again:
///
///   stakeout reduce parts --share 1/2 -o judged/1.part
///   stakeout reduce parts --share 2/2 -o judged/2.part
///   stakeout reduce judged
///
/// Exit status: 0 nothing found, 1 incidents found, 2 could not run, 3 ran but part of the input could not be read.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Parts: files, folders and s3://bucket/prefix/ (all that ends in .part), or globs.
    #[arg(required = true, value_name = "PART")]
    parts: Vec<String>,
    /// Judge only one of so many shares of the accounts, such as 3/16, and write a judged part.
    #[arg(long, value_name = "I/N", requires = "output", conflicts_with_all = ["format", "min_level", "exit_zero"])]
    share: Option<Share>,
    /// Start from what earlier runs learned; several files are merged.
    #[arg(long, value_name = "FILE", conflicts_with = "share")]
    baseline: Vec<PathBuf>,
    /// Write what this run learned.
    #[arg(long, value_name = "FILE", conflicts_with = "share")]
    save_baseline: Option<PathBuf>,
    /// The folders of Sigma rules that the parts were mapped with.
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// The prices that the parts were mapped with.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// The tables of networks that the parts were mapped with.
    #[arg(long, value_name = "FILE")]
    asn: Vec<String>,
    #[command(flatten)]
    findings: Findings,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let config = Config::load(config)?;
    arguments.save_baseline.iter().try_for_each(|path| output::check_here(path))?;
    arguments.findings.output.iter().try_for_each(|path| output::check(path))?;
    let (prices, asn) = (arguments.prices.as_deref(), &arguments.asn);
    let rules = input::rules(Extra { rules: &arguments.rules, prices, asn }, &config)?;
    input::ask_for_owners(&config, voice);
    let mut names = Vec::new();
    for part in &arguments.parts {
        names.extend(listed(part, ".part")?);
    }
    if names.is_empty() {
        bail!("no part (*.part) in {}", arguments.parts.join(", "));
    }
    // What is named twice is one part, and not a copy of it.
    names.sort_unstable();
    names.dedup();
    let mut given = open(&names, &rules)?;
    if arguments.share.is_none_or(|share| share.number == 1) {
        given.look_for_overlaps();
    }
    given.remarks.iter().for_each(|remark| voice.remark(remark));
    if let Some(share) = arguments.share {
        return judged(arguments, &given, &rules, share, voice);
    }
    let whole =
        if given.is_judged() { merged(arguments, &given, &rules)? } else { reduced(arguments, &mut given, &rules)? };
    config.check_allow(whole.report.summary.last_event.unwrap_or(0).max(now()))?;
    if let Some(path) = &arguments.save_baseline {
        file::save(&whole.baseline, path)?;
    }
    arguments.findings.tell(whole.report, whole.aside, &whole.superseded, rules.problems.is_empty(), voice)
}

fn judged(arguments: &Arguments, given: &Given, rules: &Rules, share: Share, voice: Voice) -> Result<Status> {
    if given.is_judged() {
        bail!("--share: these parts are judged already; reduce them without --share");
    }
    let output = arguments.findings.output.as_ref().context("--share needs -o")?.to_str().context("-o: not UTF-8")?;
    let skipped = judge(given, rules, share, &output::replaceable(output)?)?;
    voice.name(&skipped);
    Ok(if skipped.is_empty() && rules.problems.is_empty() { Status::Quiet } else { Status::Partial })
}

fn merged(arguments: &Arguments, given: &Given, rules: &Rules) -> Result<Whole> {
    if !arguments.baseline.is_empty() || arguments.save_baseline.is_some() {
        bail!(
            "--baseline and --save-baseline go with all accounts together: reduce the parts themselves, without --share"
        );
    }
    Ok(Whole { report: merge(given, rules)?, baseline: Baseline::default(), aside: None, superseded: Vec::new() })
}

fn reduced(arguments: &Arguments, given: &mut Given, rules: &Rules) -> Result<Whole> {
    let is_asked_for = !arguments.baseline.is_empty() || arguments.save_baseline.is_some();
    let baseline = is_asked_for.then(|| input::learned(&arguments.baseline)).transpose()?;
    let bills = join_bills(given.bills());
    reduce(given, rules, baseline, &bills, &std::env::temp_dir())
}
