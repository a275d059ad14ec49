//! A section as bytes: what its rows share in tables, then column by column, so that it packs well.
//!
//! Equal sections are equal bytes: everything is sorted. Bytes that nobody wrote are an error and never more than that.

mod columns;
pub(super) mod encode;
mod id;
pub(super) mod lexicon;
mod marks;
mod tables;
mod texts;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use super::super::part::{ModelCall, Noted, Part, Usage};
use super::super::told::{Tables, Who};
use crate::bytes::Cursor;
use crate::detect::Rules;
use crate::detect::plan::{Plan, Planner};
use crate::event::{Event, Seconds, Shape};
use crate::price::Model;
use id::Record;
use tables::{Happening, Head};

/// One row of usage that was read, with positions for all that is shared.
#[derive(Debug, Default, Clone)]
struct Row {
    who: Who,
    first: Seconds,
    last: Seconds,
    /// The calls that it names, each once.
    calls: Vec<Record>,
    /// Position of the first call, where a rule asks what is new.
    noted: Option<usize>,
    /// Lengths and positions of the first calls of stretches.
    bursts: Vec<(Seconds, usize)>,
}

/// Reads what [`encode::Encoder`] wrote under the same rules.
///
/// # Errors
/// Bytes that it did not write.
pub(in crate::replay) fn decode(bytes: &[u8], rules: &Rules, planner: &mut Planner<'_>) -> Result<Part> {
    let mut cursor = Cursor::new(bytes);
    let (tables, models, events) = Head::read(&mut cursor).context("its tables")?.split();
    let plan = |shape: &Arc<Shape>| planner.known(shape);
    let plans: Vec<Arc<Plan>> = tables.shapes.iter().map(plan).collect();
    let mut part = Part::default();
    for row in columns::read_rows(&mut cursor).context("its rows")? {
        let usage = usage(row, &tables, &plans)?;
        let named = usage.noted.iter().chain(usage.bursts.iter().map(|(_, call)| call));
        part.seen.extend(named.map(|call| call.fingerprint));
        part.usage.push(Arc::new(usage));
    }
    let records = columns::read_records(&mut cursor, events.len()).context("its events")?;
    for (told, record) in events.into_iter().zip(records) {
        let event = event(told, &record, &tables, rules)?;
        part.seen.extend(record.fingerprint_of(&event.shape, &event.place.account));
        part.events.push(event);
    }
    part.seen.extend(cursor.rising().context("its fingerprints")?);
    part.seen.sort_unstable();
    part.seen.dedup();
    let models: Vec<Model> = models.iter().map(|word| Model::of(word)).collect();
    for (row, at, place, model) in columns::read_calls(&mut cursor).context("its calls of models")? {
        let (fingerprint, model) = (part.seen.get(place).context("no such record")?, models.get(model));
        let (usage, model) = (u32::try_from(row)?, *model.context("no such model")?);
        if row >= part.usage.len() {
            bail!("a call of a model without its row");
        }
        part.calls.push(ModelCall { fingerprint: *fingerprint, usage, at, model });
    }
    cursor.end()?;
    Ok(part)
}

fn usage(row: Row, tables: &Tables, plans: &[Arc<Plan>]) -> Result<Usage> {
    let (identity, shape, place) = tables.who(row.who)?;
    let plan = plans.get(row.who[1]).map(Arc::clone).context("no such kind of call")?;
    let call = |position: usize| -> Result<Noted> {
        let record = row.calls.get(position).context("no such call")?;
        let fingerprint = record.fingerprint_of(&shape, &place.account).context("a call without a record")?;
        Ok(Noted { at: record.at, id: record.id.clone(), fingerprint })
    };
    let noted = row.noted.map(call).transpose()?;
    let bursts = row.bursts.iter().map(|(length, position)| Ok((*length, call(*position)?)));
    let bursts = bursts.collect::<Result<Vec<_>>>()?;
    Ok(Usage { identity, plan, place, first: row.first, last: row.last, noted, bursts, hours: None })
}

fn event(told: Happening, record: &Record, tables: &Tables, rules: &Rules) -> Result<Event> {
    if told.rules.iter().any(|rule| usize::from(*rule) >= rules.rules.len()) {
        bail!("no such rule");
    }
    let (identity, shape, place) = tables.who(told.who)?;
    let (time, id, facts) = (record.at, record.id.as_str().into(), told.facts()?);
    Ok(Event { time, id, identity, shape, place, rules: told.rules, fields: told.fields, facts })
}
