//! Rows column by column: numbers that are alike lie side by side.

use anyhow::{Context as _, Result, bail};

use super::id::{Print, Record, UUID, packed, spelt};
use super::{Call, Row};
use crate::bytes::{Cursor, Pen};
use crate::event::Seconds;

/// Usage, in its order, and then the records that it names.
pub(super) fn write_rows(pen: &mut Pen, rows: &[Row]) {
    pen.length(rows.len());
    let mut last = 0;
    for row in rows {
        let [identity, ..] = row.who;
        pen.length(identity - last);
        last = identity;
    }
    rows.iter().for_each(|row| pen.length(row.who[1]));
    rows.iter().for_each(|row| pen.length(row.who[2]));
    let base = rows.iter().map(|row| row.first).min().unwrap_or(0);
    pen.signed(base);
    rows.iter().for_each(|row| pen.number(row.first.abs_diff(base)));
    rows.iter().for_each(|row| pen.number(row.last.abs_diff(row.first)));
    rows.iter().for_each(|row| pen.length(row.noted.map_or(0, |noted| noted + 1)));
    rows.iter().for_each(|row| pen.length(row.bursts.len()));
    rows.iter().for_each(|row| pen.length(row.calls.len()));
    for (length, call) in rows.iter().flat_map(|row| &row.bursts) {
        pen.signed(*length);
        pen.length(*call);
    }
    for (row, call) in rows.iter().flat_map(|row| row.calls.iter().map(move |call| (row, call))) {
        pen.signed(call.at.wrapping_sub(row.first));
    }
    let records: Vec<&Record> = rows.iter().flat_map(|row| &row.calls).collect();
    write_ids(pen, &records);
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
            row.calls.push(Record { at, ..Record::default() });
        }
    }
    let mut records: Vec<&mut Record> = rows.iter_mut().flat_map(|row| &mut row.calls).collect();
    read_ids(cursor, &mut records)?;
    Ok(rows)
}

/// Records of events, in order of their times.
pub(super) fn write_records(pen: &mut Pen, records: &[Record]) {
    let base = records.first().map_or(0, |record| record.at);
    pen.signed(base);
    records.iter().for_each(|record| pen.number(record.at.abs_diff(base)));
    write_ids(pen, &records.iter().collect::<Vec<_>>());
}

/// Reads what [`write_records`] wrote of so many.
///
/// # Errors
/// Bytes that it did not write.
pub(super) fn read_records(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<Record>> {
    let base = cursor.signed()?;
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(Record { at: later(base, cursor.number()?)?, ..Record::default() });
    }
    read_ids(cursor, &mut records.iter_mut().collect::<Vec<_>>())?;
    Ok(records)
}

/// Ids: a mark for each, which packs to nothing as nearly all are UUIDs from which the fingerprint follows, and then all.
fn write_ids(pen: &mut Pen, records: &[&Record]) {
    let ids: Vec<_> = records.iter().map(|record| packed(&record.id)).collect();
    for (record, id) in records.iter().zip(&ids) {
        let print = match record.print {
            Print::Derived => 0,
            Print::Id => 2,
            Print::Told(_) => 4,
            Print::None => 6,
        };
        pen.number(print + u64::from(id.is_none()));
    }
    for (record, id) in records.iter().zip(ids) {
        match id {
            Some(uuid) => pen.bytes.extend(uuid),
            None => pen.text(record.id.as_bytes()),
        }
        if let Print::Told(fingerprint) = record.print {
            pen.bytes.extend(fingerprint.to_le_bytes());
        }
    }
}

fn read_ids(cursor: &mut Cursor<'_>, records: &mut [&mut Record]) -> Result<()> {
    let marks = positions(cursor, records.len())?;
    for (record, mark) in records.iter_mut().zip(marks) {
        record.id = if mark % 2 == 0 {
            spelt(cursor.take(UUID)?)
        } else {
            std::str::from_utf8(cursor.text()?).context("an id that is no text")?.to_owned()
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
pub(super) fn write_calls(pen: &mut Pen, calls: &[Call]) {
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
pub(super) fn read_calls(cursor: &mut Cursor<'_>) -> Result<Vec<Call>> {
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
