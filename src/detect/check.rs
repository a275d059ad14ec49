//! Rules against their fixtures: the name of a fixture says what must come of it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::catalog::Rules;
use super::rule::Detector;
use crate::model::{Finding, Level};

/// A file beside a fixture of logs that has this ending in place of its own is the bill of the account.
const BILL: &str = ".costs.csv";

/// How the fixtures of a rule set came out.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// One line a fixture, and one for every rule that lacks some.
    pub lines: Vec<String>,
    pub passed: usize,
    pub failed: usize,
}

/// What a fixture's name asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Level(Level),
    Notice,
    Quiet,
}

/// What came of a fixture.
type Found = Result<Vec<Finding>>;

/// How fixtures become findings.
pub(crate) struct Replay<'a> {
    /// The findings of one file of logs, from an empty baseline, with the bill of the account where there is one.
    pub logs: &'a dyn Fn(&Path, Option<&Path>) -> Found,
    /// The findings of one bill.
    pub bill: &'a dyn Fn(&Path) -> Found,
}

/// Runs the fixtures of every detector.
///
/// # Errors
/// A folder of fixtures that cannot be read, or a fixture whose name asks for nothing.
pub(crate) fn check(rules: &Rules, fixtures: &Path, replay: &Replay<'_>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (number, detector) in rules.detectors.iter().enumerate() {
        let about_bills = rules.spends.iter().any(|rule| rule.detector == number);
        let files = files(&fixtures.join(&detector.name))?;
        for needed in ["fires", "quiet"] {
            let exists = files.iter().any(|file| {
                stem(file).starts_with(needed)
                    || (needed == "fires" && detector.notice && stem(file).starts_with("notice"))
            });
            if !exists {
                outcome.failed += 1;
                outcome.lines.push(format!("MISSING  {}: no fixture that begins with {needed}", detector.name));
            }
        }
        for file in &files {
            let wanted = wanted(detector, &stem(file))?;
            let findings = if about_bills { (replay.bill)(file)? } else { (replay.logs)(file, bill(file).as_deref())? };
            let own: Vec<_> = findings.iter().filter(|finding| *finding.detector == *detector.name).collect();
            let name = format!("{}/{}", detector.name, stem(file));
            match verdict(&wanted, &own) {
                None => {
                    outcome.passed += 1;
                    outcome.lines.push(format!("ok       {name}"));
                }
                Some(why) => {
                    outcome.failed += 1;
                    outcome.lines.push(format!("FAILED   {name}: {why}"));
                }
            }
        }
    }
    Ok(outcome)
}

/// `fires`, `fires-high-why`, `fires-why`, `notice-why`, `quiet-why`.
fn wanted(detector: &Detector, stem: &str) -> Result<Wanted> {
    const LEVELS: [Level; 5] = [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];
    let mut words = stem.split('-');
    match (words.next(), words.next()) {
        (Some("quiet"), _) => Ok(Wanted::Quiet),
        (Some("notice"), _) => Ok(Wanted::Notice),
        (Some("fires"), _) if detector.notice => Ok(Wanted::Notice),
        (Some("fires"), level) => {
            let named = LEVELS.into_iter().find(|known| Some(known.as_str()) == level);
            Ok(Wanted::Level(named.unwrap_or(detector.level)))
        }
        _ => bail!("{}/{stem}: a fixture begins with fires, notice or quiet", detector.name),
    }
}

/// What is wrong with the findings, if anything. Where history grows, the last finding is the one that counts.
fn verdict(wanted: &Wanted, findings: &[&Finding]) -> Option<String> {
    let last = findings.iter().max_by_key(|finding| finding.event_ids.last().map_or(finding.time, |(at, _)| *at));
    match (wanted, last) {
        (Wanted::Quiet, _) => {
            let loud = findings.iter().find(|finding| !finding.notice)?;
            Some(format!("a {} finding: {}", loud.level, loud.reasons.join("; ")))
        }
        (_, None) => Some("no finding".to_owned()),
        (Wanted::Notice, Some(finding)) => {
            (!finding.notice).then(|| format!("{} and no notice: {}", finding.level, finding.reasons.join("; ")))
        }
        (Wanted::Level(level), Some(finding)) => {
            let is = if finding.notice { "a notice" } else { finding.level.as_str() };
            (finding.notice || finding.level != *level)
                .then(|| format!("{is} and not {level}: {}", finding.reasons.join("; ")))
        }
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|path| path.is_file() && !path.to_string_lossy().ends_with(BILL));
    files.sort();
    Ok(files)
}

/// The bill beside a fixture.
fn bill(file: &Path) -> Option<PathBuf> {
    let bill = file.with_file_name(format!("{}{BILL}", stem(file)));
    bill.is_file().then_some(bill)
}

/// The name of a file up to its first dot.
fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}
