//! What an account's past says about one of its rows.

use super::block::Where;
use super::book::Book;
use crate::cost::is_regional;
use crate::cost::median::median;

/// Days of history that are looked at: two months.
pub(super) const HISTORY: usize = 62;
/// Less than this on a day is no use of a service.
const TRACE: f64 = 0.02;
/// Less than this on a day is no use of a region: configuration, keys and audits cost cents everywhere.
const REGION_TRACE: f64 = 0.75;
/// A region with more than this share of what an account spent is in use, however little that is.
const HOME: f64 = 0.5;
/// Days with spend before anything can be called new.
pub(super) const LEARN: usize = 14;
/// What began within this many days is still new.
const FRESH: usize = 29;

/// What is known of an account at a poll. `now` is the day after the newest one that was seen.
pub(super) struct Account {
    pub now: usize,
    /// Days since the first one with any spend.
    pub days: usize,
    /// That day.
    pub first: usize,
    /// Median of 28 days.
    pub daily: f64,
}

impl Account {
    /// Looks at a book as it is known, at a day after the newest one.
    pub(super) fn new(book: &Book, now: usize) -> Self {
        let spent = |day: &f64| *day > 0.0;
        let first = book.total.iter().position(spent).unwrap_or(now);
        Self { now, days: now.saturating_sub(first), first, daily: median(&book.total[now - FRESH..now - 1]) }
    }

    /// Enough days to say what is new. An account that rests most days is known by its rest.
    pub(super) fn is_known(&self) -> bool {
        self.days >= LEARN
    }
}

/// How a row was used before.
pub(super) struct Past {
    /// The higher of the last two days: late data makes the older one grow.
    pub amount: f64,
    /// Which of them it was.
    pub day: usize,
    /// Days with use in two months, the last two days left out.
    pub used: usize,
    /// The largest of them.
    pub largest: f64,
    /// Use began within about a month, and not with the account itself.
    pub is_fresh: bool,
    /// The day on which it began.
    pub begun: usize,
    /// Days since then.
    pub age: usize,
}

impl Past {
    /// Of a row of days.
    pub(super) fn new(days: &[f64], account: &Account) -> Self {
        let now = account.now;
        let window = now - HISTORY;
        let before = &days[window..now - 2];
        let used = |days: &[f64]| days.iter().filter(|day| **day > TRACE).count();
        let begun = days[window..now].iter().position(|day| *day > TRACE).map_or(now, |day| window + day);
        let day = if days[now - 1] >= days[now - 2] { now - 1 } else { now - 2 };
        Self {
            amount: days[day],
            day,
            used: used(before),
            largest: before.iter().copied().fold(0.0, f64::max),
            is_fresh: used(&days[window..now - FRESH]) <= 1 && begun >= account.first + LEARN,
            begun,
            age: (now - 1).saturating_sub(begun),
        }
    }

    /// Not used before: one day may have been a slip.
    pub(super) fn is_new(&self) -> bool {
        self.used <= 1
    }

    /// Has its first money in such a region: where the region itself is new, any use is; elsewhere a month decides.
    pub(super) fn begins(&self, region: Where, unused: bool) -> bool {
        match region {
            Where::Unused => self.is_new() && unused,
            Where::Used => self.is_fresh && !unused,
            Where::Anywhere => self.is_fresh,
        }
    }
}

/// Whether a region was not in use before.
pub(super) fn is_unused(book: &Book, region: usize, now: usize) -> bool {
    let (name, days) = &book.regions[region];
    let before = now - HISTORY..now - 2;
    let used = days[before.clone()].iter().filter(|day| **day > REGION_TRACE).count();
    let sum = |days: &[f64]| days.iter().sum::<f64>();
    let is_home = sum(&days[before.clone()]) > HOME * sum(&book.total[before]);
    used <= 1 && !is_home && is_regional(name)
}

/// The share of computing and its disks in what a region costs now.
pub(super) fn bareness(book: &Book, region: usize, now: usize) -> f64 {
    let (mut bare, mut all) = (0.0, 0.0);
    for row in book.services.iter().filter(|row| row.parent == region) {
        let amount = row.days[now - 1].max(row.days[now - 2]);
        all += amount;
        bare += if row.bare { amount } else { 0.0 };
    }
    if all > 0.0 { bare / all } else { 0.0 }
}
