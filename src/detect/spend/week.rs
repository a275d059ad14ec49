//! A week that costs more than any week before, and a day that costs more than any day before.

use super::alert::{Alert, date};
use super::block::{Record, Week};
use super::book::{Book, Row};
use super::history::{Account, Past};
use crate::cost::median::median;

/// Days in a week.
pub(super) const WEEK: usize = 7;
/// Seven days in a row that are compared with: those that end on the fifty days before the week.
const COMPARED: usize = 50;
/// Of the rise of a kind of use, its service must show so much.
const GROWS: f64 = 0.5;
/// Days of use in eight weeks below which a row has no usual week.
const LEAST_USED: usize = 10;

/// Rows that cost more in the last seven days than in any seven days of two months.
pub(super) fn weeks(rule: &Week, book: &Book, account: &Account) -> Vec<Alert> {
    let mut risen = None;
    let mut alerts = Vec::new();
    for row in book.usage.iter().filter(|row| row.class == rule.class) {
        if let Some(alert) = week(rule, row, book, account) {
            let of_all = *risen.get_or_insert_with(|| book.usage.iter().map(|row| rise(row, account.now)).sum::<f64>());
            // Where one kind of use takes the place of another, the service as a whole does not rise.
            let service = &book.services[row.parent];
            let grows = sum(service, account.now) - usual(service, account.now) >= GROWS * rise(row, account.now);
            if grows && rise(row, account.now) >= rule.alone * of_all {
                alerts.push(alert);
            }
        }
    }
    alerts
}

/// The seven days before a day.
pub(super) fn sum(row: &Row, end: usize) -> f64 {
    row.days[end - WEEK..end].iter().sum()
}

/// The median of the three weeks before the last.
fn usual(row: &Row, now: usize) -> f64 {
    median(&[1, 2, 3].map(|back| sum(row, now - back * WEEK)))
}

fn rise(row: &Row, now: usize) -> f64 {
    (sum(row, now) - usual(row, now)).max(0.0)
}

fn week(rule: &Week, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    let now = account.now;
    let (cost, limit) = (sum(row, now), rule.above.of(account.daily));
    let least = row.days[now - WEEK..now].iter().copied().fold(f64::MAX, f64::min);
    if cost <= limit || WEEK as f64 * least <= rule.even * cost || rise(row, now) <= limit {
        return None;
    }
    let used = row.days[now - 58..now - 1].iter().filter(|day| **day > 0.0).count();
    let largest = (0..COMPARED).map(|back| sum(row, now - WEEK - back)).fold(0.0, f64::max);
    if used < LEAST_USED || cost <= rule.times * largest {
        return None;
    }
    let before = usual(row, now);
    let reasons = vec![
        format!(
            "{} in the seven days up to {}, where {} a week was usual and {} was the most in two months",
            book.money(cost),
            date(book, now - 1),
            book.money(before),
            book.money(largest)
        ),
        format!("nothing else in the account rose with it; the rise is above {}", book.money(limit)),
    ];
    Some(Alert {
        key: row.key.clone(),
        day: now - 1,
        amount: row.days[now - 1],
        expected: before / WEEK as f64,
        reasons,
    })
}

/// Services in regions that cost more than on any day of two months.
pub(super) fn records(rule: &Record, book: &Book, account: &Account) -> Vec<Alert> {
    book.services.iter().filter_map(|row| record(rule, row, book, account)).collect()
}

fn record(rule: &Record, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    let limit = rule.above.of(account.daily);
    if row.days[account.now - 1].max(row.days[account.now - 2]) <= limit {
        return None;
    }
    let past = Past::new(&row.days, account);
    let broken = past.amount > limit.max(rule.times * past.largest);
    broken.then(|| Alert::above_largest(row, past.day, rule.times, past.largest, book))
}
