//! What the company pays for anyway.

use fastrand::Rng;
use jiff::tz::TimeZone;

use super::spend::{Spend, prefix};
use crate::drill::cast::{DEPLOYED, HOME};
use crate::drill::clock::{DAY, HOUR, moment};
use crate::event::DEFAULT_REGIONS;

/// Something that costs every day.
struct Steady {
    service: &'static str,
    /// The usage type behind the region's prefix.
    usage_type: &'static str,
    /// US dollars on a working day in the first home region; the second costs 60 %.
    amount: f64,
    /// What a weekend day costs of a working day.
    weekend: f64,
    /// Standard deviation from day to day, as a share.
    noise: f64,
}

const fn steady(service: &'static str, usage_type: &'static str, amount: f64, weekend: f64, noise: f64) -> Steady {
    Steady { service, usage_type, amount, weekend, noise }
}

const STEADY: [Steady; 14] = [
    steady("Amazon Elastic Compute Cloud - Compute", "BoxUsage:m5.large", 18.4, 0.85, 0.04),
    steady("Amazon Elastic Compute Cloud - Compute", "BoxUsage:c5.xlarge", 8.2, 0.6, 0.09),
    steady("EC2 - Other", "EBS:VolumeUsage.gp3", 3.1, 1.0, 0.01),
    steady("EC2 - Other", "NatGateway-Bytes", 1.7, 0.6, 0.12),
    steady("Amazon Relational Database Service", "InstanceUsage:db.r6g.large", 10.4, 1.0, 0.01),
    steady("Amazon Simple Storage Service", "TimedStorage-ByteHrs", 2.3, 1.0, 0.01),
    steady("Amazon Simple Storage Service", "Requests-Tier1", 0.6, 0.6, 0.15),
    steady("Amazon Elastic Container Service", "Fargate-vCPU-Hours:perCPU", 5.8, 0.8, 0.06),
    steady("AWS Lambda", "Lambda-GB-Second", 1.9, 0.55, 0.15),
    steady("Amazon DynamoDB", "WriteRequestUnits", 1.2, 0.6, 0.12),
    steady("Amazon Simple Queue Service", "Requests", 0.25, 0.6, 0.1),
    steady("AmazonCloudWatch", "DataProcessing-Bytes", 1.4, 0.7, 0.1),
    steady("AWS Secrets Manager", "AWSSecretsManager-Secrets", 0.53, 1.0, 0.0),
    steady("AWS Key Management Service", "KMS-Requests", 0.12, 0.6, 0.1),
];

/// Everything ordinary of all days.
pub(super) fn spends(rng: &mut Rng, start: i64, days: u32) -> Vec<Spend> {
    let mut spends = Vec::new();
    for day in (0..days).map(|day| start + i64::from(day) * DAY) {
        let date = moment(day).to_zoned(TimeZone::UTC).date();
        let is_weekend = date.weekday().to_monday_one_offset() > 5;
        for (home, share) in HOME.into_iter().zip([1.0, 0.6]) {
            for one in &STEADY {
                let shape = if is_weekend { one.weekend } else { 1.0 };
                let amount = one.amount * share * shape * noise(rng, one.noise);
                spends.push(Spend { amount, ..Spend::daily(rng, day, one.service, home, &named(home, one)) });
            }
        }
        // Where only the pipeline rolls out, its functions cost little.
        for region in DEPLOYED.into_iter().filter(|region| !HOME.contains(region)) {
            let usage_type = format!("{}-Lambda-GB-Second", prefix(region));
            let amount = 0.4 * if is_weekend { 0.5 } else { 1.0 } * noise(rng, 0.15);
            spends.push(Spend { amount, ..Spend::daily(rng, day, "AWS Lambda", region, &usage_type) });
        }
        // Recording and guarding cost cents everywhere, mostly where something changes.
        for region in DEFAULT_REGIONS.into_iter().filter(|region| !DEPLOYED.contains(region)) {
            if rng.u8(0..3) == 0 {
                let usage_type = format!("{}-ConfigurationItemRecorded", prefix(region));
                let amount = 0.003 * f64::from(rng.u8(1..5));
                spends.push(Spend { amount, ..Spend::daily(rng, day, "AWS Config", region, &usage_type) });
            }
        }
        if date.day() == 1 {
            spends.extend(monthly(rng, day));
        }
    }
    spends
}

/// What comes with the invoice and is no usage.
fn monthly(rng: &mut Rng, day: i64) -> [Spend; 4] {
    let row = |rng: &mut Rng, service, usage_type: &str, record_type, amount| Spend {
        record_type,
        amount,
        late: 0.0,
        // All at once: no hour of the day is its own.
        until: day + HOUR,
        ..Spend::daily(rng, day, service, "", usage_type)
    };
    [
        row(rng, "Tax", "", "Tax", 271.35),
        row(rng, "AWS Support (Business)", "Dollar", "Fee", 142.8),
        row(rng, "Amazon Elastic Compute Cloud - Compute", "ComputeSP:1yrNoUpfront", "SavingsPlanRecurringFee", 96.0),
        row(rng, "AWS Lambda", "", "Credit", -25.0),
    ]
}

/// Usage types carry the region, but for us-east-1; Lambda's always do.
fn named(region: &str, one: &Steady) -> String {
    if region == "us-east-1" && one.service != "AWS Lambda" {
        return one.usage_type.to_owned();
    }
    format!("{}-{}", prefix(region), one.usage_type)
}

/// A factor around 1 with a standard deviation, from the sum of twelve even draws.
fn noise(rng: &mut Rng, deviation: f64) -> f64 {
    let normal = (0..12).map(|_| rng.f64()).fold(-6.0, |sum, draw| sum + draw);
    (1.0 + deviation * normal).max(0.1)
}
