//! One amount of one usage day, and how it becomes visible.

use fastrand::Rng;

use super::{LAG, RESTATED};
use crate::drill::clock::{DAY, HOUR};

/// What one thing costs on one usage day.
pub(super) struct Spend {
    /// The first second of the usage day.
    pub(super) day: i64,
    pub(super) service: &'static str,
    pub(super) region: String,
    pub(super) usage_type: String,
    pub(super) record_type: &'static str,
    /// US dollars of the whole day.
    pub(super) amount: f64,
    /// The seconds of the day in which it was spent.
    pub(super) from: i64,
    pub(super) until: i64,
    /// Seconds until a spent hour is on the bill.
    pub(super) lag: i64,
    /// Share of the amount that comes late.
    pub(super) late: f64,
    pub(super) of_attack: bool,
}

impl Spend {
    /// An amount that is spent evenly over a day.
    pub(super) fn daily(rng: &mut Rng, day: i64, service: &'static str, region: &str, usage_type: &str) -> Self {
        Self {
            day,
            service,
            region: region.to_owned(),
            usage_type: usage_type.to_owned(),
            record_type: "Usage",
            amount: 0.0,
            from: day,
            until: day + DAY,
            lag: rng.i64(LAG[0]..LAG[1]),
            late: if rng.u8(0..4) == 0 { 0.02 * rng.f64() } else { 0.0 },
            of_attack: false,
        }
    }

    /// What has been put on the bill by a time.
    pub(super) fn seen(&self, at: i64) -> f64 {
        let length = (self.until - self.from).max(1);
        let spent = (at - self.lag - self.from).clamp(0, length);
        // Bills are made of whole hours.
        let hours = if spent == length { length } else { spent / HOUR * HOUR };
        let share = hours as f64 / length as f64;
        let late = if at < self.day + RESTATED { 1.0 - self.late } else { 1.0 };
        self.amount * share * late
    }

    /// What it is about: service, region, usage type and record type.
    pub(super) fn key(&self) -> [&str; 4] {
        [self.service, &self.region, &self.usage_type, self.record_type]
    }
}

/// How usage types name a region; us-east-1 mostly has no name there, but for Lambda it has one.
pub(super) fn prefix(region: &str) -> String {
    const KNOWN: [(&str, &str); 18] = [
        ("us-east-1", "USE1"),
        ("us-east-2", "USE2"),
        ("us-west-1", "USW1"),
        ("us-west-2", "USW2"),
        ("ca-central-1", "CAN1"),
        ("sa-east-1", "SAE1"),
        ("eu-west-1", "EU"),
        ("eu-west-2", "EUW2"),
        ("eu-west-3", "EUW3"),
        ("eu-central-1", "EUC1"),
        ("eu-north-1", "EUN1"),
        ("eu-south-2", "EUS2"),
        ("ap-northeast-1", "APN1"),
        ("ap-northeast-2", "APN2"),
        ("ap-northeast-3", "APN3"),
        ("ap-south-1", "APS3"),
        ("ap-southeast-1", "APS1"),
        ("ap-southeast-2", "APS2"),
    ];
    let known = KNOWN.iter().find(|(of, _)| *of == region).map(|(_, prefix)| (*prefix).to_owned());
    known.unwrap_or_else(|| region.replace('-', "").to_ascii_uppercase())
}
