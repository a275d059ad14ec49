//! What the map stage makes of some files: everything that later stages need, and nothing else.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use ahash::RandomState;
use serde::{Deserialize, Serialize};

use super::causal;
use crate::detect::plan::Plan;
use crate::event::{DAY, Event, EventId, Identity, Place, Seconds};
use crate::habit::Hours;
use crate::incident::models::Caller;
use crate::model::Skipped;
use crate::price::Model;

/// The result of mapping some objects. Parts are put together in any order.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// How often which call was made, per day.
    pub usage: Vec<Arc<Usage>>,
    /// Events that a rule or the lineage cares about.
    pub events: Vec<Event>,
    /// A fingerprint of every record that is an event.
    pub seen: Vec<u64>,
    /// From which position in `seen` on records are of which account, where that changes.
    pub accounts: Vec<(usize, String)>,
    /// Calls of models.
    pub calls: Vec<ModelCall>,
    pub counts: Counts,
}

/// Calls of one kind, by one caller, from one place, on one day.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    pub identity: Arc<Identity>,
    pub plan: Arc<Plan>,
    pub place: Arc<Place>,
    pub first: Seconds,
    pub last: Seconds,
    /// The first call, where a rule asks what is new.
    pub noted: Option<Noted>,
    /// The first call of each stretch of time, where a rule counts, with the length of the stretch.
    pub bursts: Vec<(Seconds, Noted)>,
    /// How many in each hour, where the mapper counts. It is not kept: who counts does so when a part is new.
    pub hours: Option<Box<Hours>>,
}

/// One call of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModelCall {
    /// The fingerprint of its record, by which a copy is known: one that comes within three days, or without a date, does
    /// not count again.
    pub fingerprint: u64,
    /// Position in [`Part::usage`].
    pub usage: u32,
    pub at: Seconds,
    pub model: Model,
}

/// One call out of many alike: the earliest, and of two in one second the one with the smaller id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Noted {
    pub at: Seconds,
    pub id: EventId,
    /// The fingerprint of its record.
    pub fingerprint: u64,
}

impl Part {
    /// The last record is of an account.
    pub(super) fn is_of(&mut self, account: &str) {
        if self.accounts.last().is_none_or(|(_, known)| known != account) {
            self.accounts.push((self.seen.len().saturating_sub(1), account.to_owned()));
        }
    }
}

impl Usage {
    /// Whose calls they are.
    pub(crate) fn caller(&self) -> Caller {
        let (identity, place) = (Arc::clone(&self.identity), Arc::clone(&self.place));
        Caller { identity, place, shape: Arc::clone(&self.plan.shape) }
    }

    /// Takes in the same kind of calls, by the same caller, from the same place, on the same day.
    pub(super) fn unite(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.hours = None;
        self.noted = [self.noted.take(), other.noted.clone()].into_iter().flatten().min();
        if !other.bursts.is_empty() {
            self.bursts.extend(other.bursts.iter().cloned());
            self.thin();
        }
    }

    /// Leaves one call of each stretch of time, in order.
    pub(super) fn thin(&mut self) {
        let stretch = |(length, call): &(Seconds, Noted)| (*length, call.at.div_euclid((*length).max(1)));
        // Lists in order are put together, which a stable sort finds.
        self.bursts.sort();
        self.bursts.dedup_by(|other, known| stretch(other) == stretch(known));
    }

    /// Tells apart what rules that ask what is new tell apart.
    pub(super) fn key(&self) -> String {
        let (who, what, place) = (&self.identity, &self.plan.shape, &self.place);
        let key = [
            who.key.as_str(),
            who.credential.as_deref().unwrap_or_default(),
            &what.source,
            &what.raw_name,
            &what.error_code,
            &what.user_agent,
            &what.refused,
            &what.trail,
            what.workload.as_str(),
            if what.inside { "inside" } else { "" },
            &place.account,
            &place.region,
            &place.source_ip,
            place.object.as_deref().unwrap_or_default(),
            place.role.as_deref().unwrap_or_default(),
        ];
        let mut text = String::with_capacity(key.iter().map(|part| part.len() + 4).sum());
        // Writing to a string does not fail.
        key.iter().for_each(|part| _ = write!(text, "{}:{part}", part.len()));
        self.plan.daily.iter().for_each(|rule| _ = write!(text, ",{rule}"));
        text
    }

    /// One of the calls as an event, for rules that need no more of it.
    pub(crate) fn event(&self, call: &Noted, rules: Vec<u16>) -> Event {
        Event {
            time: call.at,
            id: call.id.as_str().into(),
            identity: Arc::clone(&self.identity),
            shape: Arc::clone(&self.plan.shape),
            place: Arc::clone(&self.place),
            rules,
            fields: std::collections::BTreeMap::new(),
            facts: None,
        }
    }
}

/// What was read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Records, and things that are none.
    pub read: u64,
    pub malformed: u64,
    pub not_a_log: u64,
    /// Objects that could not be read, or not to their end, or not without loss.
    pub skipped: Vec<Skipped>,
    /// Unpacked size.
    pub bytes: u64,
}

impl Counts {
    /// Adds the counts of another part.
    pub(crate) fn add(&mut self, other: Self) {
        self.read = self.read.saturating_add(other.read);
        self.malformed = self.malformed.saturating_add(other.malformed);
        self.not_a_log = self.not_a_log.saturating_add(other.not_a_log);
        self.skipped.extend(other.skipped);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// When the parts of a delivery day are reduced, what was called before this may be judged already, and never what was
/// called later: the day before has ended at most, and what was called a day before its begin is settled.
pub(super) fn late(delivered: i64) -> Seconds {
    delivered.saturating_sub(2).saturating_mul(DAY)
}

/// Events that wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    events: Vec<Event>,
    /// The first calls of a day, until no earlier one can come.
    firsts: HashMap<(String, i64), (Noted, Arc<Usage>)>,
    /// What was given out already: a copy that comes late is not given again.
    given: HashSet<u64>,
    hasher: RandomState,
}

impl Pending {
    /// Adds an event.
    pub(crate) fn add(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Adds the first call of a kind, caller and place on a day, as far as one part knows.
    pub(crate) fn add_first(&mut self, usage: &Arc<Usage>, call: &Noted) {
        let key = usage.key();
        let first = (call.clone(), Arc::clone(usage));
        match self.firsts.entry((key, call.at.div_euclid(DAY))) {
            Entry::Vacant(entry) => {
                entry.insert(first);
            }
            Entry::Occupied(mut known) => {
                if *call < known.get().0 {
                    known.insert(first);
                }
            }
        }
    }

    /// Takes out all events before a time, in order and each once: by time, then who can call before what
    /// else is made, and that before the rest (order inside one second is undefined, and a thing is made before it is
    /// used), then by id; and whatever a credential did after what minted it. Those before `settled` were given out once,
    /// and come only if they are new.
    pub(crate) fn before(&mut self, end: Seconds, settled: Seconds) -> Vec<Event> {
        let events = &mut self.events;
        self.firsts.retain(|_, (call, usage)| {
            let due = call.at < end;
            if due {
                events.push(usage.event(call, usage.plan.daily.clone()));
            }
            !due
        });
        let (mut due, later) = std::mem::take(&mut self.events).into_iter().partition::<Vec<_>, _>(|e| e.time < end);
        self.events = later;
        let (given, hasher) = (&mut self.given, &self.hasher);
        due.retain(|event| event.time >= settled || !given.contains(&hasher.hash_one(position(event))));
        given.extend(due.iter().map(|event| hasher.hash_one(position(event))));
        // The first call of a day comes without its facts; where the same call is here with them, it is one event.
        due.sort_by(|a, b| name(a).cmp(&name(b)).then_with(|| rank(a).cmp(&rank(b))));
        due.dedup_by(|other, known| {
            let same = name(other) == name(known);
            if same {
                combine(known, other);
            }
            same
        });
        due.sort_by(|a, b| position(a).cmp(&position(b)));
        causal::order(due)
    }
}

/// What tells events apart and puts them in order.
fn position(event: &Event) -> (Seconds, u8, &str, [&str; 5]) {
    let (time, id, rest) = name(event);
    (time, rank(event), id, rest)
}

/// Who can call comes before what else is made, and that before the rest.
fn rank(event: &Event) -> u8 {
    match &event.facts {
        Some(facts) if facts.makes_caller() => 0,
        Some(facts) if facts.creates() => 1,
        _ => 2,
    }
}

/// What tells events apart.
fn name(event: &Event) -> (Seconds, &str, [&str; 5]) {
    let (shape, identity) = (&event.shape, &event.identity);
    // One id with two callers is a forgery, and must not stand for the real event; what two accounts recorded are two.
    let credential = identity.credential.as_deref().unwrap_or_default();
    (event.time, &event.id, [&shape.source, &shape.name, &identity.key, credential, &event.place.account])
}

/// Puts two copies of one event together. Which one comes first must not matter.
fn combine(known: &mut Event, other: &mut Event) {
    known.rules.append(&mut other.rules);
    known.rules.sort_unstable();
    known.rules.dedup();
    for (field, value) in std::mem::take(&mut other.fields) {
        let mine = known.fields.entry(field).or_insert_with(|| value.clone());
        if value < *mine {
            *mine = value;
        }
    }
    let goes_before = match (&known.facts, &other.facts) {
        (None, Some(_)) => true,
        (Some(mine), Some(facts)) => mine != facts && format!("{facts:?}") < format!("{mine:?}"),
        (_, None) => false,
    };
    if goes_before {
        known.facts = other.facts.take();
    }
    if (&other.identity, &other.place, &other.shape) == (&known.identity, &known.place, &known.shape) {
        return;
    }
    let rank = |event: &Event| (event.place.source_ip.clone(), event.shape.user_agent.clone());
    let all = |event: &Event| format!("{:?}", (&event.identity, &event.place, &event.shape));
    if rank(other).cmp(&rank(known)).then_with(|| all(other).cmp(&all(known))).is_lt() {
        known.identity = Arc::clone(&other.identity);
        known.place = Arc::clone(&other.place);
        known.shape = Arc::clone(&other.shape);
    }
}
