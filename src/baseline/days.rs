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

    /// The parts worth writing to a file: of the blocks all but those that end more than 256 days before the last time.
    pub(crate) fn recent(&self) -> (&[(i32, u128)], Seconds, Seconds) {
        let oldest = day(self.last).saturating_sub(KEPT);
        let old = self.blocks.partition_point(|(block, _)| start(*block) + BLOCK - 1 < oldest);
        (&self.blocks[old..], self.first, self.last)
    }

    /// When it was seen first.
    pub(super) fn first(&self) -> Option<Seconds> {
        (!self.blocks.is_empty()).then_some(self.first)
    }

    /// The last day, since 1970, before that of a time.
    pub(crate) fn last_day_before(&self, at: Seconds) -> Option<i64> {
        let newest = day(at) - 1;
        self.blocks.iter().rev().find_map(|&(block, bits)| {
            let bits = bits & mask(block, i64::MIN, newest);
            (bits != 0).then(|| start(block) + BLOCK - 1 - i64::from(bits.leading_zeros()))
        })
    }

    /// The days before that of a time, with the first in any case, as if it was seen until `last`.
    pub(super) fn until(&self, end: Seconds, last: Seconds) -> Self {
        let kept = |&(block, bits): &(i32, u128)| {
            (block, bits & (mask(block, i64::MIN, day(end) - 1) | mask(block, day(self.first), day(self.first))))
        };
        let blocks: Vec<_> = self.blocks.iter().map(kept).collect();
        Self::from_parts(&blocks, self.first, last)
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

    /// All days, counted from 1970-01-01, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> {
        let of_block = |(block, bits): &(i32, u128)| {
            let (start, bits) = (start(*block), *bits);
            (0..BLOCK).filter(move |n| bits >> n & 1 == 1).map(move |n| start + n)
        };
        self.blocks.iter().flat_map(of_block)
    }

    /// Whether it was seen on all of some days, both ends included, counted from 1970-01-01.
    pub(crate) fn on_all(&self, first: i64, last: i64) -> bool {
        let seen: i64 =
            self.blocks.iter().map(|(block, bits)| i64::from((bits & mask(*block, first, last)).count_ones())).sum();
        first <= last && seen == last - first + 1
    }

    /// Whether it was seen on any of some days, both ends included.
    pub(crate) fn on_any(&self, first: i64, last: i64) -> bool {
        self.blocks.iter().any(|(block, bits)| bits & mask(*block, first, last) != 0)
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
            let (from, to) = (day(at - history), day(at));
            let spoke = |on: i64| times.iter().any(|t| day(*t) == on);
            prop_assert_eq!(known.on_any(from, to), (from..=to).any(spoke));
            prop_assert_eq!(known.on_all(to - 1, to), spoke(to - 1) && spoke(to));
            let earlier = times.iter().map(|t| day(*t)).filter(|on| *on < day(at) && *on >= day(at - history));
            let earlier: std::collections::BTreeSet<_> = earlier.collect();
            prop_assert_eq!(known.days_before(at, history, Seconds::MIN, Seconds::MAX), earlier.len());
            let last = times.iter().map(|t| day(*t)).filter(|on| *on < day(at)).max();
            prop_assert_eq!(known.last_day_before(at), last);
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
        assert_eq!(known.recent().0, [(1, 1), (3, 1)]);
        let known = days(&[0, 383 * DAY]);
        assert_eq!(known.recent().0, [(0, 1), (2, 1 << 127)]);
    }
}
