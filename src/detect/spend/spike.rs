//! A day far above what the same row had in eight weeks.

use super::alert::{Alert, date};
use super::block::{Of, Spike};
use super::book::{Book, Key, Row};
use super::history::Account;
use super::judged::{JUDGED, Judged};
use super::usual::{COMPARED, two_largest};

/// Rows with a day far above what they had in eight weeks.
pub(super) fn spikes(rule: &Spike, book: &Book, account: &Account) -> Vec<Alert> {
    JUDGED.iter().flat_map(|back| on_day(rule, book, account, account.now - back)).collect()
}

fn on_day(rule: &Spike, book: &Book, account: &Account, day: usize) -> Vec<Alert> {
    let meant = |row: &&Row| rule.class.is_none_or(|class| class == row.class);
    let whole = Key { service: "".into(), region: "".into(), usage_type: "".into() };
    let rows: Vec<(&Key, &[f64])> = match rule.of {
        Of::Account => vec![(&whole, &book.total)],
        Of::Service => book.services.iter().filter(meant).map(|row| (&row.key, &*row.days)).collect(),
        Of::UsageType => book.usage.iter().filter(meant).map(|row| (&row.key, &*row.days)).collect(),
    };
    let least = rule.above.usd.min(rule.explosion.above.usd);
    let mut excess = None;
    let mut alerts = Vec::new();
    for &(key, days) in &rows {
        let (_, second) = two_largest(&days[day - COMPARED + 1..day]);
        if days[day] <= least || days[day] <= rule.second_day.min(rule.explosion.times) * second {
            continue;
        }
        let Some(judged) = Judged::new(key, days, day, book) else {
            continue;
        };
        let alone = rule.alone.is_none_or(|alone| {
            let of_all = excess.get_or_insert_with(|| excess_of_all(&rows, day, book));
            judged.excess() >= alone.share * *of_all || *of_all > alone.together_days * account.daily
        });
        alerts.extend(spike(rule, judged, alone, book, account));
    }
    alerts
}

/// Everything above the expected, over all rows.
fn excess_of_all(rows: &[(&Key, &[f64])], day: usize, book: &Book) -> f64 {
    let judged = rows.iter().filter(|row| row.1[day] > 0.0).filter_map(|(key, days)| Judged::new(key, days, day, book));
    judged.map(|judged| judged.excess().max(0.0)).sum()
}

fn spike(rule: &Spike, mut judged: Judged<'_>, alone: bool, book: &Book, account: &Account) -> Option<Alert> {
    let (amount, excess) = (judged.amount(), judged.excess());
    let (largest, second) = two_largest(&judged.days[judged.day - COMPARED + 1..judged.day]);
    let enough = |days: f64| alone || excess > days * account.daily;
    let exploded = rule.explosion.above.of(account.daily);
    let (limit, limit_reason) = {
        let mut limits = Limits::default();
        limits.add(rule.above.of(account.daily), "the least that is worth waking somebody in this account");
        limits.add(rule.level * judged.level, "a share of the usual level");
        if excess > limits.highest().0 {
            limits.add(rule.deviations * judged.usual.deviation(), "many times the usual deviation");
            limits.add(
                rule.surprises * two_largest(judged.usual.surprises()).1,
                "times the second largest surprise of six weeks",
            );
        }
        limits.highest()
    };
    let far = excess > limit && amount > rule.second_day * second && enough(rule.alone.map_or(0.0, |alone| alone.days));
    let explodes = alone && amount > rule.explosion.times * largest && excess > exploded;
    if !(far || explodes) || judged.is_turn_of_month(book) {
        return None;
    }
    let expected = judged.expected;
    let mut reasons = vec![format!(
        "{} on {} where {} is expected",
        book.money(amount),
        date(book, judged.day),
        book.money(expected)
    )];
    reasons.push(if far {
        format!("the excess of {} is above {}, {limit_reason}", book.money(excess), book.money(limit))
    } else {
        format!("more than {} times the largest day of eight weeks, {}", rule.explosion.times, book.money(largest))
    });
    Some(judged.alert(book, amount, expected, reasons))
}

/// An excess must be above the highest of several limits, each of which has its reason.
#[derive(Default)]
struct Limits(Vec<(f64, &'static str)>);

impl Limits {
    fn add(&mut self, amount: f64, reason: &'static str) {
        self.0.push((amount, reason));
    }

    /// The highest limit and its reason.
    fn highest(&self) -> (f64, &'static str) {
        self.0.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, ""))
    }
}
