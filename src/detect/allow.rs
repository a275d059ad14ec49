//! Which findings somebody answers for: a finding is allowed where one entry of `[[allow]]` covers every event it rests on.
//!
//! That is asked event by event, because one finding may rest on calls from several networks and in several regions: a
//! key that is used from its office and from elsewhere is covered by no entry for the office. Critical findings and
//! notices are never allowed. Whether an incident voids an entry is the matter of incidents.

pub(crate) mod propose;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use sha2::{Digest as _, Sha256};

use super::rule::Detector;
use crate::config::{Allow, Network};
use crate::event::identity::is_account;
use crate::event::policy::matches_by;
use crate::event::view::LIST;
use crate::event::{Event, Seconds};
use crate::model::{AllowEntry, Allowed, Finding, Level};

/// Positions of entries.
pub(crate) type Entries = BTreeSet<usize>;

/// The entries of `[[allow]]`, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct AllowList {
    entries: Vec<Entry>,
    /// A hash of all entries.
    pub fingerprint: String,
}

/// One entry.
#[derive(Debug)]
struct Entry {
    principal: String,
    detector: String,
    networks: Vec<Network>,
    regions: Vec<String>,
    targets: Vec<String>,
    /// From this second on it no longer holds.
    ends: Seconds,
    mark: Allowed,
}

impl AllowList {
    /// The entries of the settings, in their order.
    pub(crate) fn new(entries: &[Allow]) -> Self {
        let mut hash = Sha256::new();
        entries.iter().for_each(|entry| hash.update(format!("{entry:?}\u{1f}")));
        let fingerprint = if entries.is_empty() { String::new() } else { crate::model::hex(&hash.finalize()) };
        Self { entries: entries.iter().map(Entry::new).collect(), fingerprint }
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries for some detectors that cover an event.
    pub(crate) fn covering<'d>(&self, detectors: impl Iterator<Item = &'d str> + Clone, event: &Event) -> Entries {
        let named = self.entries.iter().enumerate();
        let named = named.filter(|(_, entry)| detectors.clone().any(|name| name == entry.detector));
        named.filter(|(_, entry)| entry.covers(event)).map(|(position, _)| position).collect()
    }

    /// The entries that hid nothing and hold as of a time, and those that no longer do.
    pub(crate) fn idle_and_expired(&self, used: &Entries, now: Seconds) -> (Vec<AllowEntry>, Vec<AllowEntry>) {
        let (mut idle, mut expired) = (Vec::new(), Vec::new());
        for (position, entry) in self.entries.iter().enumerate() {
            if entry.ends <= now {
                expired.push(entry.told());
            } else if !used.contains(&position) {
                idle.push(entry.told());
            }
        }
        (idle, expired)
    }
}

impl Entry {
    fn new(entry: &Allow) -> Self {
        Self {
            principal: entry.principal.as_str().to_owned(),
            detector: entry.detector.as_str().to_owned(),
            networks: entry.network.clone(),
            regions: entry.region.iter().map(ToString::to_string).collect(),
            targets: entry.target.iter().map(ToString::to_string).collect(),
            ends: entry.ends(),
            mark: Allowed {
                owner: entry.owner.to_string(),
                reason: entry.reason.to_string(),
                expires: entry.expires.to_string(),
            },
        }
    }

    fn told(&self) -> AllowEntry {
        let Allowed { owner, expires, .. } = self.mark.clone();
        AllowEntry { principal: self.principal.clone(), detector: self.detector.clone(), owner, expires }
    }

    /// Whether everything that the entry asks holds for an event. What an event does not tell does not hold.
    fn covers(&self, event: &Event) -> bool {
        let address = || event.place.address().and_then(|address| address.parse::<IpAddr>().ok());
        let from = || address().is_some_and(|address| self.networks.iter().any(|network| network.holds(address)));
        self.principal == event.identity.arn
            && event.time < self.ends
            && (self.networks.is_empty() || from())
            && (self.regions.is_empty() || self.regions.contains(&event.place.region))
            && (self.targets.is_empty() || is_about(&self.targets, event))
    }
}

/// Whether all that an event is about is meant by one of some patterns.
fn is_about(patterns: &[String], event: &Event) -> bool {
    // A user by name and by ARN is one thing: it is enough that one of its names is meant.
    let mut things: BTreeMap<String, bool> = BTreeMap::new();
    for target in targets(event) {
        let is_meant = patterns.iter().any(|pattern| matches(pattern, &target) || matches(pattern, last(&target)));
        *things.entry(last(&target).to_owned()).or_default() |= is_meant;
    }
    !things.is_empty() && things.values().all(|is_meant| *is_meant)
}

/// What a call is about, as far as its event tells. A role is that only where it is assumed: elsewhere a thing is given it.
pub(crate) fn targets(event: &Event) -> BTreeSet<String> {
    let assumed = event.place.role.as_deref().filter(|_| event.shape.service() == "sts");
    let about = event.place.object.as_deref().into_iter().chain(assumed).flat_map(|things| things.split(LIST));
    let mut targets: BTreeSet<String> = about.map(str::to_owned).collect();
    if let Some(facts) = &event.facts {
        targets.extend(facts.target.clone());
        targets.extend(facts.created.iter().map(|made| made.arn.clone()));
        targets.extend(facts.deleted.iter().cloned());
        targets.extend(facts.changed.iter().map(|change| change.arn.clone()));
    }
    if targets.is_empty() {
        let requested = event.fields.iter().filter(|(field, _)| field.starts_with("requestParameters."));
        let values = requested.flat_map(|(_, value)| value.split(LIST));
        targets.extend(values.filter(|value| may_be_name(value)).map(str::to_owned));
    }
    targets
}

/// Whether a value can name something: numbers, switches and severities do not, but accounts have numbers for names.
fn may_be_name(value: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "null", "informational", "low", "medium", "high", "critical"];
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    !value.is_empty() && !is_word && (is_account(value) || value.parse::<f64>().is_err())
}

/// The name at the end of an ARN.
fn last(text: &str) -> &str {
    let last = if text.starts_with("arn:") { text.rsplit(['/', ':']).next() } else { None };
    last.unwrap_or(text)
}

/// Whether a pattern means a text: `*` stands for anything. Case counts, and `?` is itself.
fn matches(pattern: &str, text: &str) -> bool {
    matches_by(pattern, text, |wanted, found| wanted == found)
}

/// What is covered in a stream of events and findings.
pub(super) struct Allowing<'r> {
    list: &'r AllowList,
    /// Which entries cover an event that may become part of a finding.
    events: AHashMap<Arc<str>, (Seconds, Entries)>,
    /// Which entries cover all of a finding, by its position.
    findings: AHashMap<usize, Entries>,
    /// Entries that hid something.
    pub used: Entries,
}

impl<'r> Allowing<'r> {
    pub(super) fn new(list: &'r AllowList) -> Self {
        Self { list, events: AHashMap::new(), findings: AHashMap::new(), used: Entries::new() }
    }

    /// Notes an event that some detectors look at.
    pub(super) fn note<'d>(&mut self, detectors: impl Iterator<Item = &'d Detector> + Clone, event: &Event) {
        if self.list.is_empty() {
            return;
        }
        let covering = self.list.covering(detectors.map(|detector| detector.name.as_str()), event);
        match self.events.get_mut(&event.id) {
            // Two rules may look at one event, for different detectors; a copy of it in another account is no less.
            Some((_, known)) => known.extend(covering),
            None if covering.is_empty() => {}
            None => _ = self.events.insert(Arc::clone(&event.id), (event.time, covering)),
        }
    }

    /// Marks a finding that is new or goes on with some events, or takes the mark away.
    pub(super) fn mark(
        &mut self,
        (position, is_new): (usize, bool),
        events: &BTreeSet<(Seconds, Arc<str>)>,
        finding: &mut Finding,
    ) {
        if self.list.is_empty() {
            return;
        }
        let mut covering: Option<Entries> = if is_new { None } else { self.findings.remove(&position) };
        if !is_new && covering.is_none() {
            return;
        }
        for (_, id) in events {
            let of_event = self.events.get(id).map(|(_, entries)| entries.clone()).unwrap_or_default();
            covering = Some(match covering {
                None => of_event,
                Some(all) => all.intersection(&of_event).copied().collect(),
            });
        }
        let mut covering = covering.unwrap_or_default();
        covering.retain(|entry| self.list.entries.get(*entry).is_some_and(|entry| entry.detector == *finding.detector));
        let hides = !finding.notice && finding.level < Level::Critical;
        let first = covering.first().copied().filter(|_| hides);
        finding.allowed = first.and_then(|entry| Some(self.list.entries.get(entry)?.mark.clone()));
        self.used.extend(first);
        if !covering.is_empty() {
            self.findings.insert(position, covering);
        }
    }

    /// Forgets events before a time.
    pub(super) fn forget(&mut self, since: Seconds) {
        self.events.retain(|_, (at, _)| *at >= since);
    }
}
