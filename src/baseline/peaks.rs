//! How much of something was done at most, per day: the past that a burst is compared with.

use std::collections::BTreeMap;

use crate::event::DAY;

/// Days that are kept before the newest one: no rule looks back further.
const KEPT: i64 = 128;

/// What was measured, of whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Measure {
    /// The account and what else tells measures apart, joined like the tuples of a family.
    pub tuple: String,
    /// The stable id of a principal; empty where all callers count together.
    pub principal: String,
    /// What is counted: the name of a detector.
    pub what: String,
}

/// The greatest count of every measure on every day with any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Peaks(BTreeMap<Measure, BTreeMap<i64, u32>>);

impl Peaks {
    /// Takes in a count; says whether it is more than was known. The greater of two counts of one day stays, so that
    /// order does not matter.
    pub(crate) fn raise(&mut self, measure: &Measure, day: i64, count: u32) -> bool {
        let days = match self.0.get_mut(measure) {
            Some(days) => days,
            None => self.0.entry(measure.clone()).or_default(),
        };
        let known = days.entry(day).or_insert(0);
        let is_more = count > *known;
        *known = count.max(*known);
        let newest = days.last_key_value().map_or(day, |(newest, _)| *newest);
        days.retain(|day, _| *day >= newest.saturating_sub(KEPT));
        is_more
    }

    /// Takes in others.
    pub(super) fn merge(&mut self, other: Self) {
        for (measure, days) in other.0 {
            for (day, count) in days {
                self.raise(&measure, day, count);
            }
        }
    }

    /// The greatest count on some days, both ends included; 0 where there was none.
    pub(super) fn greatest(&self, measure: &Measure, first: i64, last: i64) -> u32 {
        let Some(days) = self.0.get(measure).filter(|_| first <= last) else {
            return 0;
        };
        days.range(first..=last).map(|(_, count)| *count).max().unwrap_or(0)
    }

    /// Every measure with its days, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Measure, &BTreeMap<i64, u32>)> {
        self.0.iter()
    }
}

/// When the last of some days ends, in seconds.
pub(super) fn end(days: &BTreeMap<i64, u32>) -> i64 {
    days.last_key_value().map_or(0, |(day, _)| day.saturating_add(1).saturating_mul(DAY))
}

/// Days with their counts as text, as in `20551:23;20552:4`.
pub(super) fn written(days: &BTreeMap<i64, u32>) -> String {
    let days: Vec<_> = days.iter().map(|(day, count)| format!("{day}:{count}")).collect();
    days.join(";")
}

/// Reads what [`written`] wrote; `None` for anything else.
pub(super) fn read(text: &str) -> Option<BTreeMap<i64, u32>> {
    let one = |part: &str| {
        let (day, count) = part.split_once(':')?;
        Some((day.parse().ok()?, count.parse().ok()?))
    };
    text.split(';').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_greater_count_stays_in_any_order(mut counts in prop::collection::vec((0_i64..300, 1_u32..50), 1..30), seed in any::<u64>()) {
            let measure = Measure { tuple: "1".into(), principal: "A".into(), what: "x".into() };
            let all = |counts: &[(i64, u32)]| {
                let mut peaks = Peaks::default();
                counts.iter().for_each(|(day, count)| _ = peaks.raise(&measure, *day, *count));
                peaks
            };
            let known = all(&counts);
            fastrand::Rng::with_seed(seed).shuffle(&mut counts);
            prop_assert_eq!(&all(&counts), &known);
            let mut twice = all(&counts);
            twice.merge(known.clone());
            prop_assert_eq!(&twice, &known);
            let newest = counts.iter().map(|(day, _)| *day).max().unwrap();
            let greatest = counts.iter().filter(|(day, _)| *day >= newest - 30).map(|(_, count)| *count).max().unwrap();
            prop_assert_eq!(known.greatest(&measure, newest - 30, newest), greatest);
            prop_assert_eq!(known.greatest(&measure, newest + 1, newest), 0);
            for (_, days) in known.iter() {
                let again = read(&written(days));
                prop_assert_eq!(again.as_ref(), Some(days));
            }
        }
    }

    #[test]
    fn what_is_no_list_of_days_is_refused() {
        for bad in ["", "1", "1:", "x:1", "1:-1", "1:1;"] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
