//! What people said about a plan, and where it stands: the record that a run of it needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::click::SlackUser;
use super::plan::{Class, Way};
use super::rfc3339;
use crate::event::Seconds;

/// Plans by their digest.
pub(crate) type Plans = BTreeMap<String, Planned>;

/// Somebody who asks for a plan or votes on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// As given; nothing proves it.
    pub name: String,
    /// The user of the operating system, such as `ann (uid 1000)`. Only the number is sure: the name can be set.
    pub os_user: String,
    /// Who they are for AWS, by ARN, where they are somebody.
    pub caller: Option<String>,
    /// Who they are in Slack, where they pressed a button there: that is proved, and the rest is then empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<SlackUser>,
}

impl Person {
    /// Stakeout itself, which asks for plans and never agrees to one.
    pub(crate) fn stakeout() -> Self {
        Self { name: "stakeout".to_owned(), os_user: String::new(), caller: None, slack: None }
    }

    /// Whoever is at a command line under the same name has a user of the operating system, and is somebody else.
    pub(crate) fn is_stakeout(&self) -> bool {
        *self == Self::stakeout()
    }
}

/// One agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vote {
    pub person: Person,
    #[serde(with = "rfc3339")]
    pub at: Seconds,
    pub why: Option<String>,
}

/// Where a plan stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// Not enough people agreed yet.
    Pending,
    /// It may run once.
    Approved,
    Denied,
    /// It did not begin in time.
    Expired,
    /// It runs, or its holder died: who comes after this time goes on with it.
    Running {
        holder: String,
        #[serde(with = "rfc3339")]
        until: Seconds,
    },
    /// It ran. Whether all of it holds.
    Ended {
        holds: bool,
    },
}

impl Stage {
    /// Whether nothing comes after it.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Denied | Self::Expired | Self::Ended { .. })
    }

    /// Whether somebody carries it out, or died while doing so.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Running { .. } => "running",
            Self::Ended { .. } => "ended",
        }
    }
}

/// The record of one plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub incident: String,
    pub way: Way,
    /// That of its hardest step.
    pub class: Class,
    /// How many there are.
    pub steps: usize,
    pub attempt: u32,
    #[serde(with = "rfc3339")]
    pub made_at: Seconds,
    /// From here on nobody approves it and none of its steps begins.
    #[serde(with = "rfc3339")]
    pub expires_at: Seconds,
    pub requested_by: Person,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    pub stage: Stage,
    /// Number of the journal's last line when it was made: what is told of it comes after.
    pub journal_from: u64,
    /// The digest of the plan that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// Steps that came to an end, as far as its run goes.
    #[serde(default)]
    pub done: u32,
    /// What did not hold when it ended, in sentences, the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remains: Vec<String>,
    /// When its run ended.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Seconds>,
    /// Who stopped it before it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<Person>,
}
