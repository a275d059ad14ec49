//! `stakeout tune`: history in, entries of `[[allow]]` out, as text to paste.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use toml::{Table, Value};

use super::input::{self, Gathered, Input};
use super::{Status, Voice, now, output};
use crate::detect::allow::propose::{Proposal, Proposals, Wanted, propose};
use crate::event::time;
use crate::model::escape::terminal;
use crate::model::{Finding, Level, counted, noun};
use crate::replay::replay_events;

const EXAMPLES: &str = "\
Examples:
  stakeout tune logs                          what a replay of logs would be quieter by
  stakeout tune logs -o proposed.toml
  stakeout replay logs --config proposed.toml try it before anybody answers for it
  stakeout config validate                    refuses owner = \"?\" and reason = \"?\"";

/// Propose entries of `[[allow]]` from history: the fewest that take most away, with what each would have hidden.
///
/// Reads what `replay` reads and looks at what would be told and is no incident. An entry names one principal and one
/// detector, and is as narrow as what was seen: its addresses or networks, and its regions. Where these are many, no entry is
/// proposed. What is written is TOML: paste what is really fine into the settings, say who answers for it and why, and
/// drop the rest. An entry holds for 90 days at most.
///
/// An entry never hides critical findings, notices, anything of a principal in an incident, or who made whom: what it
/// covers still joins an incident as evidence, still teaches what is usual, and is counted in every summary. Findings about
/// bills have no entry.
///
/// Exit status: 0 done, 2 could not run.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Start from what earlier runs learned; several files are merged.
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Look at findings from this level on.
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "low")]
    min_level: Level,
    /// Propose at most so many entries.
    #[arg(long, value_name = "N", default_value_t = 20)]
    most: usize,
    /// Propose only entries that hide at least so many findings.
    #[arg(long, value_name = "N", default_value_t = 1)]
    least: usize,
    /// Write to a file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Gathered { settings, rules, baseline, objects, bills, .. } =
        arguments.input.gather(config, &arguments.baseline, voice)?;
    let bar = input::progress_bar(&objects, voice);
    let (report, events) = replay_events(&objects, &bills, &rules, baseline, settings, &|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    voice.name(&report.summary.skipped);
    let wanted = Wanted { level: arguments.min_level, most: arguments.most, least: arguments.least.max(1) };
    let last = report.summary.last_event.unwrap_or_else(now);
    let proposals = propose(&report.findings, &report.incidents, &events, last, wanted);
    let text = told(&proposals, wanted.level)?;
    output::to(arguments.output.as_deref(), voice, |_, _, out| out.write_all(text.as_bytes()))?;
    Ok(Status::Quiet)
}

/// The proposals as TOML, with what people should know as comments.
fn told(proposals: &Proposals<'_>, level: Level) -> Result<String> {
    let Proposals { entries, findings, of_incidents, wide } = proposals;
    let hidden: usize = entries.iter().map(|proposal| proposal.hides.len()).sum();
    let mut text = format!(
        "# {} of level {level} or above, in no incident. {} would hide {hidden} of them.\n",
        counted(*findings, "finding"),
        counted(entries.len(), "entry")
    );
    if *of_incidents > 0 {
        let more = counted(*of_incidents, "further finding");
        writeln!(text, "# Nobody can answer for {more}: their principals are in incidents.")?;
    }
    for (detector, principal, count) in wide {
        let line =
            format!("# No entry is narrow enough for {} of {detector} by {principal}.", counted(*count, "finding"));
        writeln!(text, "{}", terminal(&line))?;
    }
    if !entries.is_empty() {
        text.push_str(
            "# Paste what is really fine into stakeout.toml, say in `owner` and `reason` who answers for it and why, and\n\
             # drop the rest. `stakeout config validate` refuses what still says \"?\".\n",
        );
    }
    for proposal in entries {
        text.push('\n');
        text.push_str(&entry(proposal)?);
    }
    Ok(text)
}

/// One entry, below what it would have hidden.
fn entry(proposal: &Proposal<'_>) -> Result<String> {
    let Proposal { entry, hides } = proposal;
    let (first, last) = hides.first().zip(hides.last()).context("an entry that hides nothing")?;
    let mut levels: BTreeMap<Level, usize> = BTreeMap::new();
    hides.iter().for_each(|finding| *levels.entry(finding.level).or_default() += 1);
    let levels: Vec<_> = levels.iter().rev().map(|(level, count)| format!("{count} {level}")).collect();
    let span = format!("from {} to {}", time::format(first.time), time::format(last.time));
    let span = if hides.len() == 1 { format!("at {}", time::format(first.time)) } else { span };
    let mut text = format!("# Hides {} {} {span}, such as\n", levels.join(" and "), noun("finding", hides.len()));
    writeln!(text, "# {}", terminal(&sample(last)))?;
    let table = Table::try_from(entry).context("writing an entry")?;
    text.push_str("[[allow]]\n");
    for key in KEYS {
        let Some(value) = table.get(key) else { continue };
        // A list is easier to read, and to make longer, on one line.
        writeln!(text, "{key} = {}", plain(value))?;
    }
    Ok(text)
}

/// The keys of an entry, in the order in which people read them.
const KEYS: [&str; 8] = ["principal", "detector", "network", "region", "target", "owner", "reason", "expires"];

/// A value as TOML. All texts of an entry are free of control characters.
fn plain(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        other => other.to_string(),
    }
}

/// A finding in a line.
fn sample(finding: &Finding) -> String {
    let why = finding.reasons.first().map_or_else(String::new, |why| format!(": {why}"));
    let (at, place) = (time::format(finding.time), &finding.region);
    format!("{at} {} ({}) in {place}, {}{why}", finding.title, finding.level, finding.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn an_entry_is_toml_whatever_it_holds() {
        let text = "a \"b\" \\ é";
        let read: Table = toml::from_str(&format!("x = {}", plain(&Value::from(vec![text, "y"])))).unwrap();
        assert_eq!(read["x"], Value::from(vec![text, "y"]));
    }

    #[test]
    fn every_key_of_an_entry_is_written() {
        let text = "[[allow]]\nprincipal = \"arn:aws:iam::111122223333:role/x\"\ndetector = \"d\"\n\
                    network = [\"203.0.113.0/24\"]\nregion = [\"eu-west-1\"]\ntarget = [\"t\"]\nowner = \"?\"\n\
                    reason = \"?\"\nexpires = \"2027-01-31\"\n";
        let config = Config::read(text, "", std::iter::empty()).unwrap();
        let table = Table::try_from(config.allow.first().unwrap()).unwrap();
        assert!(table.keys().all(|key| KEYS.contains(&key.as_str())), "{table:?}");
        let written: Vec<_> = KEYS.iter().map(|key| format!("{key} = {}\n", plain(&table[*key]))).collect();
        assert_eq!(text, format!("[[allow]]\n{}", written.concat()));
    }
}
