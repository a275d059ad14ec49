//! Writing sections.

use anyhow::{Context as _, Result};

use super::columns;
use super::id::Call;
use super::lexicon::Lexicon;
use super::marks::Marks;
use super::tables;
use crate::bytes::Pen;
use crate::event::{Event, Seconds};
use crate::price::Model;
use crate::replay::part::{Noted, Part, Usage};
use crate::replay::parts::fold::Folded;
use crate::replay::told::Ranked;

/// Writes sections of one batch, one after the other.
pub(in crate::replay::parts) struct Encoder<'l> {
    lexicon: &'l Lexicon<'l>,
    named: Named,
}

/// What a section names of what its batch shares.
pub(super) struct Named {
    pub texts: Marks,
    pub identities: Marks,
    pub shapes: Marks,
    pub places: Marks,
}

/// Usage in its order, with all calls and bursts that it names.
#[derive(Default)]
pub(super) struct Rows<'p> {
    pub rows: Vec<Row>,
    pub calls: Vec<Call<'p>>,
    /// Lengths of stretches, and which of the calls of its row is the first.
    pub bursts: Vec<(Seconds, usize)>,
}

/// One row of usage.
pub(super) struct Row {
    pub who: Ranked,
    pub first: Seconds,
    pub last: Seconds,
    /// One more than which of its calls is the first, where a rule asks what is new.
    pub noted: usize,
    /// How many of each it has.
    pub bursts: usize,
    pub calls: usize,
}

/// An event, in the order of events.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Happened<'p> {
    pub record: Call<'p>,
    pub who: Ranked,
    pub rules: &'p [u16],
    /// The numbers of their names and values.
    pub fields: Vec<u32>,
    /// As JSON; empty where there are none.
    pub facts: String,
}

/// One call of a model: its row, time, fingerprint by position, and model by position.
pub(super) type ModelCalled = (usize, Seconds, usize, usize);

impl<'l> Encoder<'l> {
    /// For the sections of the batch of a lexicon.
    pub(in crate::replay::parts) fn new(lexicon: &'l Lexicon<'l>) -> Self {
        let named = Named {
            texts: Marks::new(lexicon.texts.len()),
            identities: Marks::new(lexicon.identities.len()),
            shapes: Marks::new(lexicon.shapes.len()),
            places: Marks::new(lexicon.places.len()),
        };
        Self { lexicon, named }
    }

    /// Writes a section. `Part::accounts` and `Part::counts` are not in it.
    ///
    /// # Errors
    /// A call of a model whose record or row is not in the part; more text than a section may have.
    pub(in crate::replay::parts) fn encode(&mut self, section: &Folded) -> Result<Vec<u8>> {
        let part = &section.part;
        let mut seen = part.seen.clone();
        seen.sort_unstable();
        seen.dedup();
        let order = order(section);
        let rows = rows(part, &order);
        let (models, calls) = model_calls(part, &order, &seen)?;
        let events = self.events(section, &seen)?;
        self.name(section, &models, &events);
        // What rows and events tell by their ids is not written again.
        let records = rows.calls.iter().chain(events.iter().map(|event| &event.record));
        let mut told: Vec<u64> = records.map(|call| call.fingerprint).collect();
        told.sort_unstable();
        let mut told = told.into_iter().peekable();
        seen.retain(|fingerprint| {
            while told.next_if(|told| told < fingerprint).is_some() {}
            told.peek() != Some(fingerprint)
        });

        let mut pen = Pen::default();
        tables::write(&mut pen, self.lexicon, &self.named, &models)?;
        tables::write_events(&mut pen, &events, &self.named);
        columns::write_rows(&mut pen, &rows, &self.named);
        columns::write_records(&mut pen, &events);
        pen.rising(&seen);
        columns::write_calls(&mut pen, &calls);
        Ok(pen.bytes)
    }

    /// Names what the section is about, and nothing else.
    fn name(&mut self, section: &Folded, models: &[Model], events: &[Happened<'_>]) {
        let Self { lexicon, named: Named { texts, identities, shapes, places } } = self;
        [&mut *texts, identities, shapes, places].into_iter().for_each(Marks::clear);
        for [identity, shape, place] in section.of_usage.iter().chain(&section.of_events) {
            identities.name(*identity);
            shapes.name(*shape);
            places.name(*place);
        }
        let of_identities = told(&lexicon.identities, identities.settle());
        let of_shapes = told(&lexicon.shapes, shapes.settle());
        let of_places = told(&lexicon.places, places.settle());
        of_identities.chain(of_shapes).chain(of_places).for_each(|text| texts.name(text));
        models.iter().for_each(|model| texts.name(lexicon.number(model.word())));
        events.iter().flat_map(|event| &event.fields).for_each(|text| texts.name(*text));
        texts.settle();
    }

    /// Events in their order, each once.
    fn events<'p>(&self, section: &'p Folded, seen: &[u64]) -> Result<Vec<Happened<'p>>> {
        let mut all = Vec::with_capacity(section.part.events.len());
        for (event, who) in section.part.events.iter().zip(&section.of_events) {
            let Event { facts, rules, fields, .. } = event;
            let facts = facts.as_ref().map(serde_json::to_string).transpose()?.unwrap_or_default();
            let fields = fields.iter().flat_map(|(field, value)| [field, value]);
            let fields = fields.map(|text| self.lexicon.number(text)).collect();
            all.push(Happened { record: Call::of_event(event, seen), who: *who, rules, fields, facts });
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

/// The numbers of the texts of some things.
fn told<'t, const N: usize>(texts: &'t [[u32; N]], things: &'t [u32]) -> impl Iterator<Item = u32> {
    let told = things.iter().filter_map(|number| texts.get(*number as usize));
    told.flatten().filter_map(|number| number.checked_sub(1))
}

/// The rows of a part in order, by their positions.
fn order(section: &Folded) -> Vec<(Ranked, u32)> {
    let usage = &section.part.usage;
    let mut order: Vec<(Ranked, u32)> = section.of_usage.iter().copied().zip(0..).collect();
    let rest = |position: u32| {
        usage.get(position as usize).map(|usage| (usage.first, usage.last, &usage.noted, &usage.bursts))
    };
    order.sort_unstable_by(|(a, one), (b, other)| a.cmp(b).then_with(|| rest(*one).cmp(&rest(*other))));
    order
}

/// Rows in order.
fn rows<'p>(part: &'p Part, order: &[(Ranked, u32)]) -> Rows<'p> {
    let mut all = Rows { rows: Vec::with_capacity(order.len()), ..Rows::default() };
    let mut own: Vec<&Noted> = Vec::new();
    for (who, position) in order {
        let Some(usage) = part.usage.get(*position as usize) else { continue };
        let Usage { plan, place, first, last, noted, bursts, .. } = &**usage;
        own.clear();
        own.extend(noted.iter().chain(bursts.iter().map(|(_, call)| call)));
        own.sort_unstable();
        own.dedup();
        let at = |call: &Noted| own.binary_search(&call).unwrap_or_default();
        all.bursts.extend(bursts.iter().map(|(length, call)| (*length, at(call))));
        let noted = noted.as_ref().map_or(0, |call| at(call) + 1);
        let (bursts, calls) = (bursts.len(), own.len());
        all.rows.push(Row { who: *who, first: *first, last: *last, noted, bursts, calls });
        all.calls.extend(own.iter().map(|call| Call::of(call, &plan.shape, &place.account)));
    }
    all
}

/// Models that are called, and calls of them.
fn model_calls(part: &Part, order: &[(Ranked, u32)], seen: &[u64]) -> Result<(Vec<Model>, Vec<ModelCalled>)> {
    if part.calls.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut rows = vec![0; part.usage.len()];
    for (row, (_, position)) in order.iter().enumerate() {
        rows.get_mut(*position as usize).into_iter().for_each(|known| *known = row);
    }
    let mut models: Vec<Model> = part.calls.iter().map(|call| call.model).collect();
    models.sort_unstable();
    models.dedup();
    let mut calls = Vec::with_capacity(part.calls.len());
    for call in &part.calls {
        let row = rows.get(call.usage as usize).context("a call of a model without its row")?;
        let place = seen.binary_search(&call.fingerprint).ok().context("a call of a model without its record")?;
        calls.push((*row, call.at, place, models.binary_search(&call.model).unwrap_or_default()));
    }
    calls.sort_unstable();
    calls.dedup();
    Ok((models, calls))
}
