//! An excess that is too small for a spike and too steady for noise, and work on a day that is always quiet.

use super::alert::{Alert, date};
use super::block::{QuietDay, Step};
use super::book::{Book, Row};
use super::history::Account;
use super::judged::{JUDGED, Judged};
use super::usual::{COMPARED, two_largest};

/// Rows with the same excess on three days.
pub(super) fn steps(rule: &Step, book: &Book, account: &Account) -> Vec<Alert> {
    let meant = |row: &&Row| rule.class.is_none_or(|class| class == row.class);
    book.usage.iter().filter(meant).filter_map(|row| step(rule, row, book, account)).collect()
}

fn step(rule: &Step, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    let day = account.now - 1;
    let three = [row.days[day], row.days[day - 1], row.days[day - 2]];
    let mean = three.iter().sum::<f64>() / 3.0;
    let least = rule.above.of(account.daily);
    let largest = two_largest(&row.days[day - COMPARED - 1..day - 2]).0;
    if mean <= least || mean <= rule.largest_day.min(rule.largest_day_after_rest) * largest {
        return None;
    }
    let mut judged = Judged::new(&row.key, &row.days, day, book)?;
    let rests = judged.usual.median < rule.rests * largest;
    if mean <= if rests { rule.largest_day_after_rest } else { rule.largest_day } * largest {
        return None;
    }
    let level = judged.usual.level(2);
    let excesses: Vec<f64> =
        three.iter().enumerate().map(|(back, amount)| amount - judged.usual.on(level, back)).collect();
    let excess = excesses.iter().sum::<f64>() / 3.0;
    let evenly = excesses.iter().all(|one| *one > rule.even * excess);
    if excess <= least.max(rule.level * judged.level) || !evenly {
        return None;
    }
    let deviation = judged.usual.deviation();
    let surprises = judged.usual.surprises();
    let earlier = &surprises[..surprises.len() - 2];
    let over_three = earlier.windows(3).map(|three| three.iter().sum::<f64>() / 3.0).fold(f64::MIN, f64::max);
    let mut sorted = earlier.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let third = sorted.get(2).copied().unwrap_or_default();
    let limit = (rule.deviations * deviation).max(rule.surprises * over_three.max(third / 2.0));
    if excess <= limit || judged.is_turn_of_month(book) {
        return None;
    }
    let reasons = vec![
        format!(
            "{} a day from {} to {} where {} is expected",
            book.money(mean),
            date(book, day - 2),
            date(book, day),
            book.money(mean - excess)
        ),
        format!(
            "three days with an excess of {} each, above {} and above what three days surprised with in six weeks",
            book.money(excess),
            book.money(limit.max(least).max(rule.level * judged.level))
        ),
    ];
    Some(judged.alert(book, judged.amount(), judged.usual.on(level, 0), reasons))
}

/// Rows that work on a weekday on which they rest.
pub(super) fn quiet_days(rule: &QuietDay, book: &Book, account: &Account) -> Vec<Alert> {
    let rows = || book.usage.iter().filter(|row| row.class == rule.class);
    let on = |back: usize| rows().filter_map(move |row| quiet_day(rule, row, account.now - back, book, account));
    JUDGED.iter().flat_map(|back| on(*back)).collect()
}

fn quiet_day(rule: &QuietDay, row: &Row, day: usize, book: &Book, account: &Account) -> Option<Alert> {
    let quiet = (1..=8).map(|weeks| row.days[day - 7 * weeks]).fold(0.0, f64::max);
    let limit = rule.above.of(account.daily);
    if row.days[day] <= limit || row.days[day] <= rule.times * quiet {
        return None;
    }
    let judged = Judged::new(&row.key, &row.days, day, book)?;
    if quiet >= rule.below * judged.usual.median || judged.excess() <= limit || judged.is_turn_of_month(book) {
        return None;
    }
    let reasons = vec![
        format!(
            "{} on {}, a weekday on which it never cost more than {} in eight weeks",
            book.money(judged.amount()),
            date(book, day),
            book.money(quiet)
        ),
        format!("the excess of {} is above {}", book.money(judged.excess()), book.money(limit)),
    ];
    Some(judged.alert(book, judged.amount(), judged.expected, reasons))
}
