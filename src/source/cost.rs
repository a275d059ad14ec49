//! From the paths of bills to a ledger of what was spent.
//!
//! `open` unpacks an object as a stream. What it holds is recognised by its content: answers of Cost Explorer
//! (`answers`) and of Cost Anomaly Detection (`anomalies`) are JSON; tables with one amount in each row (`layout`,
//! `table`) come as comma-separated text (`rows`, `frame`) or parquet (`parquet`); `console` is the wide table that a
//! person saves. `overlap` keeps answers from counting money that reports or other answers tell, `twin` reports that were
//! saved twice. Each file is folded by itself (`fold`), so that one whose content is known can be dropped.

mod anomalies;
mod answers;
mod assembly;
mod console;
mod fold;
mod frame;
mod json;
mod layout;
mod open;
mod overlap;
mod parquet;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod twin;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Cursor;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::discover::{SourceError, discover};
use super::object::Object;
use crate::cost::ledger::{Entry, latest};
use crate::cost::{Anomaly, Ledger, RecordType, date};
use crate::model::{Cost, Skipped, Total};
use answers::Answers;
use fold::Fold;
use open::Content;

/// Exact sums by currency and record type.
pub(crate) type Totals = BTreeMap<(String, RecordType), Decimal>;

/// What cost files held.
#[derive(Debug, Default)]
pub(crate) struct Bills {
    pub ledger: Ledger,
    /// In order of their first day.
    pub anomalies: Vec<Anomaly>,
    /// Rows read: amounts entered, duplicates and malformed ones.
    pub rows: u64,
    /// Rows that only repeat others.
    pub duplicate: u64,
    /// Rows that cannot be read; their files are in `skipped`.
    pub malformed: u64,
    /// What could not be read, or not to its end.
    pub skipped: Vec<Skipped>,
    /// What need not be read: replaced by a newer delivery, or the same as another file.
    pub superseded: Vec<Skipped>,
    /// Of everything in the ledger, the last word on each series and day.
    pub totals: Totals,
}

impl Bills {
    /// The accounting, where there was any bill.
    pub(crate) fn summary(&self) -> Option<Cost> {
        if self.rows == 0 && self.anomalies.is_empty() {
            return None;
        }
        let days = self.ledger.days();
        let total = |((currency, record_type), amount): (&(String, RecordType), &Decimal)| Total {
            currency: currency.clone(),
            record_type: record_type.as_str(),
            amount: *amount,
        };
        Some(Cost {
            rows: self.rows,
            duplicate: self.duplicate,
            malformed: self.malformed,
            anomalies: self.anomalies.len(),
            days: days.map_or(0, |(first, last)| last - first + 1),
            first_day: days.map(|(first, _)| date(first)),
            last_day: days.map(|(_, last)| date(last)),
            totals: self.totals.iter().map(total).collect(),
        })
    }

    /// The ids of accounts that the bills name, in order.
    pub(crate) fn accounts(&self) -> BTreeSet<String> {
        let series = self.ledger.series().into_keys().map(|series| series.account.to_string());
        let anomalies = self.anomalies.iter().map(|anomaly| anomaly.account.clone());
        series.chain(anomalies).filter(|account| !account.is_empty()).collect()
    }
}

/// Reads bills. Nothing is as large as the bills in memory: a ledger grows with series and days.
///
/// `max_object_bytes` bounds what has to be held as a whole: JSON, and parquet files inside other files.
///
/// # Errors
/// When a path does not exist, a pattern is invalid or matches nothing, or `-` comes twice.
pub(crate) fn read_bills(paths: &[String], max_object_bytes: u64) -> Result<Bills, SourceError> {
    let objects = discover(paths)?;
    let choice = assembly::choose(&objects, &json::newest_assemblies(&objects, max_object_bytes));
    let mut reading = Reading::new(max_object_bytes);
    for (position, object) in objects.iter().enumerate() {
        if let Some(newer) = choice.superseded.get(&position) {
            reading.superseded(object.name(), format!("superseded by {newer}"));
        } else if let Some(kept) = choice.doubtful.get(&position) {
            let why = "one of several deliveries of a billing period, and nothing tells which is the newest";
            reading.skip(object.name(), format!("{why}: the largest, {kept}, is read"));
        } else {
            reading.object(object);
        }
    }
    Ok(reading.finish())
}

/// Whether a path is that of a file, and the file begins like a bill. What is inside archives and folders does not count.
pub(crate) fn is_bill(path: &str) -> bool {
    text::is_bill(path)
}

/// Everything read so far.
struct Reading {
    limit: u64,
    bills: Bills,
    /// What says the whole of a day again. Kept apart from line items until the end, so that no order matters.
    statements: Ledger,
    answers: Answers,
    /// Reports that name their line items, until all are known.
    reports: Vec<twin::Report>,
    hasher: ahash::RandomState,
    /// Fingerprints of contents, with the file that was the first with it.
    known: HashMap<[u8; 32], String>,
}

/// What became of one file, whatever its format.
#[derive(Debug, Default)]
struct Counts {
    rows: u64,
    duplicate: u64,
    malformed: u64,
    first_malformed: Option<String>,
    /// Why all or some of it is not used.
    notes: Vec<String>,
}

impl Counts {
    /// Counts a row that cannot be read.
    fn bad(&mut self, why: String) {
        self.rows += 1;
        self.malformed += 1;
        self.first_malformed.get_or_insert(why);
    }
}

impl Reading {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            bills: Bills::default(),
            statements: Ledger::default(),
            answers: Answers::default(),
            reports: Vec::new(),
            hasher: ahash::RandomState::default(),
            known: HashMap::new(),
        }
    }

    fn object(&mut self, object: &Object) {
        let name = object.name();
        match open::open(object, self.limit) {
            Ok(content) => self.content(name, content),
            Err(why) => self.skip(name, why),
        }
    }

    fn content(&mut self, name: &str, content: Content) {
        match content {
            Content::Text(source) => self.text(name, source),
            Content::Parquet(file) => self.parquet(name, file),
            Content::Archive(bytes, members) => {
                for member in members {
                    let name = format!("{name}!{}", member.name);
                    let mut data = Cursor::new(Arc::clone(&bytes));
                    data.set_position(member.start);
                    match open::member(&member, Box::new(data), self.limit) {
                        Ok(Content::Archive(..)) => self.skip(&name, "an archive inside an archive".to_owned()),
                        Ok(content) => self.content(&name, content),
                        Err(why) => self.skip(&name, why),
                    }
                }
            }
        }
    }

    /// Whether a content was read before, which then counts as duplicates.
    fn is_known(&mut self, name: &str, fingerprint: [u8; 32], rows: u64) -> bool {
        match self.known.get(&fingerprint) {
            Some(first) => {
                let why = format!("the same content as {first}");
                self.bills.rows += rows;
                self.bills.duplicate += rows;
                self.superseded(name, why);
                true
            }
            None => {
                self.known.insert(fingerprint, name.to_owned());
                false
            }
        }
    }

    fn count(&mut self, name: &str, counts: Counts) {
        self.bills.rows += counts.rows;
        self.bills.duplicate += counts.duplicate;
        self.bills.malformed += counts.malformed;
        let mut why = counts.notes;
        if let Some(first) = counts.first_malformed {
            why.push(match counts.malformed {
                1 => format!("1 row cannot be read, at {first}"),
                count => format!("{count} rows cannot be read, the first at {first}"),
            });
        }
        if !why.is_empty() {
            self.skip(name, why.join("; "));
        }
    }

    /// Takes over what a file was folded to; gives how many amounts were known.
    fn absorb(&mut self, fold: Fold, entry: Entry) -> u64 {
        let ledger = match entry {
            Entry::LineItem => &mut self.bills.ledger,
            Entry::Statement => &mut self.statements,
        };
        fold.into_series().into_iter().map(|(series, sightings)| ledger.absorb(series, sightings, entry)).sum()
    }

    fn skip(&mut self, path: &str, why: String) {
        self.bills.skipped.push(Skipped { path: path.to_owned(), why });
    }

    fn superseded(&mut self, path: &str, why: String) {
        self.bills.superseded.push(Skipped { path: path.to_owned(), why });
    }

    fn finish(mut self) -> Bills {
        let (reports, twins) = twin::part(std::mem::take(&mut self.reports));
        for report in reports {
            self.absorb(report.fold, Entry::LineItem);
        }
        for (report, kept) in twins {
            self.bills.duplicate += report.rows;
            self.superseded(
                &report.name,
                format!("the same line items as {kept}, which has no fewer rows and is read"),
            );
        }
        let Self { mut bills, mut statements, answers, .. } = self;
        let entered = answers.enter(&mut statements, &bills.ledger);
        bills.duplicate += entered.dropped;
        bills.superseded.extend(entered.superseded);
        for (series, sightings) in statements.into_series() {
            bills.ledger.absorb(series, sightings, Entry::Statement);
        }
        for (series, sightings) in bills.ledger.series() {
            let sum: Decimal = latest(sightings).map(|sighting| sighting.amount).sum();
            *bills.totals.entry((series.currency.to_string(), series.record_type)).or_default() += sum;
        }
        anomalies::sort(&mut bills.anomalies);
        bills
    }
}
