//! What a bill shows, in sentences.

use std::collections::{BTreeMap, BTreeSet};

use crate::cost::{Day, date};
use crate::model::{Spend, money};

/// Sentences have room for this many services.
const TOLD: usize = 3;
/// Below this nothing was usual.
const NOTHING: f64 = 0.005;

/// What one service came to on one day, over regions.
pub(super) struct Sum<'a> {
    service: Option<&'a str>,
    currency: &'a str,
    day: Day,
    /// The last day known on which it was still unusual.
    until: Day,
    regions: BTreeSet<&'a str>,
    pub amount: f64,
    pub expected: f64,
}

/// Sums by service and day, the largest excess first. Of several amounts for one service in one region the largest counts:
/// the others are parts of it.
pub(super) fn sums<'a>(spends: &[&'a Spend]) -> Vec<Sum<'a>> {
    let mut largest: BTreeMap<(&str, &str, Day, &str), &Spend> = BTreeMap::new();
    for &spend in spends {
        let text = |of: &'a Option<String>| of.as_deref().unwrap_or_default();
        let place = (text(&spend.service), &*spend.currency, spend.usage_date, text(&spend.region));
        let known = largest.entry(place).or_insert(spend);
        if spend.amount > known.amount {
            *known = spend;
        }
    }
    let mut sums: BTreeMap<(&str, &str, Day), Sum<'_>> = BTreeMap::new();
    for ((service, currency, day, region), spend) in largest {
        let sum = sums.entry((service, currency, day)).or_insert_with(|| Sum {
            service: spend.service.as_deref(),
            currency,
            day,
            until: day,
            regions: BTreeSet::new(),
            amount: 0.0,
            expected: 0.0,
        });
        sum.until = sum.until.max(spend.until);
        sum.amount += spend.amount;
        sum.expected += spend.expected;
        sum.regions.extend((!region.is_empty()).then_some(region));
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by(|a, b| (b.amount - b.expected).total_cmp(&(a.amount - a.expected)));
    sums
}

/// A sentence for each of the services that matter most, and how many more there are.
pub(super) fn told(spends: &[&Spend]) -> Vec<String> {
    let sums = sums(spends);
    let mut told: Vec<String> = sums.iter().take(TOLD).map(Sum::sentence).collect();
    match sums.len().saturating_sub(TOLD) {
        0 => {}
        1 => told.push("One more amount is unusual.".to_owned()),
        more => told.push(format!("{more} more amounts are unusual.")),
    }
    told
}

impl Sum<'_> {
    /// `AWS Lambda in 17 regions`.
    fn what(&self) -> String {
        let service = self.service.unwrap_or("the whole account");
        match self.regions.iter().collect::<Vec<_>>().as_slice() {
            [] => service.to_owned(),
            [one] => format!("{service} in {one}"),
            many => format!("{service} in {} regions", many.len()),
        }
    }

    fn usual(&self) -> String {
        if self.expected < NOTHING { "nothing".to_owned() } else { money(self.expected, self.currency) }
    }

    fn sentence(&self) -> String {
        let until =
            if self.until > self.day { format!("; it was unusual until {}", date(self.until)) } else { String::new() };
        let amount = money(self.amount, self.currency);
        format!(
            "On the bill {} cost {amount} on {} where {} is usual{until}.",
            self.what(),
            date(self.day),
            self.usual()
        )
    }

    /// For a title.
    pub(super) fn title(&self) -> String {
        format!(
            "{} on {} for {}, where {} is usual",
            money(self.amount, self.currency),
            date(self.day),
            self.what(),
            self.usual()
        )
    }
}
