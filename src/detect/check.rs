//! Rules against their fixtures: the name of a fixture says what must come of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::catalog::Rules;
use super::rule::Detector;
use crate::model::{Finding, Level};

/// A file beside a fixture of logs that has this ending in place of its own is the bill of the account.
const BILL: &str = ".costs.csv";

/// A fixture of logs that has this in its name is read with a table of networks.
const WITH_TABLE: &str = ".asn.";

/// Whether a fixture is to be read with the table of networks that lies beside all of them.
pub(crate) fn has_table(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().contains(WITH_TABLE))
}
/// How names of fixtures begin.
const KINDS: [&str; 3] = ["fires", "notice", "quiet"];

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
pub(crate) struct Came {
    pub findings: Vec<Finding>,
    /// Events that it holds, where it is a log.
    pub events: Option<u64>,
    /// Why it could not be read, or not to its end.
    pub skipped: Vec<String>,
}

type Found = Result<Came>;

/// How fixtures become findings.
pub(crate) struct Replay<'a> {
    /// The findings of one file of logs, from an empty baseline, with the bill of the account where there is one.
    pub logs: &'a dyn Fn(&Path, Option<&Path>) -> Found,
    /// The findings of one bill.
    pub bill: &'a dyn Fn(&Path) -> Found,
}

/// A fixture: its file, and its name without that of its rule and without endings.
struct Fixture {
    file: PathBuf,
    name: String,
}

/// Runs the fixtures of every detector: those in its folder below `fixtures`, and those beside its file.
///
/// # Errors
/// A folder of fixtures that cannot be read, or a fixture whose name asks for nothing.
pub(crate) fn check(rules: &Rules, fixtures: &Path, replay: &Replay<'_>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (number, detector) in rules.detectors.iter().enumerate() {
        let about_bills = rules.spends.iter().any(|rule| rule.detector == number);
        let own = fixtures_of(detector, fixtures)?;
        for needed in ["fires", "quiet"] {
            let stands_for = |name: &str| {
                name.starts_with(needed) || (needed == "fires" && detector.notice && name.starts_with("notice"))
            };
            if !own.iter().any(|fixture| stands_for(&fixture.name)) {
                outcome.failed += 1;
                outcome.lines.push(missing(detector, needed, about_bills));
            }
        }
        for fixture in &own {
            let Fixture { file, name } = fixture;
            let wanted = wanted(detector, name)?;
            let came = if about_bills { (replay.bill)(file)? } else { (replay.logs)(file, bill(fixture).as_deref())? };
            let found: Vec<_> = came.findings.iter().filter(|finding| *finding.detector == *detector.name).collect();
            let name = format!("{}/{name}", detector.name);
            match unread(&came).or_else(|| verdict(&wanted, &found)) {
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

/// What is not there, and where it is looked for.
fn missing(detector: &Detector, needed: &str, about_bills: bool) -> String {
    let name = &detector.name;
    let (ending, form) = if about_bills { ("csv", "a bill") } else { ("jsonl", "one CloudTrail record a line") };
    let comes = if needed == "fires" { "that it finds" } else { "that is much like it and that it leaves alone" };
    let folder = Path::new(&detector.file).parent().unwrap_or(Path::new(""));
    let file = folder.join(format!("{name}.{needed}.{ending}"));
    format!(
        "MISSING  {name}: no fixture that begins with {needed}; write {} with something {comes}, {form}",
        file.display()
    )
}

/// What is wrong with a fixture that holds nothing to judge: quiet as it is, it shows nothing.
fn unread(came: &Came) -> Option<String> {
    if let Some(why) = came.skipped.first() {
        return Some(format!("it could not be read: {why}"));
    }
    (came.events == Some(0)).then(|| {
        "no CloudTrail record in it: one JSON object a line with eventTime, eventSource, eventName, userIdentity and so on".to_owned()
    })
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
        _ => bail!(
            "{}/{stem}: the name of a fixture begins with fires, notice or quiet, such as fires-high-at-night.jsonl",
            detector.name
        ),
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
        (_, None) => Some("no finding; no record in it is what the rule asks for, or too few are".to_owned()),
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

/// The fixtures of a detector, by name.
fn fixtures_of(detector: &Detector, fixtures: &Path) -> Result<Vec<Fixture>> {
    let file = Path::new(&detector.file);
    let beside = file.parent().filter(|_| detector.external).map(Path::to_path_buf);
    let names: BTreeSet<String> = [detector.name.clone(), stem(file)].into();
    let mut own = Vec::new();
    for name in &names {
        let folders = beside.iter().map(|beside| beside.join(name)).chain([fixtures.join(name)]);
        for folder in folders.collect::<BTreeSet<_>>() {
            own.extend(files(&folder)?.into_iter().map(|file| Fixture { name: stem(&file), file }));
        }
    }
    for file in beside.iter().map(|beside| files(beside)).collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        let whole = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let rest = names.iter().find_map(|name| whole.strip_prefix(name.as_str())?.strip_prefix('.'));
        let rest = rest.and_then(|rest| rest.split('.').next());
        if let Some(rest) = rest.filter(|rest| KINDS.iter().any(|kind| rest.starts_with(kind))) {
            own.push(Fixture { name: rest.to_owned(), file });
        }
    }
    own.sort_by(|one, other| (&one.name, &one.file).cmp(&(&other.name, &other.file)));
    own.dedup_by(|one, other| one.file == other.file);
    Ok(own)
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

/// The bill beside a fixture: its name with another ending.
fn bill(Fixture { file, name }: &Fixture) -> Option<PathBuf> {
    let whole = file.file_name()?.to_string_lossy().into_owned();
    let rule = whole.find(&format!(".{name}.")).filter(|_| !whole.starts_with(name.as_str()));
    let begin = rule.map_or_else(String::new, |end| whole.get(..=end).unwrap_or_default().to_owned());
    let bill = file.with_file_name(format!("{begin}{name}{BILL}"));
    bill.is_file().then_some(bill)
}

/// The name of a file up to its first dot.
fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}
