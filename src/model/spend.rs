//! The amount that a finding is about.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::cost::{Day, date, day_of};
use crate::event::time;

/// What was spent, and what was to be expected. Names are spelt as in the input; none for a sum over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spend {
    #[serde(serialize_with = "as_date", deserialize_with = "from_date")]
    pub usage_date: Day,
    pub account: Option<String>,
    pub service: Option<String>,
    pub region: Option<String>,
    pub usage_type: Option<String>,
    /// In `currency`, rounded to a millionth.
    #[serde(serialize_with = "rounded")]
    pub amount: f64,
    #[serde(serialize_with = "rounded")]
    pub expected: f64,
    /// ISO 4217.
    pub currency: String,
    /// The last day known on which it was still unusual.
    #[serde(skip)]
    pub until: Day,
}

fn as_date<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&date(*day))
}

fn rounded<S: Serializer>(amount: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((amount * 1e6).round() / 1e6)
}

fn from_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
    let text = String::deserialize(deserializer)?;
    let start = time::parse(&format!("{text}T00:00:00Z"));
    start.map(day_of).ok_or_else(|| de::Error::custom(format!("{text:?} is no date")))
}
