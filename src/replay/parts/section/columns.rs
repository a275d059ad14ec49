//! Rows column by column: numbers that are alike lie side by side.

use anyhow::{Context as _, Result, bail};

use super::Row;
use super::encode::{Happened, ModelCalled, Named, Rows};
use super::id::{Call, Print, Record, UUID, packed, spelt};
use crate::bytes::{Cursor, Pen};
use crate::event::{EventId, Seconds};

/// Usage, in its order, and then the records that it names.
pub(super) fn write_rows(pen: &mut Pen, rows: &Rows<'_>, named: &Named) {
    let Rows { rows, calls, bursts } = rows;
    let Named { identities, shapes, places, .. } = named;
    pen.length(rows.len());
    let mut last = 0;
    for row in rows {
        let identity = identities.place(row.who[0]);
        pen.number(u64::from(identity - last));
        last = identity;
    }
    rows.iter().for_each(|row| pen.number(u64::from(shapes.place(row.who[1]))));
    rows.iter().for_each(|row| pen.number(u64::from(places.place(row.who[2]))));
    let base = rows.iter().map(|row| row.first).min().unwrap_or(0);
    pen.signed(base);
    rows.iter().for_each(|row| pen.number(row.first.abs_diff(base)));
    rows.iter().for_each(|row| pen.number(row.last.abs_diff(row.first)));
    rows.iter().for_each(|row| pen.length(row.noted));
    rows.iter().for_each(|row| pen.length(row.bursts));
    rows.iter().for_each(|row| pen.length(row.calls));
    for (length, call) in bursts {
        pen.signed(*length);
        pen.length(*call);
    }
    let firsts = rows.iter().flat_map(|row| std::iter::repeat_n(row.first, row.calls));
    calls.iter().zip(firsts).for_each(|(call, first)| pen.signed(call.at.wrapping_sub(first)));
    write_ids(pen, calls.iter());
}

/// Reads what [`write_rows`] wrote.
///
/// # Errors
/// Bytes that it did not write.
pub(super) fn read_rows(cursor: &mut Cursor<'_>) -> Result<Vec<Row>> {
    let mut rows = vec![Row::default(); cursor.count(8)?];
    let mut identity = 0_usize;
    for row in &mut rows {
        identity = identity.checked_add(cursor.position()?).context("a position beyond memory")?;
        row.who[0] = identity;
    }
    for row in &mut rows {
        row.who[1] = cursor.position()?;
    }
    for row in &mut rows {
        row.who[2] = cursor.position()?;
    }
    let base = cursor.signed()?;
    for row in &mut rows {
        row.first = later(base, cursor.number()?)?;
    }
    for row in &mut rows {
        row.last = later(row.first, cursor.number()?)?;
    }
    for row in &mut rows {
        row.noted = cursor.position()?.checked_sub(1);
    }
    let bursts = positions(cursor, rows.len())?;
    let calls = positions(cursor, rows.len())?;
    for (row, count) in rows.iter_mut().zip(bursts) {
        for _ in 0..count {
            row.bursts.push((cursor.signed()?, cursor.position()?));
        }
    }
    for (row, count) in rows.iter_mut().zip(calls) {
        for _ in 0..count {
            let at = row.first.checked_add(cursor.signed()?).context("a time beyond all times")?;
            row.calls.push(Record { at, id: EventId::new(""), print: Print::None });
        }
    }
    let mut records: Vec<&mut Record> = rows.iter_mut().flat_map(|row| &mut row.calls).collect();
    read_ids(cursor, &mut records)?;
    Ok(rows)
}

/// Records of events, in order of their times.
pub(super) fn write_records(pen: &mut Pen, events: &[Happened<'_>]) {
    let base = events.first().map_or(0, |event| event.record.at);
    pen.signed(base);
    events.iter().for_each(|event| pen.number(event.record.at.abs_diff(base)));
    write_ids(pen, events.iter().map(|event| &event.record));
}

/// Reads what [`write_records`] wrote of so many.
///
/// # Errors
/// Bytes that it did not write.
pub(super) fn read_records(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<Record>> {
    let base = cursor.signed()?;
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(Record { at: later(base, cursor.number()?)?, id: EventId::new(""), print: Print::None });
    }
    read_ids(cursor, &mut records.iter_mut().collect::<Vec<_>>())?;
    Ok(records)
}

/// Ids: a mark for each, which packs to nothing as nearly all are UUIDs from which the fingerprint follows, and then all.
fn write_ids<'c, 'p: 'c>(pen: &mut Pen, records: impl Iterator<Item = &'c Call<'p>> + Clone) {
    let ids: Vec<_> = records.clone().map(|record| packed(record.id)).collect();
    for (record, id) in records.clone().zip(&ids) {
        let print = match record.print {
            Print::Derived => 0,
            Print::Id => 2,
            Print::Told(_) => 4,
            Print::None => 6,
        };
        pen.number(print + u64::from(id.is_none()));
    }
    for (record, id) in records.zip(ids) {
        match id {
            Some(uuid) => pen.raw(&uuid),
            None => pen.text(record.id.as_bytes()),
        }
        if let Print::Told(fingerprint) = record.print {
            pen.raw(&fingerprint.to_le_bytes());
        }
    }
}

fn read_ids(cursor: &mut Cursor<'_>, records: &mut [&mut Record]) -> Result<()> {
    let marks = positions(cursor, records.len())?;
    for (record, mark) in records.iter_mut().zip(marks) {
        record.id = if mark % 2 == 0 {
            spelt(&cursor.array::<UUID>()?)
        } else {
            EventId::new(std::str::from_utf8(cursor.text()?).context("an id that is no text")?)
        };
        record.print = match mark / 2 {
            0 => Print::Derived,
            1 => Print::Id,
            2 => Print::Told(u64::from_le_bytes(cursor.take(8)?.try_into()?)),
            3 => Print::None,
            _ => bail!("a record of no known kind"),
        };
    }
    Ok(())
}

/// So many positions.
fn positions(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<usize>> {
    (0..count).map(|_| cursor.position()).collect()
}

/// Calls of models, in order of their rows.
pub(super) fn write_calls(pen: &mut Pen, calls: &[ModelCalled]) {
    pen.length(calls.len());
    let base = calls.iter().map(|(_, at, ..)| *at).min().unwrap_or(0);
    pen.signed(base);
    let mut last = 0;
    for (row, at, place, model) in calls {
        pen.length(row - last);
        last = *row;
        pen.number(at.abs_diff(base));
        pen.length(*place);
        pen.length(*model);
    }
}

/// Reads what [`write_calls`] wrote.
///
/// # Errors
/// Bytes that it did not write.
pub(super) fn read_calls(cursor: &mut Cursor<'_>) -> Result<Vec<ModelCalled>> {
    let count = cursor.count(4)?;
    let base = cursor.signed()?;
    let mut calls = Vec::with_capacity(count);
    let mut row = 0_usize;
    for _ in 0..count {
        row = row.checked_add(cursor.position()?).context("a position beyond memory")?;
        calls.push((row, later(base, cursor.number()?)?, cursor.position()?, cursor.position()?));
    }
    Ok(calls)
}

fn later(base: Seconds, by: u64) -> Result<Seconds> {
    base.checked_add_unsigned(by).context("a time beyond all times")
}
