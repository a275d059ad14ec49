//! Every amount, by series, usage day and time of sight.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use rust_decimal::Decimal;

use super::{Day, Series};
use crate::event::Seconds;

/// What a usage day came to, as seen at a time. 24 bytes: a ledger holds one for each series, day and restatement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub usage: Day,
    /// Seconds since 1970, which 32 bits hold until 2106.
    seen: u32,
    pub amount: Decimal,
}

impl Sighting {
    /// When it was seen.
    pub(crate) fn seen(&self) -> Seconds {
        Seconds::from(self.seen)
    }

    fn key(&self) -> (Day, u32) {
        (self.usage, self.seen)
    }
}

/// How an amount stands to one that is there already for the same series, day and time of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// One of several line items: they add up.
    LineItem,
    /// The whole amount, said again: the larger stands, because late data grows.
    Statement,
}

/// The sightings of one series, by day and time of sight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sightings(Vec<Sighting>);

impl Sightings {
    /// Enters an amount; false when it only repeats what is known.
    pub(crate) fn enter(&mut self, usage: Day, seen: Seconds, amount: Decimal, entry: Entry) -> bool {
        self.add(Sighting { usage, seen: u32::try_from(seen).unwrap_or_default(), amount }, entry)
    }

    fn add(&mut self, new: Sighting, entry: Entry) -> bool {
        if self.0.last().is_none_or(|last| last.key() < new.key()) {
            self.0.push(new);
            return true;
        }
        match self.0.binary_search_by_key(&new.key(), Sighting::key) {
            Err(place) => self.0.insert(place, new),
            Ok(known) if entry == Entry::LineItem => self.0[known].amount += new.amount,
            Ok(known) => {
                self.0[known].amount = self.0[known].amount.max(new.amount);
                return false;
            }
        }
        true
    }

    /// Takes in other sightings of the same; gives how many only repeat what is known.
    pub(crate) fn absorb(&mut self, other: Self, entry: Entry) -> u64 {
        if self.0.is_empty() {
            *self = other;
            return 0;
        }
        other.0.into_iter().map(|new| u64::from(!self.add(new, entry))).sum()
    }

    /// In order of day and time of sight.
    pub(crate) fn as_slice(&self) -> &[Sighting] {
        &self.0
    }
}

/// All sightings. What comes in in any order gives the same ledger.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    series: AHashMap<Arc<Series>, Sightings>,
}

impl Ledger {
    /// Takes in all sightings of a series; gives how many only repeat what is known.
    pub(crate) fn absorb(&mut self, series: Arc<Series>, sightings: Sightings, entry: Entry) -> u64 {
        self.series.entry(series).or_default().absorb(sightings, entry)
    }

    /// Takes the ledger apart, in no particular order.
    pub(crate) fn into_series(self) -> impl Iterator<Item = (Arc<Series>, Sightings)> {
        self.series.into_iter()
    }

    /// The first and the last usage day.
    pub(crate) fn days(&self) -> Option<(Day, Day)> {
        let ends = self.series.values().filter_map(|all| Some((all.0.first()?.usage, all.0.last()?.usage)));
        ends.reduce(|(first, last), (from, until)| (first.min(from), last.max(until)))
    }

    /// Every series with its sightings by day and time of sight, in order of the series.
    pub(crate) fn series(&self) -> BTreeMap<&Series, &[Sighting]> {
        self.series.iter().map(|(series, sightings)| (&**series, sightings.as_slice())).collect()
    }
}

/// The last word on each usage day: of its sightings the latest.
pub(crate) fn latest(sightings: &[Sighting]) -> impl Iterator<Item = &Sighting> {
    sightings.chunk_by(|a, b| a.usage == b.usage).filter_map(<[Sighting]>::last)
}
