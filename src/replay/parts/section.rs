//! A section as bytes: what its rows share in tables, then column by column, so that it packs well.
//!
//! Equal sections are equal bytes: everything is sorted. Bytes that nobody wrote are an error and never more than that.

mod columns;
mod id;
mod tables;
mod texts;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use super::super::part::{ModelCall, Noted, Part, Usage};
use super::super::told::{Sharing, Tables, Who};
use crate::bytes::{Cursor, Pen};
use crate::detect::Rules;
use crate::detect::plan::{Plan, Planner};
use crate::event::{Event, EventId, Seconds, Shape};
use crate::price::Model;
use id::Record;
use tables::{Happening, Head};

/// One row of usage, with positions for all that is shared. Its order is the order in the bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

/// One call of a model: its row, time, fingerprint by position, and model by position.
type Call = (usize, Seconds, usize, usize);

/// Writes a section. `Part::accounts` and `Part::counts` are not in it.
///
/// # Errors
/// A call of a model whose record or row is not in the part; more text than a section may have.
pub(in crate::replay) fn encode(part: &Part) -> Result<Vec<u8>> {
    let mut sharing = Sharing::default();
    let of_usage: Vec<Who> = part.usage.iter().map(|u| sharing.who(&u.identity, &u.plan.shape, &u.place)).collect();
    let of_events: Vec<Who> = part.events.iter().map(|e| sharing.who(&e.identity, &e.shape, &e.place)).collect();
    let Sharing { identities, shapes, places } = sharing;
    let ((identities, a), (shapes, b), (places, c)) = (identities.sorted(), shapes.sorted(), places.sorted());
    let at = |ranks: &[usize], position: usize| ranks.get(position).copied().unwrap_or_default();
    let sorted = |[identity, shape, place]: Who| [at(&a, identity), at(&b, shape), at(&c, place)];

    let mut seen = part.seen.clone();
    seen.sort_unstable();
    seen.dedup();
    let (rows, ranks) = rows(part, of_usage.into_iter().map(sorted));
    let (models, calls) = model_calls(part, &ranks, &seen)?;
    let (events, records) = events(part, of_events.into_iter().map(sorted), &seen)?;
    // What rows and events tell by their ids is not written again.
    let mut told: Vec<u64> =
        rows.iter().flat_map(|row| &row.calls).chain(&records).map(|call| call.fingerprint).collect();
    told.sort_unstable();
    seen.retain(|fingerprint| told.binary_search(fingerprint).is_err());

    let mut pen = Pen::default();
    Head { identities, shapes, places, models, events }.write(&mut pen)?;
    columns::write_rows(&mut pen, &rows);
    columns::write_records(&mut pen, &records);
    pen.rising(&seen);
    columns::write_calls(&mut pen, &calls);
    Ok(pen.bytes)
}

/// Rows in their order, and the place of each row of the part.
fn rows(part: &Part, who: impl Iterator<Item = Who>) -> (Vec<Row>, Vec<usize>) {
    let mut rows: Vec<(Row, usize)> = part.usage.iter().zip(who).map(|(usage, who)| row(usage, who)).zip(0..).collect();
    rows.sort_unstable();
    let mut ranks = vec![0; rows.len()];
    for (rank, (_, position)) in rows.iter().enumerate() {
        ranks.get_mut(*position).into_iter().for_each(|known| *known = rank);
    }
    (rows.into_iter().map(|(row, _)| row).collect(), ranks)
}

fn row(usage: &Usage, who: Who) -> Row {
    let (shape, account) = (&usage.plan.shape, usage.place.account.as_str());
    let record = |call: &Noted| Record::of(call.at, &call.id, call.fingerprint, shape, account);
    let named = usage.noted.iter().chain(usage.bursts.iter().map(|(_, call)| call));
    let mut calls: Vec<Record> = named.map(record).collect();
    calls.sort_unstable();
    calls.dedup();
    let position = |call: &Noted| calls.binary_search(&record(call)).unwrap_or_default();
    let noted = usage.noted.as_ref().map(position);
    let mut bursts: Vec<_> = usage.bursts.iter().map(|(length, call)| (*length, position(call))).collect();
    bursts.sort_unstable();
    Row { who, first: usage.first, last: usage.last, calls, noted, bursts }
}

/// Words of models, and calls of them.
fn model_calls(part: &Part, rows: &[usize], seen: &[u64]) -> Result<(Vec<String>, Vec<Call>)> {
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
    Ok((models.iter().map(|model| model.word().to_owned()).collect(), calls))
}

/// Events in their order, and their records.
fn events(part: &Part, who: impl Iterator<Item = Who>, seen: &[u64]) -> Result<(Vec<Happening>, Vec<Record>)> {
    let mut all = Vec::with_capacity(part.events.len());
    for (event, who) in part.events.iter().zip(who) {
        let facts = event.facts.as_ref().map(serde_json::to_string).transpose()?.unwrap_or_default();
        let (rules, fields) = (event.rules.clone(), event.fields.clone());
        all.push((Record::of_event(event, seen), Happening { who, rules, fields, facts }));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all.into_iter().map(|(record, event)| (event, record)).unzip())
}

/// Reads what [`encode`] wrote under the same rules.
///
/// # Errors
/// Bytes that it did not write.
pub(in crate::replay) fn decode(bytes: &[u8], rules: &Rules, planner: &mut Planner<'_>) -> Result<Part> {
    let mut cursor = Cursor::new(bytes);
    let (tables, models, events) = Head::read(&mut cursor).context("its tables")?.split();
    let plan = |shape: &Arc<Shape>| Arc::new(planner.plan(Shape::clone(shape)));
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
        Ok(Noted { at: record.at, id: EventId::new(&record.id), fingerprint })
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
