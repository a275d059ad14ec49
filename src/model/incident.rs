//! Findings of one lineage: what pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Level;
use super::rfc3339;
use crate::event::Seconds;

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Open,
    /// Cut off, and watched on.
    Contained,
    Closed,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Contained => "contained",
            Self::Closed => "closed",
        }
    }
}

/// How sure the root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Confidence {
    /// The bad use stands apart from the usual use of the credential.
    Confirmed,
    /// The chain leads here, but bad use and usual use cannot be told apart.
    Probable,
    /// No credential is recorded at the start of the chain.
    Unknown,
}

impl Confidence {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Probable => "probable",
            Self::Unknown => "unknown",
        }
    }
}

/// The way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    /// None where costs alone are known.
    pub principal: Option<String>,
    pub credential: Option<String>,
    pub confidence: Confidence,
}

impl Root {
    /// The principal, or that none is known.
    pub(crate) fn name(&self) -> &str {
        self.principal.as_deref().unwrap_or("nobody known")
    }
}

/// Something the incident's identities made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Created {
    /// For an access key: the user's ARN, `#` and the key id.
    pub arn: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub region: String,
    /// The call that made it, `service:Name`.
    pub action: String,
    /// Whether no event has deleted it since.
    pub exists: bool,
    /// Who made it, by a short name.
    #[serde(skip)]
    pub by: String,
    /// When it was made.
    #[serde(skip)]
    pub at: Seconds,
}

/// The findings of one lineage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Incident {
    /// Fixed when it opens: derived from the account and first event of the finding that opened it.
    pub id: String,
    pub title: String,
    pub level: Level,
    pub status: Status,
    pub accounts: Vec<String>,
    /// Event time at which a live watch would have opened it.
    #[serde(with = "rfc3339")]
    pub opened_at: Seconds,
    #[serde(with = "rfc3339")]
    pub first_event: Seconds,
    #[serde(with = "rfc3339")]
    pub last_event: Seconds,
    pub root: Root,
    pub principals: Vec<String>,
    pub credentials: Vec<String>,
    pub resources: Vec<Created>,
    pub regions: Vec<String>,
    pub source_ips: Vec<String>,
    pub attack: Vec<String>,
    /// Ids of its findings.
    pub findings: Vec<String>,
    pub merged_into: Option<String>,
    /// US dollars an hour, where an estimate exists.
    pub burn_usd_per_hour: Option<f64>,
    /// At most eight plain sentences.
    pub narrative: Vec<String>,
    #[serde(skip)]
    pub basis: Basis,
    #[serde(skip)]
    pub members: Members,
}

/// What an incident rests on first of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Basis {
    /// Calls of its members.
    #[default]
    Calls,
    /// Costs: calls and costs may have nothing to do with each other.
    Bill,
    /// What Stakeout saw alone: its members are whom it is about, and no call of theirs is known.
    Observation,
}

/// By what an incident is held together: what must be kept to tell it again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members {
    /// Ids of the events that its members made.
    pub events: BTreeSet<Arc<str>>,
    /// Stable ids of the principals that made them.
    pub principals: BTreeSet<String>,
    /// Who acted, and what was minted to act with.
    pub callers: BTreeSet<Member>,
}

/// An identity in an incident, with one credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The ARN of the user, role or root; of a federated session its own.
    pub arn: String,
    /// The stable id (AIDA, AROA) where one is known.
    pub key: Option<String>,
    /// The access key id.
    pub credential: Option<String>,
    /// Of a session of a role: `AROA...:name`.
    pub session: Option<String>,
    /// Minted within the incident.
    pub minted: bool,
}
