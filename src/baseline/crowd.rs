//! A bound on values that a caller chooses freely: a principal that touches very many things has no news among them.
//!
//! Only the earliest are kept. From the time on at which there were too many, none of them is asked about any more, so what
//! is left out changes no answer; and the earliest of all are among the earliest of every share, so parts merge.

use std::collections::BTreeSet;

use super::Days;
use crate::event::Seconds;

/// So many tuples of one family may one principal have in one account. With one more it has no news.
const MOST: usize = 128;

/// The earliest tuples of one principal in one account, of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crowd {
    earliest: BTreeSet<(Seconds, String)>,
    /// The last use of those that are not kept.
    pub used: Seconds,
}

impl Default for Crowd {
    fn default() -> Self {
        Self { earliest: BTreeSet::new(), used: Seconds::MIN }
    }
}

impl Crowd {
    /// A tuple begins at `first`, and not, as was known, at `before`. Gives the tuple that is one too many.
    pub(super) fn begins(&mut self, tuple: &str, before: Option<Seconds>, first: Seconds) -> Option<String> {
        if let Some(before) = before {
            self.earliest.remove(&(before, tuple.to_owned()));
        }
        self.earliest.insert((first, tuple.to_owned()));
        if self.earliest.len() > MOST + 1 { self.earliest.pop_last().map(|(_, tuple)| tuple) } else { None }
    }

    /// A tuple is not kept, and was seen on these days.
    pub(super) fn forget(&mut self, days: &Days) {
        self.used = self.used.max(days.parts().2);
    }

    /// Takes in what another knows of tuples that are not kept. Those that are kept come one by one.
    pub(super) fn merge(&mut self, other: &Self) {
        self.used = self.used.max(other.used);
    }

    /// The tuples that are kept.
    pub(super) fn tuples(&self) -> impl Iterator<Item = &str> {
        self.earliest.iter().map(|(_, tuple)| tuple.as_str())
    }

    /// Since when there are too many.
    pub(super) fn since(&self) -> Option<Seconds> {
        self.earliest.last().filter(|_| self.earliest.len() > MOST).map(|(since, _)| *since)
    }

    /// Whether there were too many before a time.
    pub(super) fn has_no_news(&self, at: Seconds) -> bool {
        self.since().is_some_and(|since| since < at)
    }
}
