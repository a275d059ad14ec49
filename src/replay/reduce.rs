//! The reduce: parts in, in any order; findings and incidents out.
//!
//! Parts come day by day (of delivery). After each day the events that nothing late can precede any more pass through
//! the ordered stages and are forgotten, so that memory does not grow with the length of the history.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use hashbrown::HashSet;

use super::bursts::Bursts;
use super::part::{Counts, Noted, Part, Pending};
use crate::baseline::{Baseline, Usage};
use crate::detect::catalog::Rules;
use crate::detect::engine::Detection;
use crate::event::{DAY, Seconds};
use crate::incident::Incidents;
use crate::model::Summary;
use crate::report::Report;

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
    /// Starts from what is usual already.
    ///
    /// # Errors
    /// A rule set whose correlations cannot be loaded.
    pub(crate) fn new(rules: &'r Rules, baseline: Baseline) -> Result<Self> {
        Ok(Self {
            rules,
            baseline,
            detection: Detection::new(rules)?,
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
    pub(crate) fn add(&mut self, part: Part, dated: bool) {
        self.counts.add(part.counts);
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
        for event in part.events {
            for made in event.facts.iter().flat_map(|facts| &facts.created) {
                if let Some(principal) = &made.principal {
                    self.baseline.born(principal, event.time);
                }
            }
            self.pending.add(event);
        }
        self.kept += part.seen.into_iter().filter(|fingerprint| self.seen.is_new(*fingerprint, dated)).count() as u64;
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

    /// Judges what is left and returns everything found, with the baseline.
    pub(crate) fn finish(mut self) -> (Report, Baseline) {
        self.judge(Seconds::MAX);
        let incidents = self.incidents.finish(&self.detection.findings);
        let mut findings = self.detection.findings;
        findings.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let mut counts = self.counts;
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
            accounts: self.accounts.into_iter().filter(|account| !account.is_empty()).collect(),
            regions: self.regions.into_iter().filter(|region| !region.is_empty()).collect(),
            findings: findings.len(),
            incidents: incidents.len(),
            history_days: self.baseline.span_days(),
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
