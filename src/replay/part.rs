//! What the map stage makes of some files: everything that later stages need, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{Event, Identity, Place, Seconds, Shape};
use crate::model::Skipped;

/// The result of mapping some objects. Parts are put together in any order.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// How often which call was made, per day.
    pub usage: Vec<Usage>,
    /// Events that a rule or the lineage cares about.
    pub events: Vec<Event>,
    /// A fingerprint of every record that is an event.
    pub seen: Vec<u64>,
    pub counts: Counts,
}

/// Calls of one kind, by one caller, from one place, on one day.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    pub identity: Arc<Identity>,
    pub place: Arc<Place>,
    pub shape: Arc<Shape>,
    pub first: Seconds,
    pub last: Seconds,
}

/// What was read.
#[derive(Debug, Clone, Default)]
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
        self.read += other.read;
        self.malformed += other.malformed;
        self.not_a_log += other.not_a_log;
        self.skipped.extend(other.skipped);
        self.bytes += other.bytes;
    }
}

/// Where an event stands among all: by time, creations first, then by id and call.
pub(crate) type Position = (Seconds, bool, Arc<str>, String);

/// Events in order, each once.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    events: BTreeMap<Position, Event>,
}

impl Pending {
    /// Adds an event. Another copy of one that is known adds the rules that it matched.
    pub(crate) fn add(&mut self, event: Event) {
        let makes = event.facts.as_ref().is_some_and(|facts| facts.creates());
        let position = (event.time, !makes, Arc::clone(&event.id), event.shape.action());
        match self.events.get_mut(&position) {
            Some(known) => combine(known, event),
            None => {
                self.events.insert(position, event);
            }
        }
    }

    /// Takes out all events before a time, in order.
    pub(crate) fn before(&mut self, end: Seconds) -> impl Iterator<Item = Event> + use<> {
        let later = self.events.split_off(&(end, false, Arc::from(""), String::new()));
        std::mem::replace(&mut self.events, later).into_values()
    }
}

/// Two copies of one event. Which one arrives first must not matter.
fn combine(known: &mut Event, other: Event) {
    known.rules.extend(other.rules);
    known.rules.sort_unstable();
    known.rules.dedup();
    for (field, value) in other.fields {
        let mine = known.fields.entry(field).or_insert_with(|| value.clone());
        if value < *mine {
            *mine = value;
        }
    }
    if known.facts.is_none() {
        known.facts = other.facts;
    }
    let rank = |identity: &Identity, place: &Place, shape: &Shape| {
        (place.source_ip.clone(), identity.key.clone(), shape.user_agent.clone())
    };
    if rank(&other.identity, &other.place, &other.shape) < rank(&known.identity, &known.place, &known.shape) {
        known.identity = other.identity;
        known.place = other.place;
        known.shape = other.shape;
    }
}
