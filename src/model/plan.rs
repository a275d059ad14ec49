//! What is to be done about an incident: an exact list of steps, each on one target, each with its undo.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{noun, rfc3339};
use crate::event::{Seconds, time};

/// How hard a step is to take back, which decides how many people must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Class {
    /// Reads, and saves what it read.
    R0,
    /// Can be taken back, and loses nothing.
    R1,
    /// Can be taken back, and something is lost or out of order meanwhile.
    R2,
    /// Cannot be taken back.
    R3,
}

impl Class {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::R0 => "R0",
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
        }
    }
}

/// One thing that a step acts on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Target {
    /// `iam:user`, `iam:access-key`, `lambda:function`, ... as resources of incidents are called.
    pub kind: String,
    /// Names it for people and in the journal; unique together with the action. An access key is its user's ARN, `#` and
    /// the key id; other parts of a thing follow its ARN behind `#` too.
    pub arn: String,
    pub account: String,
    /// Where its service answers; of global services `us-east-1`.
    pub region: String,
    /// What no other thing will ever be called, not even one of the same name: AIDA..., AROA..., the hash of a code. Empty
    /// where the ARN is that already.
    pub id: String,
    /// What else its action must know to find it, such as the uuid of a mapping.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
}

/// One action on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Counted from 1.
    pub n: u32,
    /// The action's name.
    pub action: String,
    pub target: Target,
    pub class: Class,
    /// What it changes, in one sentence.
    pub changes: String,
    /// How it is taken back, in one sentence; none where it cannot be.
    pub undo: Option<String>,
    /// IAM actions that it needs.
    pub permissions: Vec<String>,
    /// The target as it was when the plan was made. Null for steps that only read.
    pub before: Value,
    /// As it is to be.
    pub after: Value,
    /// Steps that must have succeeded before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// Steps of one lane run one phase after another; lanes run side by side.
    pub phase: u8,
}

impl Step {
    /// Whether it changes anything at AWS.
    pub(crate) fn is_change(&self) -> bool {
        self.class != Class::R0
    }

    /// Which steps it runs in order with: those of the same account and region.
    pub(crate) fn lane(&self) -> (&str, &str) {
        (&self.target.account, &self.target.region)
    }
}

/// Which way a plan goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    #[default]
    Contain,
    Undo,
}

impl Way {
    /// As the command is called.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Contain => "contain",
            Self::Undo => "undo",
        }
    }
}

/// As much of a digest as a person types.
pub(crate) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// How somebody uses a principal or credential that a plan cuts off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// No legitimate call in 30 days.
    Unused,
    /// People, at people's times.
    Interactive,
    AutomationLow,
    AutomationHigh,
    /// Too little history to say.
    Unknown,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Interactive => "interactive",
            Self::AutomationLow => "automation-low",
            Self::AutomationHigh => "automation-high",
            Self::Unknown => "unknown",
        }
    }
}

/// A way to do less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alternative {
    /// As `plan --narrow` takes it: `key`, `sessions` or `network`.
    pub way: String,
    pub does: String,
    pub leaves_open: String,
}

/// What breaks when a principal is cut off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Blast {
    /// Its ARN.
    pub principal: String,
    /// The credential that it is about; none for all of the principal.
    pub credential: Option<String>,
    pub verdict: Verdict,
    /// Legitimate calls a day over the last 30 days, or as many as there is history.
    pub calls_per_day: f64,
    #[serde(with = "rfc3339::option")]
    pub last_legitimate_use: Option<Seconds>,
    /// `service`, the most used first.
    pub services: Vec<String>,
    /// `service:Action`, the most used first.
    pub actions: Vec<String>,
    pub networks: Vec<String>,
    pub user_agents: Vec<String>,
    pub regions: Vec<String>,
    /// Legitimate calls by hour of the week, from Monday 00:00 UTC; 168 numbers, or none where nothing was seen.
    pub hours_of_week: Vec<u64>,
    /// Days of history that this rests on.
    pub history_days: i64,
    /// Legitimate calls of the last day that the plan would have refused.
    pub would_have_refused: u64,
    /// Whose they were: network and user agent, with the number of calls.
    pub refused_callers: Vec<String>,
    pub alternatives: Vec<Alternative>,
}

impl Blast {
    /// Who uses it, in one sentence.
    pub(crate) fn told(&self) -> String {
        let what = match &self.credential {
            Some(key) => format!("key {key} of {}", self.principal),
            None => self.principal.clone(),
        };
        let last = self.last_legitimate_use.map_or_else(
            || "no legitimate call on record".to_owned(),
            |at| format!("{:.0} legitimate calls a day, the last at {}", self.calls_per_day, time::format(at)),
        );
        format!("{what}: {}, {last}", self.verdict.as_str())
    }
}

/// What a plan leaves alone although the incident holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub target: String,
    pub why: String,
}

/// Everything that is to be done about one incident at one time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub incident: String,
    pub way: Way,
    /// SHA-256 in hex over everything that decides what will be done: times and what was read for people are not in it.
    pub digest: String,
    /// Plans of this incident that ended before it.
    pub attempt: u32,
    #[serde(with = "rfc3339")]
    pub made_at: Seconds,
    #[serde(with = "rfc3339")]
    pub expires_at: Seconds,
    /// The playbooks that it follows.
    pub playbooks: Vec<String>,
    /// Of an undo, what it was asked to take back; empty: everything but the keys that the incident names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// ARNs of the users and roles of the incident when it was made.
    #[serde(default)]
    pub principals: Vec<String>,
    pub steps: Vec<Step>,
    pub blast_radius: Vec<Blast>,
    /// ARNs of access keys that users of the plan had when it was made and that no step is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<String>,
    pub refused: Vec<Refused>,
    /// What people have to do, in order.
    pub people: Vec<String>,
    /// What whoever approves should know, in sentences.
    pub remarks: Vec<String>,
    /// Roughly how long the steps take, in seconds, without the time that denials are watched.
    pub estimate_seconds: u64,
}

impl Plan {
    /// The class of its hardest step.
    pub(crate) fn class(&self) -> Class {
        self.steps.iter().map(|step| step.class).max().unwrap_or(Class::R0)
    }
}

/// Steps of one action and phase together, in their order.
pub(crate) fn groups(steps: &[Step]) -> Vec<Vec<&Step>> {
    let mut groups: Vec<Vec<&Step>> = Vec::new();
    for step in steps {
        let is_alike = |group: &&mut Vec<&Step>| {
            group.first().is_some_and(|first| first.action == step.action && first.phase == step.phase)
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(step),
            None => groups.push(vec![step]),
        }
    }
    groups
}

/// `85 functions`, or of several kinds each.
pub(crate) fn kinds<'s>(steps: impl IntoIterator<Item = &'s Step>) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for step in steps {
        *kinds.entry(&step.target.kind).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {}", noun(kind, *count))).collect();
    kinds.join(", ")
}
