//! The bill of a drill: what each usage day costs, as it becomes known poll by poll.
//!
//! It has a generator of its own, so that the log of a seed does not depend on it.

mod ordinary;
mod spend;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use fastrand::Rng;

use self::spend::Spend;
use super::cast::PROD;
use super::clock::{DAY, HOUR, formatted, rfc3339};
use super::{Options, Scenario};
use crate::price::{CONCURRENCY, function};

/// Seconds between two looks at the bill.
const POLL: i64 = 8 * HOUR;
/// A usage hour is on the bill after 9 to 12 hours.
const LAG: [i64; 2] = [9 * HOUR, 12 * HOUR];
/// From this age on, in seconds, a usage day holds what was late.
const RESTATED: i64 = 5 * DAY / 2;
/// What a function of the benign roll-out costs an hour and region.
const ROLL_OUT: f64 = 0.03;

/// What ran because of the story.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// When it began to cost, and in which regions.
    pub(crate) from: i64,
    pub(crate) regions: Vec<String>,
    /// Memory of its functions in MB.
    pub(crate) memory: u32,
}

/// The bill, and what of it belongs to the attack.
pub(crate) struct Bill {
    /// `usage_date,seen_at,account,service,region,usage_type,record_type,amount`, in order of time of sight.
    pub(crate) csv: String,
    /// US dollars an hour while the attack runs.
    pub(crate) usd_per_hour: Option<f64>,
    /// When the attack's spend is on the bill for the first time, in seconds.
    pub(crate) seen_at: Option<i64>,
}

/// Writes the bill of a drill.
pub(crate) fn write(scenario: Option<Scenario>, options: &Options, story: &Story) -> Bill {
    let mut rng = Rng::with_seed(options.seed ^ 0x0b11_0b11_0b11_0b11);
    let start = options.start.as_second().div_euclid(DAY) * DAY;
    let end = start + i64::from(options.days) * DAY;
    let mut spends = if options.noise > 0.0 { ordinary::spends(&mut rng, start, options.days) } else { Vec::new() };
    let is_attack = scenario == Some(Scenario::LambdaDdosAllRegions) && !options.twin;
    let mut hourly = 0.0;
    for region in &story.regions {
        let rate = match is_attack {
            true => function(story.memory, CONCURRENCY) * (0.55 + 0.35 * rng.f64()),
            false => ROLL_OUT * (0.5 + rng.f64()),
        };
        hourly += rate;
        spends.extend(hourly_spends(&mut rng, region, rate, story.from..end, is_attack));
    }
    let (csv, seen_at) = sightings(&mut rng, &spends, start, end);
    let usd_per_hour = (is_attack && hourly > 0.0).then_some((hourly * 100.0).round() / 100.0);
    Bill { csv, usd_per_hour, seen_at }
}

/// What functions cost in a region that run at a rate, in US dollars an hour, day by day.
fn hourly_spends(rng: &mut Rng, region: &str, rate: f64, seconds: Range<i64>, of_attack: bool) -> Vec<Spend> {
    let usage_type = format!("{}-Lambda-GB-Second", spend::prefix(region));
    let mut spends = Vec::new();
    let mut from = seconds.start;
    while from < seconds.end {
        let day = from.div_euclid(DAY) * DAY;
        let until = (day + DAY).min(seconds.end);
        let amount = rate * (until - from) as f64 / HOUR as f64;
        let ordinary = Spend::daily(rng, day, "AWS Lambda", region, &usage_type);
        spends.push(Spend { amount, from, until, of_attack, ..ordinary });
        from = until;
    }
    spends
}

/// What polls see: each time the amounts that are new or have changed. Also when the attack shows first.
fn sightings(rng: &mut Rng, spends: &[Spend], start: i64, end: i64) -> (String, Option<i64>) {
    let mut csv = String::from("usage_date,seen_at,account,service,region,usage_type,record_type,amount\n");
    let mut known: BTreeMap<(i64, [&str; 4]), i64> = BTreeMap::new();
    let mut first = None;
    let mut poll = start + rng.i64(0..POLL / 2);
    while poll < end {
        let mut seen: BTreeMap<(i64, [&str; 4]), f64> = BTreeMap::new();
        for spend in spends {
            let amount = spend.seen(poll);
            if amount != 0.0 {
                *seen.entry((spend.day, spend.key())).or_default() += amount;
                if spend.of_attack {
                    first.get_or_insert(poll);
                }
            }
        }
        for ((day, key), amount) in seen {
            // AWS tells amounts to ten places; six are enough to tell cents apart from nothing.
            let millionths = (amount * 1e6).round() as i64;
            if known.insert((day, key), millionths) == Some(millionths) || millionths == 0 {
                continue;
            }
            let [service, region, usage_type, record_type] = key;
            let (date, seen_at) = (formatted(day, "%Y-%m-%d"), rfc3339(poll));
            let amount = millionths as f64 / 1e6;
            // Writing to a string cannot fail.
            let _ = writeln!(csv, "{date},{seen_at},{PROD},{service},{region},{usage_type},{record_type},{amount}");
        }
        poll += POLL;
    }
    (csv, first)
}
