//! What is kept, as bytes. Rules are named by their ids, so that other rules can read it; what many events share is
//! written once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::super::part::{Noted, Usage};
use super::super::told::{Sharing, Tables, Who};
use super::{Called, Kept};
use crate::detect::Rules;
use crate::detect::plan::Planner;
use crate::event::{Event, EventId, Facts, Identity, Place, Seconds, Shape};
use crate::incident::models::Caller;
use crate::price::Model;

const KIND: &str = "stakeout-kept";
const VERSION: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
struct File {
    kind: String,
    version: u32,
    /// Ids of the rules that events name by their position here.
    rules: Vec<String>,
    identities: Vec<Arc<Identity>>,
    shapes: Vec<Arc<Shape>>,
    places: Vec<Arc<Place>>,
    events: Vec<Told>,
    usage: Vec<Used>,
    calls: Vec<Counted>,
}

/// An event as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    time: Seconds,
    id: Arc<str>,
    who: Who,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<usize>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<Box<Facts>>,
}

impl Told {
    /// An event by positions of whose it is.
    fn of(event: &Event, who: Who) -> Self {
        Self {
            time: event.time,
            id: Arc::clone(&event.id),
            who,
            rules: event.rules.iter().copied().map(usize::from).collect(),
            fields: event.fields.clone(),
            facts: event.facts.clone(),
        }
    }

    /// The event, with rules as this run counts them.
    ///
    /// # Errors
    /// A position beyond its table.
    fn event(self, tables: &Tables, rules: Vec<u16>) -> Result<Event> {
        let (identity, shape, place) = tables.who(self.who)?;
        Ok(Event {
            time: self.time,
            id: self.id,
            identity,
            shape,
            place,
            rules,
            fields: self.fields,
            facts: self.facts,
        })
    }
}

/// Time, id and fingerprint of a call.
type Call = (Seconds, String, u64);

#[derive(Serialize, Deserialize)]
struct Used {
    who: Who,
    first: Seconds,
    last: Seconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    noted: Option<Call>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bursts: Vec<(Seconds, Call)>,
}

#[derive(Serialize, Deserialize)]
struct Counted {
    who: Who,
    last: Seconds,
    model: String,
    count: u64,
}

/// Writes what is kept.
///
/// # Errors
/// None that input could cause.
pub(crate) fn encode(kept: &Kept, rules: &Rules) -> Result<Vec<u8>> {
    let mut sharing = Sharing::default();
    let call = |noted: &Noted| (noted.at, noted.id.as_str().to_owned(), noted.fingerprint);
    let events = kept.events.iter().map(|e| Told::of(e, sharing.who(&e.identity, &e.shape, &e.place))).collect();
    let used = |usage: &Usage, who: Who| Used {
        who,
        first: usage.first,
        last: usage.last,
        noted: usage.noted.as_ref().map(call),
        bursts: usage.bursts.iter().map(|(length, noted)| (*length, call(noted))).collect(),
    };
    let usage = kept.usage.iter().map(|u| used(u, sharing.who(&u.identity, &u.plan.shape, &u.place))).collect();
    let counted = |called: &Called, who: Who| Counted {
        who,
        last: called.last,
        model: called.model.word().to_owned(),
        count: called.count,
    };
    let calls =
        kept.calls.iter().map(|Called { caller, .. }| sharing.who(&caller.identity, &caller.shape, &caller.place));
    let calls = kept.calls.iter().zip(calls).map(|(called, who)| counted(called, who)).collect();
    let file = File {
        kind: KIND.to_owned(),
        version: VERSION,
        rules: rules.rules.iter().map(|rule| rule.id.clone()).collect(),
        identities: sharing.identities.values,
        shapes: sharing.shapes.values,
        places: sharing.places.values,
        events,
        usage,
        calls,
    };
    serde_json::to_vec(&file).context("what is kept")
}

/// Reads what [`encode`] wrote. Matches of rules that are there no more are left out.
///
/// # Errors
/// Bytes that are something else, of a newer version, or damaged.
pub(crate) fn decode(bytes: &[u8], rules: &Rules) -> Result<Kept> {
    let file: File = serde_json::from_slice(bytes).context("what is kept")?;
    if file.kind != KIND || file.version != VERSION {
        bail!("{} of version {}; this program reads {KIND} of version {VERSION}", file.kind, file.version);
    }
    let here: HashMap<&str, u16> =
        (0..).zip(&rules.rules).map(|(position, rule)| (rule.id.as_str(), position)).collect();
    let (names, tables) =
        (file.rules, Tables { identities: file.identities, shapes: file.shapes, places: file.places });
    let rule = |position: &usize| names.get(*position).and_then(|id| here.get(id.as_str()).copied());
    let mut planner = Planner::new(rules);
    let mut kept = Kept::default();
    for told in file.events {
        let rules = told.rules.iter().filter_map(rule).collect();
        kept.events.push(told.event(&tables, rules)?);
    }
    for used in &file.usage {
        let (identity, shape, place) = tables.who(used.who)?;
        let (plan, first, last) = (planner.known(&shape), used.first, used.last);
        let bursts = used.bursts.iter().map(|(length, call)| (*length, noted(call))).collect();
        let noted = used.noted.as_ref().map(noted);
        kept.usage.push(Arc::new(Usage { identity, plan, place, first, last, noted, bursts, hours: None }));
    }
    for counted in &file.calls {
        let (identity, shape, place) = tables.who(counted.who)?;
        let (caller, model) = (Caller { identity, place, shape }, Model::of(&counted.model));
        kept.calls.push(Called { caller, last: counted.last, model, count: counted.count });
    }
    Ok(kept)
}

fn noted((at, id, fingerprint): &Call) -> Noted {
    Noted { at: *at, id: EventId::new(id), fingerprint: *fingerprint }
}
