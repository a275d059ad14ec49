//! A folded bill as bytes, and back.
//!
//! Bytes may come from anywhere: what is read of them is in the bounds that reading a bill keeps, so that nothing that
//! is computed of it later leaves the range of its numbers.

mod amounts;
mod bytes;

use anyhow::{Context as _, Result, bail, ensure};

use super::folded::{Bill, Body, Counts, Folded, Outcome, Piece};
use super::twin::Sample;
use crate::cost::Anomaly;
use crate::cost::ledger::Entry;
use bytes::{Reader, Writer};

const VERSION: u8 = 1;
/// No file has as many rows; sums of what is below stay in their range.
const MOST_ROWS: u64 = 1 << 40;
/// No anomaly is about more money, in US dollars.
const LARGEST: f64 = 1e13;

impl Folded {
    /// Bytes to keep; the same for the same content. They are not packed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { name, bytes, occurrence, newest, pieces } = self;
        let mut writer = Writer::default();
        writer.text(name);
        writer.pen.number(*bytes);
        writer.pen.number(*occurrence);
        writer.maybe(newest.as_deref());
        writer.pen.byte(u8::from(pieces.is_some()));
        if let Some(pieces) = pieces {
            writer.pen.length(pieces.len());
            pieces.iter().for_each(|piece| write_piece(&mut writer, piece));
        }
        writer.finish(VERSION)
    }

    /// Reads what [`Self::encode`] gave.
    ///
    /// # Errors
    /// Another version, and bytes that no folded bill has.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let read = || {
            let mut reader = Reader::new(bytes, VERSION)?;
            let folded = Self {
                name: reader.text()?.to_owned(),
                bytes: reader.cursor.number()?,
                occurrence: reader.cursor.number()?,
                newest: reader.maybe()?.map(str::to_owned),
                pieces: match reader.cursor.byte()? {
                    0 => None,
                    1 => Some((0..reader.count()?).map(|_| read_piece(&mut reader)).collect::<Result<_>>()?),
                    other => bail!("{other} where pieces may be"),
                },
            };
            reader.cursor.end()?;
            ensure!(folded.bytes <= i64::MAX.cast_unsigned(), "a size that is none");
            Ok(folded)
        };
        read().context("a folded bill cannot be read")
    }
}

fn write_piece(writer: &mut Writer, piece: &Piece) {
    writer.text(&piece.name);
    match &piece.outcome {
        Outcome::Skipped(why) => {
            writer.pen.byte(0);
            writer.text(why);
        }
        Outcome::Bill(bill) => {
            let Bill { fingerprint, rows, counts, body } = &**bill;
            writer.pen.byte(body_kind(body));
            writer.pen.raw(fingerprint);
            writer.pen.number(*rows);
            write_counts(writer, counts);
            match body {
                Body::Table { series, sample, .. } => {
                    write_sample(writer, sample);
                    amounts::write_all(writer, series);
                }
                Body::Json { answers, anomalies } => {
                    amounts::write_answers(writer, answers);
                    writer.pen.length(anomalies.len());
                    anomalies.iter().for_each(|anomaly| write_anomaly(writer, anomaly));
                }
            }
        }
    }
}

fn body_kind(body: &Body) -> u8 {
    match body {
        Body::Table { entry: Entry::LineItem, .. } => 1,
        Body::Table { entry: Entry::Statement, .. } => 2,
        Body::Json { .. } => 3,
    }
}

fn read_piece(reader: &mut Reader<'_>) -> Result<Piece> {
    let name = reader.text()?.to_owned();
    let kind = reader.cursor.byte()?;
    if kind == 0 {
        return Ok(Piece { name, outcome: Outcome::Skipped(reader.text()?.to_owned()) });
    }
    let (fingerprint, rows, counts) = (reader.cursor.array()?, read_rows(reader)?, read_counts(reader)?);
    let body = match kind {
        1 | 2 => Body::Table {
            entry: if kind == 1 { Entry::LineItem } else { Entry::Statement },
            sample: read_sample(reader)?,
            series: amounts::read_all(reader)?,
        },
        3 => {
            let answers = amounts::read_answers(reader)?;
            let anomalies = (0..reader.count()?).map(|_| read_anomaly(reader)).collect::<Result<_>>()?;
            Body::Json { answers, anomalies }
        }
        other => bail!("{other} where a bill may be"),
    };
    Ok(Piece { name, outcome: Outcome::Bill(Box::new(Bill { fingerprint, rows, counts, body })) })
}

fn write_counts(writer: &mut Writer, counts: &Counts) {
    let Counts { rows, duplicate, malformed, first_malformed, notes } = counts;
    for number in [rows, duplicate, malformed] {
        writer.pen.number(*number);
    }
    writer.maybe(first_malformed.as_deref());
    writer.pen.length(notes.len());
    notes.iter().for_each(|note| writer.text(note));
}

fn read_counts(reader: &mut Reader<'_>) -> Result<Counts> {
    let (rows, duplicate, malformed) = (read_rows(reader)?, read_rows(reader)?, read_rows(reader)?);
    ensure!(duplicate <= rows && malformed <= rows, "more rows of a kind than rows");
    let first_malformed = reader.maybe()?.map(str::to_owned);
    let notes = (0..reader.count()?).map(|_| Ok(reader.text()?.to_owned())).collect::<Result<_>>()?;
    Ok(Counts { rows, duplicate, malformed, first_malformed, notes })
}

fn read_rows(reader: &mut Reader<'_>) -> Result<u64> {
    let rows = reader.cursor.number()?;
    ensure!(rows <= MOST_ROWS, "{rows} rows in one file");
    Ok(rows)
}

fn write_sample(writer: &mut Writer, sample: &Sample) {
    writer.pen.length(sample.0.len());
    sample.0.iter().for_each(|item| writer.pen.raw(&item.to_le_bytes()));
}

fn read_sample(reader: &mut Reader<'_>) -> Result<Sample> {
    let items = (0..reader.count()?).map(|_| Ok(u64::from_le_bytes(reader.cursor.array()?))).collect::<Result<_>>()?;
    Ok(Sample(items))
}

fn write_anomaly(writer: &mut Writer, anomaly: &Anomaly) {
    let Anomaly { id, start, end, seen, account, service, region, usage_type, actual, expected } = anomaly;
    for text in [id, account, service, region, usage_type] {
        writer.text(text);
    }
    for number in [i64::from(*start), i64::from(*end), *seen] {
        writer.pen.signed(number);
    }
    writer.float(*actual);
    writer.float(*expected);
}

fn read_anomaly(reader: &mut Reader<'_>) -> Result<Anomaly> {
    let mut text = || Ok::<_, anyhow::Error>(reader.text()?.to_owned());
    let [id, account, service, region, usage_type] = [text()?, text()?, text()?, text()?, text()?];
    let (start, end) = (i32::try_from(reader.cursor.signed()?)?, i32::try_from(reader.cursor.signed()?)?);
    let (seen, actual, expected) = (reader.cursor.signed()?, reader.float()?, reader.float()?);
    ensure!(amounts::is_day(start) && amounts::is_day(end) && amounts::is_seen(seen), "a day that is none");
    ensure!([actual, expected].iter().all(|amount| amount.abs() <= LARGEST), "an amount that is none");
    Ok(Anomaly { id, start, end, seen, account, service, region, usage_type, actual, expected })
}
