//! What a run read and found.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};

use super::{AllowEntry, counted, money_exact};
use crate::cost::Day;
use crate::event::Seconds;

/// An input that could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub path: String,
    pub why: String,
}

/// The accounting of a run: `read = kept + duplicate + malformed + not_a_log`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Summary {
    pub read: u64,
    pub kept: u64,
    pub duplicate: u64,
    pub malformed: u64,
    pub not_a_log: u64,
    pub skipped: Vec<Skipped>,
    #[serde(serialize_with = "optional_rfc3339")]
    pub first_event: Option<Seconds>,
    #[serde(serialize_with = "optional_rfc3339")]
    pub last_event: Option<Seconds>,
    pub accounts: Vec<String>,
    pub regions: Vec<String>,
    pub findings: usize,
    pub incidents: usize,
    /// Findings that an entry of `[[allow]]` hides.
    pub allowed: usize,
    /// Entries that hid nothing, and those that no longer held at the last event.
    pub allow_unused: Vec<AllowEntry>,
    pub allow_expired: Vec<AllowEntry>,
    /// Days from the first event known of any account to the last.
    pub history_days: i64,
    /// What bills were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The accounting of cost rows: of `rows` that were read, `duplicate` only say again what others say, `malformed` cannot
/// be read, and the rest is entered.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Cost {
    pub rows: u64,
    pub duplicate: u64,
    pub malformed: u64,
    /// What AWS's own Cost Anomaly Detection said.
    pub anomalies: usize,
    /// From the first day to the last.
    #[serde(skip)]
    pub days: Day,
    pub first_day: Option<String>,
    pub last_day: Option<String>,
    pub totals: Vec<Total>,
}

/// Days below which nothing is usual yet.
const ENOUGH: Day = 14;

impl Cost {
    /// A sentence where the bills tell of too few days.
    pub(crate) fn too_few(&self) -> Option<String> {
        let few = (1..ENOUGH).contains(&self.days);
        few.then(|| format!("Only {}: too few to tell what is new or unusual.", counted(self.days, "day")))
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, duplicate, malformed, anomalies, first_day, last_day, totals, .. } = self;
        let (first, last) = (first_day.as_deref().unwrap_or("no day"), last_day.as_deref().unwrap_or("no day"));
        let rows = counted(*rows, "cost row");
        write!(f, "Read {rows}: {duplicate} duplicate, {malformed} malformed, from {first} to {last}")?;
        for Total { currency, record_type, amount } in totals {
            write!(f, ", {record_type} {}", money_exact(*amount, currency))?;
        }
        if *anomalies > 0 {
            write!(f, ", and {} that AWS reports", counted(*anomalies, "anomaly"))?;
        }
        f.write_str(".")?;
        self.too_few().map_or(Ok(()), |why| write!(f, " {why}"))
    }
}

/// A sum over all rows of one currency and kind of charge, the last word on each day.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Total {
    pub currency: String,
    /// As `RecordType` has it.
    pub record_type: &'static str,
    /// Exact, as text: a JSON number would be rounded.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
}

fn exact<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.normalize())
}

fn optional_rfc3339<S: Serializer>(at: &Option<Seconds>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => super::rfc3339::serialize(at, serializer),
        None => serializer.serialize_none(),
    }
}
