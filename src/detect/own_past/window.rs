//! A window that moves over what was noted: each event enters once and leaves once.

use std::collections::BTreeMap;

use ahash::AHashMap;

use super::{BeyondOwn, Second};
use crate::event::Seconds;
use crate::event::view::LIST;

/// What is counted from one time on, and before another.
#[derive(Default)]
pub(super) struct Window {
    since: Seconds,
    until: Seconds,
    events: u64,
    /// How often each value is in it, where values are counted.
    values: AHashMap<Box<str>, u32>,
}

impl Window {
    /// Whether it holds a time.
    pub(super) fn has(&self, at: Seconds) -> bool {
        (self.since..self.until).contains(&at)
    }

    /// Whether all that is in it is of a time or later.
    pub(super) fn begins_after(&self, at: Seconds) -> bool {
        self.since >= at
    }

    /// The count of the window that ends at a time, that second included. Events that are asked about in their order are
    /// looked at twice each, however long the window is.
    pub(super) fn count(&mut self, noted: &BTreeMap<Seconds, Second>, block: &BeyondOwn, at: Seconds) -> u64 {
        let (since, until) = (at.saturating_sub(block.within), at.saturating_add(1));
        if since < self.since || until < self.until || since >= self.until {
            *self = Self { since, until: since, ..Self::default() };
        }
        let has_values = block.field().is_some();
        noted.range(self.until..until).for_each(|(_, second)| self.enter(second, has_values));
        noted.range(self.since..since).for_each(|(_, second)| self.leave(second, has_values));
        (self.since, self.until) = (since, until);
        let count = if has_values { self.values.len() as u64 } else { self.events };
        count * u64::from(block.sample)
    }

    fn enter(&mut self, second: &Second, has_values: bool) {
        self.events += second.len() as u64;
        for value in second.values().filter(|_| has_values).flat_map(|value| value.split(LIST)) {
            match self.values.get_mut(value) {
                Some(count) => *count += 1,
                None => _ = self.values.insert(value.into(), 1),
            }
        }
    }

    fn leave(&mut self, second: &Second, has_values: bool) {
        self.events = self.events.saturating_sub(second.len() as u64);
        for value in second.values().filter(|_| has_values).flat_map(|value| value.split(LIST)) {
            match self.values.get_mut(value) {
                Some(count) if *count > 1 => *count -= 1,
                _ => _ = self.values.remove(value),
            }
        }
    }
}
