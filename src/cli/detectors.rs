//! `stakeout detectors`: what is looked for.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use super::{Status, Voice};
use crate::baseline::Baseline;
use crate::detect::check::Replay;
use crate::detect::{Detector, Rules, check, spend};
use crate::event::Seconds;
use crate::model::Finding;
use crate::replay::map::Range;
use crate::replay::{Settings, replay};
use crate::report::page;
use crate::source::{Bills, Wanted, discover, read_bills};

/// No fixture is this large.
const MAX_OBJECT_BYTES: u64 = 1 << 30;

/// List and explain detectors, and test rules of your own.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// One line a detector.
    List {
        /// Add a folder of Sigma rules.
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Everything about one detector.
    Explain {
        /// Its name, as `list` shows it.
        name: String,
        /// Add a folder of Sigma rules.
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Run every rule of a folder over its fixtures.
    ///
    /// The fixtures of a rule lie in FIXTURES/NAME/ and say by their names what must come out: `fires*` a finding,
    /// `notice*` a notice, `quiet*` nothing but notices. One CloudTrail record a line, or any other
    /// form that replay reads; for detectors about bills whatever `--cost` reads. `STEM.costs.csv` beside logs is the bill
    /// of their account.
    Test {
        /// The folder of rules.
        folder: PathBuf,
        /// Where the fixtures are [default: the folder `fixtures` in the folder of rules].
        #[arg(long, value_name = "DIR")]
        fixtures: Option<PathBuf>,
    },
}

pub(super) fn run(arguments: &Arguments, voice: Voice) -> Result<Status> {
    match &arguments.action {
        Action::List { rules } => list(rules),
        Action::Explain { name, rules } => explain(name, rules, voice),
        Action::Test { folder, fixtures } => {
            test(folder, fixtures.clone().unwrap_or_else(|| folder.join("fixtures")), voice)
        }
    }
}

fn list(folders: &[PathBuf]) -> Result<Status> {
    let rules = Rules::load(folders)?;
    let mut detectors: Vec<_> = rules.detectors.iter().collect();
    detectors.sort_by_key(|detector| (&detector.tactic, &detector.name));
    let mut out = io::stdout().lock();
    for detector in detectors {
        let level = if detector.notice { "notice" } else { detector.level.as_str() };
        writeln!(out, "{level:<13}  {:<21}  {:<40}  {}", detector.tactic, detector.name, detector.attack.join(" "))?;
    }
    Ok(Status::Quiet)
}

fn explain(name: &str, folders: &[PathBuf], voice: Voice) -> Result<Status> {
    let rules = Rules::load(folders)?;
    let Some(detector) = rules.detectors.iter().find(|detector| detector.name == name) else {
        bail!("no detector is named {name:?}; `stakeout detectors list` shows all");
    };
    let mut out = io::stdout().lock();
    for line in explanation(detector).lines() {
        let rest = if line.starts_with("  - ") { "    " } else { "" };
        page::write_wrapped(&mut out, voice.look().columns, line, rest)?;
    }
    Ok(Status::Quiet)
}

fn explanation(detector: &Detector) -> String {
    let mut text = format!("{}\n{}, {}", detector.title, detector.name, detector.level);
    text.push_str(if detector.notice { ", a notice that never pages\n" } else { "\n" });
    text.push_str(&format!("\n{}\n", detector.description));
    if let Some(first_seen) = &detector.first_seen {
        let days = first_seen.history / crate::event::DAY;
        text.push_str(&format!("\nFires on what was not seen in the {days} days before; a notice while the history is shorter than {} days.\n", first_seen.learn / crate::event::DAY));
    }
    if let Some(beyond) = &detector.beyond_usual {
        let (times, usd) = (beyond.times, crate::model::dollars(beyond.usd));
        text.push_str(&format!("\nFires on more than {times} times what the account usually spends in an hour, and at least {usd}; silent without a bill.\n"));
    }
    let adjusted = detector.adjust.iter().map(|entry| {
        let to = match (entry.level, entry.notice) {
            (_, Some(true)) => "notice".to_owned(),
            (Some(level), _) => level.to_string(),
            (None, _) => detector.level.to_string(),
        };
        format!("{to}: {}", entry.because)
    });
    section(&mut text, "Level", adjusted);
    section(&mut text, "Benign causes", detector.falsepositives.iter().cloned());
    section(&mut text, "Blind spots", detector.blind_spots.iter().cloned());
    let version = detector.attack_version.as_deref().unwrap_or("of unknown version");
    section(&mut text, &format!("ATT&CK {version}"), detector.attack.iter().cloned());
    section(&mut text, "Playbook", detector.playbook.iter().cloned());
    section(&mut text, "References", detector.references.iter().cloned());
    text.push_str(&format!("\nFile: {}\n", detector.file));
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.map(|line| format!("  - {line}\n")).collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n{title}\n{}", lines.concat()));
    }
}

fn test(folder: &Path, fixtures: PathBuf, voice: Voice) -> Result<Status> {
    let rules = Rules::of_folder(folder)?;
    let outcome = check::check(
        &rules,
        &fixtures,
        &Replay { logs: &|file, bill| findings_of(file, bill, &rules), bill: &|file| findings_of_bill(file, &rules) },
    )?;
    let mut out = io::stdout().lock();
    for line in &outcome.lines {
        writeln!(out, "{}", crate::model::escape::terminal(line))?;
    }
    for problem in &rules.problems {
        super::complain(&problem.to_string());
    }
    voice.remark(&format!("{} passed, {} failed", outcome.passed, outcome.failed));
    if rules.detectors.is_empty() {
        bail!("{}: no rules", folder.display());
    }
    Ok(if outcome.failed == 0 && rules.problems.is_empty() { Status::Quiet } else { Status::Found })
}

/// The findings of one file, from an empty baseline, with the bill of the account where there is one.
fn findings_of(file: &Path, bill: Option<&Path>, rules: &Rules) -> Result<Vec<Finding>> {
    let objects = discover(&[file.display().to_string()], &Wanted::default())?;
    let settings = Settings {
        range: Range { start: Seconds::MIN, end: Seconds::MAX },
        accounts: &[],
        threads: 1,
        max_object_bytes: MAX_OBJECT_BYTES,
    };
    let bills = bill.map_or_else(|| Ok(Bills::default()), bills_of)?;
    let (report, _) = replay(&objects, &bills, rules, Baseline::default(), settings, &|_| {})?;
    Ok(report.findings)
}

/// The findings of one bill.
fn findings_of_bill(file: &Path, rules: &Rules) -> Result<Vec<Finding>> {
    let bills = bills_of(file)?;
    Ok(spend::judge(&bills.ledger, &bills.anomalies, rules, (Seconds::MIN, Seconds::MAX)))
}

fn bills_of(file: &Path) -> Result<Bills> {
    let bills = read_bills(&[file.display().to_string()], MAX_OBJECT_BYTES)?;
    if let Some(skipped) = bills.skipped.first() {
        bail!("{}: {}", skipped.path, skipped.why);
    }
    Ok(bills)
}
