//! The reduce: parts in, in any order; findings and incidents out.
//!
//! Parts come day by day (of delivery). After each day the events that nothing late can precede any more pass through
//! the ordered stages and are forgotten, so that memory does not grow with the length of the history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use hashbrown::HashSet;

use super::bursts::Bursts;
use super::map::Range;
use super::part::{Counts, Noted, Part, Pending};
use crate::baseline::{Baseline, Usage};
use crate::cost::Usual;
use crate::detect::catalog::Rules;
use crate::detect::engine::Detection;
use crate::detect::spend;
use crate::event::{DAY, Seconds};
use crate::incident::Incidents;
use crate::incident::models::hour;
use crate::model::Summary;
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
        })
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
            self.span = Some(self.span.map_or((first, last), |(from, until)| (from.min(first), until.max(last))));
            if !self.accounts.contains(&usage.place.account) {
                self.accounts.insert(usage.place.account.clone());
            }
            if !self.regions.contains(&usage.place.region) {
                self.regions.insert(usage.place.region.clone());
            }
            let usage = Usage { identity: &usage.identity, place: &usage.place, shape: &usage.plan.shape, first, last };
            self.baseline.record(&self.rules.families, &usage);
        }
        self.count(&part, dated);
        for event in part.events {
            for made in event.facts.iter().flat_map(|facts| &facts.created) {
                if let Some(principal) = &made.principal {
                    self.baseline.born(principal, event.time);
                }
            }
            self.pending.add(event);
        }
    }

    /// Counts each record once, and those that are calls of models for whoever made them.
    fn count(&mut self, part: &Part, dated: bool) {
        let mut calls = part.calls.iter().peekable();
        let mut hours: BTreeMap<_, (u64, Seconds)> = BTreeMap::new();
        for (record, fingerprint) in (0..).zip(&part.seen) {
            let is_new = self.seen.is_new(*fingerprint, dated);
            self.kept += u64::from(is_new);
            if let Some(call) = calls.next_if(|call| call.record == record)
                && is_new
            {
                let (count, last) = hours.entry((call.usage, hour(call.at), call.model)).or_insert((0, call.at));
                *count += 1;
                *last = call.at.max(*last);
            }
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
        self.judge(day * DAY - LATEST);
    }

    fn judge(&mut self, end: Seconds) {
        let settled = std::mem::replace(&mut self.settled, end);
        let pending = &mut self.pending;
        self.bursts.give(end, |event| pending.add(event));
        for event in self.pending.before(end, settled) {
            let touched = self.detection.take(&event, &self.baseline);
            self.incidents.take(Arc::new(event), touched, &mut self.detection.findings, &mut self.baseline);
        }
    }

    /// Judges what is left, and the bills, and returns everything found, with the baseline.
    pub(crate) fn finish(mut self, bills: &Bills, range: Range) -> (Report, Baseline) {
        self.judge(Seconds::MAX);
        let now = self.span.map_or(0, |(_, last)| last);
        let mut findings = self.detection.findings;
        findings.extend(spend::judge(&bills.ledger, &bills.anomalies, self.rules, (range.start, range.end)));
        let incidents = self.incidents.finish(&mut findings, &self.baseline, &self.rules.prices, now);
        findings.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let mut accounts = self.accounts;
        accounts.extend(bills.accounts());
        let mut counts = self.counts;
        counts.skipped.extend(bills.skipped.iter().cloned());
        counts.skipped.sort();
        let summary = Summary {
            duplicate: counts.read - counts.malformed - counts.not_a_log - self.kept,
            read: counts.read,
            kept: self.kept,
            malformed: counts.malformed,
            not_a_log: counts.not_a_log,
            skipped: counts.skipped,
            first_event: self.span.map(|(first, _)| first),
            last_event: self.span.map(|(_, last)| last),
            accounts: accounts.into_iter().filter(|account| !account.is_empty()).collect(),
            regions: self.regions.into_iter().filter(|region| !region.is_empty()).collect(),
            findings: findings.len(),
            incidents: incidents.len(),
            history_days: self.baseline.span_days(),
            cost: bills.summary(),
        };
        (Report { findings, incidents, summary }, self.baseline)
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
