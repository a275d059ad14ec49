//! Calls of models, counted by caller and hour: they come in hundreds of thousands, so they are no events.
//!
//! An incident looks back over a few hours when it opens. Counts that are older belong to an open incident or to none,
//! so they are given away or dropped once a day: what is kept does not grow with the length of dated logs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::{Event, HOUR, Identity, Place, Seconds, Shape};
use crate::price::Model;

/// The start of the hour of a time.
pub(crate) fn hour(at: Seconds) -> Seconds {
    at.div_euclid(HOUR) * HOUR
}

/// Whose calls they are, from where, and of what kind.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub identity: Arc<Identity>,
    pub place: Arc<Place>,
    pub shape: Arc<Shape>,
}

impl Caller {
    /// Tells apart what lineage and membership tell apart: addresses of one network are one place.
    fn key(&self) -> String {
        let (who, place) = (&self.identity, &self.place);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (credential, session, network) = (text(&who.credential), text(&who.session), text(&place.network));
        let console = if self.shape.console { "console" } else { "" };
        [&who.key, &credential, &session, &place.account, &network, console].join("\u{1f}")
    }

    /// Which of those with one key stands for all, in whatever order they come.
    fn rank(&self) -> [&str; 5] {
        let (place, shape) = (&self.place, &self.shape);
        [&place.region, &place.source_ip, &shape.raw_name, &shape.user_agent, &self.identity.arn]
    }
}

/// The calls of one caller in one hour.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    caller: Caller,
    /// The last of them.
    pub last: Seconds,
    pub calls: BTreeMap<Model, u64>,
    pub regions: BTreeSet<String>,
}

impl Counted {
    /// The last call as an event, for whoever asks whose it is.
    pub(super) fn event(&self) -> Event {
        Event {
            time: self.last,
            id: "".into(),
            identity: Arc::clone(&self.caller.identity),
            shape: Arc::clone(&self.caller.shape),
            place: Arc::clone(&self.caller.place),
            rules: Vec::new(),
            fields: BTreeMap::new(),
            facts: None,
        }
    }
}

/// Counts that wait for an incident. Sums and latest times, so no order matters.
#[derive(Debug, Default)]
pub(crate) struct ModelCalls(BTreeMap<(Seconds, String), Counted>);

impl ModelCalls {
    /// Adds so many calls of one hour, of which the last was made at a time.
    pub(crate) fn add(&mut self, caller: Caller, last: Seconds, model: Model, count: u64) {
        let counted = self.0.entry((hour(last), caller.key()));
        let new = || Counted { caller: caller.clone(), last, calls: BTreeMap::new(), regions: BTreeSet::new() };
        let counted = counted.or_insert_with(new);
        counted.regions.insert(caller.place.region.clone());
        if caller.rank() < counted.caller.rank() {
            counted.caller = caller;
        }
        counted.last = counted.last.max(last);
        *counted.calls.entry(model).or_default() += count;
    }

    /// The start of the first hour that is counted.
    pub(super) fn first(&self) -> Option<Seconds> {
        self.0.first_key_value().map(|((hour, _), _)| *hour)
    }

    /// The start of the last hour that is counted.
    pub(super) fn last(&self) -> Option<Seconds> {
        self.0.last_key_value().map(|((hour, _), _)| *hour)
    }

    /// Takes out the hours that end by a time, in order.
    pub(super) fn before(&mut self, end: Seconds) -> impl Iterator<Item = Counted> + use<> {
        let later = self.0.split_off(&(hour(end), String::new()));
        std::mem::replace(&mut self.0, later).into_values()
    }
}
