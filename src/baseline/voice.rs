//! Who and what speaks in an account, and on which days: what spoke every day and stops is worth a word.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use serde::{Deserialize, Serialize};

use super::{Days, Usage};
use crate::event::{PrincipalKind, Seconds};

/// What can fall silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Voice {
    /// Speaks where something is changed or a role is assumed: a scan of all regions is no voice of theirs.
    Region,
    /// Speaks wherever it is called.
    Service,
    /// A user or a role that calls.
    Principal,
}

/// What was heard of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voices {
    /// Any event.
    pub all: Days,
    /// From when on calls of the account are measured and heard.
    pub since: Seconds,
    regions: Heard,
    services: Heard,
    principals: Heard,
}

/// By region, service or stable id of a principal.
type Heard = AHashMap<Arc<str>, (Days, Option<Arc<str>>)>;

impl Default for Voices {
    fn default() -> Self {
        let (regions, services, principals) = Default::default();
        Self { all: Days::default(), since: Seconds::MAX, regions, services, principals }
    }
}

impl Voices {
    /// Hears calls of one day.
    pub(super) fn hear(&mut self, usage: &Usage<'_>) {
        let Usage { identity, place, shape, first, last } = *usage;
        self.since = self.since.min(first);
        self.all.see(first, last);
        if shape.write {
            see(&mut self.regions, &place.region, None, (first, last));
        }
        see(&mut self.services, shape.service(), None, (first, last));
        if matches!(identity.kind, PrincipalKind::User | PrincipalKind::Role) && !identity.is_common() {
            see(&mut self.principals, &identity.key, Some(&identity.arn), (first, last));
        }
    }

    /// Adds days of one voice.
    pub(super) fn add(&mut self, voice: Voice, name: &str, called: Option<&str>, days: &Days) {
        let (known, known_as) = entry(self.heard_mut(voice), name);
        known.merge(days);
        name_it(known_as, called);
    }

    /// Takes in what was heard elsewhere. Order does not matter, and twice is once.
    pub(super) fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.since = self.since.min(other.since);
        for voice in [Voice::Region, Voice::Service, Voice::Principal] {
            for (name, (days, called)) in other.heard(voice) {
                self.add(voice, name, called.as_deref(), days);
            }
        }
    }

    /// Everything that speaks in one way, with its days and what it is called, in order.
    pub(crate) fn of(&self, voice: Voice) -> BTreeMap<&str, (&Days, &str)> {
        let heard = self.heard(voice).iter();
        heard.map(|(name, (days, called))| (&**name, (days, called.as_deref().unwrap_or(name)))).collect()
    }

    /// When a user or role was first heard in this account, by its stable id.
    pub(super) fn caller_since(&self, key: &str) -> Option<Seconds> {
        self.principals.get(key).map(|(days, _)| days.parts().1)
    }

    fn heard(&self, voice: Voice) -> &Heard {
        match voice {
            Voice::Region => &self.regions,
            Voice::Service => &self.services,
            Voice::Principal => &self.principals,
        }
    }

    fn heard_mut(&mut self, voice: Voice) -> &mut Heard {
        match voice {
            Voice::Region => &mut self.regions,
            Voice::Service => &mut self.services,
            Voice::Principal => &mut self.principals,
        }
    }
}

fn see(heard: &mut Heard, name: &str, called: Option<&str>, (first, last): (Seconds, Seconds)) {
    let (days, known_as) = entry(heard, name);
    days.see(first, last);
    name_it(known_as, called.filter(|called| *called != name));
}

fn entry<'h>(heard: &'h mut Heard, name: &str) -> &'h mut (Days, Option<Arc<str>>) {
    let key = match heard.get_key_value(name) {
        Some((key, _)) => Arc::clone(key),
        None => name.into(),
    };
    heard.entry(key).or_default()
}

/// One id can have had several names; which one is told must not depend on the order.
fn name_it(known: &mut Option<Arc<str>>, called: Option<&str>) {
    if let Some(called) = called
        && known.as_deref().is_none_or(|known| called < known)
    {
        *known = Some(called.into());
    }
}
