//! Which amounts say the same money again: answers to several questions about the same days, and answers beside reports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cost::{Day, Ledger, RecordType, date};
use crate::model::Skipped;

/// Answers to the same query complete each other; answers to different ones say the same money again. The order is that
/// of preference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Query {
    pub(super) grouping: Grouping,
    /// Place in the list of metrics, the best first.
    pub(super) metric: usize,
    pub(super) hourly: bool,
    /// By which account the answers are labelled.
    pub(super) account: Arc<str>,
}

/// The dimensions of an answer, those that tell most first in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grouping {
    pub(super) rank: usize,
    /// Type and name of each dimension, as they stand in the answer.
    pub(super) key: Arc<str>,
    /// The names alone.
    pub(super) names: Arc<str>,
}

/// What tells most about abuse first: where, then what.
const RANKS: [&[&str]; 4] =
    [&["REGION", "SERVICE"], &["SERVICE", "USAGE_TYPE"], &["LINKED_ACCOUNT", "SERVICE"], &["SERVICE"]];

impl Grouping {
    /// Of type and name of each dimension.
    pub(super) fn of(groups: &[(&str, &str)]) -> Self {
        let mut sorted: Vec<&str> =
            groups.iter().filter(|(kind, _)| *kind == "DIMENSION").map(|(_, name)| *name).collect();
        sorted.sort_unstable();
        let plain = sorted.len() == groups.len();
        let rank = RANKS.iter().position(|names| plain && *names == sorted.as_slice()).unwrap_or(RANKS.len());
        let names: Vec<&str> = groups.iter().map(|(_, name)| *name).collect();
        Self { rank, key: Arc::from(format!("{groups:?}")), names: Arc::from(names.join(" and ")) }
    }

    fn told(&self) -> String {
        if self.names.is_empty() { "without groups".to_owned() } else { format!("by {}", self.names) }
    }
}

/// Which files hold amounts of which days, by query.
#[derive(Debug, Default)]
pub(super) struct Sources(BTreeMap<Query, BTreeMap<Day, BTreeSet<Arc<str>>>>);

impl Sources {
    /// Notes that a file answers a query about some days.
    pub(super) fn note(&mut self, query: &Query, about: impl Iterator<Item = Day>, file: &Arc<str>) {
        let days = match self.0.get_mut(query) {
            Some(days) => days,
            None => self.0.entry(query.clone()).or_default(),
        };
        for day in about {
            let files = days.entry(day).or_default();
            if !files.contains(file) {
                files.insert(Arc::clone(file));
            }
        }
    }

    /// The best query about each day, for each label.
    fn best(&self) -> BTreeMap<(Arc<str>, Day), &Query> {
        let mut best = BTreeMap::new();
        for (query, days) in &self.0 {
            for day in days.keys() {
                best.entry((Arc::clone(&query.account), *day)).or_insert(query);
            }
        }
        best
    }
}

/// The days of which reports tell every line, by account.
#[derive(Debug, Default)]
struct Reported(BTreeMap<Arc<str>, BTreeSet<Day>>);

impl Reported {
    fn of(reports: &Ledger) -> Self {
        let mut days: BTreeMap<Arc<str>, BTreeSet<Day>> = BTreeMap::new();
        for (series, sightings) in reports.series() {
            if series.record_type == RecordType::Usage {
                let days = days.entry(Arc::clone(&series.account)).or_default();
                days.extend(sightings.iter().map(|sighting| sighting.usage));
            }
        }
        Self(days)
    }

    /// Whether a report tells the day of an account; of any where an answer names none.
    fn covers(&self, account: &str, day: Day) -> bool {
        let has = |days: Option<&BTreeSet<Day>>| days.is_some_and(|days| days.contains(&day));
        match account {
            "" => self.0.values().any(|days| days.contains(&day)),
            _ => has(self.0.get(account)) || has(self.0.get("")),
        }
    }
}

/// Decides about each query and day, and remembers what was dropped.
pub(super) struct Overlap<'s> {
    sources: &'s Sources,
    best: BTreeMap<(Arc<str>, Day), &'s Query>,
    reported: Reported,
    /// The first and the last day, by file and what is read in its place.
    dropped: BTreeMap<(Arc<str>, String), (Day, Day)>,
}

impl<'s> Overlap<'s> {
    /// `reports` holds line items only.
    pub(super) fn of(sources: &'s Sources, reports: &Ledger) -> Self {
        Self { sources, best: sources.best(), reported: Reported::of(reports), dropped: BTreeMap::new() }
    }

    /// Whether amounts of an account and a day are said better elsewhere.
    pub(super) fn drops(&mut self, query: &Query, account: &str, day: Day) -> bool {
        let best = self.best.get(&(Arc::clone(&query.account), day)).filter(|best| **best != query);
        let instead = if self.reported.covers(account, day) {
            "a report".to_owned()
        } else {
            match best {
                None => return false,
                Some(best) if best.grouping == query.grouping => "another metric or hours".to_owned(),
                Some(best) => format!("the answer {}", best.grouping.told()),
            }
        };
        for file in self.sources.0.get(query).and_then(|days| days.get(&day)).into_iter().flatten() {
            let span = self.dropped.entry((Arc::clone(file), instead.clone())).or_insert((day, day));
            *span = (span.0.min(day), span.1.max(day));
        }
        true
    }

    /// Files with what is not used of them.
    pub(super) fn superseded(self) -> Vec<Skipped> {
        let tell = |((file, instead), (first, last)): ((Arc<str>, String), (Day, Day))| {
            let span = if first == last { date(first) } else { format!("{} to {}", date(first), date(last)) };
            Skipped { path: file.to_string(), why: format!("{span}: {instead} tells the same money and is read") }
        };
        self.dropped.into_iter().map(tell).collect()
    }
}
