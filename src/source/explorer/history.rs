//! What was asked and paid for, from the account of payments.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::query::month;
use super::{Query, What};
use crate::cost::{Day, date, day_of};
use crate::event::{Seconds, time};

/// The price of one page, in US dollars: 0.01.
pub(super) const PAGE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// No answer has more pages.
const MOST: u32 = 10_000;

/// What pages cost, in US dollars.
pub(crate) fn price(pages: u32) -> Decimal {
    PAGE * Decimal::from(pages)
}

/// One line of the account: a page about to be asked for, one given back because AWS refused it, or the end of an
/// answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Payment {
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub time: Seconds,
    pub operation: String,
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The first day that was asked for, as a date.
    pub start: String,
    /// The day after the last.
    pub end: String,
    /// Pages paid for: 1, or -1 where a refused request was not billed, or 0 at the end of an answer.
    pub pages: i32,
    /// US dollars.
    pub dollars: String,
    /// At the end of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// How an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub pages: u32,
    /// Linked accounts that it names.
    pub accounts: usize,
}

impl Payment {
    pub(super) fn new(query: &Query, time: Seconds, pages: i32, done: Option<Done>) -> Self {
        Self {
            time,
            operation: query.what.operation().to_owned(),
            query: query.what.key(),
            account: query.account.clone(),
            start: date(query.start),
            end: date(query.end),
            pages,
            dollars: (PAGE * Decimal::from(pages)).to_string(),
            done,
        }
    }

    /// Whether the numbers are those of an answer: whatever is computed from them stays within its type.
    fn is_possible(&self) -> bool {
        self.pages.unsigned_abs() <= MOST && self.done.is_none_or(|done| done.pages <= MOST)
    }

    /// The first day that was asked for.
    pub(super) fn start_day(&self) -> Option<Day> {
        time::parse(&format!("{}T00:00:00Z", self.start)).map(day_of)
    }
}

/// Everything in the account of payments.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(super) payments: Vec<Payment>,
    /// Lines that cannot be read. Each counts as a page of every month, so that damage never raises the budget.
    pub(super) unreadable: u32,
}

impl History {
    pub(super) fn parse(text: &str) -> Self {
        let mut history = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(payment) if Payment::is_possible(&payment) => history.payments.push(payment),
                _ => history.unreadable += 1,
            }
        }
        history
    }

    /// Pages paid for in the calendar month of a time, in UTC.
    pub(crate) fn paid_in_month(&self, now: Seconds) -> u32 {
        let this = month(now);
        let paid: i64 = self.payments.iter().filter(|p| month(p.time) == this).map(|p| i64::from(p.pages)).sum();
        u32::try_from(paid.max(0)).unwrap_or(u32::MAX).saturating_add(self.unreadable)
    }

    /// The last answer that was read to its end, not after a time: a clock that was wrong once must not silence
    /// polling until it is right.
    pub(super) fn last_done(&self, what: &What, now: Seconds) -> Option<&Payment> {
        self.done(what, now).last()
    }

    /// All answers that were read to their end, not after a time.
    pub(super) fn done(&self, what: &What, now: Seconds) -> impl Iterator<Item = &Payment> {
        let key = what.key();
        self.payments.iter().filter(move |p| p.query == key && p.done.is_some() && p.time <= now)
    }

    /// The last time, not after another, at which a page of a query was paid for. What AWS refused does not count:
    /// whoever mends the reason may ask at once.
    pub(super) fn last_paid(&self, what: &What, now: Seconds) -> Option<Seconds> {
        let key = what.key();
        let mut paid: BTreeMap<Seconds, i64> = BTreeMap::new();
        for payment in self.payments.iter().filter(|p| p.query == key && p.time <= now) {
            *paid.entry(payment.time).or_default() += i64::from(payment.pages);
        }
        paid.into_iter().rfind(|(_, pages)| *pages > 0).map(|(at, _)| at)
    }

    /// Whose spend was paid for: none where nobody's was yet.
    pub(super) fn scope(&self) -> Option<Option<&str>> {
        let mut paid: BTreeMap<Option<&str>, i64> = BTreeMap::new();
        for payment in self.payments.iter().filter(|p| p.query == What::Spend.key()) {
            *paid.entry(payment.account.as_deref()).or_default() += i64::from(payment.pages);
        }
        paid.into_iter().find(|(_, pages)| *pages > 0).map(|(account, _)| account)
    }
}

fn write_time<S: Serializer>(at: &Seconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time::format(*at))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    let text = String::deserialize(deserializer)?;
    time::parse(&text).ok_or_else(|| serde::de::Error::custom("no RFC 3339 time"))
}
