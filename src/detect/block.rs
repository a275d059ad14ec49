//! The blocks that a detector file has beyond Sigma: `first_seen`, `dormant`, `beyond_usual` and `adjust`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::context::Point;
use super::own_past::Past;
use crate::baseline::slice::LONGEST_HISTORY;
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
    #[serde(default = "ninety_days", deserialize_with = "history")]
    pub history: Seconds,
    /// With less history than this it says so and stays a notice.
    #[serde(default = "two_weeks", deserialize_with = "time::duration::deserialize")]
    pub learn: Seconds,
    /// Quiet unless the principal was seen this long before: a newcomer has no usual.
    #[serde(default, deserialize_with = "time::duration::deserialize")]
    pub established: Seconds,
    /// What is known: whatever was seen before, or what is usual. Without it a detector asks for the first, and an
    /// adjustment for the second.
    #[serde(default)]
    pub known: Option<Often>,
    /// What becomes of a match for want of history. Without it, it is a notice.
    #[serde(default)]
    pub young: Option<Young>,
}

/// How often something must have been seen to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Often {
    /// Once.
    Ever,
    /// On two earlier days, or a week ago.
    Usual,
}

/// What becomes of a match while there is too little history to tell whether it is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Young {
    /// As if the question had not been asked: the next adjustment decides.
    Next,
    /// This level, and a notice only where it says so.
    Judged { level: Option<Level>, notice: bool },
}

impl<'de> Deserialize<'de> for Young {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Judged {
            #[serde(default)]
            level: Option<Level>,
            #[serde(default)]
            notice: bool,
        }
        match yaml_serde::Value::deserialize(deserializer)? {
            yaml_serde::Value::String(word) if word == "next" => Ok(Self::Next),
            value => {
                let Judged { level, notice } = yaml_serde::from_value(value).map_err(D::Error::custom)?;
                Ok(Self::Judged { level, notice })
            }
        }
    }
}

/// Fires only on what was seen before, and then not for a long time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dormant {
    /// The dimensions of the tuple.
    pub of: Vec<Dimension>,
    /// Not seen for this long, in whole days.
    #[serde(default = "ninety_days", deserialize_with = "time::duration::deserialize")]
    pub silent: Seconds,
}

impl Dormant {
    /// The tuples that answer the question.
    pub(crate) fn family(&self) -> Family {
        Family::new(&self.of, Among::All)
    }
}

impl FirstSeen {
    /// The tuples that answer the question.
    pub(crate) fn family(&self) -> Family {
        Family::new(&self.of, self.among)
    }

    /// Without a table of networks the autonomous system of an address is not known: its prefix stands for it.
    pub(crate) fn without_table(&mut self) {
        for dimension in &mut self.of {
            if *dimension == Dimension::Asn {
                *dimension = Dimension::Network;
            }
        }
    }

    /// For a question about an autonomous system or a country, the tuples of the same question about the prefix. What is
    /// known by its prefix is not new, whatever the table says: so a table that is given to an old baseline makes no news.
    pub(crate) fn family_by_prefix(&self) -> Option<Family> {
        let asks = |dimension: &Dimension| matches!(dimension, Dimension::Asn | Dimension::Country);
        let by_prefix = |dimension: &Dimension| if asks(dimension) { Dimension::Network } else { *dimension };
        let of: Vec<_> = self.of.iter().map(by_prefix).collect();
        self.of.iter().any(asks).then(|| Family::new(&of, self.among))
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
    #[serde(default)]
    pub otherwise: bool,
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
    /// What the principal's own past says of the count of `beyond_own`.
    #[serde(default)]
    pub own_past: Option<Past>,
    /// Fields of the triggering event.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Condition>,
}

/// What a field is compared with; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// One of these is a member of the field.
    pub any: Option<Vec<String>>,
    /// None of these is. An absent field has no members.
    pub none: Vec<String>,
    /// Whether the field is there.
    pub exists: Option<bool>,
}

impl Condition {
    /// Whether it holds for the members of a field.
    pub(crate) fn holds(&self, members: Option<&[&str]>) -> bool {
        let has = |wanted: &String| members.is_some_and(|members| members.contains(&wanted.as_str()));
        self.any.as_ref().is_none_or(|any| any.iter().any(has))
            && !self.none.iter().any(has)
            && self.exists.is_none_or(|exists| exists == members.is_some())
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(default)]
            is: Option<OneOrMany>,
            #[serde(default)]
            not: Option<OneOrMany>,
            #[serde(default)]
            exists: Option<bool>,
        }
        match yaml_serde::Value::deserialize(deserializer)? {
            value @ yaml_serde::Value::Mapping(_) => {
                let Written { is, not, exists } = yaml_serde::from_value(value).map_err(D::Error::custom)?;
                if is.is_none() && not.is_none() && exists.is_none() {
                    return Err(D::Error::custom("a field is compared with is, not or exists"));
                }
                Ok(Self { any: is.map(|is| is.0), none: not.map_or_else(Vec::new, |not| not.0), exists })
            }
            value => {
                let OneOrMany(any) = yaml_serde::from_value(value).map_err(D::Error::custom)?;
                Ok(Self { any: Some(any), ..Self::default() })
            }
        }
    }
}

/// A bound on a correlation's value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reached {
    pub gte: f64,
}

/// What of the circumstances says nothing about matches of this detector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// Points that are not counted.
    pub ignore: Vec<Point>,
}

/// Values as YAML writes them, compared as text.
struct OneOrMany(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |value: &yaml_serde::Value| match value {
            yaml_serde::Value::Bool(value) => Some(value.to_string()),
            yaml_serde::Value::Number(value) => Some(value.to_string()),
            yaml_serde::Value::String(value) => Some(value.clone()),
            _ => None,
        };
        let values: Option<Vec<String>> = match yaml_serde::Value::deserialize(deserializer)? {
            yaml_serde::Value::Sequence(values) if !values.is_empty() => values.iter().map(text).collect(),
            value => text(&value).map(|value| vec![value]),
        };
        let wanted = "a field is compared with a string, a number, true or false, or with a list of them";
        values.map(Self).ok_or_else(|| D::Error::custom(wanted))
    }
}

/// A time of which the past is kept.
fn history<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    let history = time::duration::deserialize(deserializer)?;
    if history > LONGEST_HISTORY {
        return Err(D::Error::custom("history is 128 days at most"));
    }
    Ok(history)
}

fn ninety_days() -> Seconds {
    90 * DAY
}

fn two_weeks() -> Seconds {
    14 * DAY
}
