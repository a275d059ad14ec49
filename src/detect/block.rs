//! The blocks that a detector file has beyond Sigma: `first_seen`, `beyond_usual` and `adjust`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::baseline::{Among, Dimension, Family};
use crate::event::{DAY, Seconds, time};
use crate::model::Level;

/// Fires only when the tuple was not seen in the account's history before the event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstSeen {
    /// The dimensions of the tuple.
    pub of: Vec<Dimension>,
    /// Which events count as having been seen.
    #[serde(default)]
    pub among: Among,
    /// How far back to look.
    #[serde(default = "ninety_days", deserialize_with = "time::duration::deserialize")]
    pub history: Seconds,
    /// With less history than this it says so and stays a notice.
    #[serde(default = "two_weeks", deserialize_with = "time::duration::deserialize")]
    pub learn: Seconds,
    /// Quiet unless the principal was seen this long before: a newcomer has no usual.
    #[serde(default, deserialize_with = "time::duration::deserialize")]
    pub established: Seconds,
}

impl FirstSeen {
    /// The tuples that answer the question.
    pub(crate) fn family(&self) -> Family {
        Family::new(&self.of, self.among)
    }

    /// Asks about one principal's own past, not the account's.
    pub(crate) fn of_principal(&self) -> bool {
        self.of.contains(&Dimension::Principal)
    }
}

/// Fires only when what the matches of an account started costs more than the account usually spends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeyondUsual {
    /// More than so many times the usual spend.
    pub times: f64,
    /// At least so many US dollars an hour.
    pub usd: f64,
    /// All that was started within this time counts together.
    #[serde(deserialize_with = "time::duration::deserialize")]
    pub within: Seconds,
}

/// One entry of `adjust`: the first that holds sets level or notice, and says why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adjustment {
    /// Conditions; an entry without them is written `otherwise: true`.
    #[serde(default)]
    pub when: Option<When>,
    #[serde(default, rename = "otherwise")]
    _otherwise: bool,
    #[serde(default)]
    pub level: Option<Level>,
    #[serde(default)]
    pub notice: Option<bool>,
    pub because: String,
}

/// Conditions of an adjustment; all must hold.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct When {
    /// New to the history, for any event that contributed.
    #[serde(default)]
    pub first_seen: Option<FirstSeen>,
    /// The value that a correlation reached.
    #[serde(default)]
    pub value: Option<Reached>,
    /// Fields of the triggering event.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Scalar>,
}

/// A bound on a correlation's value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reached {
    pub gte: f64,
}

/// A value as YAML writes it, compared as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match yaml_serde::Value::deserialize(deserializer)? {
            yaml_serde::Value::Bool(value) => Ok(Self(value.to_string())),
            yaml_serde::Value::Number(value) => Ok(Self(value.to_string())),
            yaml_serde::Value::String(value) => Ok(Self(value)),
            _ => Err(D::Error::custom("a field is compared with a string, a number, true or false")),
        }
    }
}

fn ninety_days() -> Seconds {
    90 * DAY
}

fn two_weeks() -> Seconds {
    14 * DAY
}
