//! What is kept of the past so that it can be judged again together with what comes: the few events that matter, and
//! nothing of the rest.
//!
//! A live pass is a replay of what is kept and what is new. So late events take their place, incidents go on, and no
//! inner state of a stage outlives a pass.

mod file;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hashbrown::HashSet;

use super::part::{Part, Usage};
use crate::event::{DAY, Event, HOUR, Seconds};
use crate::incident::models::{Caller, hour};
use crate::model::{Finding, Incident};
use crate::price::Model;

pub(crate) use file::{decode, encode};

/// Everything is kept this long: longer than any window of a rule, and than events are late.
pub(crate) const HOT: Seconds = 2 * DAY;
/// Events that made something are kept this long: whoever acts comes from them.
const WARM: Seconds = 7 * DAY;
/// Before the first event of an incident, this long, is who made its root.
const BEFORE: Seconds = 36 * HOUR;

/// Calls of one model by one caller in one hour.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub caller: Caller,
    pub last: Seconds,
    pub model: Model,
    pub count: u64,
}

/// Events that matter, first calls, and counted calls.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kept {
    pub(super) events: Vec<Event>,
    pub(super) usage: Vec<Arc<Usage>>,
    pub(super) calls: Vec<Called>,
}

impl Kept {
    /// What is worth keeping of a part.
    pub(crate) fn of(part: &Part) -> Self {
        let told = |usage: &&Arc<Usage>| {
            usage.noted.is_some() || !usage.bursts.is_empty() || !usage.plan.shape.trail.is_empty()
        };
        let mut counts: BTreeMap<(u32, Seconds, Model), (Seconds, u64)> = BTreeMap::new();
        for call in &part.calls {
            let (last, count) = counts.entry((call.usage, hour(call.at), call.model)).or_insert((call.at, 0));
            *last = call.at.max(*last);
            *count += 1;
        }
        let called = |((usage, _, model), (last, count)): ((u32, Seconds, Model), (Seconds, u64))| {
            let caller = part.usage.get(usage as usize)?.caller();
            Some(Called { caller, last, model, count })
        };
        Self {
            events: part.events.clone(),
            usage: part.usage.iter().filter(told).cloned().collect(),
            calls: counts.into_iter().filter_map(called).collect(),
        }
    }

    /// The time of the last event or call.
    pub(super) fn latest(&self) -> Option<Seconds> {
        let calls = self.calls.iter().map(|called| called.last);
        self.events.iter().map(|event| event.time).chain(self.usage.iter().map(|usage| usage.last)).chain(calls).max()
    }

    /// The events.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Takes more in.
    pub(crate) fn merge(&mut self, other: Self) {
        self.events.extend(other.events);
        self.usage.extend(other.usage);
        self.calls.extend(other.calls);
    }

    /// Takes in events that no part has.
    pub(crate) fn note(&mut self, events: Vec<Event>) {
        self.events.extend(events);
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.usage.is_empty() && self.calls.is_empty()
    }

    /// Lets go of what no later pass needs: all but the last two days, what made something in the last seven, and
    /// what incidents rest on. `judged` are the events as they were judged.
    pub(crate) fn forget(
        &mut self,
        now: Seconds,
        incidents: &[&Incident],
        findings: &[Finding],
        judged: &[Arc<Event>],
    ) {
        let (hot, warm) = (now - HOT, now - WARM);
        let live: HashSet<&str> = incidents.iter().map(|incident| incident.id.as_str()).collect();
        let theirs = findings.iter().filter(|finding| finding.incident.as_deref().is_some_and(|id| live.contains(id)));
        let of_findings = theirs.flat_map(|finding| finding.event_ids.iter().map(|(_, id)| &**id));
        let of_members = incidents.iter().flat_map(|incident| incident.members.events.iter().map(|id| &**id));
        let rests_on: HashSet<&str> = of_findings.chain(of_members).collect();
        let within = |at: Seconds| incidents.iter().any(|i| (i.first_event - BEFORE..=i.opened_at).contains(&at));
        let known: HashSet<Arc<str>> = self.events.iter().map(|event| Arc::clone(&event.id)).collect();
        self.events.retain(|event| {
            let creates = event.facts.as_ref().is_some_and(|facts| facts.creates());
            let made = creates && (event.time >= warm || within(event.time));
            event.time >= hot || made || rests_on.contains(&*event.id)
        });
        // First calls become events where an incident rests on them: after a while they are kept as such only.
        let first = judged.iter().filter(|event| rests_on.contains(&*event.id) && !known.contains(&event.id));
        self.events.extend(first.map(|event| Event::clone(event)));
        self.usage.retain(|usage| usage.last >= hot);
        self.calls.retain(|called| called.last >= hot);
        self.unite();
    }

    /// Puts together what is about the same.
    fn unite(&mut self) {
        let mut seen = BTreeSet::new();
        self.events.retain(|event| {
            let caller = (event.identity.key.clone(), event.identity.credential.clone());
            seen.insert((
                event.time,
                Arc::clone(&event.id),
                event.shape.raw_name.clone(),
                event.facts.is_some(),
                caller,
            ))
        });
        let mut united: HashMap<_, Usage> = HashMap::new();
        for usage in self.usage.drain(..) {
            let key = (usage.first.div_euclid(DAY), usage.key(), usage.plan.bursts.clone());
            match united.entry(key) {
                Entry::Vacant(entry) => _ = entry.insert(Usage::clone(&usage)),
                Entry::Occupied(mut known) => known.get_mut().unite(&usage),
            }
        }
        let mut united: Vec<_> = united.into_iter().collect();
        united.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.usage = united.into_iter().map(|(_, usage)| Arc::new(usage)).collect();
    }
}
