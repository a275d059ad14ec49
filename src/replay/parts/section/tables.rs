//! What the rows of a section share: identities, shapes, places, models and events, as positions of their texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error;

use super::texts::{self, Texts, Written};
use crate::bytes::{Cursor, Pen};
use crate::event::networks::Owner;
use crate::event::{Facts, Identity, Place, Shape, Workload};
use crate::replay::told::{Tables, Who};

/// What rows share.
#[derive(Default)]
pub(super) struct Head {
    pub identities: Vec<Arc<Identity>>,
    pub shapes: Vec<Arc<Shape>>,
    pub places: Vec<Arc<Place>>,
    /// Words of the models that are called.
    pub models: Vec<String>,
    pub events: Vec<Happening>,
}

/// An event without its record.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Happening {
    pub who: Who,
    pub rules: Vec<u16>,
    pub fields: BTreeMap<String, String>,
    /// As JSON; empty where there are none.
    pub facts: String,
}

/// Fields that are texts, and may be none.
type Maybe<'v> = Option<&'v str>;

fn of_identity(identity: &Identity) -> ([&str; 7], [Maybe<'_>; 4]) {
    let Identity { raw_type, key, arn, name, account, credential, session_name, session, issued_to, .. } = identity;
    let (kind, credential_kind) = (identity.kind.as_str(), identity.credential_kind.as_str());
    (
        [kind, raw_type, key, arn, name, account, credential_kind],
        [credential, session_name, session, issued_to].map(|t| t.as_deref()),
    )
}

fn of_shape(shape: &Shape) -> [&str; 11] {
    let Shape { source, raw_name, name, error_code, event_type, user_agent, .. } = shape;
    let kinds = [&shape.identity_type, &shape.principal_kind, &shape.credential_kind];
    let [a, b, c] = kinds.map(String::as_str);
    [source, raw_name, name, error_code, event_type, user_agent, a, b, c, &shape.refused, &shape.trail]
}

fn of_place(place: &Place) -> ([&str; 3], [Maybe<'_>; 3]) {
    let Place { account, region, source_ip, network, object, role, owner: _ } = place;
    ([account, region, source_ip], [network, object, role].map(|text| text.as_deref()))
}

/// Workloads by number.
const WORKLOADS: [Workload; 4] = [Workload::None, Workload::Instance, Workload::Function, Workload::Container];

fn workload(workload: Workload) -> u64 {
    WORKLOADS.iter().zip(0..).find(|(known, _)| **known == workload).map_or(0, |(_, number)| number)
}

fn workload_of(number: u64) -> Result<Workload> {
    let known = usize::try_from(number).ok().and_then(|number| WORKLOADS.get(number));
    known.copied().context("a flag that is not known")
}

/// The flags of a shape, a bit each.
fn flags(shape: &Shape) -> u64 {
    let read_only = [shape.read_only.is_some(), shape.read_only == Some(true)];
    let flags = [shape.denied, shape.failed, shape.write, shape.global, shape.console, shape.service_call];
    let flags: u64 = read_only.into_iter().chain(flags).zip(0..).map(|(flag, bit)| u64::from(flag) << bit).sum();
    flags | workload(shape.workload) << 8 | u64::from(shape.inside) << 10
}

impl Head {
    /// Writes all: first the texts.
    ///
    /// # Errors
    /// More text than a section may have.
    pub(super) fn write(&self, pen: &mut Pen) -> Result<()> {
        let texts = self.texts().write(pen)?;
        let column =
            |pen: &mut Pen, all: &mut dyn Iterator<Item = &str>| all.for_each(|text| pen.length(texts.position(text)));
        let maybe = |pen: &mut Pen, all: &mut dyn Iterator<Item = Maybe<'_>>| {
            all.for_each(|text| pen.length(text.map_or(0, |text| texts.position(text) + 1)));
        };
        pen.length(self.identities.len());
        (0..7).for_each(|n| {
            column(pen, &mut self.identities.iter().filter_map(|one| of_identity(one).0.get(n).copied()))
        });
        (0..4)
            .for_each(|n| maybe(pen, &mut self.identities.iter().filter_map(|one| of_identity(one).1.get(n).copied())));
        for identity in &self.identities {
            let started = u64::from(identity.session_started.is_some());
            pen.number(started | u64::from(identity.service_call) << 1 | workload(identity.workload) << 2);
            identity.session_started.into_iter().for_each(|at| pen.signed(at));
        }
        pen.length(self.shapes.len());
        (0..11).for_each(|n| column(pen, &mut self.shapes.iter().filter_map(|one| of_shape(one).get(n).copied())));
        self.shapes.iter().for_each(|shape| pen.number(flags(shape)));
        pen.length(self.places.len());
        (0..3).for_each(|n| column(pen, &mut self.places.iter().filter_map(|one| of_place(one).0.get(n).copied())));
        (0..3).for_each(|n| maybe(pen, &mut self.places.iter().filter_map(|one| of_place(one).1.get(n).copied())));
        for place in &self.places {
            pen.number(place.owner.as_ref().map_or(0, |owner| 1 | u64::from(owner.hosting) << 1));
            if let Some(owner) = &place.owner {
                pen.number(owner.asn.map_or(0, |asn| u64::from(asn) + 1));
                pen.length(texts.position(&owner.name));
                pen.length(owner.country.as_ref().map_or(0, |country| texts.position(country) + 1));
            }
        }
        pen.length(self.models.len());
        column(pen, &mut self.models.iter().map(String::as_str));
        self.write_events(pen, &texts);
        Ok(())
    }

    fn write_events(&self, pen: &mut Pen, texts: &Written<'_>) {
        pen.length(self.events.len());
        (0..3).for_each(|n| self.events.iter().filter_map(|event| event.who.get(n)).for_each(|who| pen.length(*who)));
        for event in &self.events {
            pen.length(event.rules.len());
            event.rules.iter().for_each(|rule| pen.number(u64::from(*rule)));
            pen.length(event.fields.len());
            for text in event.fields.iter().flat_map(|(field, value)| [field, value]) {
                pen.length(texts.position(text));
            }
        }
        self.events.iter().for_each(|event| pen.length(event.facts.len()));
        self.events.iter().for_each(|event| pen.bytes.extend_from_slice(event.facts.as_bytes()));
    }

    fn texts(&self) -> Texts<'_> {
        let mut texts = Texts::default();
        for identity in &self.identities {
            let (always, maybe) = of_identity(identity);
            always.into_iter().chain(maybe.into_iter().flatten()).for_each(|text| texts.add(text));
        }
        self.shapes.iter().flat_map(|shape| of_shape(shape)).for_each(|text| texts.add(text));
        for place in &self.places {
            let (always, maybe) = of_place(place);
            always.into_iter().chain(maybe.into_iter().flatten()).for_each(|text| texts.add(text));
            if let Some(owner) = &place.owner {
                std::iter::once(&owner.name).chain(&owner.country).for_each(|text| texts.add(text));
            }
        }
        self.models.iter().for_each(|word| texts.add(word));
        let fields = self.events.iter().flat_map(|event| &event.fields);
        fields.flat_map(|(field, value)| [field, value]).for_each(|text| texts.add(text));
        texts
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// Bytes that it did not write.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self> {
        let texts = texts::read(cursor).context("texts")?;
        let reading = Reading { texts: &texts };
        let identities = reading.identities(cursor).context("callers")?;
        let shapes = reading.shapes(cursor).context("kinds of calls")?;
        let places = reading.places(cursor).context("places")?;
        let count = cursor.count(1)?;
        let models = reading.column(cursor, count).context("models")?;
        let events = reading.events(cursor).context("events")?;
        Ok(Self { identities, shapes, places, models, events })
    }

    /// The events, and the tables.
    pub(super) fn split(self) -> (Tables, Vec<String>, Vec<Happening>) {
        let Self { identities, shapes, places, models, events } = self;
        (Tables { identities, shapes, places }, models, events)
    }
}

impl Happening {
    /// What its call did, where that is known.
    ///
    /// # Errors
    /// Bytes that nobody wrote.
    pub(super) fn facts(&self) -> Result<Option<Box<Facts>>> {
        if self.facts.is_empty() { Ok(None) } else { serde_json::from_str(&self.facts).context("its facts") }
    }
}

/// Texts by their positions.
struct Reading<'t> {
    texts: &'t [String],
}

impl Reading<'_> {
    fn text(&self, position: usize) -> Result<String> {
        self.texts.get(position).cloned().context("no such text")
    }

    fn column(&self, cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<String>> {
        (0..count).map(|_| self.text(cursor.position()?)).collect()
    }

    fn maybe(&self, cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<Option<String>>> {
        (0..count).map(|_| cursor.position()?.checked_sub(1).map(|position| self.text(position)).transpose()).collect()
    }

    fn identities(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Arc<Identity>>> {
        let count = cursor.count(12)?;
        let mut next = || Ok::<_, anyhow::Error>(self.column(cursor, count)?.into_iter());
        let (mut kind, mut raw_type, mut key, mut arn) = (next()?, next()?, next()?, next()?);
        let (mut name, mut account, mut credential_kind) = (next()?, next()?, next()?);
        let mut maybe = || Ok::<_, anyhow::Error>(self.maybe(cursor, count)?.into_iter());
        let (mut credential, mut session_name) = (maybe()?, maybe()?);
        let (mut session, mut issued_to) = (maybe()?, maybe()?);
        let mut identities = Vec::with_capacity(count);
        for _ in 0..count {
            let flags = cursor.number()?;
            let session_started = if flags & 1 == 0 { None } else { Some(cursor.signed()?) };
            identities.push(Arc::new(Identity {
                kind: word(&kind.next().unwrap_or_default())?,
                raw_type: raw_type.next().unwrap_or_default(),
                key: key.next().unwrap_or_default(),
                arn: arn.next().unwrap_or_default(),
                name: name.next().unwrap_or_default(),
                account: account.next().unwrap_or_default(),
                credential: credential.next().flatten(),
                credential_kind: word(&credential_kind.next().unwrap_or_default())?,
                session_name: session_name.next().flatten(),
                session: session.next().flatten(),
                session_started,
                issued_to: issued_to.next().flatten(),
                service_call: flags & 2 != 0,
                workload: workload_of(flags >> 2)?,
            }));
        }
        Ok(identities)
    }

    fn shapes(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Arc<Shape>>> {
        let count = cursor.count(12)?;
        let mut next = || Ok::<_, anyhow::Error>(self.column(cursor, count)?.into_iter());
        let (mut source, mut raw_name, mut name, mut error_code) = (next()?, next()?, next()?, next()?);
        let (mut event_type, mut user_agent, mut identity_type) = (next()?, next()?, next()?);
        let (mut principal_kind, mut credential_kind, mut refused, mut trail) = (next()?, next()?, next()?, next()?);
        let mut shapes = Vec::with_capacity(count);
        for _ in 0..count {
            let flags = cursor.number()?;
            let flag = |bit: u32| flags >> bit & 1 == 1;
            shapes.push(Arc::new(Shape {
                source: source.next().unwrap_or_default(),
                raw_name: raw_name.next().unwrap_or_default(),
                name: name.next().unwrap_or_default(),
                error_code: error_code.next().unwrap_or_default(),
                event_type: event_type.next().unwrap_or_default(),
                user_agent: user_agent.next().unwrap_or_default(),
                identity_type: identity_type.next().unwrap_or_default(),
                principal_kind: principal_kind.next().unwrap_or_default(),
                credential_kind: credential_kind.next().unwrap_or_default(),
                read_only: flag(0).then(|| flag(1)),
                denied: flag(2),
                failed: flag(3),
                write: flag(4),
                global: flag(5),
                console: flag(6),
                service_call: flag(7),
                inside: flag(10),
                workload: workload_of(flags >> 8 & 3)?,
                refused: refused.next().unwrap_or_default(),
                trail: trail.next().unwrap_or_default(),
            }));
        }
        Ok(shapes)
    }

    fn places(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Arc<Place>>> {
        let count = cursor.count(7)?;
        let mut next = || Ok::<_, anyhow::Error>(self.column(cursor, count)?.into_iter());
        let (mut accounts, mut regions, mut addresses) = (next()?, next()?, next()?);
        let mut maybe = || Ok::<_, anyhow::Error>(self.maybe(cursor, count)?.into_iter());
        let (mut networks, mut objects, mut roles) = (maybe()?, maybe()?, maybe()?);
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(Arc::new(Place {
                account: accounts.next().unwrap_or_default(),
                region: regions.next().unwrap_or_default(),
                source_ip: addresses.next().unwrap_or_default(),
                network: networks.next().flatten(),
                object: objects.next().flatten(),
                role: roles.next().flatten(),
                owner: self.owner(cursor)?,
            }));
        }
        Ok(all)
    }

    /// Whose network a place is in, where that was known.
    fn owner(&self, cursor: &mut Cursor<'_>) -> Result<Option<Arc<Owner>>> {
        let flags = cursor.number()?;
        if flags & 1 == 0 {
            return Ok(None);
        }
        let asn = cursor.number()?.checked_sub(1).map(u32::try_from).transpose()?;
        let name = self.text(cursor.position()?)?;
        let country = cursor.position()?.checked_sub(1).map(|position| self.text(position)).transpose()?;
        Ok(Some(Arc::new(Owner { asn, name, country, hosting: flags & 2 != 0 })))
    }

    fn events(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Happening>> {
        let count = cursor.count(6)?;
        let mut events: Vec<Happening> = (0..count).map(|_| Happening::default()).collect();
        for n in 0..3 {
            for event in &mut events {
                let position = cursor.position()?;
                event.who.get_mut(n).into_iter().for_each(|who| *who = position);
            }
        }
        for event in &mut events {
            for _ in 0..cursor.count(1)? {
                event.rules.push(u16::try_from(cursor.number()?)?);
            }
            for _ in 0..cursor.count(2)? {
                event.fields.insert(self.text(cursor.position()?)?, self.text(cursor.position()?)?);
            }
        }
        let sizes = (0..count).map(|_| cursor.position()).collect::<Result<Vec<_>>>()?;
        for (event, size) in events.iter_mut().zip(sizes) {
            event.facts = String::from_utf8(cursor.take(size)?.to_vec()).context("a text that is none")?;
        }
        Ok(events)
    }
}

/// One of a few words.
fn word<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T> {
    let known: std::result::Result<T, Error> = T::deserialize(text.into_deserializer());
    match known {
        Ok(known) => Ok(known),
        Err(_) => bail!("{text:?}: no known word"),
    }
}
