//! The reduce of a history: group by group of accounts that belong together, and day by day.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Error, Result, bail};

use super::super::links::Links;
use super::super::part::{Counts, Part};
use super::super::parts::Share;
use super::super::parts::directory::Terms;
use super::super::parts::read::OpenFile;
use super::super::parts::section;
use super::super::parts::write;
use super::super::reduce::Reducer;
use super::super::spool::Spool;
use super::super::verdict::Verdict;
use super::open::Given;
use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::Rules;
use crate::detect::plan::Planner;
use crate::event::time;
use crate::event::{DAY, Seconds};
use crate::model::Skipped;
use crate::report::Report;
use crate::source::Bills;

/// Parts that are open at a time: a system allows a process 256 files at least.
const MOST_OPEN: usize = 128;

/// What everything came to.
pub(crate) struct Whole {
    pub report: Report,
    pub baseline: Baseline,
    /// The findings, where they are too many for memory: then the report has none.
    pub aside: Option<Spool>,
    /// Bills that are not used because others say the same.
    pub superseded: Vec<Skipped>,
}

/// A section: its day, part, and position in the part.
type At = (Option<i64>, usize, usize);

/// Accounts that are judged together, with their sections by day.
#[derive(Default)]
struct Group {
    accounts: BTreeSet<String>,
    sections: Vec<At>,
}

/// All that is judged.
struct History<'h> {
    given: &'h Given,
    rules: &'h Rules,
    days: Vec<i64>,
    /// The last call of anybody.
    latest: Option<Seconds>,
    shelf: Shelf,
}

/// Judges all parts, each group of accounts by itself. Where bills or a baseline are there, or one is wanted, all accounts are
/// one group: a bill has no account of its own. Findings that do not fit into memory are put aside in a folder.
///
/// # Errors
/// Rules whose correlations cannot be loaded.
pub(crate) fn reduce(
    given: &Given,
    rules: &Rules,
    baseline: Option<Baseline>,
    bills: &Bills,
    folder: &Path,
) -> Result<Whole> {
    let superseded = bills.superseded.clone();
    let mut history = History::new(given, rules);
    if given.has_bills() || baseline.is_some() {
        let all = history.groups().into_iter().fold(Group::default(), Group::join);
        let mut reducer = Reducer::new(rules, baseline.unwrap_or_default(), Usual::of(&bills.ledger))?;
        reducer.begin(given.range().start);
        history.pass(&all, &mut reducer);
        let outcome = reducer.finish(bills, given.range());
        return Ok(Whole { report: outcome.report, baseline: outcome.baseline, aside: None, superseded });
    }
    let mut all = Verdict::default();
    let mut spool = Spool::new(folder);
    for group in history.groups() {
        let mut verdict = history.judge(&group)?;
        spool.take(verdict.take_findings())?;
        all.merge(verdict);
    }
    let mut report = all.without_findings(&spool.counts(), bills, &rules.allow);
    let aside = if spool.is_large() {
        Some(spool)
    } else {
        report.findings = spool.in_order()?.collect::<Result<_>>()?;
        None
    };
    Ok(Whole { report, baseline: Baseline::default(), aside, superseded })
}

/// Judges a share of the groups and writes what it comes to as a judged part. Returns what could not be read.
///
/// # Errors
/// As [`reduce`]; a part that cannot be written, with its name; bills, which belong to no single group.
pub(crate) fn judge(given: &Given, rules: &Rules, share: Share, output: &str) -> Result<Vec<Skipped>> {
    if given.has_bills() {
        bail!(
            "--share: bills are judged together with all accounts, so they cannot be shared out; reduce without --share"
        );
    }
    let mut history = History::new(given, rules);
    let mut all = Verdict::default();
    for group in dealt(history.groups(), given, share) {
        all.merge(history.judge(&group)?);
    }
    all.allow.clone_from(&rules.allow.fingerprint);
    let terms = Terms::of(rules, given.range());
    write::judged(output, terms, given.job.clone(), share, &serde_json::to_vec(&all)?)?;
    let mut skipped: BTreeSet<Skipped> = given.skipped.iter().cloned().collect();
    skipped.extend(all.tally.skipped.into_iter().map(|(path, why)| Skipped { path, why }));
    Ok(skipped.into_iter().collect())
}

/// Puts judged parts together.
///
/// # Errors
/// Parts that were judged by other entries of `[[allow]]` than there are. A judged part that cannot be read is named in the
/// report.
pub(crate) fn merge(given: &Given, rules: &Rules) -> Result<Report> {
    let mut all = Verdict::default();
    let mut skipped = given.skipped.clone();
    for part in &given.judged {
        match serde_json::from_slice::<Verdict>(&part.verdict) {
            Ok(verdict) if verdict.allow != rules.allow.fingerprint => bail!(
                "{}: judged with other entries of [[allow]]; reduce all parts and shares with the same settings",
                part.name
            ),
            Ok(verdict) => all.merge(verdict),
            Err(why) => skipped.push(Skipped { path: part.name.clone(), why: format!("damaged: {why}") }),
        }
    }
    let mut report = all.into_report(&Bills::default(), &rules.allow);
    report.summary.skipped.extend(skipped);
    report.summary.skipped.sort();
    report.summary.skipped.dedup();
    Ok(report)
}

/// The groups of a share: the heaviest first, each to whoever has least.
fn dealt(mut groups: Vec<Group>, given: &Given, share: Share) -> Vec<Group> {
    let weight = |group: &Group| -> u64 {
        let sizes = group.sections.iter().map(|(_, part, n)| given.parts.get(*part).map_or(0, |part| part.size(*n)));
        sizes.fold(1, u64::saturating_add)
    };
    groups.sort_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| a.accounts.cmp(&b.accounts)));
    let mut loads = BTreeSet::from_iter((1..=share.of).map(|number| (0_u64, number)));
    let mut mine = Vec::new();
    for group in groups {
        let Some((load, number)) = loads.pop_first() else { break };
        loads.insert((load.saturating_add(weight(&group)), number));
        if number == share.number {
            mine.push(group);
        }
    }
    mine.sort_by(|a, b| a.accounts.cmp(&b.accounts));
    mine
}

impl Group {
    fn join(mut self, other: Self) -> Self {
        self.accounts.extend(other.accounts);
        self.sections.extend(other.sections);
        self.sections.sort_unstable();
        self
    }
}

impl<'h> History<'h> {
    fn new(given: &'h Given, rules: &'h Rules) -> Self {
        let days: BTreeSet<i64> = given.parts.iter().flat_map(|part| part.directory.days.iter().copied()).collect();
        let latest = given.parts.iter().filter_map(|part| part.directory.span.map(|(_, last)| last)).max();
        Self { given, rules, days: days.into_iter().collect(), latest, shelf: Shelf::default() }
    }

    /// The groups, in order of their first account. What belongs to no account is in one of them.
    fn groups(&self) -> Vec<Group> {
        let mut links = Links::default();
        let mut sections: BTreeMap<&str, Vec<At>> = BTreeMap::from([("", Vec::new())]);
        for (number, part) in self.given.parts.iter().enumerate() {
            links.merge(part.directory.links.clone());
            for (position, section) in part.directory.sections.iter().enumerate() {
                let account = part.directory.accounts.get(section.account).map_or("", String::as_str);
                sections.entry(account).or_default().push((section.day, number, position));
            }
        }
        let groups = links.groups(sections.keys().copied());
        let group = |accounts: BTreeSet<String>| {
            let mut theirs: Vec<At> =
                accounts.iter().filter_map(|account| sections.remove(account.as_str())).flatten().collect();
            theirs.sort_unstable();
            Group { accounts, sections: theirs }
        };
        groups.into_iter().map(group).collect()
    }

    /// Judges one of several groups.
    fn judge(&mut self, group: &Group) -> Result<Verdict> {
        let mut reducer = Reducer::new(self.rules, Baseline::default(), Usual::default())?;
        reducer.begin(self.given.range().start);
        self.pass(group, &mut reducer);
        self.latest.into_iter().for_each(|latest| reducer.known_until(latest));
        Ok(reducer.conclude(self.given.range()))
    }

    /// Gives a group to its reducer, day by day. All groups have the same days.
    fn pass(&mut self, group: &Group, reducer: &mut Reducer<'_>) {
        let mut planner = Planner::new(self.rules);
        let mut due = group.sections.iter().peekable();
        let mut damaged = Vec::new();
        if group.accounts.contains("") {
            reducer.add(Part { counts: self.counts(), ..Part::default() }, false);
        }
        let last = self.days.last().copied();
        for day in std::iter::once(None).chain(self.days.clone().into_iter().map(Some)) {
            while let Some((_, part, position)) = due.next_if(|(of, ..)| *of == day) {
                match self.section(*part, *position, &mut planner) {
                    Ok(section) => reducer.add(section, day.is_some()),
                    Err(skipped) => damaged.push(skipped),
                }
            }
            day.filter(|_| day != last).into_iter().for_each(|day| reducer.end_day(day));
        }
        damaged.sort();
        reducer.add(Part { counts: Counts { skipped: damaged, ..Counts::default() }, ..Part::default() }, true);
    }

    /// What belongs to no account.
    fn counts(&self) -> Counts {
        let mut counts = Counts { skipped: self.given.skipped.clone(), ..Counts::default() };
        self.given.parts.iter().for_each(|part| counts.add(part.directory.counts.clone()));
        counts
    }

    /// A section, or which one cannot be read and why.
    fn section(&mut self, part: usize, position: usize, planner: &mut Planner<'_>) -> Result<Part, Skipped> {
        let given = self.given;
        let file = given.parts.get(part).context("no such part");
        let decoded = file.and_then(|file| file.section(&*self.shelf.open(part, given)?, position));
        decoded
            .and_then(|bytes| section::decode(&bytes, self.rules, planner))
            .map_err(|why| named(&why, given, part, position))
    }
}

/// Names a section that cannot be read.
fn named(why: &Error, given: &Given, part: usize, position: usize) -> Skipped {
    let Some(file) = given.parts.get(part) else { return Skipped { path: String::new(), why: why.to_string() } };
    let section = file.directory.sections.get(position);
    let account = section.and_then(|section| file.directory.accounts.get(section.account));
    let account = account.filter(|account| !account.is_empty()).map_or("no account", String::as_str);
    let day = section.and_then(|section| section.day).map(|day| time::format(day.saturating_mul(DAY)));
    let day = day.as_ref().and_then(|day| day.split('T').next()).unwrap_or("no known day");
    Skipped { path: file.name.clone(), why: format!("damaged: what was delivered of {account} on {day}: {why:#}") }
}

/// Open files of parts: the last that were used.
#[derive(Default)]
struct Shelf {
    open: VecDeque<(usize, Rc<OpenFile>)>,
}

impl Shelf {
    fn open(&mut self, part: usize, given: &Given) -> Result<Rc<OpenFile>> {
        if let Some(at) = self.open.iter().rposition(|(known, _)| *known == part)
            && let Some(found) = self.open.remove(at)
        {
            self.open.push_back(found.clone());
            return Ok(found.1);
        }
        let opened = Rc::new(given.parts.get(part).context("no such part")?.opened()?);
        if self.open.len() >= MOST_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((part, Rc::clone(&opened)));
        Ok(opened)
    }
}
