//! What Cost Explorer is asked.

use crate::cost::{Day, date};
use crate::event::{Seconds, time};

/// What a query is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Usage by day, service and region. This is what is judged.
    Spend,
    /// Usage by day, linked account and service: where in an organisation.
    Accounts,
    /// Usage of one service by day and usage type.
    UsageTypes(String),
    /// What AWS's own Cost Anomaly Detection found.
    Anomalies,
}

impl What {
    /// The name in the account of payments.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Spend => "service-region".to_owned(),
            Self::Accounts => "account-service".to_owned(),
            Self::UsageTypes(service) => format!("usage-type of {service}"),
            Self::Anomalies => "anomalies".to_owned(),
        }
    }

    /// The operation that is called and that the caller must be allowed.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Anomalies => "GetAnomalies",
            _ => "GetCostAndUsage",
        }
    }

    /// Tells money again that [`What::Spend`] tells too.
    pub(crate) fn is_detail(&self) -> bool {
        matches!(self, Self::Accounts | Self::UsageTypes(_))
    }

    /// Dimensions of the groups.
    pub(super) fn group_by(&self) -> &'static [&'static str] {
        match self {
            Self::Spend => &["SERVICE", "REGION"],
            Self::Accounts => &["LINKED_ACCOUNT", "SERVICE"],
            Self::UsageTypes(_) => &["USAGE_TYPE"],
            Self::Anomalies => &[],
        }
    }
}

/// One query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub what: What,
    pub start: Day,
    /// The day after the last.
    pub end: Day,
    /// Only this linked account.
    pub account: Option<String>,
}

/// A time as file names hold it, in UTC: `20261122T044625Z`.
pub(super) fn stamp(at: Seconds) -> String {
    time::format(at).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The calendar month of a time, in UTC: `2026-11`.
pub(super) fn month(at: Seconds) -> String {
    time::format(at).chars().take(7).collect()
}

/// The first day of the month before that of a day.
pub(super) fn first_of_previous_month(day: Day) -> Day {
    let into_month = |day: Day| date(day).get(8..10).and_then(|digits| digits.parse().ok()).unwrap_or(1);
    let first = day - into_month(day) + 1;
    first - into_month(first - 1)
}
