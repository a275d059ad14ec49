//! The days on which something was seen, as bitmaps.

use crate::event::{DAY, Seconds};

/// Days in a block.
const BLOCK: i64 = 128;
/// How many days before the last a block may end that is still written to a file.
const KEPT: i64 = 256;

/// All days on which something was seen, with the first and last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Days {
    /// Number of a block, counted from 1970-01-01, and its days: bit n for its n-th. Sorted, none twice, none empty.
    blocks: Vec<(i32, u128)>,
    first: Seconds,
    last: Seconds,
}

impl Default for Days {
    fn default() -> Self {
        Self { blocks: Vec::new(), first: Seconds::MAX, last: Seconds::MIN }
    }
}

impl Days {
    /// Rebuilds what [`Self::parts`] took apart.
    pub(crate) fn from_parts(blocks: &[(i32, u128)], first: Seconds, last: Seconds) -> Self {
        let mut days = Self { blocks: Vec::with_capacity(blocks.len()), first, last };
        blocks.iter().for_each(|&(block, bits)| days.add(block, bits));
        days
    }

    /// Blocks of 128 days with their bitmaps, first and last time.
    pub(crate) fn parts(&self) -> (&[(i32, u128)], Seconds, Seconds) {
        (&self.blocks, self.first, self.last)
    }

    /// The blocks worth writing to a file: all but those that end more than 256 days before the last time.
    pub(crate) fn recent(&self) -> &[(i32, u128)] {
        let oldest = day(self.last).saturating_sub(KEPT);
        let old = self.blocks.partition_point(|(block, _)| start(*block) + BLOCK - 1 < oldest);
        &self.blocks[old..]
    }

    /// Adds sightings of one day.
    pub(crate) fn see(&mut self, first: Seconds, last: Seconds) {
        let day = day(last);
        let beyond = if day < 0 { i32::MIN } else { i32::MAX };
        self.add(i32::try_from(day.div_euclid(BLOCK)).unwrap_or(beyond), 1 << day.rem_euclid(BLOCK));
        self.widen(first, last);
    }

    /// Union of two sets of days.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.blocks.is_empty() {
            return;
        }
        other.blocks.iter().for_each(|&(block, bits)| self.add(block, bits));
        self.widen(other.first, other.last);
    }

    fn add(&mut self, block: i32, bits: u128) {
        if bits == 0 {
            return;
        }
        match self.blocks.binary_search_by_key(&block, |(known, _)| *known) {
            Ok(at) => self.blocks[at].1 |= bits,
            Err(at) => self.blocks.insert(at, (block, bits)),
        }
    }

    fn widen(&mut self, first: Seconds, last: Seconds) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }

    /// On how many days before the day of `at` it was seen, not longer ago than `history`, and within `from..until`.
    pub(crate) fn days_before(&self, at: Seconds, history: Seconds, from: Seconds, until: Seconds) -> usize {
        let oldest = day(at.saturating_sub(history)).max(day(from).saturating_add(i64::from(from > Seconds::MIN)));
        let newest = (day(at) - 1).min(day(until).saturating_sub(1));
        let within = |&(block, bits): &(i32, u128)| (bits & mask(block, oldest, newest)).count_ones() as usize;
        self.blocks.iter().map(within).sum()
    }

    /// Whether it was seen before `at`, not longer ago than `history`, and within `from..until`.
    pub(crate) fn seen_before(&self, at: Seconds, history: Seconds, from: Seconds, until: Seconds) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        let within_days = self.days_before(at, history, from, until) > 0;
        let earlier_that_day =
            self.first < at && self.first >= from && self.first < until && self.first >= at.saturating_sub(history);
        within_days || earlier_that_day
    }
}

fn day(at: Seconds) -> i64 {
    at.div_euclid(DAY)
}

/// The first day of a block.
fn start(block: i32) -> i64 {
    i64::from(block) * BLOCK
}

/// The days of a block from `oldest` to `newest`, both included.
fn mask(block: i32, oldest: i64, newest: i64) -> u128 {
    let start = start(block);
    let (oldest, newest) = (oldest.max(start), newest.min(start + BLOCK - 1));
    if oldest > newest {
        return 0;
    }
    (u128::MAX >> (BLOCK - 1 - (newest - oldest))) << (oldest - start)
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
        fn merging_is_order_free_and_idempotent(mut times in prop::collection::vec(-200 * DAY..1000 * DAY, 1..40), cut in 0_usize..40, seed in any::<u64>()) {
            let whole = days(&times);
            let (left, right) = times.split_at(cut.min(times.len()));
            let mut parts = days(right);
            parts.merge(&days(left));
            parts.merge(&days(right));
            prop_assert_eq!(&parts, &whole);
            fastrand::Rng::with_seed(seed).shuffle(&mut times);
            prop_assert_eq!(days(&times), whole);
        }

        #[test]
        fn remembers_exactly_the_days_seen(times in prop::collection::vec(0_i64..1000 * DAY, 1..20), at in 0_i64..1000 * DAY, history in 0_i64..1000 * DAY) {
            let known = days(&times);
            let by_day = times.iter().any(|t| day(*t) < day(at) && day(*t) >= day(at - history));
            let that_day = times.iter().min().is_some_and(|first| *first < at && *first >= at - history);
            prop_assert_eq!(known.seen_before(at, history, Seconds::MIN, Seconds::MAX), by_day || that_day);
            let earlier = times.iter().map(|t| day(*t)).filter(|on| *on < day(at) && *on >= day(at - history));
            let earlier: std::collections::BTreeSet<_> = earlier.collect();
            prop_assert_eq!(known.days_before(at, history, Seconds::MIN, Seconds::MAX), earlier.len());
        }

        #[test]
        fn parts_put_together_are_the_whole(times in prop::collection::vec(-200 * DAY..1000 * DAY, 1..20)) {
            let known = days(&times);
            let (blocks, first, last) = known.parts();
            prop_assert_eq!(&Days::from_parts(blocks, first, last), &known);
        }
    }

    #[test]
    fn a_file_gets_the_recent_blocks() {
        let known = days(&[0, 127 * DAY, 128 * DAY, 384 * DAY]);
        assert_eq!(known.recent(), [(1, 1), (3, 1)]);
        let known = days(&[0, 383 * DAY]);
        assert_eq!(known.recent(), [(0, 1), (2, 1 << 127)]);
    }
}
