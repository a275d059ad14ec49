//! The reduce: parts in, in any order; findings and incidents out.
//!
//! Parts come day by day (of delivery). After each day the events that nothing late can precede any more pass through
//! the ordered stages and are forgotten, so that memory does not grow with the length of the history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use hashbrown::HashSet;

use super::bursts::Bursts;
use super::kept::{HOT, Kept};
use super::map::Range;
use super::part::{Counts, Noted, Part, Pending};
use super::silence::{self, Listening};
use super::verdict::{Tally, Verdict, joined};
use crate::baseline::{Baseline, Peaks, Usage};
use crate::cost::Usual;
use crate::detect::allow::Entries;
use crate::detect::catalog::Rules;
use crate::detect::engine::Detection;
use crate::detect::settle::settle;
use crate::detect::spend;
use crate::event::policy::Grade;
use crate::event::{DAY, Event, Owners, Seconds};
use crate::incident::Incidents;
use crate::incident::models::hour;
use crate::report::Report;
use crate::source::Bills;

/// Events may be delivered this late and still take their place; AWS delivers within about 15 minutes.
const LATEST: Seconds = DAY;

/// The ordered side of a replay.
pub(crate) struct Reducer<'r> {
    rules: &'r Rules,
    baseline: Baseline,
    detection: Detection<'r>,
    incidents: Incidents,
    pending: Pending,
    bursts: Bursts<'r>,
    seen: Seen,
    /// Up to when events were judged.
    settled: Seconds,
    counts: Counts,
    kept: u64,
    span: Option<(Seconds, Seconds)>,
    accounts: BTreeSet<String>,
    regions: BTreeSet<String>,
    /// Whose keys are.
    pub owners: Owners,
    /// Ids of the silences that are known from earlier.
    known_silences: BTreeSet<Arc<str>>,
    /// What fell silent, and was not known.
    silences: Vec<Event>,
    /// What is listened for.
    pub listening: Listening,
    /// From when on.
    pub listening_since: Seconds,
    /// What became known of how much principals do at most.
    peaks: Peaks,
    /// The time of the last event, also of those that were kept of the past.
    latest: Seconds,
    /// The events in their order, where somebody keeps them.
    judged: Option<Vec<Arc<Event>>>,
    /// Whether these are more than those that rules match.
    keeps_all: bool,
}

/// What a replay came to.
pub(crate) struct Outcome {
    pub report: Report,
    /// With what was learned.
    pub baseline: Baseline,
    /// The events in the order in which they were judged, where the past was recalled.
    pub judged: Vec<Arc<Event>>,
    /// What fell silent and was not known before, where the past was recalled.
    pub silences: Vec<Event>,
    /// What became known of how much principals do at most.
    pub peaks: Peaks,
    /// Positions of the entries of `[[allow]]` that hid something.
    pub allow_used: Entries,
}

/// A reducer at its end.
struct Closed {
    verdict: Verdict,
    baseline: Baseline,
    judged: Vec<Arc<Event>>,
    silences: Vec<Event>,
    peaks: Peaks,
}

/// Fingerprints of events, to tell duplicates: those of objects without a delivery time, and those of the last days.
#[derive(Default)]
struct Seen {
    undated: HashSet<u64, ahash::RandomState>,
    days: [HashSet<u64, ahash::RandomState>; 3],
}

impl<'r> Reducer<'r> {
    /// Starts from what is usual already, in use and in spend.
    ///
    /// # Errors
    /// A rule set whose correlations cannot be loaded.
    pub(crate) fn new(rules: &'r Rules, baseline: Baseline, usual: Usual) -> Result<Self> {
        Ok(Self {
            rules,
            baseline,
            detection: Detection::new(rules, usual)?,
            incidents: Incidents::default(),
            pending: Pending::default(),
            bursts: Bursts::new(rules),
            seen: Seen::default(),
            settled: Seconds::MIN,
            counts: Counts::default(),
            kept: 0,
            span: None,
            accounts: BTreeSet::new(),
            regions: BTreeSet::new(),
            owners: Owners::default(),
            known_silences: BTreeSet::new(),
            silences: Vec::new(),
            listening: Listening::All,
            listening_since: Seconds::MIN,
            peaks: Peaks::default(),
            latest: 0,
            judged: None,
            keeps_all: false,
        })
    }

    /// Keeps the events that rules match, as they are judged.
    pub(crate) fn remember(&mut self) {
        self.judged.get_or_insert_default();
    }

    /// Takes in what was kept of the past, and keeps the events as they are judged.
    pub(crate) fn recall(&mut self, kept: &Kept) {
        self.remember();
        self.keeps_all = true;
        for usage in &kept.usage {
            self.bursts.add(usage, &|_| false);
            usage.noted.iter().for_each(|call| self.pending.add_first(usage, call));
            self.baseline.trails.learn(&usage.place.account, &usage.plan.shape.trail, usage.first);
        }
        for called in &kept.calls {
            self.incidents.models.add(called.caller.clone(), called.last, called.model, called.count);
        }
        self.latest = kept.latest().unwrap_or(0).max(self.latest);
        for event in &kept.events {
            if silence::is_one(event) {
                self.known_silences.insert(Arc::clone(&event.id));
            }
            self.wait(event.clone());
        }
    }

    /// Events before this time only teach.
    pub(crate) fn begin(&mut self, since: Seconds) {
        self.detection.since = since;
    }

    /// Measures an event, and keeps it for its turn, if anybody will want it then.
    fn wait(&mut self, event: Event) {
        self.detection.own_past.note(&event);
        if event.time >= self.detection.since || event.facts.is_some() {
            self.pending.add(event);
        }
    }

    /// What is read of other accounts goes on up to a time: costs are estimated as of the last event of anybody.
    pub(crate) fn known_until(&mut self, latest: Seconds) {
        self.latest = self.latest.max(latest);
    }

    /// Takes a part in.
    pub(crate) fn add(&mut self, mut part: Part, dated: bool) {
        self.counts.add(std::mem::take(&mut part.counts));
        for usage in &part.usage {
            // What was judged already is not judged again because a copy of it comes late.
            let known = |call: &Noted| call.at < self.settled && self.seen.has(call.fingerprint);
            self.bursts.add(usage, &known);
            if let Some(call) = usage.noted.as_ref().filter(|call| !known(call)) {
                self.pending.add_first(usage, call);
            }
            let (first, last) = (usage.first, usage.last);
            self.latest = self.latest.max(last);
            self.span = joined(self.span, Some((first, last)));
            if !self.accounts.contains(&usage.place.account) {
                self.accounts.insert(usage.place.account.clone());
            }
            if !self.regions.contains(&usage.place.region) {
                self.regions.insert(usage.place.region.clone());
            }
        }
        learn(&mut self.baseline, self.rules, &part);
        self.count(&part, dated);
        part.events.into_iter().for_each(|event| self.wait(event));
    }

    /// Counts each record once, and those that are calls of models for whoever made them.
    fn count(&mut self, part: &Part, dated: bool) {
        let mut hours: BTreeMap<_, (u64, Seconds)> = BTreeMap::new();
        for call in &part.calls {
            if self.seen.is_new(call.fingerprint, dated) {
                self.kept += 1;
                let (count, last) = hours.entry((call.usage, hour(call.at), call.model)).or_insert((0, call.at));
                *count += 1;
                *last = call.at.max(*last);
            }
        }
        for fingerprint in &part.seen {
            self.kept += u64::from(self.seen.is_new(*fingerprint, dated));
        }
        for ((usage, _, model), (count, last)) in hours {
            if let Some(usage) = part.usage.get(usage as usize) {
                self.incidents.models.add(usage.caller(), last, model, count);
            }
        }
    }

    /// All objects delivered on a day are in: what is a day older than it can be judged.
    pub(crate) fn end_day(&mut self, day: i64) {
        self.seen.next_day();
        self.judge(day.saturating_mul(DAY).saturating_sub(LATEST));
    }

    fn judge(&mut self, end: Seconds) {
        let settled = std::mem::replace(&mut self.settled, end);
        for (measure, day, count) in self.detection.own_past.teach(&mut self.baseline, end) {
            self.peaks.raise(&measure, day, count);
        }
        self.listen(settled, end);
        let pending = &mut self.pending;
        self.bursts.give(end, |event| pending.add(event));
        for mut event in self.pending.before(end, settled) {
            self.owners.name(&mut event);
            self.owners.note(&event);
            settle(self.rules, &self.baseline, &mut event);
            let touched = self.detection.take(&event, &self.baseline);
            let event = Arc::new(event);
            let is_kept = self.keeps_all || !event.rules.is_empty();
            self.judged.iter_mut().filter(|_| is_kept).for_each(|judged| judged.push(Arc::clone(&event)));
            self.incidents.take(event, touched, &mut self.detection.findings, &mut self.baseline);
        }
        if end < Seconds::MAX {
            self.detection.settle(end);
            self.incidents.settle(end, &self.baseline);
        }
    }

    /// Takes in what fell silent between two times.
    fn listen(&mut self, settled: Seconds, end: Seconds) {
        let (begin, last) = match (self.listening, self.span) {
            (Listening::All, Some(span)) => span,
            (Listening::All, None) | (Listening::Nothing, _) => return,
            // What is kept tells how late it is also where nothing is new.
            (Listening::Lately, _) => (self.latest.saturating_sub(HOT), self.latest),
        };
        let begin = begin.max(self.listening_since).max(self.detection.since);
        let range = settled.max(begin)..end.min(last.saturating_add(1));
        for event in silence::events(self.rules, &self.baseline, range, self.listening) {
            // A silence that was told stays as it was told.
            if self.known_silences.contains(&event.id) {
                continue;
            }
            if self.judged.is_some() {
                self.silences.push(event.clone());
            }
            self.pending.add(event);
        }
    }

    /// Judges what is left, and the bills, and returns everything found.
    pub(crate) fn finish(self, bills: &Bills, range: Range) -> Outcome {
        let rules = self.rules;
        let Closed { verdict, baseline, judged, silences, peaks } = self.close(bills, range);
        let allow_used = verdict.tally.allow_used.clone();
        Outcome { report: verdict.into_report(bills, &rules.allow), baseline, judged, silences, peaks, allow_used }
    }

    /// Judges what is left where these accounts are one group of several.
    pub(crate) fn conclude(self, range: Range) -> Verdict {
        self.close(&Bills::default(), range).verdict
    }

    fn close(mut self, bills: &Bills, range: Range) -> Closed {
        self.judge(Seconds::MAX);
        let allow_used = self.detection.allow_used();
        let mut findings = self.detection.findings;
        findings.extend(spend::judge(&bills.ledger, &bills.anomalies, self.rules, (range.start, range.end)));
        let incidents = self.incidents.finish(&mut findings, &self.baseline, &self.rules.prices, self.latest);
        let tally = Tally {
            read: self.counts.read,
            kept: self.kept,
            malformed: self.counts.malformed,
            not_a_log: self.counts.not_a_log,
            skipped: self.counts.skipped.into_iter().map(|skipped| (skipped.path, skipped.why)).collect(),
            span: self.span,
            history: self.baseline.span(),
            accounts: self.accounts,
            regions: self.regions,
            allow_used,
        };
        Closed {
            verdict: Verdict::new(findings, incidents, tally),
            baseline: self.baseline,
            judged: self.judged.unwrap_or_default(),
            silences: self.silences,
            peaks: self.peaks,
        }
    }
}

/// What a part teaches of what is usual.
pub(crate) fn learn(baseline: &mut Baseline, rules: &Rules, part: &Part) {
    for usage in &part.usage {
        let (first, last) = (usage.first, usage.last);
        let usage = Usage { identity: &usage.identity, place: &usage.place, shape: &usage.plan.shape, first, last };
        baseline.record(&rules.families, &usage);
        baseline.trails.learn(&usage.place.account, &usage.shape.trail, first);
    }
    for event in &part.events {
        baseline.trails.note(event);
        let Some(facts) = &event.facts else { continue };
        for made in &facts.created {
            made.principal.iter().for_each(|principal| baseline.born(principal, event.time));
        }
        if let Some(target) =
            facts.target.as_deref().filter(|_| facts.grade == Some(Grade::Admin) && !event.shape.failed)
        {
            baseline.give_all_rights(&event.place.account, target, event.time);
        }
    }
}

impl Seen {
    fn has(&self, fingerprint: u64) -> bool {
        self.undated.contains(&fingerprint) || self.days.iter().any(|day| day.contains(&fingerprint))
    }

    fn is_new(&mut self, fingerprint: u64, dated: bool) -> bool {
        if self.has(fingerprint) {
            return false;
        }
        let [today, ..] = &mut self.days;
        if dated { today.insert(fingerprint) } else { self.undated.insert(fingerprint) }
    }

    fn next_day(&mut self) {
        self.days.rotate_right(1);
        self.days[0].clear();
    }
}
