//! Series, their sightings and the parts of answers as bytes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};

use super::super::answers::{Answers, HOURS, METRICS};
use super::super::folded::AllSeries;
use super::super::overlap::{Grouping, Query};
use super::super::value::TIMES;
use super::bytes::{Reader, Writer};
use crate::cost::ledger::Entry;
use crate::cost::{Day, RecordType, Series, Sightings, day_of, usually_seen};
use crate::event::Seconds;

const RECORD_TYPES: [RecordType; 5] =
    [RecordType::Usage, RecordType::Credit, RecordType::Tax, RecordType::Fee, RecordType::Commitment];
/// What the ledger can hold.
const SEEN: RangeInclusive<Seconds> = TIMES.start..=u32::MAX as Seconds;

pub(super) fn write_all(writer: &mut Writer, all: &AllSeries) {
    writer.pen.length(all.len());
    for (series, sightings) in all {
        write_series(writer, series);
        write_sightings(writer, sightings, 1);
    }
}

pub(super) fn read_all(reader: &mut Reader<'_>) -> Result<AllSeries> {
    (0..reader.count()?).map(|_| Ok((Arc::new(read_series(reader)?), read_sightings(reader, 1)?))).collect()
}

fn write_series(writer: &mut Writer, series: &Series) {
    let Series { account, currency, service, region, usage_type, record_type, principal } = series;
    for text in [account, currency, service, region, usage_type] {
        writer.shared(text);
    }
    let place = RECORD_TYPES.iter().position(|own| own == record_type);
    writer.pen.length(place.unwrap_or_default() << 1 | usize::from(principal.is_some()));
    if let Some(principal) = principal {
        writer.shared(principal);
    }
}

fn read_series(reader: &mut Reader<'_>) -> Result<Series> {
    let [account, currency, service, region, usage_type] =
        [reader.shared()?, reader.shared()?, reader.shared()?, reader.shared()?, reader.shared()?];
    let kind = reader.cursor.byte()?;
    let Some(record_type) = RECORD_TYPES.get(usize::from(kind >> 1)).copied() else { bail!("a record type {kind}") };
    let principal = if kind & 1 == 1 { Some(reader.shared()?) } else { None };
    Ok(Series { account, currency, service, region, usage_type, record_type, principal })
}

/// Writes sightings column by column. A day has so many `periods`, which their usage counts.
fn write_sightings(writer: &mut Writer, sightings: &Sightings, periods: i32) {
    let all = sightings.as_slice();
    writer.pen.length(all.len());
    let mut last = 0;
    for sighting in all {
        writer.pen.signed(i64::from(sighting.usage) - last);
        last = i64::from(sighting.usage);
    }
    for sighting in all {
        writer.pen.signed(sighting.seen() - usually_seen(sighting.usage.div_euclid(periods)));
    }
    for sighting in all {
        writer.shape(sighting.amount);
    }
    for sighting in all {
        writer.digits(sighting.amount);
    }
}

fn read_sightings(reader: &mut Reader<'_>, periods: i32) -> Result<Sightings> {
    let count = reader.count()?;
    let mut last = 0_i64;
    let mut usages = Vec::new();
    for _ in 0..count {
        last = last.saturating_add(reader.cursor.signed()?);
        let usage = Day::try_from(last)?;
        ensure!(is_day(usage.div_euclid(periods)), "a day that is none");
        usages.push(usage);
    }
    let mut times = Vec::new();
    for usage in usages {
        let seen = usually_seen(usage.div_euclid(periods)).saturating_add(reader.cursor.signed()?);
        ensure!(SEEN.contains(&seen), "a time of sight that is none");
        ensure!(times.last().is_none_or(|last| *last < (usage, seen)), "sightings out of order");
        times.push((usage, seen));
    }
    let shapes = reader.cursor.take(count)?;
    let mut sightings = Sightings::default();
    for ((usage, seen), shape) in times.into_iter().zip(shapes) {
        sightings.enter(usage, seen, reader.amount(*shape)?, Entry::LineItem);
    }
    Ok(sightings)
}

/// Whether a day is one that a bill may have.
pub(super) fn is_day(day: Day) -> bool {
    (day_of(TIMES.start)..day_of(TIMES.end)).contains(&day)
}

/// Whether something can have been seen at a time.
pub(super) fn is_seen(at: Seconds) -> bool {
    SEEN.contains(&at)
}

pub(super) fn write_answers(writer: &mut Writer, answers: &Answers) {
    writer.pen.length(answers.parts.len());
    for ((series, query), parts) in &answers.parts {
        write_series(writer, series);
        let Query { grouping: Grouping { rank, key, names }, metric, hourly, account } = query;
        writer.pen.length(*rank);
        writer.shared(key);
        writer.shared(names);
        writer.pen.length(metric << 1 | usize::from(*hourly));
        writer.shared(account);
        writer.pen.length(parts.len());
        for (part, sightings) in parts {
            writer.text(part);
            write_sightings(writer, sightings, periods(*hourly));
        }
    }
}

pub(super) fn read_answers(reader: &mut Reader<'_>) -> Result<Answers> {
    let mut answers = Answers::default();
    for _ in 0..reader.count()? {
        let series = Arc::new(read_series(reader)?);
        let grouping =
            Grouping { rank: usize::from(reader.cursor.byte()?), key: reader.shared()?, names: reader.shared()? };
        let kind = reader.cursor.byte()?;
        let (metric, hourly) = (usize::from(kind >> 1), kind & 1 == 1);
        ensure!(metric < METRICS.len(), "a metric {metric}");
        let query = Query { grouping, metric, hourly, account: reader.shared()? };
        let mut parts = BTreeMap::new();
        for _ in 0..reader.count()? {
            let part = reader.text()?.to_owned();
            parts.insert(part, read_sightings(reader, periods(hourly))?);
        }
        answers.parts.insert((series, query), parts);
    }
    Ok(answers)
}

/// How many periods a day has.
fn periods(hourly: bool) -> i32 {
    if hourly { HOURS } else { 1 }
}
