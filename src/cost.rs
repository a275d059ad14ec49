//! What was spent, on what, and since when that was known.
//!
//! A cost row says an amount for a usage day, as it was seen at a time; bills are late and are restated for days.
//! [`Ledger`] keeps all sightings, so that a judgement as of a time uses only what was seen by then.

mod anomaly;
pub(crate) mod ledger;
pub(crate) mod median;
pub(crate) mod service;
mod usual;

use std::sync::Arc;

use crate::event::{DAY, Seconds};

pub(crate) use anomaly::Anomaly;
pub(crate) use ledger::{Ledger, Sighting, Sightings};
pub(crate) use usual::Usual;

/// A usage day: days since 1970-01-01, in UTC.
pub(crate) type Day = i32;

/// What kind of charge a row is. Only usage can be abuse: the rest is accounting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RecordType {
    /// Used and paid for, or covered by a reservation or a savings plan.
    Usage,
    /// Credits, refunds and discounts.
    Credit,
    Tax,
    /// Support, marketplace, registrations.
    Fee,
    /// Reservations and savings plans: what was committed to, not what was used.
    Commitment,
}

impl RecordType {
    /// Reads a record type as Cost Explorer (`RECORD_TYPE`), CUR (`lineItem/LineItemType`) and FOCUS (`ChargeCategory`)
    /// spell it, and as [`Self::as_str`] does. What nobody knows is taken for a fee, which never alarms.
    pub(crate) fn parse(text: &str) -> Self {
        let plain: String = text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "" | "usage" | "discountedusage" | "savingsplancoveredusage" => Self::Usage,
            "tax" => Self::Tax,
            "credit" | "credits" | "refund" | "adjustment" => Self::Credit,
            discount if discount.contains("discount") => Self::Credit,
            commitment if commitment.starts_with("savingsplan") || commitment.starts_with("rifee") => Self::Commitment,
            "purchase" | "commitments" => Self::Commitment,
            _ => Self::Fee,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Credit => "credits",
            Self::Tax => "tax",
            Self::Fee => "fees",
            Self::Commitment => "commitments",
        }
    }
}

/// What amounts are about, as spelt in the input. An empty text means that the input does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    pub account: Arc<str>,
    /// ISO 4217. Amounts of different currencies are never added.
    pub currency: Arc<str>,
    pub service: Arc<str>,
    pub region: Arc<str>,
    pub usage_type: Arc<str>,
    pub record_type: RecordType,
    /// The ARN of who used it, where the bill knows (`line_item_iam_principal` of CUR 2.0).
    pub principal: Option<Arc<str>>,
}

/// Whether a region on a bill is a region: some charges are global, and some bills have none.
pub(crate) fn is_regional(region: &str) -> bool {
    !matches!(region, "" | "global")
}

/// The day of the month, from 1.
pub(crate) fn day_of_month(day: Day) -> i8 {
    jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).map_or(1, jiff::civil::Date::day)
}

/// A day as RFC 3339 writes dates.
pub(crate) fn date(day: Day) -> String {
    let text = crate::event::time::format(start_of(day));
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The first second of a day.
pub(crate) fn start_of(day: Day) -> Seconds {
    Seconds::from(day) * DAY
}

/// The day of a time.
pub(crate) fn day_of(at: Seconds) -> Day {
    Day::try_from(at.div_euclid(DAY)).unwrap_or_default()
}

/// When a bill that does not say when it was seen counts as seen: noon of the next day, in UTC. AWS delivers a day's
/// costs within about 24 hours of its end.
pub(crate) fn usually_seen(day: Day) -> Seconds {
    start_of(day + 1) + DAY / 2
}

#[cfg(test)]
mod tests {
    use super::RecordType;

    #[test]
    fn a_record_type_reads_its_own_name() {
        use RecordType::{Commitment, Credit, Fee, Tax, Usage};
        for record_type in [Usage, Credit, Tax, Fee, Commitment] {
            assert_eq!(RecordType::parse(record_type.as_str()), record_type);
        }
    }
}
