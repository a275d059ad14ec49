//! How much somebody does within some time, against what the same principal did at most before.
//!
//! Events are noted in any order, each once. Counts of a day become peaks of the baseline when the day is judged, so
//! that neither the cut of a history into parts nor a pause between passes changes what is known.

mod window;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ahash::AHashMap;
use serde::Deserialize;

use super::catalog::Rules;
use super::correlate::Known;
use super::engine::spoken;
use super::judge::DETAIL;
use crate::baseline::slice::LONGEST_HISTORY;
use crate::baseline::{Among, Baseline, Dimension, Family, Measure};
use crate::event::{DAY, Event, Seconds, time};
use window::Window;

/// Events that are part of one finding for a count, at most.
const MOST_EVENTS: usize = 20_000;
/// What is noted is kept this long after it was judged: events can come late.
const KEPT: Seconds = 2 * DAY;

/// Measures matches against the principal's own past.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeyondOwn {
    /// `events`, or a field whose different values are counted.
    #[serde(default = "events")]
    pub count: String,
    /// Who and what has a count of its own.
    pub of: Vec<Dimension>,
    /// What happens within this time counts together.
    #[serde(deserialize_with = "time::duration::deserialize")]
    pub within: Seconds,
    /// Beyond is more than so many times the greatest count of any earlier day.
    pub times: f64,
    /// And at least this count.
    pub least: u32,
    /// How far back to look.
    #[serde(default = "thirty_days", deserialize_with = "time::duration::deserialize")]
    pub history: Seconds,
    /// The past is unknown while the principal is measured for less than this.
    #[serde(default = "week", deserialize_with = "time::duration::deserialize")]
    pub learn: Seconds,
    /// Only one event of so many is looked at, chosen by its id, and counts for all of them.
    #[serde(default = "one")]
    pub sample: u32,
}

/// What the past says of a count that is large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Past {
    /// It is far more than ever before.
    Exceeded,
    /// It was about as much before.
    Within,
    /// Too little is known to say so.
    Unknown,
}

/// A count that is large enough, beside the past.
pub(super) struct Measured {
    pub past: Past,
    pub count: u64,
    /// In words.
    pub counted: String,
    pub reason: String,
}

/// Whose events they are: detector, tuple and principal.
type Whose = (usize, String, String);
/// What was counted in one second: ids of events, each with its value.
type Second = BTreeMap<Arc<str>, String>;

/// The events that are measured.
pub(crate) struct OwnPast<'r> {
    rules: &'r Rules,
    noted: AHashMap<Whose, BTreeMap<Seconds, Second>>,
    /// The window that was asked about last, for as long as nothing else becomes known of it.
    windows: AHashMap<Whose, Window>,
    /// Days whose peaks may have grown.
    changed: BTreeSet<(i64, Whose)>,
}

impl BeyondOwn {
    /// Whether different values are counted, and of which field.
    pub(crate) fn field(&self) -> Option<&str> {
        (self.count != events()).then_some(self.count.as_str())
    }

    /// Why it cannot be used. A correlation counts every event, so that one that stands for several is not enough for it.
    pub(super) fn objection(&self, correlates: bool) -> Option<&'static str> {
        match self {
            Self { sample: 0, .. } => Some("beyond_own: sample is at least 1"),
            Self { sample: 2.., .. } if correlates => Some("beyond_own: sample does not go with a correlation"),
            Self { within, .. } if !(1..=DAY).contains(within) => Some("beyond_own: within is a day at most"),
            Self { history, .. } if *history > LONGEST_HISTORY => Some("beyond_own: history is 128 days at most"),
            _ => None,
        }
    }

    fn whose(&self, detector: usize, event: &Event) -> Option<Whose> {
        let tuple = Family::new(&self.of, Among::All).tuples(&event.identity, &event.place, &event.shape);
        let tuple = tuple.into_iter().next()?;
        let is_own = self.of.contains(&Dimension::Principal);
        Some((detector, tuple, if is_own { event.identity.key.clone() } else { String::new() }))
    }
}

impl<'r> OwnPast<'r> {
    pub(crate) fn new(rules: &'r Rules) -> Self {
        Self { rules, noted: AHashMap::new(), windows: AHashMap::new(), changed: BTreeSet::new() }
    }

    /// Notes an event for every detector that measures it. Twice is once.
    pub(crate) fn note(&mut self, event: &Event) {
        let rules = self.rules;
        let measuring = event.rules.iter().filter_map(|rule| rules.rules.get(usize::from(*rule)));
        for &detector in measuring.flat_map(|rule| &rule.measures) {
            let Some((block, whose)) =
                self.block(detector).and_then(|block| Some((block, block.whose(detector, event)?)))
            else {
                continue;
            };
            let value = block.field().and_then(|field| Known(event).text(field)).unwrap_or_default();
            let day = event.time.div_euclid(DAY);
            let next = event.time.saturating_add(block.within).div_euclid(DAY);
            self.changed.extend((day..=next.min(day + 1)).map(|day| (day, whose.clone())));
            if self.windows.get(&whose).is_some_and(|window| window.has(event.time)) {
                self.windows.remove(&whose);
            }
            let second = self.noted.entry(whose).or_default().entry(event.time).or_default();
            match second.entry(Arc::clone(&event.id)) {
                Entry::Vacant(entry) => _ = entry.insert(value),
                // Of two copies that differ the same one stays, whichever comes first.
                Entry::Occupied(mut known) if value < *known.get() => _ = known.insert(value),
                Entry::Occupied(_) => {}
            }
        }
    }

    fn block(&self, detector: usize) -> Option<&'r BeyondOwn> {
        self.rules.detectors.get(detector)?.beyond_own.as_ref()
    }

    /// Teaches a baseline the peaks of all days before a time; gives those that it did not know.
    pub(crate) fn teach(&mut self, baseline: &mut Baseline, end: Seconds) -> Vec<(Measure, i64, u32)> {
        let later = end.div_euclid(DAY).saturating_add(i64::from(end == Seconds::MAX));
        let later = self.changed.split_off(&(later, (0, String::new(), String::new())));
        let mut learned = Vec::new();
        for (day, whose) in std::mem::replace(&mut self.changed, later) {
            let Some(block) = self.block(whose.0) else { continue };
            let greatest = self.noted.get(&whose).map_or(0, |noted| greatest(noted, block, day));
            let (detector, tuple, principal) = whose;
            let measure = Measure { tuple, principal, what: self.rules.detectors[detector].name.clone() };
            if greatest > 0 && baseline.peaks.raise(&measure, day, greatest) {
                learned.push((measure, day, greatest));
            }
        }
        learned
    }

    /// What the past says of the count that an event completes; `None` while that is small. The event was noted.
    pub(super) fn ask(&mut self, detector: usize, event: &Event, past: &Baseline) -> Option<Measured> {
        let block = self.block(detector)?;
        let whose = block.whose(detector, event)?;
        let noted = self.noted.get(&whose)?;
        let count = match self.windows.get_mut(&whose) {
            Some(window) => window.count(noted, block, event.time),
            None => self.windows.entry(whose.clone()).or_default().count(noted, block, event.time),
        };
        if count < u64::from(block.least) {
            return None;
        }
        let (_, tuple, principal) = whose;
        let measure = Measure { tuple, principal, what: self.rules.detectors[detector].name.clone() };
        let known_for = past.measured_for(&event.identity, &event.place.account, event.time);
        let peak = past.greatest(&measure, event.time, block.history);
        let days = known_for.min(block.history) / DAY;
        let is_beyond = count as f64 > block.times * f64::from(peak);
        let most = match peak {
            0 => format!("nothing like it in {days} days before"),
            peak => format!("at most {peak} in {days} days before"),
        };
        let (past, why) = match (is_beyond, known_for < block.learn) {
            (true, true) => (Past::Unknown, "what is usual for this caller is not known yet"),
            (true, false) => (Past::Exceeded, "far beyond what this caller did before"),
            (false, _) => (Past::Within, "as much as this caller did before"),
        };
        let counted = match block.field() {
            None if block.sample > 1 => format!("about {count} events within {}", spoken(block.within)),
            None => format!("{count} events within {}", spoken(block.within)),
            Some(field) => {
                let name = field.rsplit('.').next().unwrap_or(field).replace('_', " ");
                format!("{count} different values of {name} within {}", spoken(block.within))
            }
        };
        Some(Measured { past, count, counted, reason: format!("{why}{DETAIL}{most})") })
    }

    /// The events that an event completes a count with, from a time on.
    pub(super) fn events(&self, detector: usize, event: &Event, since: Seconds) -> BTreeSet<(Seconds, Arc<str>)> {
        let whose = self.block(detector).and_then(|block| Some((block.whose(detector, event)?, block.within)));
        let Some((noted, within)) = whose.and_then(|(whose, within)| Some((self.noted.get(&whose)?, within))) else {
            return BTreeSet::new();
        };
        let seconds = noted.range(since.max(event.time.saturating_sub(within))..=event.time);
        let ids = seconds.flat_map(|(at, second)| second.keys().map(|id| (*at, Arc::clone(id))));
        ids.take(MOST_EVENTS).collect()
    }

    /// Forgets what was judged long ago.
    pub(super) fn forget(&mut self, now: Seconds) {
        let since = now.saturating_sub(KEPT);
        self.noted.retain(|_, noted| {
            *noted = noted.split_off(&since);
            !noted.is_empty()
        });
        self.windows.retain(|_, window| window.begins_after(since));
    }
}

/// The greatest count of any window that ends on a day.
fn greatest(noted: &BTreeMap<Seconds, Second>, block: &BeyondOwn, day: i64) -> u32 {
    let (first, after) = (day.saturating_mul(DAY), day.saturating_add(1).saturating_mul(DAY));
    let mut window = Window::default();
    let greatest = noted.range(first..after).map(|(at, _)| window.count(noted, block, *at)).max();
    u32::try_from(greatest.unwrap_or(0)).unwrap_or(u32::MAX)
}

fn events() -> String {
    "events".to_owned()
}

fn thirty_days() -> Seconds {
    30 * DAY
}

fn week() -> Seconds {
    7 * DAY
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests;
