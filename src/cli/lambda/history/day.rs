//! A day of delivery, written as `2026-08-31`.

use serde::{Deserialize, Serialize};

use crate::event::{DAY, Seconds, time};

/// A day of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::cli::lambda) struct Day(i64);

impl Day {
    /// The day of a time.
    pub(super) fn of(at: Seconds) -> Self {
        Self(at.div_euclid(DAY))
    }

    /// Days since 1970.
    pub(super) fn number(self) -> i64 {
        self.0
    }

    /// So many days later.
    pub(super) fn after(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Days from this one to another.
    pub(super) fn until(self, other: Self) -> i64 {
        other.0.saturating_sub(self.0)
    }
}

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let at = if is_plain { time::parse(&format!("{text}T00:00:00Z")) } else { None };
        at.map(Self::of).ok_or("it is no day such as 2026-08-31")
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        let text = time::format(day.0.saturating_mul(DAY));
        text.split('T').next().unwrap_or_default().to_owned()
    }
}
