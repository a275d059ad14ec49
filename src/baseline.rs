//! What is usual in an account: for every tuple of interest the days on which it was seen.
//!
//! Merging two baselines is a bitwise OR: any number of workers can build parts, in any order, twice.
//! What must not count as usual (calls of the very young, days of an incident) is left out when the
//! baseline is asked, so that later knowledge never needs a rewrite.

mod crowd;
pub(crate) mod days;
pub(crate) mod family;
pub(crate) mod file;
pub(crate) mod peaks;
pub(crate) mod slice;
#[cfg(test)]
mod tests;
pub(crate) mod voice;

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use ahash::AHashMap;

use crate::event::{DAY, Identity, Place, Seconds, Shape, Trails};
use crowd::Crowd;
pub(crate) use days::Days;
use family::Call;
pub(crate) use family::{Among, Dimension, Family};
pub(crate) use peaks::{Measure, Peaks};
pub(crate) use voice::{Voice, Voices};

/// Below this age what a principal does is not yet usual.
const YOUNG: Seconds = 7 * DAY;

/// What has been seen, by whom and on which days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// Per family and tuple (without the principal), per principal.
    tuples: AHashMap<Family, AHashMap<String, BTreeMap<Arc<str>, Days>>>,
    /// Of families whose values are chosen freely, per account: how many tuples each principal has.
    crowds: AHashMap<(Family, String), BTreeMap<Arc<str>, Crowd>>,
    /// First and last event of every principal.
    principals: AHashMap<Arc<str>, (Seconds, Seconds)>,
    /// First and last event of every account.
    accounts: BTreeMap<String, (Seconds, Seconds)>,
    /// When a principal was created, where that was seen.
    born: AHashMap<String, Seconds>,
    /// Since when an incident holds a principal: from then on its days do not count.
    tainted: AHashMap<String, Seconds>,
    /// What speaks in every account.
    voices: BTreeMap<String, Voices>,
    /// How much of something principals did at most.
    pub peaks: Peaks,
    /// Account and name of whoever was given all rights, and since when.
    privileged: BTreeMap<(String, String), Seconds>,
    /// What trails write to.
    pub trails: Trails,
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
        match self.voices.get_mut(&usage.place.account) {
            Some(voices) => voices.hear(usage),
            None => self.voices.entry(usage.place.account.clone()).or_default().hear(usage),
        }
        let principal: Arc<str> = match self.principals.get_key_value(usage.identity.key.as_str()) {
            Some((key, _)) => Arc::clone(key),
            None => usage.identity.key.as_str().into(),
        };
        widen(self.principals.entry(Arc::clone(&principal)).or_insert((first, last)), first, last);
        let call = Call::new(usage.identity, usage.place, usage.shape);
        for family in families {
            family.each_value(&call, &mut |tuple| self.see(*family, tuple, &principal, |days| days.see(first, last)));
        }
    }

    /// Adds sightings of a tuple.
    fn see(&mut self, family: Family, tuple: &str, principal: &Arc<str>, add: impl FnOnce(&mut Days)) {
        let tuples = self.tuples.entry(family).or_default();
        let principals = match tuples.get_mut(tuple) {
            Some(principals) => principals,
            None => tuples.entry(tuple.to_owned()).or_default(),
        };
        let days = match principals.get_mut(principal) {
            Some(days) => days,
            None => principals.entry(Arc::clone(principal)).or_default(),
        };
        if !family.is_open() {
            return add(days);
        }
        let before = days.first();
        add(days);
        let Some(first) = days.first().filter(|first| Some(*first) != before) else { return };
        let key = (family, family::account(tuple).to_owned());
        let crowd = self.crowds.entry(key).or_default().entry(Arc::clone(principal)).or_default();
        let Some(beyond) = crowd.begins(tuple, before, first) else { return };
        if let Entry::Occupied(mut known) = tuples.entry(beyond) {
            known.get_mut().remove(principal).iter().for_each(|days| crowd.forget(days));
            if known.get().is_empty() {
                known.remove();
            }
        }
    }

    /// Who was seen with a tuple, and when.
    fn principals(&self, (family, tuple): &(Family, String)) -> Option<&BTreeMap<Arc<str>, Days>> {
        self.tuples.get(family)?.get(tuple)
    }

    /// Remembers when a principal came into being.
    pub(crate) fn born(&mut self, principal: &str, at: Seconds) {
        let known = self.born.entry(principal.to_owned()).or_insert(at);
        *known = (*known).min(at);
    }

    /// Remembers that a user, role or group was given all rights.
    pub(crate) fn give_all_rights(&mut self, account: &str, name: &str, at: Seconds) {
        let known = self.privileged.entry((account.to_owned(), name.to_owned())).or_insert(at);
        *known = (*known).min(at);
    }

    /// Whether a user, role or group was given all rights before a time, as far as events tell.
    pub(crate) fn has_all_rights(&self, account: &str, name: &str, at: Seconds) -> bool {
        self.privileged.get(&(account.to_owned(), name.to_owned())).is_some_and(|since| *since < at)
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
        for (family, tuples) in other.tuples {
            for (tuple, principals) in tuples {
                principals.iter().for_each(|(who, days)| self.see(family, &tuple, who, |mine| mine.merge(days)));
            }
        }
        for (family, principals) in other.crowds {
            let mine = self.crowds.entry(family).or_default();
            for (principal, crowd) in principals {
                mine.entry(principal).or_default().merge(&crowd);
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
        for (account, voices) in other.voices {
            self.voices.entry(account).or_default().merge(&voices);
        }
        self.peaks.merge(other.peaks);
        for ((account, name), at) in other.privileged {
            self.give_all_rights(&account, &name, at);
        }
        self.trails.merge(&other.trails);
    }

    /// Days of history that an account has before a time.
    pub(crate) fn history_days(&self, account: &str, at: Seconds) -> i64 {
        self.accounts.get(account).map_or(0, |(first, _)| (at - first).max(0) / DAY)
    }

    /// Whether an account recorded anything before a time: then it is one of those that are looked at.
    pub(crate) fn has_account(&self, account: &str, at: Seconds) -> bool {
        self.accounts.get(account).is_some_and(|(first, _)| *first < at)
    }

    /// The first event of any account, and the last.
    pub(crate) fn span(&self) -> Option<(Seconds, Seconds)> {
        let first = self.accounts.values().map(|(first, _)| *first).min()?;
        Some((first, self.accounts.values().map(|(_, last)| *last).max()?))
    }

    /// What speaks in every account, in order.
    pub(crate) fn voices(&self) -> impl Iterator<Item = (&str, &Voices)> {
        self.voices.iter().map(|(account, voices)| (account.as_str(), voices))
    }

    /// For how long, in seconds, what a caller does in an account is measured; 0 where it is new. What it does in other
    /// accounts says nothing.
    pub(crate) fn measured_for(&self, caller: &Identity, account: &str, at: Seconds) -> Seconds {
        let known = |voices: &Voices| {
            let since = if caller.is_common() { Some(voices.since) } else { voices.caller_since(&caller.key) };
            since.map(|since| at.saturating_sub(since.max(voices.since)).max(0))
        };
        self.voices.get(account).and_then(known).unwrap_or(0)
    }

    /// Whether a user or role was first heard in an account not longer than `new` ago, although the account is heard for
    /// `learn`, in seconds.
    pub(crate) fn is_new_caller(
        &self,
        caller: &Identity,
        account: &str,
        at: Seconds,
        (new, learn): (Seconds, Seconds),
    ) -> bool {
        let Some(voices) = self.voices.get(account).filter(|voices| voices.since <= at - learn) else {
            return false;
        };
        voices.caller_since(&caller.key).is_some_and(|since| since > at - new)
    }

    /// The greatest count of a measure on the days before that of `at`, not longer ago than `history`. Days on which its
    /// principal was very young, or part of an incident, do not count.
    pub(crate) fn greatest(&self, measure: &Measure, at: Seconds, history: Seconds) -> u32 {
        let day = |at: Seconds| at.div_euclid(DAY);
        let grown_up = self.born.get(&measure.principal).map_or(i64::MIN, |born| day(born + YOUNG) + 1);
        let until = self.tainted.get(&measure.principal).map_or(i64::MAX, |since| day(*since));
        let (first, last) = (day(at.saturating_sub(history)).max(grown_up), day(at).min(until) - 1);
        self.peaks.greatest(measure, first, last)
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

    /// Whether a tuple was seen before a time, within the history that counts. Without `principal`, by anybody. To
    /// whoever has touched very many, nothing is new.
    pub(crate) fn seen(
        &self,
        tuple: &(Family, String),
        principal: Option<&str>,
        at: Seconds,
        history: Seconds,
    ) -> bool {
        self.has_no_news(tuple, principal, at)
            || self.any(tuple, principal, |days, from, until| days.seen_before(at, history, from, until))
    }

    /// The last day, since 1970, before that of a time, on which a tuple was seen. Without `principal`, by anybody.
    pub(crate) fn last_day(&self, tuple: &(Family, String), principal: Option<&str>, at: Seconds) -> Option<i64> {
        let principals = self.principals(tuple)?;
        match principal {
            Some(principal) => principals.get(principal)?.last_day_before(at),
            None => principals.values().filter_map(|days| days.last_day_before(at)).max(),
        }
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
        if self.has_no_news(tuple, principal, at) {
            return true;
        }
        self.any(tuple, principal, |days, from, until| {
            days.days_before(today, history, from, until) >= 2 || days.seen_before(at - YOUNG, history, from, until)
        })
    }

    /// Whether a principal calls from a network as usual.
    pub(crate) fn usual_network(&self, account: &str, principal: &str, network: &str, at: Seconds) -> bool {
        self.usual(&(Family::networks(), family::join([account, network])), Some(principal), at, 90 * DAY)
    }

    /// The days of a tuple as they are written, where its principal has too many of the family: what can still count, and
    /// as late as the last use of any, so that none is forgotten before the others.
    fn crowded(&self, family: Family, values: &str, principal: &str, days: &Days) -> Option<Days> {
        let account = family.is_open().then(|| family::account(values).to_owned())?;
        let crowd = self.crowds.get(&(family, account))?.get(principal)?;
        let since = crowd.since()?;
        let tuples = self.tuples.get(&family)?;
        let kept = crowd.tuples().filter_map(|tuple| tuples.get(tuple)?.get(principal));
        let last = kept.map(|days| days.parts().2).max();
        Some(days.until(since, crowd.used.max(last.unwrap_or(Seconds::MIN))))
    }

    /// Whether too many tuples were seen to tell what is new, of a principal or of anybody.
    fn has_no_news(&self, (family, values): &(Family, String), principal: Option<&str>, at: Seconds) -> bool {
        if !family.is_open() {
            return false;
        }
        let Some(crowds) = self.crowds.get(&(*family, family::account(values).to_owned())) else { return false };
        match principal {
            Some(principal) => crowds.get(principal).is_some_and(|crowd| crowd.has_no_news(at)),
            None => crowds.values().any(|crowd| crowd.has_no_news(at)),
        }
    }

    fn any(
        &self,
        tuple: &(Family, String),
        principal: Option<&str>,
        holds: impl Fn(&Days, Seconds, Seconds) -> bool,
    ) -> bool {
        let Some(principals) = self.principals(tuple) else {
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
