//! The rows of one file, folded to one amount for each series, day and time of sight.

use std::sync::Arc;

use ahash::AHashSet;
use hashbrown::HashTable;
use rust_decimal::Decimal;

use super::folded::AllSeries;
use crate::cost::ledger::Entry;
use crate::cost::{Day, RecordType, Series, Sightings};
use crate::event::Seconds;

/// What an amount is about: a [`Series`] that is still in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key<'a> {
    pub(super) account: &'a str,
    pub(super) currency: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) usage_type: &'a str,
    pub(super) record_type: RecordType,
    pub(super) principal: &'a str,
}

impl<'a> Key<'a> {
    fn of(series: &'a Series) -> Self {
        Self {
            account: &series.account,
            currency: &series.currency,
            service: &series.service,
            region: &series.region,
            usage_type: &series.usage_type,
            record_type: series.record_type,
            principal: series.principal.as_deref().unwrap_or_default(),
        }
    }

    fn is(&self, series: &Series) -> bool {
        *self.service == *series.service
            && *self.usage_type == *series.usage_type
            && *self.region == *series.region
            && *self.account == *series.account
            && *self.currency == *series.currency
            && self.record_type == series.record_type
            && self.principal == series.principal.as_deref().unwrap_or_default()
    }
}

/// Finds the series of a row by what its cells say, without making one for each row.
#[derive(Debug, Default)]
pub(super) struct Fold {
    hasher: ahash::RandomState,
    places: HashTable<usize>,
    series: Vec<(Arc<Series>, Sightings)>,
    texts: AHashSet<Arc<str>>,
    /// How many rows only repeat others.
    pub(super) duplicate: u64,
}

impl Fold {
    /// Enters the amount of a row.
    pub(super) fn enter(&mut self, key: &Key<'_>, usage: Day, seen: Seconds, amount: Decimal, entry: Entry) {
        let place = self.place(key);
        let Some((_, sightings)) = self.series.get_mut(place) else { return };
        self.duplicate += u64::from(!sightings.enter(usage, seen, amount, entry));
    }

    fn place(&mut self, key: &Key<'_>) -> usize {
        let hash = self.hasher.hash_one(key);
        let series = &self.series;
        if let Some(place) =
            self.places.find(hash, |place| series.get(*place).is_some_and(|(series, _)| key.is(series)))
        {
            return *place;
        }
        let place = self.series.len();
        let series = self.series_of(key);
        self.series.push((Arc::new(series), Sightings::default()));
        let (hasher, series) = (&self.hasher, &self.series);
        self.places
            .insert_unique(hash, place, |place| series.get(*place).map_or(0, |(own, _)| hasher.hash_one(Key::of(own))));
        place
    }

    fn series_of(&mut self, key: &Key<'_>) -> Series {
        let mut text = |text: &str| match self.texts.get(text) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = Arc::from(text);
                self.texts.insert(Arc::clone(&new));
                new
            }
        };
        Series {
            account: text(key.account),
            currency: text(key.currency),
            service: text(key.service),
            region: text(key.region),
            usage_type: text(key.usage_type),
            record_type: key.record_type,
            principal: (!key.principal.is_empty()).then(|| text(key.principal)),
        }
    }

    /// Every series once.
    pub(super) fn into_series(self) -> AllSeries {
        self.series
    }
}
