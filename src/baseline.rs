//! What is usual in an account: for every tuple of interest the days on which it was seen.
//!
//! Merging two baselines is a bitwise OR: any number of workers can build parts, in any order, twice.
//! What must not count as usual (calls of the very young, days of an incident) is left out when the
//! baseline is asked, so that later knowledge never needs a rewrite.

pub(crate) mod days;
pub(crate) mod family;
pub(crate) mod file;
pub(crate) mod slice;

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;

use crate::event::{DAY, Identity, Place, Seconds, Shape};
pub(crate) use days::Days;
pub(crate) use family::{Among, Dimension, Family};

/// Below this age what a principal does is not yet usual.
const YOUNG: Seconds = 7 * DAY;

/// What has been seen, by whom and on which days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// Per family and tuple (without the principal), per principal.
    tuples: AHashMap<(Family, String), BTreeMap<Arc<str>, Days>>,
    /// First and last event of every principal.
    principals: AHashMap<Arc<str>, (Seconds, Seconds)>,
    /// First and last event of every account.
    accounts: BTreeMap<String, (Seconds, Seconds)>,
    /// When a principal was created, where that was seen.
    born: AHashMap<String, Seconds>,
    /// Since when an incident holds a principal: from then on its days do not count.
    tainted: AHashMap<String, Seconds>,
}

/// Calls of one kind, by one caller, from one place, on one day.
pub(crate) struct Usage<'a> {
    pub identity: &'a Identity,
    pub place: &'a Place,
    pub shape: &'a Shape,
    /// First and last of them on that day.
    pub first: Seconds,
    pub last: Seconds,
}

impl Baseline {
    /// Adds usage to every family that it counts for. What was observed is no use.
    pub(crate) fn record(&mut self, families: &[Family], usage: &Usage<'_>) {
        if usage.shape.is_observation() {
            return;
        }
        let (first, last) = (usage.first, usage.last);
        widen(self.accounts.entry(usage.place.account.clone()).or_insert((first, last)), first, last);
        let principal: Arc<str> = match self.principals.get_key_value(usage.identity.key.as_str()) {
            Some((key, _)) => Arc::clone(key),
            None => usage.identity.key.as_str().into(),
        };
        widen(self.principals.entry(Arc::clone(&principal)).or_insert((first, last)), first, last);
        for family in families {
            let Some(values) = family.values(usage.identity, usage.place, usage.shape) else {
                continue;
            };
            let days = self.tuples.entry((*family, values)).or_default().entry(Arc::clone(&principal)).or_default();
            days.see(first, last);
        }
    }

    /// Remembers when a principal came into being.
    pub(crate) fn born(&mut self, principal: &str, at: Seconds) {
        let known = self.born.entry(principal.to_owned()).or_insert(at);
        *known = (*known).min(at);
    }

    /// What a principal does from a time on is part of an incident, and not usual.
    pub(crate) fn taint(&mut self, principal: &str, since: Seconds) {
        let known = self.tainted.entry(principal.to_owned()).or_insert(since);
        *known = (*known).min(since);
    }

    /// What a principal does is no part of an incident after all.
    pub(crate) fn absolve(&mut self, principal: &str) {
        self.tainted.remove(principal);
    }

    /// Takes another baseline in. Order does not matter, and twice is once.
    pub(crate) fn merge(&mut self, other: Self) {
        for (tuple, principals) in other.tuples {
            let mine = self.tuples.entry(tuple).or_default();
            for (principal, days) in principals {
                mine.entry(principal).or_default().merge(&days);
            }
        }
        for (principal, (first, last)) in other.principals {
            widen(self.principals.entry(principal).or_insert((first, last)), first, last);
        }
        for (account, (first, last)) in other.accounts {
            widen(self.accounts.entry(account).or_insert((first, last)), first, last);
        }
        for (principal, at) in other.born {
            self.born(&principal, at);
        }
        for (principal, since) in other.tainted {
            self.taint(&principal, since);
        }
    }

    /// Days of history that an account has before a time.
    pub(crate) fn history_days(&self, account: &str, at: Seconds) -> i64 {
        self.accounts.get(account).map_or(0, |(first, _)| (at - first).max(0) / DAY)
    }

    /// The first event of any account, and the last.
    pub(crate) fn span(&self) -> Option<(Seconds, Seconds)> {
        let first = self.accounts.values().map(|(first, _)| *first).min()?;
        Some((first, self.accounts.values().map(|(_, last)| *last).max()?))
    }

    /// Since when a caller is known in an account. What many accounts have in common is as old there as the account.
    pub(crate) fn known_since(&self, caller: &Identity, account: &str) -> Option<Seconds> {
        if caller.is_common() {
            return self.accounts.get(account).map(|(first, _)| *first);
        }
        self.first_seen(&caller.key)
    }

    /// When a principal was first seen.
    pub(crate) fn first_seen(&self, principal: &str) -> Option<Seconds> {
        self.principals.get(principal).map(|(first, _)| *first)
    }

    /// Whether a tuple was seen before a time, within the history that counts. Without `principal`, by anybody.
    pub(crate) fn seen(
        &self,
        tuple: &(Family, String),
        principal: Option<&str>,
        at: Seconds,
        history: Seconds,
    ) -> bool {
        self.any(tuple, principal, |days, from, until| days.seen_before(at, history, from, until))
    }

    /// Whether a tuple is usual: seen on two earlier days at least, or a week ago. What somebody did for the first
    /// time today is no habit, however often.
    pub(crate) fn usual(
        &self,
        tuple: &(Family, String),
        principal: Option<&str>,
        at: Seconds,
        history: Seconds,
    ) -> bool {
        let today = at.div_euclid(DAY) * DAY;
        self.any(tuple, principal, |days, from, until| {
            days.days_before(today, history, from, until) >= 2 || days.seen_before(at - YOUNG, history, from, until)
        })
    }

    /// Whether a principal calls from a network as usual.
    pub(crate) fn usual_network(&self, account: &str, principal: &str, network: &str, at: Seconds) -> bool {
        self.usual(&(Family::networks(), family::join([account, network])), Some(principal), at, 90 * DAY)
    }

    fn any(
        &self,
        tuple: &(Family, String),
        principal: Option<&str>,
        holds: impl Fn(&Days, Seconds, Seconds) -> bool,
    ) -> bool {
        let Some(principals) = self.tuples.get(tuple) else {
            return false;
        };
        let counts = |principal: &str, days: &Days| {
            let from = self.born.get(principal).map_or(Seconds::MIN, |born| born + YOUNG);
            let until = self.tainted.get(principal).copied().unwrap_or(Seconds::MAX);
            holds(days, from, until)
        };
        match principal {
            Some(principal) => principals.get(principal).is_some_and(|days| counts(principal, days)),
            None => principals.iter().any(|(principal, days)| counts(principal, days)),
        }
    }
}

fn widen(span: &mut (Seconds, Seconds), first: Seconds, last: Seconds) {
    span.0 = span.0.min(first);
    span.1 = span.1.max(last);
}
