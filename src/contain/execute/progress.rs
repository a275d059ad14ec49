//! What earlier runs of a plan did, by the journal.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::outcome::{End, StepOutcome};
use crate::contain::hands::Loose;
use crate::journal::Line;
use crate::model::plan::{Plan, Step};

/// What the journal says of one plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Progress {
    steps: BTreeMap<u32, Mark>,
    /// Credentials that were there when it began.
    credentials: Option<Loose>,
}

/// What the journal says of one step.
#[derive(Debug, Clone, Default, PartialEq)]
struct Mark {
    /// Runs that began it.
    starts: u32,
    end: Option<End>,
    why: String,
    result: Value,
}

/// The details of a line that matter here.
#[derive(Deserialize)]
struct Detail {
    plan: String,
    n: Option<u32>,
    end: Option<End>,
    #[serde(default)]
    why: String,
    #[serde(default)]
    result: Value,
    credentials: Option<Loose>,
}

impl Progress {
    /// From the lines of the journal; those of other plans say nothing.
    pub(crate) fn of(lines: &[Line], digest: &str) -> Self {
        let mut progress = Self::default();
        let of_plan = lines.iter().filter(|line| line.detail.get("plan").and_then(Value::as_str) == Some(digest));
        for line in of_plan {
            let Ok(detail) = Detail::deserialize(&line.detail) else { continue };
            if detail.plan == digest {
                progress.take(&line.kind, detail);
            }
        }
        progress
    }

    fn take(&mut self, kind: &str, detail: Detail) {
        if kind == "plan.checked" {
            self.credentials = self.credentials.take().or(detail.credentials);
        }
        let Some(n) = detail.n else { return };
        match kind {
            "step.started" => self.steps.entry(n).or_default().starts += 1,
            "step.done" | "step.held" | "step.saved" | "step.failed" | "step.refused" => {
                let mark = self.steps.entry(n).or_default();
                (mark.end, mark.why, mark.result) = (detail.end, detail.why, detail.result);
            }
            _ => {}
        }
    }

    /// Steps that may have changed something: what an undo is about.
    pub(crate) fn touched(&self) -> Vec<u32> {
        let may_have = |mark: &Mark| match mark.end {
            None | Some(End::Done | End::Unproven | End::Failed) => mark.starts > 0,
            // The run before did what this one found.
            Some(End::Held | End::Refused) => mark.starts > 1,
            Some(End::Saved | End::Skipped) => false,
        };
        self.steps.iter().filter(|(_, mark)| may_have(mark)).map(|(n, _)| *n).collect()
    }

    /// Steps whose targets are as they were to be.
    pub(crate) fn settled(&self) -> Vec<u32> {
        let is_settled = |mark: &Mark| matches!(mark.end, Some(End::Done | End::Held));
        self.steps.iter().filter(|(_, mark)| is_settled(mark)).map(|(n, _)| *n).collect()
    }

    /// Whether an earlier run passed its first look.
    pub(super) fn has_begun(&self) -> bool {
        self.credentials.is_some()
    }

    pub(super) fn credentials(&self) -> Option<&Loose> {
        self.credentials.as_ref()
    }

    /// Whether an earlier run began a step and did not come to its end.
    pub(super) fn has_started(&self, n: u32) -> bool {
        self.steps.get(&n).is_some_and(|mark| mark.starts > 0 && mark.end.is_none())
    }

    /// Steps that have ended.
    pub(super) fn outcomes(&self, plan: &Plan) -> BTreeMap<u32, StepOutcome> {
        let ended = |step: &Step| {
            let mark = self.steps.get(&step.n)?;
            Some((step.n, StepOutcome::new(step, mark.end?, mark.why.clone()).with(mark.result.clone())))
        };
        plan.steps.iter().filter_map(ended).collect()
    }
}
