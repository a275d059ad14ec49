//! One judgement: what is kept and what is new, through the same engine as a replay. Pure.

use anyhow::Result;

use super::habits;
use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::Rules;
use crate::detect::own_past::OwnPast;
use crate::event::{Owners, Seconds};
use crate::habit::Habits;
use crate::replay::door::Door;
use crate::replay::kept::{HOT, Kept};
use crate::replay::map::{Mapper, Range};
use crate::replay::part::{Counts, Part};
use crate::replay::reduce::{self, Outcome, Reducer};
use crate::replay::silence::Listening;
use crate::source::{Bills, Object};

/// Bound on the unpacked size of one object.
const MOST_BYTES: u64 = 1 << 30;

/// What came in new.
pub(super) struct Arrivals {
    pub parts: Vec<Part>,
    pub door: Door,
}

impl Arrivals {
    /// Nothing came in yet.
    pub(super) fn begin(door: Door) -> Self {
        Self { parts: Vec::new(), door }
    }

    /// Reads objects; returns how many events are new, and the time of the newest. What came in through the door before
    /// is counted and left out; what was before `since` only teaches what is usual.
    pub(super) fn read(&mut self, objects: &[Object], rules: &Rules, since: Seconds) -> (usize, Option<Seconds>) {
        let range = Range { start: since, end: Seconds::MAX };
        let mut mapper = Mapper::behind(rules, range, MOST_BYTES, std::mem::take(&mut self.door));
        let known = self.parts.len();
        mapper.map(objects, &mut |part| self.parts.push(part));
        self.door = mapper.into_door().unwrap_or_default();
        let new = || self.parts.iter().skip(known);
        let newest = new().flat_map(|part| &part.usage).map(|usage| usage.last).max();
        (new().map(|part| part.seen.len()).sum(), newest)
    }

    /// Takes in what Stakeout saw itself, which is judged and not counted among what was read.
    pub(super) fn observe(&mut self, objects: &[Object], rules: &Rules, since: Seconds) {
        let known = self.parts.len();
        self.read(objects, rules, since);
        for part in self.parts.iter_mut().skip(known) {
            part.counts = Counts::default();
            part.seen.clear();
        }
    }

    /// Whether any event is new.
    pub(super) fn has_events(&self) -> bool {
        self.parts.iter().any(|part| !part.seen.is_empty() || !part.events.is_empty())
    }
}

/// What a judgement came to.
pub(super) struct Judged {
    pub outcome: Outcome,
    /// What of the new is worth keeping.
    pub fresh: Kept,
    /// What the new teaches of what is usual.
    pub learned: Baseline,
}

/// What a judgement is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Events before this time only teach.
    pub since: Seconds,
    /// Everything could be read, so that silence means something.
    pub is_whole: bool,
    /// When it is judged: what fell silent long before is no news.
    pub now: Seconds,
}

/// Judges the past and the new together.
///
/// # Errors
/// A rule set whose correlations cannot be loaded.
pub(super) fn judge(
    rules: &Rules,
    baseline: Baseline,
    kept: &Kept,
    parts: Vec<Part>,
    bills: &Bills,
    owners: Owners,
    scope: Scope,
) -> Result<Judged> {
    let mut reducer = Reducer::new(rules, baseline, Usual::of(&bills.ledger))?;
    reducer.owners = owners;
    reducer.listening = if scope.is_whole { Listening::Lately } else { Listening::Nothing };
    reducer.listening_since = scope.now.saturating_sub(HOT);
    reducer.begin(scope.since);
    reducer.recall(kept);
    let mut fresh = Kept::default();
    let mut learned = Baseline::default();
    for part in parts {
        fresh.merge(Kept::of(&part));
        reduce::learn(&mut learned, rules, &part);
        reducer.add(part, false);
    }
    let mut outcome = reducer.finish(bills, Range { start: scope.since, end: Seconds::MAX });
    fresh.note(std::mem::take(&mut outcome.silences));
    for (measure, days) in outcome.peaks.iter() {
        days.iter().for_each(|(day, count)| _ = learned.peaks.raise(measure, *day, *count));
    }
    Ok(Judged { outcome, fresh, learned })
}

/// Learns what is usual from objects of the past, and keeps what made something lately.
pub(super) struct Lesson<'r> {
    rules: &'r Rules,
    mapper: Mapper<'r>,
    own_past: OwnPast<'r>,
    pub baseline: Baseline,
    pub kept: Kept,
    pub habits: Habits,
    pub events: usize,
}

impl<'r> Lesson<'r> {
    /// Events from `until` on are no history.
    pub(super) fn new(rules: &'r Rules, baseline: Baseline, until: Seconds) -> Self {
        let mapper = Mapper::of_past(rules, Range { start: until, end: until }, MOST_BYTES);
        let (own_past, kept, habits) = (OwnPast::new(rules), Kept::default(), Habits::default());
        Self { rules, mapper, own_past, baseline, kept, habits, events: 0 }
    }

    /// Takes objects in.
    pub(super) fn take(&mut self, objects: &[Object], now: Seconds) {
        let Self { rules, mapper, own_past, baseline, kept, habits, events } = self;
        mapper.map(objects, &mut |part| {
            reduce::learn(baseline, rules, &part);
            part.events.iter().for_each(|event| own_past.note(event));
            habits::count(habits, &part);
            *events += part.seen.len();
            kept.merge(Kept::of(&part));
        });
        own_past.teach(baseline, Seconds::MAX);
        kept.forget(now, &[], &[], &[]);
    }
}
