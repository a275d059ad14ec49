//! What `GetCostAndUsage` of Cost Explorer answers.
//!
//! An amount belongs to a series, to a period of a day or an hour, and to values of dimensions that no series has, such
//! as a tag. These parts are kept apart until all files are read, because the pages of one query come as several files
//! and the same page may come twice; then they add up to days.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::fold::Key;
use super::folded::Counts;
use super::overlap::{Grouping, Overlap, Query, Sources};
use super::value::{amount, early, kind, quoted, region, seconds};
use crate::cost::ledger::Entry;
use crate::cost::{Day, Ledger, RecordType, Series, Sightings, day_of, usually_seen};
use crate::event::{DAY, HOUR, Seconds};
use crate::model::Skipped;

/// The best first: what was charged, at the rate of the day.
pub(super) const METRICS: [&str; 5] =
    ["UnblendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost", "BlendedCost"];
/// Periods of a day in hourly answers.
pub(super) const HOURS: i32 = 24;

/// Answers of one file or of several.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By series and query; then by part and period.
    pub(super) parts: BTreeMap<(Arc<Series>, Query), BTreeMap<String, Sightings>>,
}

/// What became of answers in a ledger.
#[derive(Debug, Default)]
pub(super) struct Entered {
    /// Amounts that others say again.
    pub(super) dropped: u64,
    pub(super) superseded: Vec<Skipped>,
}

/// A period of an answer.
struct Period {
    /// Days since 1970, or hours.
    number: i32,
    day: Day,
    hourly: bool,
}

/// What an answer says once for all of its amounts.
struct Answer<'a> {
    /// Type and name of each dimension.
    groups: Vec<(&'a str, &'a str)>,
    grouping: Grouping,
    label: Arc<str>,
    account: &'a str,
    seen: Option<Seconds>,
}

impl Answers {
    /// Takes in one answer out of a file.
    pub(super) fn take(&mut self, answer: &Value, read: &mut Counts) {
        let context = Answer::new(answer);
        let (mut longer, mut first_longer, mut no_money) = (0_u64, None, None);
        for result in array(answer, "ResultsByTime") {
            let (start, end) = (string(&result["TimePeriod"], "Start"), string(&result["TimePeriod"], "End"));
            match period(start, end) {
                Ok(Some(period)) => {
                    for amount in amounts(result) {
                        self.row(&context, &period, &amount, read, &mut no_money);
                    }
                }
                Ok(None) => {
                    longer += 1;
                    first_longer.get_or_insert(format!("{start} to {end}"));
                }
                Err(why) => read.bad(why),
            }
        }
        if let Some(names) = no_money {
            read.notes.push(format!("holds {names}, which is no amount of money"));
        }
        if let Some(first) = first_longer {
            let periods = if longer == 1 { "1 period is".to_owned() } else { format!("{longer} periods are") };
            read.notes
                .push(format!("{periods} longer than a day, the first {first}: only daily amounts can be judged"));
        }
    }

    fn row(
        &mut self,
        answer: &Answer<'_>,
        period: &Period,
        at: &Amount<'_>,
        read: &mut Counts,
        no_money: &mut Option<String>,
    ) {
        match self.amount(answer, period, &at.keys, at.metrics) {
            Ok(new) => {
                read.rows += 1;
                read.duplicate += u64::from(!new);
            }
            Err(Bad::Metric(names)) => {
                read.rows += 1;
                read.malformed += 1;
                no_money.get_or_insert(names);
            }
            Err(Bad::Row(why)) => read.bad(format!("{}, {}: {why}", crate::cost::date(period.day), at.place)),
        }
    }

    /// Enters one amount; false when it is known.
    fn amount(&mut self, answer: &Answer<'_>, period: &Period, keys: &[&str], metrics: &Value) -> Result<bool, Bad> {
        let (metric, value) = METRICS
            .iter()
            .enumerate()
            .find_map(|(place, name)| metrics.get(name).map(|value| (place, value)))
            .ok_or_else(|| Bad::Metric(names(metrics)))?;
        let text = match &value["Amount"] {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return Err(Bad::Row("no amount".to_owned())),
        };
        let money = amount(&text).ok_or_else(|| Bad::Row(format!("amount {} is no number", quoted(&text))))?;
        if keys.len() < answer.groups.len() {
            return Err(Bad::Row("fewer keys than groups".to_owned()));
        }
        let currency = Some(string(value, "Unit")).filter(|unit| !unit.is_empty() && *unit != "N/A").unwrap_or("USD");
        let (key, part) = answer.series(keys, currency);
        let seen = answer.seen.unwrap_or_else(|| usually_seen(period.day));
        if let Some(why) = early(period.day, seen) {
            return Err(Bad::Row(why));
        }
        let (grouping, account) = (answer.grouping.clone(), Arc::clone(&answer.label));
        let query = Query { grouping, metric, hourly: period.hourly, account };
        let parts = self.parts.entry((Arc::new(owned(&key)), query)).or_default();
        Ok(parts.entry(part).or_default().enter(period.number, seen, money, Entry::Statement))
    }

    /// Takes over the answers of a file, and notes in `sources` what they are about; gives how many amounts were known.
    pub(super) fn absorb(&mut self, other: Self, file: &str, sources: &mut Sources) -> u64 {
        let file = Arc::from(file);
        let mut known = 0;
        for ((series, query), parts) in other.parts {
            let own = self.parts.entry((series, query.clone())).or_default();
            for (part, sightings) in parts {
                sources.note(&query, days_of(&sightings, query.hourly), &file);
                known += own.entry(part).or_default().absorb(sightings, Entry::Statement);
            }
        }
        known
    }

    /// Enters everything into a ledger, day by day, but what `reports` or better answers tell.
    pub(super) fn enter(self, sources: &Sources, ledger: &mut Ledger, reports: &Ledger) -> Entered {
        let Self { parts } = self;
        let mut overlap = Overlap::of(sources, reports);
        let mut dropped = 0;
        for ((series, query), parts) in parts {
            let mut drops = |day: Day| overlap.drops(&query, &series.account, day);
            let (days, lost) = days(parts.into_values().collect(), query.hourly, &mut drops);
            dropped += lost;
            if !days.as_slice().is_empty() {
                ledger.absorb(series, days, Entry::Statement);
            }
        }
        Entered { dropped, superseded: overlap.superseded() }
    }
}

/// How many amounts an answer has.
pub(super) fn rows(answer: &Value) -> u64 {
    array(answer, "ResultsByTime").map(|result| amounts(result).len() as u64).sum()
}

/// Why an amount cannot be used.
enum Bad {
    /// There are only these metrics.
    Metric(String),
    Row(String),
}

impl<'a> Answer<'a> {
    fn new(answer: &'a Value) -> Self {
        let mut groups: Vec<(&str, &str)> = array(answer, "GroupDefinitions")
            .map(|group| {
                (
                    Some(string(group, "Type")).filter(|kind| !kind.is_empty()).unwrap_or("DIMENSION"),
                    string(group, "Key"),
                )
            })
            .collect();
        let first = array(answer, "ResultsByTime").flat_map(|result| array(result, "Groups")).next();
        if groups.is_empty() && first.is_some_and(|group| array(group, "Keys").count() == 1) {
            groups.push(("DIMENSION", "SERVICE"));
        }
        let account = string(answer, "Account");
        Self {
            grouping: Grouping::of(&groups),
            groups,
            label: Arc::from(account),
            account,
            seen: seconds(string(answer, "SeenAt")),
        }
    }

    /// The series of an amount, and the values of the dimensions that it does not have.
    fn series<'t>(&self, keys: &[&'t str], currency: &'t str) -> (Key<'t>, String)
    where
        'a: 't,
    {
        let mut key = Key {
            account: self.account,
            currency,
            service: "",
            region: "",
            usage_type: "",
            record_type: RecordType::Usage,
            principal: "",
        };
        let (mut record_type, mut part) = ("", String::new());
        for ((kind, name), value) in self.groups.iter().zip(keys) {
            match (*kind, *name) {
                ("DIMENSION", "SERVICE") => key.service = value,
                ("DIMENSION", "REGION") => key.region = region(value),
                ("DIMENSION", "LINKED_ACCOUNT") => key.account = value,
                ("DIMENSION", "USAGE_TYPE") => key.usage_type = value,
                ("DIMENSION", "RECORD_TYPE") => record_type = value,
                _ => {}
            }
            // All keys, so that no two groups are the same part, however their values are spelt.
            part.push_str(value);
            part.push('\0');
        }
        key.record_type = kind(record_type, key.service);
        (key, part)
    }
}

/// The day of a period.
fn day_in(period: i32, hourly: bool) -> Day {
    if hourly { period.div_euclid(HOURS) } else { period }
}

/// The days of sightings, each once.
fn days_of(sightings: &Sightings, hourly: bool) -> impl Iterator<Item = Day> {
    let all = sightings.as_slice();
    let days = all.chunk_by(move |a, b| day_in(a.usage, hourly) == day_in(b.usage, hourly));
    days.filter_map(move |of_day| of_day.first().map(|first| day_in(first.usage, hourly)))
}

/// Adds parts up to days: at every time at which any part was seen, what was known by then of each. Leaves out days as
/// it is told, and counts their amounts.
fn days(parts: Vec<Sightings>, hourly: bool, drops: &mut impl FnMut(Day) -> bool) -> (Sightings, u64) {
    let mut all: BTreeMap<Day, Vec<(Seconds, usize, i32, Decimal)>> = BTreeMap::new();
    for (part, sightings) in parts.iter().enumerate() {
        for sighting in sightings.as_slice() {
            let day = day_in(sighting.usage, hourly);
            all.entry(day).or_default().push((sighting.seen(), part, sighting.usage, sighting.amount));
        }
    }
    let (mut days, mut lost) = (Sightings::default(), 0);
    for (day, mut sightings) in all {
        if drops(day) {
            lost += sightings.len() as u64;
            continue;
        }
        sightings.sort_unstable();
        let mut known: BTreeMap<(usize, i32), Decimal> = BTreeMap::new();
        let mut sum = Decimal::ZERO;
        for at_once in sightings.chunk_by(|a, b| a.0 == b.0) {
            for (_, part, period, amount) in at_once {
                sum += amount;
                sum -= known.insert((*part, *period), *amount).unwrap_or_default();
            }
            let seen = at_once.first().map_or(0, |first| first.0);
            days.enter(day, seen, sum, Entry::LineItem);
        }
    }
    (days, lost)
}

/// A day or an hour; none when it is longer.
fn period(start: &str, end: &str) -> Result<Option<Period>, String> {
    let from = seconds(start).ok_or_else(|| format!("a period that starts at {}", quoted(start)))?;
    let to = seconds(end).ok_or_else(|| format!("a period that ends at {}", quoted(end)))?;
    let day = day_of(from);
    match to - from {
        ..=0 => Err(format!("a period from {} to {}", quoted(start), quoted(end))),
        length if length == HOUR => {
            let number = i32::try_from(from.div_euclid(HOUR)).map_err(|error| error.to_string())?;
            Ok(Some(Period { number, day, hourly: true }))
        }
        1..=DAY => Ok(Some(Period { number: day, day, hourly: false })),
        _ => Ok(None),
    }
}

/// An amount in a period, in all its metrics.
struct Amount<'a> {
    /// Where it stands, for a person.
    place: String,
    keys: Vec<&'a str>,
    metrics: &'a Value,
}

/// The groups of a period, or its total where it has none.
fn amounts(result: &Value) -> Vec<Amount<'_>> {
    let groups: Vec<_> = array(result, "Groups")
        .enumerate()
        .map(|(number, group)| Amount {
            place: format!("group {}", number + 1),
            keys: array(group, "Keys").filter_map(Value::as_str).collect(),
            metrics: &group["Metrics"],
        })
        .collect();
    let total = &result["Total"];
    if groups.is_empty() && total.as_object().is_some_and(|total| !total.is_empty()) {
        return vec![Amount { place: "total".to_owned(), keys: Vec::new(), metrics: total }];
    }
    groups
}

fn owned(key: &Key<'_>) -> Series {
    Series {
        account: Arc::from(key.account),
        currency: Arc::from(key.currency),
        service: Arc::from(key.service),
        region: Arc::from(key.region),
        usage_type: Arc::from(key.usage_type),
        record_type: key.record_type,
        principal: None,
    }
}

fn names(metrics: &Value) -> String {
    let names: Vec<&str> = metrics.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { "no metric".to_owned() } else { quoted(&names.join(", ")).trim_matches('"').to_owned() }
}

pub(super) fn array<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn string<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}
