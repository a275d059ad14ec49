//! What a watch remembers from pass to pass.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::board::Board;
use super::tally::Tally;
use crate::event::{Place, Seconds};
use crate::model::approval::Plans;
use crate::model::{Incident, Level, Status, What};

/// The part of the head that a watch keeps. Whatever is large is a blob, named here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Watched {
    /// Slot to name of a blob.
    pub blobs: BTreeMap<String, String>,
    /// Events before this time are history: they teach what is usual and open nothing.
    pub since: Option<Seconds>,
    /// When the first pass began.
    pub created: Option<Seconds>,
    /// From when on history was read.
    pub learned_from: Option<Seconds>,
    /// Incidents by id.
    pub incidents: BTreeMap<String, Known>,
    /// Messages that some channel did not take yet.
    pub due: Vec<Due>,
    /// What was blind in the last pass.
    pub blind: BTreeSet<String>,
    /// Digests of the baselines that were taken in.
    pub imported: BTreeSet<String>,
    /// Enabled regions by account, as AWS listed them last.
    pub regions: BTreeMap<String, BTreeSet<String>>,
    /// When the last pass began.
    pub last_pass: Option<Seconds>,
    /// Plans and what people said about them, by digest.
    pub plans: Plans,
    /// What containment cut off, by the ARN of a principal or the id of an access key.
    pub contained: BTreeMap<String, Contained>,
    /// What Slack shows.
    pub slack: Board,
    /// What paged nobody and is not told yet.
    pub tally: Tally,
}

/// A principal or credential that is cut off, and how much of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Contained {
    /// The incident that it was cut off for.
    pub incident: String,
    /// From when on.
    pub since: Seconds,
    /// Networks of the attacker, as they were known then. What comes from elsewhere and is refused may be production.
    pub networks: BTreeSet<String>,
    /// Only these sessions, as `AROA...:name`; none: all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub sessions: BTreeSet<String>,
    /// Only sessions that began before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_before: Option<Seconds>,
    /// Calls from these networks go on, as CIDR; none: from nowhere.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub network_ok: BTreeSet<String>,
    /// Calls that were refused since and are not the attacker's, by caller in words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, Refusals>,
}

/// Refused calls of one caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusals {
    pub calls: u64,
    /// How many there were when it was told last.
    pub told: u64,
}

impl Contained {
    /// Everything of a principal or credential, for an incident as it is now.
    pub(crate) fn of(incident: &Incident, since: Seconds) -> Self {
        let networks = incident.source_ips.iter().filter_map(|address| Place::new("", "", address).network).collect();
        Self { incident: incident.id.clone(), since, networks, ..Self::default() }
    }
}

/// What is known of an incident beside its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub title: String,
    pub level: Level,
    pub status: Status,
    pub opened_at: Seconds,
    pub last_event: Seconds,
    /// Raised by every change that is worth a message.
    pub revision: u32,
    /// When a pass saw its last change.
    pub changed_at: Seconds,
    /// Events of its members.
    pub events: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
}

/// What a closed incident was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Resolution {
    /// It did not happen.
    FalsePositive,
    /// It happened, and it is all right.
    Benign,
    /// It is cut off.
    Contained,
}

impl Resolution {
    /// As the command line spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FalsePositive => "false-positive",
            Self::Benign => "benign",
            Self::Contained => "contained",
        }
    }

    /// Whether what was done is usual from now on.
    pub(crate) fn is_usual(self) -> bool {
        matches!(self, Self::FalsePositive | Self::Benign)
    }
}

/// A person's decision about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub at: Seconds,
    pub resolution: Resolution,
    pub by: String,
    pub why: String,
}

/// A message for one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    /// The same for every attempt.
    pub key: String,
    pub channel: String,
    /// The incident that it is about; empty where it is about none.
    pub incident: String,
    /// The findings that it is about where it is about no incident, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<serde_json::Value>,
    /// What happened to the incident, in a word.
    pub what: What,
    /// What is new, in sentences.
    pub changes: Vec<String>,
    pub since: Seconds,
    #[serde(default)]
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_try: Option<Seconds>,
    /// Not before this time: the channel asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Seconds>,
}

impl Due {
    /// A message that was not tried yet.
    pub(crate) fn new(key: String, channel: String, what: What, since: Seconds) -> Self {
        Self {
            key,
            channel,
            what,
            since,
            incident: String::new(),
            findings: Vec::new(),
            changes: Vec::new(),
            attempts: 0,
            last_try: None,
            not_before: None,
        }
    }
}
