//! What the rows of a section share: identities, shapes, places, models and events, as positions of their texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error;

use super::encode::{Happened, Named};
use super::lexicon::{IDENTITY, Lexicon, SHAPE};
use super::marks::Marks;
use super::texts;
use crate::bytes::{Cursor, Pen};
use crate::event::networks::Owner;
use crate::event::{Facts, Identity, Place, Shape, Workload};
use crate::price::Model;
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
#[derive(Default)]
pub(super) struct Happening {
    pub who: Who,
    pub rules: Vec<u16>,
    pub fields: BTreeMap<String, String>,
    /// As JSON; empty where there are none.
    pub facts: String,
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

/// Writes what rows share, but for events: first the texts.
///
/// # Errors
/// More text than a section may have.
pub(super) fn write(pen: &mut Pen, lexicon: &Lexicon<'_>, named: &Named, models: &[Model]) -> Result<()> {
    let Named { texts, identities, shapes, places } = named;
    texts::write(pen, texts.named().iter().filter_map(|number| lexicon.texts.get(*number as usize).copied()))?;
    let place = |number: u32| number.checked_sub(1).map_or(0, |number| texts.place(number));
    let maybe = |number: u32| number.checked_sub(1).map_or(0, |number| texts.place(number) + 1);
    let all = |pen: &mut Pen, numbers: &mut dyn Iterator<Item = u32>| numbers.for_each(|n| pen.number(u64::from(n)));

    let told = at(&lexicon.identities, identities);
    pen.length(told.len());
    (0..7).for_each(|n| all(pen, &mut told.iter().map(|texts| place(texts[n]))));
    (7..IDENTITY).for_each(|n| all(pen, &mut told.iter().map(|texts| maybe(texts[n]))));
    for identity in at(&lexicon.tables.identities, identities) {
        let started = u64::from(identity.session_started.is_some());
        pen.number(started | u64::from(identity.service_call) << 1 | workload(identity.workload) << 2);
        identity.session_started.into_iter().for_each(|at| pen.signed(at));
    }
    let told = at(&lexicon.shapes, shapes);
    pen.length(told.len());
    (0..SHAPE).for_each(|n| all(pen, &mut told.iter().map(|texts| place(texts[n]))));
    at(&lexicon.tables.shapes, shapes).iter().for_each(|shape| pen.number(flags(shape)));
    let told = at(&lexicon.places, places);
    pen.length(told.len());
    (0..3).for_each(|n| all(pen, &mut told.iter().map(|texts| place(texts[n]))));
    (3..6).for_each(|n| all(pen, &mut told.iter().map(|texts| maybe(texts[n]))));
    for (one, [.., name, country]) in at(&lexicon.tables.places, places).iter().zip(told) {
        pen.number(one.owner.as_ref().map_or(0, |owner| 1 | u64::from(owner.hosting) << 1));
        if let Some(owner) = &one.owner {
            pen.number(owner.asn.map_or(0, |asn| u64::from(asn) + 1));
            all(pen, &mut [place(*name), maybe(*country)].into_iter());
        }
    }
    pen.length(models.len());
    all(pen, &mut models.iter().map(|model| texts.place(lexicon.number(model.word()))));
    Ok(())
}

/// Those that are named, in order.
fn at<'a, T>(all: &'a [T], named: &Marks) -> Vec<&'a T> {
    named.named().iter().filter_map(|number| all.get(*number as usize)).collect()
}

/// Writes events.
pub(super) fn write_events(pen: &mut Pen, events: &[Happened<'_>], named: &Named) {
    let Named { texts, identities, shapes, places } = named;
    pen.length(events.len());
    for (n, marks) in [identities, shapes, places].into_iter().enumerate() {
        events.iter().for_each(|event| pen.number(u64::from(marks.place(event.who[n]))));
    }
    for event in events {
        pen.length(event.rules.len());
        event.rules.iter().for_each(|rule| pen.number(u64::from(*rule)));
        pen.length(event.fields.len() / 2);
        event.fields.iter().for_each(|text| pen.number(u64::from(texts.place(*text))));
    }
    events.iter().for_each(|event| pen.length(event.facts.len()));
    events.iter().for_each(|event| pen.raw(event.facts.as_bytes()));
}

impl Head {
    /// Reads what [`write()`] and [`write_events`] wrote.
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
