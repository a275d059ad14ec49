//! What came of a plan.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::Seconds;
use crate::model::plan::Step;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// Done, and read back.
    Done,
    /// Nothing was to be done: the target is as it is to be, or gone.
    Held,
    /// What was there is saved.
    Saved,
    /// AWS took it, and reading never showed it.
    Unproven,
    Failed,
    /// It was not tried.
    Refused,
    /// Somebody stopped the run before it.
    Skipped,
}

impl End {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Held => "held",
            Self::Saved => "saved",
            Self::Unproven => "unproven",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }

    /// Whether others may build on it.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::Held | Self::Saved)
    }

    /// What the journal calls it; none where a later run may still do it.
    pub(super) fn kind(self) -> Option<&'static str> {
        Some(match self {
            Self::Done => "step.done",
            Self::Held => "step.held",
            Self::Saved => "step.saved",
            Self::Unproven | Self::Failed => "step.failed",
            Self::Refused => "step.refused",
            Self::Skipped => return None,
        })
    }
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StepOutcome {
    pub n: u32,
    pub action: String,
    /// Its ARN.
    pub target: String,
    pub region: String,
    pub end: End,
    /// What is to be said about it; empty where all went as it should.
    pub why: String,
    /// What the action told: of evidence, the objects.
    pub result: Value,
}

impl StepOutcome {
    pub(super) fn new(step: &Step, end: End, why: impl Into<String>) -> Self {
        Self {
            n: step.n,
            action: step.action.clone(),
            target: step.target.arn.clone(),
            region: step.target.region.clone(),
            end,
            why: why.into(),
            result: Value::Null,
        }
    }

    pub(super) fn with(self, result: Value) -> Self {
        Self { result, ..self }
    }
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outcome {
    /// By number.
    pub steps: Vec<StepOutcome>,
    /// What is not as the plan wants it, one sentence each.
    pub remains: Vec<String>,
    /// How often something had to be done again because somebody took it back.
    pub reasserted: u32,
    /// From the first look to the last.
    pub seconds: Seconds,
    /// Somebody stopped it.
    pub aborted: bool,
}

impl Outcome {
    /// Whether all of it is proven.
    pub(crate) fn holds(&self) -> bool {
        self.remains.is_empty()
    }
}

/// A step, for people.
pub(super) fn name(step: &Step) -> String {
    format!("step {}, {} of {} in {}", step.n, step.action, step.target.arn, step.target.region)
}
