//! The bill of one account in one currency, as it was known at a time: a row of days for each series, and their sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive as _;

use crate::cost::service::{self, Class};
use crate::cost::{Day, Series, Sighting};
use crate::event::{HOUR, Seconds};
use crate::model::money;

/// Days before the first one of the bill: they are zero, so that every window has its full length.
pub(super) const PADDING: usize = 64;
/// More polls a day than this are no polls.
const POLLS_A_DAY: usize = 24;
/// Far below what any bill can say.
const RESIDUE: f64 = 1e-9;

/// What a row of days is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub service: Arc<str>,
    pub region: Arc<str>,
    /// Empty for a sum over them.
    pub usage_type: Arc<str>,
}

/// One amount a day.
pub(super) struct Row {
    pub key: Key,
    pub class: Class,
    /// Computing, or what comes along with it: disks and addresses.
    pub bare: bool,
    /// Position of the sum that it is part of.
    pub parent: usize,
    pub days: Vec<f64>,
}

/// An amount that changes when a poll sees it.
struct Change {
    seen: Seconds,
    row: usize,
    day: usize,
    more: f64,
}

/// Which rows there are, while a book is opened.
#[derive(Default)]
struct Known {
    usage: BTreeMap<Key, usize>,
    services: BTreeMap<Key, usize>,
}

/// All rows of an account. Days are positions, of which the first day of the bill is [`PADDING`].
pub(super) struct Book {
    /// Per usage type; the parent is a service.
    pub usage: Vec<Row>,
    /// Per service and region; the parent is a region.
    pub services: Vec<Row>,
    /// Per region.
    pub regions: Vec<(Arc<str>, Vec<f64>)>,
    pub total: Vec<f64>,
    currency: Arc<str>,
    /// Units of the currency that count as one US dollar: all amounts here are in dollars by this rate.
    pub rate: f64,
    first_day: Day,
    changes: Vec<Change>,
    entered: usize,
}

impl Book {
    /// Opens the book on an account's series of usage. Nothing is seen yet.
    pub(super) fn new(series: &[(&Series, &[Sighting])]) -> Self {
        let days = || series.iter().flat_map(|(_, all)| all.iter().map(|sighting| sighting.usage));
        let last_day = days().max().unwrap_or_default();
        let first_day = days().min().unwrap_or_default();
        let length = usize::try_from(last_day - first_day).unwrap_or_default() + PADDING + 1;
        let mut book = Self {
            usage: Vec::new(),
            services: Vec::new(),
            regions: Vec::new(),
            total: vec![0.0; length],
            rate: series.first().map_or(1.0, |(series, _)| rate(&series.currency)),
            currency: series.first().map_or_else(|| "USD".into(), |(series, _)| Arc::clone(&series.currency)),
            first_day,
            changes: Vec::new(),
            entered: 0,
        };
        let mut known = Known::default();
        for (series, sightings) in series {
            let key = Key {
                service: Arc::clone(&series.service),
                region: Arc::clone(&series.region),
                usage_type: Arc::clone(&series.usage_type),
            };
            let row = book.row(key, length, &mut known);
            let mut before: Option<(Day, f64)> = None;
            for sighting in *sightings {
                let amount = sighting.amount.to_f64().unwrap_or_default() / book.rate;
                let known = before.filter(|(day, _)| *day == sighting.usage).map_or(0.0, |(_, amount)| amount);
                let day = book.position(sighting.usage);
                book.changes.push(Change { seen: sighting.seen(), row, day, more: amount - known });
                before = Some((sighting.usage, amount));
            }
        }
        book.changes.sort_by_key(|change| change.seen);
        book
    }

    /// The row of a key, made with the sums it is part of where there is none.
    fn row(&mut self, key: Key, length: usize, known: &mut Known) -> usize {
        if let Some(row) = known.usage.get(&key) {
            return *row;
        }
        let service = Key { usage_type: "".into(), ..key.clone() };
        let parent = *known.services.entry(service.clone()).or_insert_with(|| {
            let region = self.regions.iter().position(|(name, _)| *name == key.region).unwrap_or_else(|| {
                self.regions.push((Arc::clone(&key.region), vec![0.0; length]));
                self.regions.len() - 1
            });
            self.services.push(Row::new(service, region, length));
            self.services.len() - 1
        });
        self.usage.push(Row::new(key.clone(), parent, length));
        known.usage.insert(key, self.usage.len() - 1);
        self.usage.len() - 1
    }

    /// When something was seen, in order. A source that stamps each row by itself is one poll an hour.
    pub(super) fn polls(&self) -> Vec<Seconds> {
        let mut polls: Vec<_> = self.changes.iter().map(|change| change.seen).collect();
        polls.dedup();
        if polls.len() > POLLS_A_DAY * self.total.len() {
            let last_of_hour = polls.chunk_by(|a, b| a.div_euclid(HOUR) == b.div_euclid(HOUR)).filter_map(<[_]>::last);
            return last_of_hour.copied().collect();
        }
        polls
    }

    /// Enters what was seen by a time; returns the latest day that it spoke of, 0 where there was nothing.
    pub(super) fn see(&mut self, until: Seconds) -> usize {
        let mut latest = 0;
        while let Some(change) = self.changes.get(self.entered).filter(|change| change.seen <= until) {
            self.entered += 1;
            let usage = &mut self.usage[change.row];
            add(&mut usage.days[change.day], change.more);
            let service = &mut self.services[usage.parent];
            add(&mut service.days[change.day], change.more);
            add(&mut self.regions[service.parent].1[change.day], change.more);
            add(&mut self.total[change.day], change.more);
            latest = latest.max(change.day);
        }
        latest
    }

    /// An amount in words.
    pub(super) fn money(&self, amount: f64) -> String {
        money(amount * self.rate, &self.currency)
    }

    /// The position of a day.
    fn position(&self, day: Day) -> usize {
        usize::try_from(day - self.first_day).unwrap_or_default() + PADDING
    }

    /// The day at a position.
    pub(super) fn day(&self, position: usize) -> Day {
        self.first_day + Day::try_from(position).unwrap_or_default() - Day::try_from(PADDING).unwrap_or_default()
    }
}

/// How many units of a currency the limits of detectors, which are in US dollars, take for a dollar. AWS bills in yuan and
/// rupees beside dollars; rates of 2026, rounded, because a limit needs no more.
fn rate(currency: &str) -> f64 {
    match currency {
        "CNY" => 7.0,
        "INR" => 85.0,
        _ => 1.0,
    }
}

/// Adds an amount to a day. What is left of sums that cancel out is nothing.
fn add(day: &mut f64, more: f64) {
    *day += more;
    if day.abs() < RESIDUE {
        *day = 0.0;
    }
}

impl Row {
    fn new(key: Key, parent: usize, length: usize) -> Self {
        let class = service::class(&key.service, &key.usage_type);
        let bare =
            class == Class::Burn || service::of(&key.service).is_some_and(|service| service.event_source == "ec2");
        Self { class, bare, parent, days: vec![0.0; length], key }
    }
}
