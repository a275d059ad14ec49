//! What was found in some groups of accounts, and the accounting of it; those of all groups together are one report.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::detect::AllowList;
use crate::detect::allow::Entries;
use crate::event::{DAY, Seconds};
use crate::model::{Basis, Finding, Incident, Skipped, Summary};
use crate::report::Report;
use crate::source::Bills;

/// Findings, incidents and accounting of groups of accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Verdict {
    findings: Vec<Found>,
    incidents: Vec<Told>,
    pub tally: Tally,
    /// By which entries of `[[allow]]` it was judged: their hash.
    #[serde(default)]
    pub allow: String,
}

/// A finding with what its JSON leaves out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Found {
    #[serde(flatten)]
    pub finding: Finding,
    external: bool,
}

impl Found {
    pub(super) fn new(finding: Finding) -> Self {
        Self { external: finding.external, finding }
    }

    /// By which findings are told: time, then id.
    pub(super) fn place(&self) -> (Seconds, &str) {
        (self.finding.time, &self.finding.id)
    }

    pub(super) fn into_finding(self) -> Finding {
        Finding { external: self.external, ..self.finding }
    }
}

/// An incident with what its JSON leaves out and a report tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Told {
    #[serde(flatten)]
    incident: Incident,
    basis: Basis,
}

/// What was read, as sums and spans.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub read: u64,
    pub kept: u64,
    pub malformed: u64,
    pub not_a_log: u64,
    /// Path and reason.
    pub skipped: Vec<(String, String)>,
    /// First and last event that was read.
    pub span: Option<(Seconds, Seconds)>,
    /// First and last event known of any account, also of those read before.
    pub history: Option<(Seconds, Seconds)>,
    pub accounts: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    /// Positions of the entries of `[[allow]]` that hid something.
    #[serde(default)]
    pub allow_used: Entries,
}

impl Verdict {
    pub(super) fn new(findings: Vec<Finding>, incidents: Vec<Incident>, tally: Tally) -> Self {
        let told = |incident: Incident| Told { basis: incident.basis, incident };
        Self {
            findings: findings.into_iter().map(Found::new).collect(),
            incidents: incidents.into_iter().map(told).collect(),
            tally,
            allow: String::new(),
        }
    }

    /// Takes in what was found in other groups. Order does not matter; each group counts once.
    pub(crate) fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.incidents.extend(other.incidents);
        self.tally.merge(other.tally);
    }

    /// The findings, which are told apart from the rest.
    pub(super) fn take_findings(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.findings)
    }

    /// What all groups come to, beside what the bills say of themselves.
    pub(crate) fn into_report(mut self, bills: &Bills, allow: &AllowList) -> Report {
        let mut findings: Vec<Finding> = self.take_findings().into_iter().map(Found::into_finding).collect();
        findings.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let report = self.without_findings(&Counted::of(&findings), bills, allow);
        Report { findings, ..report }
    }

    /// The same where the findings, so many, are told apart.
    pub(super) fn without_findings(self, findings: &Counted, bills: &Bills, allow: &AllowList) -> Report {
        let told = |Told { incident, basis }| Incident { basis, ..incident };
        let mut incidents: Vec<Incident> = self.incidents.into_iter().map(told).collect();
        incidents.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        let summary = self.tally.summary(findings, &incidents, bills, allow);
        Report { findings: Vec::new(), incidents, summary }
    }
}

/// How many findings there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    all: usize,
    /// Those that an entry of `[[allow]]` hides.
    allowed: usize,
}

impl Counted {
    pub(super) fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let count = |counts: Self, finding: &Finding| Self {
            all: counts.all + 1,
            allowed: counts.allowed + usize::from(finding.allowed.is_some()),
        };
        findings.into_iter().fold(Self::default(), count)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.all += other.all;
        self.allowed += other.allowed;
    }
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.read = self.read.saturating_add(other.read);
        self.kept = self.kept.saturating_add(other.kept);
        self.malformed = self.malformed.saturating_add(other.malformed);
        self.not_a_log = self.not_a_log.saturating_add(other.not_a_log);
        self.skipped.extend(other.skipped);
        self.span = joined(self.span, other.span);
        self.history = joined(self.history, other.history);
        self.accounts.extend(other.accounts);
        self.regions.extend(other.regions);
        self.allow_used.extend(other.allow_used);
    }

    fn summary(self, counts: &Counted, incidents: &[Incident], bills: &Bills, allow: &AllowList) -> Summary {
        // Of an input without events nobody can say what it would have had.
        let last = self.span.map(|(_, last)| last);
        let (allow_unused, allow_expired) =
            last.map(|last| allow.idle_and_expired(&self.allow_used, last)).unwrap_or_default();
        let mut accounts = self.accounts;
        accounts.extend(bills.accounts());
        let mut skipped: Vec<_> = self.skipped.into_iter().map(|(path, why)| Skipped { path, why }).collect();
        skipped.extend(bills.skipped.iter().cloned());
        skipped.sort();
        Summary {
            duplicate: [self.malformed, self.not_a_log, self.kept].into_iter().fold(self.read, u64::saturating_sub),
            read: self.read,
            kept: self.kept,
            malformed: self.malformed,
            not_a_log: self.not_a_log,
            skipped,
            first_event: self.span.map(|(first, _)| first),
            last_event: self.span.map(|(_, last)| last),
            accounts: accounts.into_iter().filter(|account| !account.is_empty()).collect(),
            regions: self.regions.into_iter().filter(|region| !region.is_empty()).collect(),
            findings: counts.all,
            incidents: incidents.len(),
            allowed: counts.allowed,
            allow_unused,
            allow_expired,
            history_days: self.history.map_or(0, |(first, last)| last.saturating_sub(first) / DAY),
            cost: bills.summary(),
        }
    }
}

/// The span of both.
pub(super) fn joined<T: Ord>(one: Option<(T, T)>, other: Option<(T, T)>) -> Option<(T, T)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}
