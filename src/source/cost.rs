//! From the paths of bills to a ledger of what was spent.
//!
//! `open` unpacks an object as a stream. What it holds is recognised by its content: answers of Cost Explorer
//! (`answers`) and of Cost Anomaly Detection (`anomalies`) are JSON; tables with one amount in each row (`layout`,
//! `table`) come as comma-separated text (`rows`, `frame`) or parquet (`parquet`); `console` is the wide table that a
//! person saves. `overlap` keeps answers from counting money that reports or other answers tell, `twin` reports that were
//! saved twice.
//!
//! Each bill is folded by itself (`reading`, `fold`) to what it comes to (`folded`), which can be kept as bytes (`coded`);
//! `assembly` and `join` decide which of them count. [`read_bills`] does one after the other for each bill in turn.

mod anomalies;
mod answers;
mod assembly;
mod coded;
mod console;
mod fold;
mod folded;
mod frame;
mod join;
mod json;
mod layout;
mod open;
mod overlap;
mod parquet;
mod reading;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod twin;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;

use super::discover::{SourceError, discover};
use super::object::Object;
use super::wanted::Wanted;
use crate::cost::{Anomaly, Ledger, RecordType, date};
use crate::model::{Cost, Skipped, Total};

pub(crate) use folded::Folded;

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
    let objects = discover(paths, &Wanted::default())?;
    let newest = json::newest_assemblies(&objects, max_object_bytes);
    let fold = |position: usize| objects.get(position).map(|object| folded(object, 0, None, max_object_bytes));
    Ok(join::join(&objects, &newest.into_values().collect(), fold))
}

/// Folds a share of the bills that are found, each by itself, for [`join_bills`]: `(2, 5)` is the second of five shares. What
/// has to be in memory as a whole is bounded as in [`read_bills`].
///
/// A delivery of a report that a newer one replaces is folded too, unless no bill that is folded elsewhere can change that.
///
/// # Errors
/// As [`read_bills`].
pub(crate) fn fold_bills(
    paths: &[String],
    max_object_bytes: u64,
    (share, of): (usize, usize),
) -> Result<Vec<Folded>, SourceError> {
    let objects = discover(paths, &Wanted::default())?;
    let mut newest = json::newest_assemblies(&objects, max_object_bytes);
    let choice = assembly::choose(&objects, &newest.values().cloned().collect());
    let mut occurrences: HashMap<&str, u64> = HashMap::new();
    let mut all = Vec::new();
    for (position, object) in objects.iter().enumerate() {
        let occurrence = occurrences.entry(object.name()).or_default();
        if position % of.max(1) + 1 == share {
            let newest = newest.remove(&position);
            all.push(if choice.gone.contains(&position) {
                unread(object, *occurrence)
            } else {
                folded(object, *occurrence, newest, max_object_bytes)
            });
        }
        *occurrence += 1;
    }
    Ok(all)
}

/// Puts bills together that were folded apart, in any order: what [`read_bills`] gives of all of them. The same bill counts
/// once, however often it was folded.
pub(crate) fn join_bills(bills: Vec<Folded>) -> Bills {
    let (objects, mut bills) = join::once(bills);
    let newest = bills.iter().flatten().filter_map(|folded| folded.newest.clone()).collect();
    join::join(&objects, &newest, |position| bills.get_mut(position).and_then(Option::take))
}

fn folded(object: &Object, occurrence: u64, newest: Option<String>, limit: u64) -> Folded {
    Folded { newest, pieces: Some(reading::pieces(object, limit)), ..unread(object, occurrence) }
}

fn unread(object: &Object, occurrence: u64) -> Folded {
    Folded { name: object.name().to_owned(), bytes: object.bytes(), occurrence, newest: None, pieces: None }
}

/// Whether a path is that of a file, and the file begins like a bill. What is inside archives and folders does not count.
pub(crate) fn is_bill(path: &str) -> bool {
    text::is_bill(path)
}
