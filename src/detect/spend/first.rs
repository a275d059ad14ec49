//! Money for what had none: a service in a region, a kind of use, or several regions at once.

use std::collections::BTreeSet;

use super::alert::{Alert, date, span};
use super::block::{FirstSpend, Of, Spread, Where};
use super::book::{Book, Row};
use super::history::{Account, HISTORY, Past, bareness, is_unused};
use crate::cost::median::median;
use crate::cost::service::Class;
use crate::model::noun;

/// Days in which a kind of use must have been known for its service to count as known.
const SERVICE_KNOWN: usize = 2;
/// What costs money within this many days of the first of an account was there all along.
const SETTLED: usize = 3;
/// Of what a new kind of use costs, so much must come on top of the rest of its service.
const RISE: f64 = 0.5;
/// Nothing below this is looked at.
const LEAST: f64 = 0.10;

/// Rows that have their first money.
pub(super) fn first_spend(rule: &FirstSpend, book: &Book, account: &Account) -> Vec<Alert> {
    let rows = if rule.of == Of::UsageType { &book.usage } else { &book.services };
    if !account.is_known() {
        return rows.iter().filter_map(|row| young(rule, row, book, account)).collect();
    }
    rows.iter().filter_map(|row| begins(rule, row, book, account).or_else(|| wakes(rule, row, book, account))).collect()
}

/// With too little history only what is large by itself and was not there when the history began.
fn young(rule: &FirstSpend, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    let least = rule.young?;
    rule.above.get(row.class)?;
    let past = Past::new(&row.days, account);
    let in_place = match rule.region {
        Where::Unused => is_unused(book, region_of(book, row, rule.of), account.now),
        _ => true,
    };
    (past.amount > least && past.begun >= account.first + SETTLED && in_place).then(|| {
        let reasons = vec![
            format!("only {} {} of history, too few to tell what is new", account.days, noun("day", account.days)),
            format!(
                "{} on {} is above {} all the same",
                book.money(past.amount),
                date(book, past.day),
                book.money(least)
            ),
        ];
        Alert { key: row.key.clone(), day: past.day, amount: past.amount, expected: 0.0, reasons }
    })
}

fn begins(rule: &FirstSpend, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    let above = rule.above.get(row.class)?;
    let newest = row.days[account.now - 1].max(row.days[account.now - 2]);
    if newest <= LEAST {
        return None;
    }
    let past = Past::new(&row.days, account);
    let region = region_of(book, row, rule.of);
    let unused = is_unused(book, region, account.now);
    let service_known = || Past::new(&book.services[row.parent].days, account).used >= SERVICE_KNOWN;
    let is_new = match rule.of {
        Of::UsageType => past.is_fresh && service_known() && rises(&book.services[row.parent], &past),
        _ => past.begins(rule.region, unused),
    };
    let sudden = rule.sudden.filter(|sudden| past.age <= sudden.days).and_then(|sudden| sudden.above.get(row.class));
    let mut limit = sudden.unwrap_or(above).of(account.daily);
    let mut why = if sudden.is_some() { ", because it began with a jump" } else { "" };
    if let Some(bare) =
        rule.bare.filter(|bare| is_new && row.class == Class::Burn && bareness(book, region, account.now) >= bare.mix)
    {
        (limit, why) = (bare.usd, ", because the region has nothing but computing");
    }
    if !is_new || past.amount <= limit {
        return None;
    }
    let before = span(book, account.now - HISTORY..account.now - 2);
    let mut reasons = vec![
        format!(
            "{} on {}, and {before} it cost something on {} {}",
            book.money(past.amount),
            date(book, past.day),
            past.used,
            noun("day", past.used)
        ),
        format!(
            "above {}, the limit where the account usually spends {} a day{why}",
            book.money(limit),
            book.money(account.daily)
        ),
    ];
    if unused {
        reasons.push(format!("the region {} was not in use", row.key.region));
    }
    Some(Alert { key: row.key.clone(), day: past.day, amount: past.amount, expected: 0.0, reasons })
}

/// Whether a service costs more than a week before by a good part of what its new kind of use costs. Where one kind of use
/// only takes the place of another, it does not.
fn rises(service: &Row, past: &Past) -> bool {
    let before = median(&service.days[past.day - 7..past.day]).min(service.days[past.day - 7]);
    service.days[past.day] - before >= RISE * past.amount
}

/// The position of the region of a row.
fn region_of(book: &Book, row: &Row, of: Of) -> usize {
    if of == Of::UsageType { book.services[row.parent].parent } else { row.parent }
}

/// A region that had cents.
fn wakes(rule: &FirstSpend, row: &Row, book: &Book, account: &Account) -> Option<Alert> {
    let limits = rule.wakes.filter(|_| row.class == Class::Burn)?;
    let amount = row.days[account.now - 1];
    if amount <= limits.usd || !is_unused(book, region_of(book, row, rule.of), account.now) {
        return None;
    }
    let past = Past::new(&row.days, account);
    let limit = limits.usd.max(limits.times * past.largest);
    let wakes = !past.is_new() && amount > limit;
    wakes.then(|| Alert::above_largest(row, account.now - 1, limits.times, past.largest, book))
}

/// Several services in regions that have their first money together.
pub(super) fn spread(rule: &Spread, book: &Book, account: &Account) -> Vec<Alert> {
    let qualifies = |row: &&Row| {
        row.class == Class::Burn && row.days[account.now - 2..account.now].iter().any(|day| *day > rule.usd)
    };
    let fresh = |row: &Row| {
        let past = Past::new(&row.days, account);
        let in_time = rule.within_days.is_none_or(|days| past.age <= days);
        let begins = past.begins(rule.region, is_unused(book, row.parent, account.now));
        (begins && in_time && past.amount > rule.usd).then_some(past)
    };
    let rows: Vec<_> =
        book.services.iter().filter(qualifies).filter_map(|row| fresh(row).map(|past| (row, past))).collect();
    let regions: BTreeSet<_> = rows.iter().map(|(row, _)| row.parent).collect();
    let services: BTreeSet<_> = rows.iter().map(|(row, _)| &row.key.service).collect();
    let sum: f64 = rows.iter().map(|(_, past)| past.amount).sum();
    if rows.len() < rule.least || regions.len() < rule.least_regions || sum <= rule.sum_usd {
        return Vec::new();
    }
    let reason = format!(
        "{} {} in {} {} with their first money together, {} in all",
        services.len(),
        noun("service", services.len()),
        regions.len(),
        noun("region", regions.len()),
        book.money(sum)
    );
    let alert = |(row, past): (&Row, Past)| Alert {
        key: row.key.clone(),
        day: past.day,
        amount: past.amount,
        expected: 0.0,
        reasons: vec![reason.clone(), format!("{} on {}", book.money(past.amount), date(book, past.day))],
    };
    rows.into_iter().map(alert).collect()
}
