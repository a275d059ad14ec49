//! Time in a drill: whole seconds since the epoch, walked hour by hour.

use fastrand::Rng;
use jiff::{Timestamp, tz::TimeZone};

/// Seconds in an hour.
pub(crate) const HOUR: i64 = 3_600;
/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// One hour of the drill.
#[derive(Clone, Copy)]
pub(crate) struct Hour {
    /// Days since the drill began, from 0.
    pub(crate) day: u32,
    /// Hours since the day began, from 0 to 23.
    pub(crate) of_day: u32,
    /// Its first second, since the epoch.
    pub(crate) start: i64,
}

impl Hour {
    /// The hour that comes `index` hours after `start`.
    pub(crate) fn new(start: i64, index: u32) -> Self {
        Self { day: index / 24, of_day: index % 24, start: start + i64::from(index) * HOUR }
    }

    /// A moment of this hour.
    pub(crate) fn at(&self, minute: i64, second: i64) -> i64 {
        self.start + minute * 60 + second
    }

    /// Any moment of this hour.
    pub(crate) fn any(&self, rng: &mut Rng) -> i64 {
        self.start + rng.i64(0..HOUR)
    }

    /// Whether people are at work: Monday to Friday, and the first two days of a drill
    /// whatever they are, because the baseline must meet everybody early.
    pub(crate) fn is_workday(&self) -> bool {
        let date = moment(self.start).to_zoned(TimeZone::UTC).date();
        self.day < 2 || date.weekday().to_monday_one_offset() <= 5
    }
}

/// The timestamp of a second; the epoch for seconds that no calendar has.
pub(crate) fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

/// RFC 3339 in UTC, e.g. `2026-09-01T00:00:00Z`.
pub(crate) fn rfc3339(second: i64) -> String {
    moment(second).to_string()
}

/// A second in a `strftime` format, in UTC.
pub(crate) fn formatted(second: i64, format: &str) -> String {
    moment(second).strftime(format).to_string()
}

/// The spelling of IAM's responses, e.g. `Aug 1, 2024 1:33:28 PM`.
pub(crate) fn iam_date(second: i64) -> String {
    formatted(second, "%b %-d, %Y %-I:%M:%S %p")
}

/// The spelling of STS's responses, e.g. `Aug 1, 2024, 1:33:28 PM`.
pub(crate) fn sts_date(second: i64) -> String {
    formatted(second, "%b %-d, %Y, %-I:%M:%S %p")
}
