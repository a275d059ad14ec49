//! A plan, and what became of it, as people and pipes read them.

mod table;

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Format, Look};
use crate::event::{Seconds, time};
use crate::model::approval::Planned;
use crate::model::escape::markdown;
use crate::model::plan::{Plan, Step};

/// What became of one step.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub n: u32,
    /// `done`, `held`, `saved`, `failed`, ...
    pub end: &'static str,
    pub is_bad: bool,
    pub why: String,
    pub result: Value,
}

/// What became of a plan.
#[derive(Debug, Clone)]
pub(crate) struct Result {
    pub steps: Vec<Done>,
    /// What does not hold, in sentences.
    pub remains: Vec<String>,
    pub reasserted: u32,
    pub seconds: Seconds,
    /// Nothing was changed.
    pub is_rehearsal: bool,
}

/// A plan with its record and, where it was run or rehearsed, what it came to.
pub(crate) struct Telling<'t> {
    pub title: &'t str,
    pub plan: &'t Plan,
    pub planned: Option<&'t Planned>,
    /// People who must still agree.
    pub people_needed: u32,
    pub result: Option<&'t Result>,
}

impl Telling<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub(crate) fn write(&self, format: Format, look: Look, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Table => table::write(self, look, out),
            Format::Json => writeln!(out, "{:#}", self.value()),
            Format::Ndjson => self.lines(out),
            Format::Markdown => self.markdown(out),
            Format::Csv => Err(io::Error::other("a plan is written as table, json, ndjson or markdown")),
        }
    }

    /// The plan as one JSON object, `stakeout plan --format json`.
    fn value(&self) -> Value {
        let plan = self.plan;
        let mut value = json!({
            "schema": "stakeout/1",
            "kind": "plan",
            "incident": plan.incident,
            "way": plan.way,
            "digest": plan.digest,
            "class": plan.class().as_str(),
            "quorum": self.people_needed,
            "made_at": time::format(plan.made_at),
            "expires_at": time::format(plan.expires_at),
            "stage": self.planned.map(|planned| planned.stage.as_str()),
            "playbooks": plan.playbooks,
            "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
            "blast_radius": plan.blast_radius,
            "refused": plan.refused,
            "people": plan.people,
            "remarks": plan.remarks,
            "estimate_seconds": plan.estimate_seconds,
        });
        if let Some(result) = self.result {
            value["result"] = outcome(result);
        }
        value
    }

    /// One line a step, then one for the plan.
    fn lines(&self, out: &mut dyn Write) -> io::Result<()> {
        let done = |n: u32| self.result.and_then(|result| result.steps.iter().find(|done| done.n == n));
        for each in &self.plan.steps {
            let mut value = step(each);
            value["kind"] = json!("step");
            value["incident"] = json!(self.plan.incident);
            if let Some(done) = done(each.n) {
                value["end"] = json!(done.end);
                value["why"] = json!(done.why);
                value["result"] = done.result.clone();
            }
            writeln!(out, "{value}")?;
        }
        let mut value = self.value();
        value["steps"] = json!(self.plan.steps.len());
        if let Some(result) = value.get_mut("result").and_then(Value::as_object_mut) {
            result.remove("steps");
        }
        writeln!(out, "{value}")
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = self.plan;
        writeln!(out, "## Plan to {} {}\n", plan.way.as_str(), markdown(&plan.incident))?;
        writeln!(out, "{}\n", markdown(self.title))?;
        writeln!(
            out,
            "Digest `{}`, {}, until {}.\n",
            plan.digest,
            plan.class().as_str(),
            time::format(plan.expires_at)
        )?;
        for blast in &plan.blast_radius {
            writeln!(out, "- {}", markdown(&blast.told()))?;
        }
        writeln!(out, "\n| n | action | target | region | class | changes | undo |\n|---|---|---|---|---|---|---|")?;
        for step in &plan.steps {
            let cells = [
                &step.n.to_string(),
                &step.action,
                &step.target.arn,
                &step.target.region,
                step.class.as_str(),
                &step.changes,
                step.undo.as_deref().unwrap_or("none"),
            ]
            .map(markdown);
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        for refused in &plan.refused {
            writeln!(out, "\nLeft alone: {}: {}", markdown(&refused.target), markdown(&refused.why))?;
        }
        for remains in self.result.iter().flat_map(|result| &result.remains) {
            writeln!(out, "\nRemains: {}", markdown(remains))?;
        }
        Ok(())
    }
}

/// A step as pipes read it.
fn step(step: &Step) -> Value {
    json!({
        "n": step.n,
        "action": step.action,
        "target": step.target.arn,
        "type": step.target.kind,
        "id": step.target.id,
        "account": step.target.account,
        "region": step.target.region,
        "class": step.class.as_str(),
        "changes": step.changes,
        "undo": step.undo,
        "permissions": step.permissions,
        "needs": step.needs,
        "before": step.before,
        "after": step.after,
    })
}

fn outcome(result: &Result) -> Value {
    let done = |done: &Done| json!({ "n": done.n, "end": done.end, "why": done.why, "result": done.result });
    json!({
        "holds": result.remains.is_empty(),
        "rehearsal": result.is_rehearsal,
        "remains": result.remains,
        "reasserted": result.reasserted,
        "seconds": result.seconds,
        "steps": result.steps.iter().map(done).collect::<Vec<_>>(),
    })
}
