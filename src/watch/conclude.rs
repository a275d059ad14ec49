//! From what was read to what is news. Pure.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::contained;
use super::habits;
use super::judge::{Arrivals, Judged, Scope, judge};
use super::life::{Past, Update, may_go_on, updates};
use super::memory::{Memory, Printed};
use super::observe;
use super::read::Read;
use super::regions::Spoken;
use super::tally::Notes;
use crate::baseline::Baseline;
use crate::detect::Rules;
use crate::detect::allow::Entries;
use crate::event::{Owners, Seconds};
use crate::habit::Habits;
use crate::model::{FeedFacts, Finding, Incident, Status, Summary};
use crate::replay::door::Door;
use crate::replay::kept::{HOT, Kept};
use crate::replay::part::Part;
use crate::source::inventory::Inventory;
use crate::source::live::Batch;
use crate::source::{Bills, Object};
use crate::store::watched::{Known, Watched};

/// News of incidents in one pass, the worst first: what is over is news again in the next one. The head of the state has
/// room for so many, with their messages.
const MOST_UPDATES: usize = 60;

/// What a pass found.
pub(super) struct Conclusion {
    /// Any event is new.
    pub has_events: bool,
    pub door: Door,
    pub baseline: Baseline,
    /// What of it is new, and the slices of what the state has only beside them.
    pub learned: Baseline,
    pub unfolded: BTreeSet<u8>,
    /// How often everybody called, as far as it is new.
    pub habits: Habits,
    /// What is cut off and was refused, where that changed.
    pub refused: contained::All,
    /// What is new and worth keeping, and all that is.
    pub fresh: Kept,
    pub kept: Kept,
    pub spoken: Spoken,
    pub inventory: Inventory,
    pub updates: Vec<Update>,
    /// Findings that were not printed as they are.
    pub findings: Vec<Finding>,
    pub printed: BTreeMap<String, Printed>,
    /// What paged nobody, where anybody is told of that, and which notices are new.
    pub notes: Option<Notes>,
    pub notices: Vec<Finding>,
    /// Positions of the entries of `[[allow]]` that hid something.
    pub allow_used: Entries,
    pub summary: Summary,
    pub feeds: Vec<FeedFacts>,
}

/// What a conclusion is drawn with.
pub(super) struct Means<'m> {
    pub rules: &'m Rules,
    pub bills: &'m Bills,
    pub watched: &'m Watched,
    pub begun: Seconds,
    /// Events before this time only teach.
    pub since: Seconds,
    /// How late events may be.
    pub patience: Seconds,
    /// Whether somebody is told of what pages nobody.
    pub is_noting: bool,
    /// Only what was handed in was read: of everything else nothing is known.
    pub is_handed: bool,
}

/// Judges what was read beside what is remembered.
///
/// # Errors
/// A rule set whose correlations cannot be loaded.
pub(super) fn conclude(memory: Memory, read: &mut Read, means: &Means<'_>) -> Result<Conclusion> {
    let Means { rules, bills, watched, begun, since, patience, is_noting, is_handed } = *means;
    let Memory { baseline, unfolded, mut kept, door, told, published, inventory: before, mut spoken, notes, .. } =
        memory;
    let mut news = Arrivals::begin(door);
    let feeds = arrive(&mut news, read, means);
    spoken.note(&news.parts, begun);
    let habits = counted(&news.parts);
    let still = contained::still_act(&news.parts, &watched.contained, &told);
    let mut refused = contained::refused(&news.parts, &watched.contained);
    let mut inventory = std::mem::take(&mut read.inventory);
    let evidence = observe::Evidence {
        kept: &kept,
        parts: &news.parts,
        spoken: &spoken,
        batches: &read.batches,
        feeds: &feeds,
        known_since: since.max(begun - HOT),
        patience,
        last_pass: watched.last_pass,
        still: &still,
        is_handed,
    };
    let records = evidence.records(before.as_ref(), &mut inventory, &watched.regions, &read.regions, begun);
    news.observe(&records, rules, since);
    let has_events = news.has_events();
    let is_blind = !watched.blind.is_empty() || read.problems.iter().any(|(_, blind)| *blind);
    let scope = Scope { since, is_whole: !is_handed && !is_blind, now: begun };
    let parts = std::mem::take(&mut news.parts);
    let Judged { outcome, fresh, learned } = judge(rules, baseline, &kept, parts, bills, owners(&inventory), scope)?;
    let (mut report, mut baseline) = (outcome.report, outcome.baseline);
    let past = Past { known: &watched.incidents, told: &told };
    let mut updates = updates(&past, &mut report.incidents, &mut report.findings, begun);
    contained::tell(&mut refused, &mut updates, &watched.incidents, &told, begun);
    worst(&mut updates);
    pardon(&mut baseline, &watched.incidents, &report.incidents);
    kept.merge(fresh.clone());
    kept.forget(begun, &live(&report.incidents, &watched.incidents, begun), &report.findings, &outcome.judged);
    let notes = is_noting.then(|| notes.unwrap_or_else(|| Notes::told(published.keys())));
    let Telling { findings, printed, notes, notices } = telling(report.findings, &published, notes);
    Ok(Conclusion {
        // What fell silent is kept like what happened.
        has_events: has_events || !fresh.is_empty(),
        door: news.door,
        baseline,
        learned,
        unfolded,
        habits,
        refused,
        fresh,
        kept,
        spoken,
        inventory,
        updates,
        findings,
        printed,
        notes,
        notices,
        allow_used: outcome.allow_used,
        summary: report.summary,
        feeds,
    })
}

/// How often everybody called in what is new.
fn counted(parts: &[Part]) -> Habits {
    let mut habits = Habits::default();
    parts.iter().for_each(|part| habits::count(&mut habits, part));
    habits
}

/// What of the findings is told.
struct Telling {
    findings: Vec<Finding>,
    printed: BTreeMap<String, Printed>,
    notes: Option<Notes>,
    notices: Vec<Finding>,
}

/// What was not told yet. Whoever is told for the first time is not told what was printed before.
fn telling(findings: Vec<Finding>, published: &BTreeMap<String, Printed>, mut notes: Option<Notes>) -> Telling {
    let printed = findings.iter().map(|finding| (finding.id.clone(), shown(finding))).collect();
    let notices = notes.as_mut().map_or_else(Vec::new, |notes| notes.take(&findings));
    let is_new = |finding: &Finding| published.get(&finding.id) != Some(&shown(finding));
    Telling { findings: findings.into_iter().filter(is_new).collect(), printed, notes, notices }
}

/// Takes in what every feed gave.
fn arrive(news: &mut Arrivals, read: &mut Read, means: &Means<'_>) -> Vec<FeedFacts> {
    let fact = |batch: &mut Batch| {
        let objects: Vec<Object> = std::mem::take(&mut batch.objects);
        let arrived = news.read(&objects, means.rules, means.since);
        observe::feed(batch, arrived, means.begun)
    };
    read.batches.iter_mut().map(fact).collect()
}

/// Incidents that may go on.
fn live<'i>(incidents: &'i [Incident], known: &BTreeMap<String, Known>, now: Seconds) -> Vec<&'i Incident> {
    let lives = |incident: &&Incident| known.get(&incident.id).is_none_or(|known| may_go_on(known, now));
    incidents.iter().filter(lives).collect()
}

/// As many as one pass tells, the worst first.
fn worst(updates: &mut Vec<Update>) {
    updates.sort_by_key(|update| std::cmp::Reverse(update.told.incident.level));
    updates.truncate(MOST_UPDATES);
}

/// Whose keys are, as the accounts say.
fn owners(inventory: &Inventory) -> Owners {
    let mut owners = Owners::default();
    for user in inventory.accounts.values().flat_map(|account| account.users.values()) {
        user.keys.keys().for_each(|key| owners.learn(key, &user.arn));
    }
    owners
}

/// What of a finding makes it worth printing again when it changes.
fn shown(finding: &Finding) -> Printed {
    (finding.level, finding.notice || finding.allowed.is_some(), finding.incident.clone())
}

/// What principals did in incidents that were none is usual after all, unless another incident holds them.
fn pardon(baseline: &mut Baseline, known: &BTreeMap<String, Known>, incidents: &[Incident]) {
    let is_usual = |incident: &&Incident| {
        let known = known.get(&incident.id).filter(|known| known.status == Status::Closed);
        known.and_then(|known| known.closed.as_ref()).is_some_and(|closed| closed.resolution.is_usual())
    };
    let held = incidents.iter().filter(|incident| !is_usual(incident));
    let held: BTreeSet<&String> = held.flat_map(|incident| &incident.members.principals).collect();
    for principal in incidents.iter().filter(is_usual).flat_map(|incident| &incident.members.principals) {
        if !held.contains(principal) {
            baseline.absolve(principal);
        }
    }
}
