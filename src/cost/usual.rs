//! What accounts usually spend in an hour, as it was known at each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive as _;

use super::median::median_of;
use super::{Day, Ledger, RecordType};
use crate::event::Seconds;

/// Days of which the median is usual: the four weeks before the newest day, which is not complete.
const DAYS: Day = 28;
/// With fewer days of spend nobody knows what is usual.
const LEAST: usize = 14;

/// The usual spend of accounts over time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usual {
    /// Per account: since when what was known, in US dollars an hour.
    accounts: BTreeMap<Arc<str>, Vec<(Seconds, Option<f64>)>>,
}

impl Usual {
    /// Reads a ledger. Only what is billed in US dollars counts: list prices are in them.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let mut changes: BTreeMap<Arc<str>, BTreeMap<(Seconds, Day), f64>> = BTreeMap::new();
        for (series, sightings) in ledger.series() {
            if series.record_type != RecordType::Usage || !matches!(&*series.currency, "USD" | "") {
                continue;
            }
            let account = changes.entry(Arc::clone(&series.account)).or_default();
            for of_day in sightings.chunk_by(|a, b| a.usage == b.usage) {
                let mut known = 0.0;
                for sighting in of_day {
                    let amount = sighting.amount.to_f64().unwrap_or_default();
                    *account.entry((sighting.seen(), sighting.usage)).or_default() += amount - known;
                    known = amount;
                }
            }
        }
        Self { accounts: changes.into_iter().map(|(account, changes)| (account, history(&changes))).collect() }
    }

    /// US dollars an hour that an account was known to spend at a time. A bill that names no account is that of all.
    /// `None` where there is no bill, or too short a one.
    pub(crate) fn per_hour(&self, account: &str, at: Seconds) -> Option<f64> {
        let known = self.accounts.get(account).or_else(|| self.accounts.get(""))?;
        let later = known.partition_point(|(seen, _)| *seen <= at);
        known.get(later.checked_sub(1)?)?.1
    }
}

/// What was usual after each time at which something was seen.
fn history(changes: &BTreeMap<(Seconds, Day), f64>) -> Vec<(Seconds, Option<f64>)> {
    let mut days: BTreeMap<Day, f64> = BTreeMap::new();
    let mut known: Vec<(Seconds, Option<f64>)> = Vec::new();
    let mut changes = changes.iter().peekable();
    while let Some(((seen, day), more)) = changes.next() {
        *days.entry(*day).or_default() += more;
        if changes.peek().is_some_and(|((next, _), _)| next == seen) {
            continue;
        }
        let usual = usual(&days);
        if known.last().is_none_or(|(_, last)| *last != usual) {
            known.push((*seen, usual));
        }
    }
    known
}

/// The median of the last days, of which those without an amount are zero, over the hours of a day.
fn usual(days: &BTreeMap<Day, f64>) -> Option<f64> {
    let (first, newest) = (*days.first_key_value()?.0, *days.last_key_value()?.0);
    let from = first.max(newest.saturating_sub(DAYS));
    let mut amounts: Vec<f64> = (from..newest).map(|day| days.get(&day).copied().unwrap_or_default()).collect();
    if amounts.iter().filter(|amount| **amount > 0.0).count() < LEAST {
        return None;
    }
    Some(median_of(&mut amounts) / 24.0)
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::cost::ledger::{Entry, Sightings};
    use crate::cost::{Series, start_of, usually_seen};

    fn series(account: &str, currency: &str, record_type: RecordType) -> Arc<Series> {
        let text = |text: &str| Arc::from(text);
        Arc::new(Series {
            account: text(account),
            currency: text(currency),
            service: text("AmazonEC2"),
            region: text("us-east-1"),
            usage_type: text(""),
            record_type,
            principal: None,
        })
    }

    fn ledger(days: Day, amount: i64) -> Ledger {
        let mut all = Sightings::default();
        for day in 0..days {
            all.enter(day, usually_seen(day), Decimal::from(amount), Entry::Statement);
        }
        let mut ledger = Ledger::default();
        ledger.absorb(series("1", "USD", RecordType::Usage), all.clone(), Entry::Statement);
        ledger.absorb(series("1", "CNY", RecordType::Usage), all.clone(), Entry::Statement);
        ledger.absorb(series("1", "USD", RecordType::Tax), all, Entry::Statement);
        ledger
    }

    #[test]
    fn the_usual_is_what_was_known_at_the_time() {
        let mut ledger = ledger(40, 48);
        let mut late = Sightings::default();
        for day in 20..40 {
            late.enter(day, start_of(50), Decimal::from(480), Entry::Statement);
        }
        ledger.absorb(series("1", "USD", RecordType::Usage), late, Entry::Statement);
        let usual = Usual::of(&ledger);
        assert_eq!(usual.per_hour("1", usually_seen(14) - 1), None, "13 whole days");
        assert_eq!(usual.per_hour("1", usually_seen(14)), Some(2.0));
        assert_eq!(usual.per_hour("1", start_of(50) - 1), Some(2.0));
        assert_eq!(usual.per_hour("1", start_of(50)), Some(20.0), "restated later");
        assert_eq!(usual.per_hour("2", start_of(50)), None);
        assert_eq!(Usual::default().per_hour("1", start_of(50)), None);
    }

    #[test]
    fn one_great_day_changes_nothing() {
        let mut ledger = ledger(40, 48);
        let mut attack = Sightings::default();
        attack.enter(39, usually_seen(39), Decimal::from(100_000), Entry::Statement);
        ledger.absorb(series("1", "USD", RecordType::Usage), attack, Entry::Statement);
        assert_eq!(Usual::of(&ledger).per_hour("1", Seconds::MAX), Some(2.0));
    }
}
