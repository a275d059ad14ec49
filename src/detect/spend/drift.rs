//! Growth that is too slow for a spike: week after week a little more.

use super::alert::{Alert, date};
use super::block::Drift;
use super::book::{Book, Row};
use super::history::Account;
use super::week::{WEEK, sum};

/// Services in regions that rose for several whole weeks; asked when a week, Monday to Sunday, is complete.
pub(super) fn drifts(rule: &Drift, book: &Book, account: &Account) -> Vec<Alert> {
    let sunday = (book.day(account.now - 1) + 4).rem_euclid(7) == 0;
    if !sunday || account.days < (rule.weeks + 1) * WEEK {
        return Vec::new();
    }
    book.services.iter().filter_map(|row| drift(rule, row, book, account)).collect()
}

fn drift(rule: &Drift, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    // The oldest week first.
    let weeks: Vec<f64> = (0..=rule.weeks).rev().map(|back| sum(row, account.now - back * WEEK)).collect();
    let rises = weeks.windows(2).all(|pair| pair[1] > rule.least * pair[0] && pair[1] < rule.most * pair[0]);
    let (first, last) = (weeks.first()?, weeks.last()?);
    let days = WEEK as f64;
    let limit = rule.above.of(days * account.daily);
    (rises && last - first > limit).then(|| {
        let told: Vec<_> = weeks.iter().map(|week| book.money(*week)).collect();
        let newest = account.now - 1;
        let reasons = vec![
            format!("weeks up to {}: {}", date(book, newest), told.join(", ")),
            format!(
                "{} more a week than {} weeks before, above {}",
                book.money(last - first),
                rule.weeks,
                book.money(limit)
            ),
        ];
        Alert { key: row.key.clone(), day: newest, amount: row.days[newest], expected: first / days, reasons }
    })
}
