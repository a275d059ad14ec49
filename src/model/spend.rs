//! The amount that a finding is about.

use serde::{Serialize, Serializer};

use crate::cost::{Day, date};

/// What was spent, and what was to be expected. Names are spelt as in the input; none for a sum over them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Spend {
    #[serde(serialize_with = "as_date")]
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
