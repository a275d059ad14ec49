//! The days on which something was seen, as a bitmap.

use crate::event::{DAY, Seconds};

/// The last 128 days on which something was seen, with the first and last time. 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    /// Bit n: seen n days before the day of `last`.
    bits: u128,
    first: Seconds,
    last: Seconds,
}

impl Default for Days {
    fn default() -> Self {
        Self { bits: 0, first: Seconds::MAX, last: Seconds::MIN }
    }
}

impl Days {
    /// Rebuilds what [`Self::parts`] took apart.
    pub(crate) fn from_parts(bits: u128, first: Seconds, last: Seconds) -> Self {
        Self { bits, first, last }
    }

    /// Bitmap, first and last time.
    pub(crate) fn parts(&self) -> (u128, Seconds, Seconds) {
        (self.bits, self.first, self.last)
    }

    /// Adds sightings of one day.
    pub(crate) fn see(&mut self, first: Seconds, last: Seconds) {
        self.merge(&Self { bits: 1, first, last });
    }

    /// Union of two sets of days; those more than 127 days before the last are forgotten.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.bits == 0 {
            return;
        }
        if self.bits == 0 {
            *self = *other;
            return;
        }
        let last = self.last.max(other.last);
        let shifted = |days: &Self| shift(days.bits, day(last) - day(days.last));
        self.bits = shifted(self) | shifted(other);
        self.first = self.first.min(other.first);
        self.last = last;
    }

    /// Whether it was seen before `at`, not longer ago than `history`, and within `from..until`.
    pub(crate) fn seen_before(&self, at: Seconds, history: Seconds, from: Seconds, until: Seconds) -> bool {
        if self.bits == 0 {
            return false;
        }
        let oldest = day(at.saturating_sub(history)).max(day(from).saturating_add(i64::from(from > Seconds::MIN)));
        let newest = (day(at) - 1).min(day(until).saturating_sub(1));
        let within_days = (0..128).any(|n| {
            let on = day(self.last) - n;
            self.bits >> n & 1 == 1 && on >= oldest && on <= newest
        });
        let earlier_that_day =
            self.first < at && self.first >= from && self.first < until && self.first >= at.saturating_sub(history);
        within_days || earlier_that_day
    }
}

fn day(at: Seconds) -> i64 {
    at.div_euclid(DAY)
}

fn shift(bits: u128, by: i64) -> u128 {
    u32::try_from(by).ok().and_then(|by| bits.checked_shl(by)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn days(times: &[Seconds]) -> Days {
        let mut days = Days::default();
        times.iter().for_each(|at| days.see(*at, *at));
        days
    }

    proptest! {
        #[test]
        fn merging_is_order_free_and_idempotent(mut times in prop::collection::vec(0_i64..300 * DAY, 1..40), cut in 0_usize..40, seed in any::<u64>()) {
            let whole = days(&times);
            let (left, right) = times.split_at(cut.min(times.len()));
            let mut parts = days(right);
            parts.merge(&days(left));
            parts.merge(&days(right));
            prop_assert_eq!(parts, whole);
            fastrand::Rng::with_seed(seed).shuffle(&mut times);
            prop_assert_eq!(days(&times), whole);
        }

        #[test]
        fn remembers_exactly_the_days_seen(times in prop::collection::vec(0_i64..100 * DAY, 1..20), at in 0_i64..100 * DAY) {
            let known = days(&times);
            let by_day = times.iter().any(|t| day(*t) < day(at) && day(*t) >= day(at - 30 * DAY));
            let that_day = times.iter().min().is_some_and(|first| *first < at && *first >= at - 30 * DAY);
            prop_assert_eq!(known.seen_before(at, 30 * DAY, Seconds::MIN, Seconds::MAX), by_day || that_day);
        }
    }
}
