//! How often each principal calls, from where and with what: the counts that a blast radius rests on.
//!
//! A baseline knows on which days something was seen, and merges by OR. Counts merge by addition, so whoever adds must
//! add each call once: copies are left out before. In memory nothing is bounded; what is written is, day by day.

mod daily;
mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use crate::event::agent::{family, is_console, is_of_people};
use crate::event::{CredentialKind, DAY, Identity, Place, PrincipalKind, Seconds, Shape};
pub(crate) use daily::{Cell, Daily, OTHER, REST, Who};
pub(crate) use file::{decode, encode};

/// Calls in each hour of one day (UTC).
pub(crate) type Hours = [u32; 24];

/// Days that are kept: today and the thirty before it.
pub(crate) const KEPT: i64 = 31;

/// Calls of one kind, by one caller, from one place, on one day.
pub(crate) struct Calls<'a> {
    pub identity: &'a Identity,
    pub place: &'a Place,
    pub shape: &'a Shape,
    pub hours: &'a Hours,
    /// The last of them.
    pub last: Seconds,
}

/// What was called on which day, counted in days since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Habits {
    days: BTreeMap<i64, Daily>,
}

impl Habits {
    /// Adds calls, where they are of somebody who can be cut off: a user, a role or the root of the account that
    /// recorded them. A role that is linked to a service is that service's business.
    pub(crate) fn record(&mut self, calls: &Calls<'_>) {
        let (identity, shape) = (calls.identity, calls.shape);
        let is_somebody = matches!(identity.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Root);
        let is_here = identity.account == calls.place.account;
        if !is_somebody || !is_here || shape.is_observation() || identity.arn.contains(":role/aws-service-role/") {
            return;
        }
        self.days.entry(calls.last.div_euclid(DAY)).or_default().add(Who::of(calls), calls);
    }

    /// Adds a day.
    pub(crate) fn add(&mut self, day: i64, daily: Daily) {
        self.days.entry(day).or_default().merge(daily);
    }

    /// The days, each since 1970.
    pub(crate) fn days(&self) -> impl DoubleEndedIterator<Item = (i64, &Daily)> {
        self.days.iter().map(|(day, daily)| (*day, daily))
    }

    /// Full days from the first that is known to a time.
    pub(crate) fn history_days(&self, at: Seconds) -> i64 {
        self.days.keys().next().map_or(0, |first| (at.div_euclid(DAY) - first).max(0))
    }
}

impl Who {
    /// Whose calls they are. Credentials of sessions are new each time, and count together.
    fn of(calls: &Calls<'_>) -> Self {
        let identity = calls.identity;
        let is_lasting = identity.credential_kind == CredentialKind::LongTerm;
        Self {
            key: identity.key.clone(),
            arn: identity.arn.clone(),
            credential: identity.credential.clone().filter(|_| is_lasting).unwrap_or_default(),
            network: calls.place.network.clone().unwrap_or_default(),
            agent: family(calls.shape),
        }
    }
}
