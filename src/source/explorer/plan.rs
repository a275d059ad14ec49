//! What to ask next, and what that costs. Pure: the time and the account of payments in, queries out.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::history::{History, PAGE, Payment};
use super::query::first_of_previous_month;
use super::{Query, What};
use crate::cost::{Day, day_of};
use crate::event::{DAY, HOUR, Seconds};

/// The least time between two answers to the same query: AWS renews costs about three times a day.
const EVERY: Seconds = 8 * HOUR;
/// The least time after an answer that broke off.
const AGAIN: Seconds = HOUR;
/// Days that the first question covers.
const FIRST_LOOK: Day = 60;
/// Days before today that every question covers: later days are rarely restated by much.
const RECENT: Day = 3;
/// Days of Cost Anomaly Detection that are asked for; AWS keeps no more.
const ANOMALIES: Day = 90;
/// Days by linked account.
const ACCOUNTS: Day = 14;
/// Days of one service by usage type.
const USAGE_TYPES: Day = 30;
/// Days after which an account that is alone is asked whether it still is.
const ALONE: Day = 30;
/// Cost Explorer keeps about 14 months of days.
const KEPT: Day = 395;

/// How often to ask, and for how much money.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// US dollars in a calendar month.
    pub budget: Decimal,
    /// Only this linked account of an organisation, by whose id the pages are labelled.
    pub account: Option<String>,
}

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub queries: Vec<Query>,
    /// When spend is due again, where it is not due yet.
    pub due: Option<Seconds>,
    /// Pages that the queries will probably come to.
    pub pages: u32,
}

/// What polling costs in 30 days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub pages: u32,
    /// US dollars.
    pub dollars: Decimal,
    /// How it comes about, as a sentence.
    pub arithmetic: String,
}

impl Policy {
    /// Dollars a month that nobody has to think about.
    pub(crate) const DEFAULT_BUDGET: Decimal = Decimal::from_parts(3, 0, 0, false, 0);

    /// The queries that are due, spend first. `usage_types` names a service to look into.
    pub(crate) fn plan(&self, history: &History, now: Seconds, usage_types: Option<&str>) -> Plan {
        let today = day_of(now);
        let mut queries = Vec::new();
        let mut ask = |what: What, start: Day, end: Day| {
            queries.push(Query { what, start: start.max(today - KEPT), end, account: self.account.clone() });
        };
        let due = due(&What::Spend, history, now).filter(|due| *due > now);
        if due.is_none() {
            ask(What::Spend, spend_from(history, now), today + 1);
        }
        if is_new_day(&What::Anomalies, history, now) {
            ask(What::Anomalies, today - ANOMALIES, today);
        }
        if self.account.is_none() && accounts_are_due(history, now) {
            ask(What::Accounts, today - ACCOUNTS, today + 1);
        }
        if let Some(service) = usage_types {
            let what = What::UsageTypes(service.to_owned());
            if self::due(&what, history, now).is_none_or(|due| due <= now) {
                ask(what, today - USAGE_TYPES, today + 1);
            }
        }
        let pages = queries.iter().map(|query| pages_of(query, history, now)).sum();
        Plan { queries, due, pages }
    }

    /// Pages that the budget of the month still allows.
    pub(crate) fn affordable(&self, history: &History, now: Seconds) -> u32 {
        let allowed = (self.budget / PAGE).trunc().to_u32().unwrap_or(0);
        allowed.saturating_sub(history.paid_in_month(now))
    }

    /// What polling costs in a month of 30 days, with answers as long as the last ones were.
    pub(crate) fn estimate(&self, history: &History, now: Seconds) -> Estimate {
        let today = day_of(now);
        let query = |what, start| Query { what, start, end: today + 1, account: self.account.clone() };
        let short = pages_of(&query(What::Spend, today - RECENT), history, now);
        let long = pages_of(&query(What::Spend, first_of_previous_month(today)), history, now);
        let anomalies = pages_of(&query(What::Anomalies, today - ANOMALIES), history, now);
        let accounts = pages_of(&query(What::Accounts, today - ACCOUNTS), history, now);
        let organisation = is_organisation(history, now);
        let accounts = match (&self.account, organisation) {
            (Some(_), _) => 0,
            (None, true) => 30 * accounts,
            (None, false) => accounts,
        };
        let recent = u32::try_from(DAY / EVERY - 1).unwrap_or_default();
        let spend = recent * short + long;
        let pages = 30 * (spend + anomalies) + accounts;
        let dollars = PAGE * Decimal::from(pages);
        let arithmetic = format!(
            "30 days x ({recent} short polls of {short} + 1 long poll of {long} + {anomalies} for anomalies) + {accounts} by account = {pages} pages at $0.01 = ${dollars}"
        );
        Estimate { pages, dollars, arithmetic }
    }
}

/// When a query may be asked again; none where it never was.
fn due(what: &What, history: &History, now: Seconds) -> Option<Seconds> {
    let done = history.last_done(what, now).map(|payment| payment.time);
    let paid = history.last_paid(what, now)?;
    Some(done.map_or(Seconds::MIN, |done| done + EVERY).max(paid + AGAIN))
}

fn is_new_day(what: &What, history: &History, now: Seconds) -> bool {
    let rested = history.last_paid(what, now).is_none_or(|paid| paid + AGAIN <= now);
    rested && history.last_done(what, now).is_none_or(|done| day_of(done.time) < day_of(now))
}

fn is_organisation(history: &History, now: Seconds) -> bool {
    history.last_done(&What::Accounts, now).and_then(|payment| payment.done).is_some_and(|done| done.accounts > 1)
}

fn accounts_are_due(history: &History, now: Seconds) -> bool {
    let patience = if is_organisation(history, now) { 1 } else { ALONE };
    let done = history.last_done(&What::Accounts, now);
    is_new_day(&What::Accounts, history, now) && done.is_none_or(|done| day_of(done.time) + patience <= day_of(now))
}

/// The first day to ask spend for: recent days usually, once a day all that is still restated, and never less than
/// what has not been seen.
fn spend_from(history: &History, now: Seconds) -> Day {
    let today = day_of(now);
    let restated = first_of_previous_month(today);
    let Some(last) = history.last_done(&What::Spend, now) else {
        return restated.min(today - FIRST_LOOK);
    };
    let unseen = day_of(last.time) - RECENT;
    let reached_back =
        |payment: &Payment| day_of(payment.time) == today && payment.start_day().is_some_and(|start| start <= restated);
    let from = if history.done(&What::Spend, now).any(reached_back) { today - RECENT } else { restated };
    from.min(unseen)
}

/// Pages that a query will probably come to: as many as the last one of about its length, else one.
fn pages_of(query: &Query, history: &History, now: Seconds) -> u32 {
    let is_long = |days: Day| days > 2 * RECENT + 2;
    let alike = |payment: &&Payment| {
        payment
            .start_day()
            .is_some_and(|start| is_long(day_of(payment.time) - start) == is_long(day_of(now) - query.start))
    };
    let last = history.done(&query.what, now).filter(alike).last();
    last.and_then(|payment| payment.done).map_or(1, |done| done.pages.max(1))
}
