//! One detector firing.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Allowed, Level, Spend};
use crate::event::Seconds;

/// One detector firing: what, who, where, when, why, and on which events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// Derived from detector, account and first event: the same input gives the same id.
    pub id: String,
    /// The detector's name.
    pub detector: Arc<str>,
    pub title: Arc<str>,
    pub level: Level,
    /// Informs and never pages.
    pub notice: bool,
    /// Event time at which it fired.
    #[serde(with = "super::rfc3339")]
    pub time: Seconds,
    pub account: String,
    /// Empty, and null in JSON, where it is about several.
    #[serde(serialize_with = "or_null", deserialize_with = "or_empty")]
    pub region: String,
    /// The principal's ARN, or what names it best; empty, and null in JSON, where nobody is known.
    #[serde(serialize_with = "or_null", deserialize_with = "or_empty")]
    pub principal: String,
    pub credential: Option<String>,
    pub source_ip: Option<String>,
    /// The events it rests on, in order of time. Their times are not written.
    #[serde(serialize_with = "ids", deserialize_with = "timeless")]
    pub event_ids: BTreeSet<(Seconds, Arc<str>)>,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    /// Why it fired and why at this level.
    pub reasons: Vec<String>,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// The amount it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Spend>,
    /// Somebody answers for all of it: it is not told by itself, and opens no incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
    /// The folder of the detector, or of an added rule the first tactic that its tags name.
    #[serde(skip)]
    pub tactic: Arc<str>,
    /// From a folder given with `--rules`.
    #[serde(skip)]
    pub external: bool,
}

impl Finding {
    /// Counts towards opening an incident, by itself.
    pub(crate) fn counts(&self) -> bool {
        self.weighs() && !self.external
    }

    /// Counts towards opening an incident, perhaps only beside something else.
    pub(crate) fn weighs(&self) -> bool {
        self.is_evidence() && self.allowed.is_none()
    }

    /// Is part of what an incident rests on, whoever answers for it.
    pub(crate) fn is_evidence(&self) -> bool {
        !self.notice && self.level >= Level::Medium
    }

    /// Time of the first event it rests on.
    pub(crate) fn first_event(&self) -> Seconds {
        self.event_ids.first().map_or(self.time, |(at, _)| *at)
    }
}

fn ids<S: Serializer>(events: &BTreeSet<(Seconds, Arc<str>)>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(events.iter().map(|(_, id)| id))
}

fn or_null<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.is_empty() { serializer.serialize_none() } else { serializer.serialize_str(text) }
}

fn timeless<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<(Seconds, Arc<str>)>, D::Error> {
    let ids = Vec::<Arc<str>>::deserialize(deserializer)?;
    Ok((0..).zip(ids).collect())
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}
