//! What came of a live drill: when each part happened, counted from the first bad call.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::drill::Scenario;
use crate::event::Seconds;
use crate::model::rfc3339;

/// A part of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// The intruder did all that it came for.
    Played,
    /// The incident opened.
    Detected,
    /// Slack took the message, or the incident was printed where Slack is not set up.
    Notified,
    Approved,
    /// Every step of the plan was read back.
    Contained,
    /// The intruder's next call with each of its keys is refused.
    Refused,
}

impl Part {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 6] =
        [Self::Played, Self::Detected, Self::Notified, Self::Approved, Self::Contained, Self::Refused];

    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Detected => "detected",
            Self::Notified => "notified",
            Self::Approved => "approved",
            Self::Contained => "contained",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part that did not happen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Missed {
    pub part: Part,
    pub why: String,
}

/// Everything that is told of a drill. Times are in seconds from the first bad call, by the clock of this machine.
#[derive(Debug, Serialize)]
pub(crate) struct Played {
    pub scenario: String,
    pub id: String,
    pub account: String,
    pub regions: Vec<String>,
    /// ARNs of the intruder's functions.
    pub functions: Vec<String>,
    pub incident: Option<String>,
    #[serde(with = "rfc3339::option")]
    pub first_call_at: Option<Seconds>,
    /// Passes of the engine until the incident held all of the intruder's keys.
    pub passes: u32,
    #[serde(serialize_with = "by_name")]
    pub seconds: Vec<(Part, f64)>,
    pub missed: Vec<Missed>,
    /// What the story has and this drill did not, and what went wrong beside it.
    pub remarks: Vec<String>,
    /// What a person would do next, where nobody approved.
    pub commands: Vec<String>,
    /// How many things were removed.
    pub removed: usize,
    /// What could not be, and why.
    pub remained: Vec<String>,
    #[serde(skip)]
    begun: Option<Instant>,
}

fn by_name<S: serde::Serializer>(times: &[(Part, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Part::ALL.map(|part| (part.as_str(), at(times, part))))
}

fn at(times: &[(Part, f64)], part: Part) -> Option<f64> {
    times.iter().find(|(known, _)| *known == part).map(|(_, seconds)| *seconds)
}

impl Played {
    /// Nothing happened yet.
    pub(super) fn new(scenario: Scenario, id: &str, account: &str) -> Self {
        Self {
            scenario: scenario.to_string(),
            id: id.to_owned(),
            account: account.to_owned(),
            regions: Vec::new(),
            functions: Vec::new(),
            incident: None,
            first_call_at: None,
            passes: 0,
            seconds: Vec::new(),
            missed: Vec::new(),
            remarks: Vec::new(),
            commands: Vec::new(),
            removed: 0,
            remained: Vec::new(),
            begun: None,
        }
    }

    /// When a part happened, in seconds.
    pub(crate) fn at(&self, part: Part) -> Option<f64> {
        at(&self.seconds, part)
    }

    /// Whether all that was asked for happened, and nothing is left of it.
    pub(crate) fn is_well(&self) -> bool {
        self.missed.is_empty() && self.remained.is_empty()
    }

    /// When the first bad call was sent.
    pub(super) fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// The first bad call was sent at a moment that lies behind `now`.
    pub(super) fn begin(&mut self, begun: Instant, now: Seconds) {
        let ago = i64::try_from(begun.elapsed().as_secs()).unwrap_or(0);
        (self.begun, self.first_call_at) = (Some(begun), Some(now - ago));
    }

    /// A part happens at this moment.
    pub(super) fn now(&mut self, part: Part) {
        self.happened(part, self.begun.map(|begun| begun.elapsed()));
    }

    /// A part happened so long after the first bad call.
    pub(super) fn happened(&mut self, part: Part, after: Option<Duration>) {
        let Some(after) = after else { return };
        if self.at(part).is_none() {
            self.seconds.push((part, (after.as_secs_f64() * 1_000.0).round() / 1_000.0));
        }
    }

    /// A part did not happen.
    pub(super) fn missed(&mut self, part: Part, why: &str) {
        self.missed.push(Missed { part, why: why.to_owned() });
    }

    /// For each key of the intruder, when it was first refused for good.
    pub(super) fn refused(&mut self, keys: &[(String, Option<Duration>)]) {
        for (key, _) in keys.iter().filter(|(_, refused)| refused.is_none()) {
            self.missed(Part::Refused, &format!("key {key} still works"));
        }
        let all: Option<Vec<_>> = keys.iter().map(|(_, refused)| *refused).collect();
        self.happened(Part::Refused, all.and_then(|all| all.into_iter().max()));
    }
}
