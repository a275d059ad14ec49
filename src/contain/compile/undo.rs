//! The way back: from what the journal says was changed to a plan that restores it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Frame, order, plan};
use crate::contain::action::{self, Observed, phase};
use crate::contain::arn;
use crate::contain::execute::Progress;
use crate::journal::Line;
use crate::model::plan::{Plan, Refused, Step, Way};

/// A change that is not taken back yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outstanding {
    /// Which of the plans changed it last, in the order in which they ran.
    pub turn: usize,
    /// The step as it was planned.
    pub step: Step,
    /// What was there before anything changed.
    pub former: Value,
}

/// Which changes are to be taken back.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Only the step of this number.
    pub step: Option<u32>,
    /// Also the keys that the incident names.
    pub reactivate_keys: bool,
}

impl Wanted {
    /// As a plan says it; empty where it is the usual.
    pub(crate) fn as_text(self) -> String {
        let step = self.step.map(|n| format!("step {n}"));
        let keys = self.reactivate_keys.then(|| "keys too".to_owned());
        step.into_iter().chain(keys).collect::<Vec<_>>().join(", ")
    }
}

/// Everything that plans changed and no undo took back, by the journal. `plans` are those that ran, by digest.
pub(crate) fn outstanding(lines: &[Line], plans: &BTreeMap<String, Plan>) -> Vec<Outstanding> {
    let of_plan = |line: &Line| line.detail.get("plan").and_then(Value::as_str).map(str::to_owned);
    let mut order: Vec<String> = Vec::new();
    for digest in lines.iter().filter(|line| line.kind == "step.started").filter_map(of_plan) {
        if !order.contains(&digest) {
            order.push(digest);
        }
    }
    let mut changes: BTreeMap<(String, String), Outstanding> = BTreeMap::new();
    // Plans of one incident run one after another.
    for (turn, plan) in order.iter().filter_map(|digest| plans.get(digest)).enumerate() {
        let progress = Progress::of(lines, &plan.digest);
        let of =
            |numbers: Vec<u32>| plan.steps.iter().filter(move |step| numbers.contains(&step.n) && step.is_change());
        match plan.way {
            // What was begun may have happened.
            Way::Contain => of(progress.touched()).for_each(|step| {
                let change = Outstanding { turn, step: step.clone(), former: step.before.clone() };
                match changes.get_mut(&key(step)) {
                    // What somebody put there between two plans is what the later one found.
                    Some(known) if goes_on(known, step) => (known.turn, known.step) = (turn, step.clone()),
                    _ => _ = changes.insert(key(step), change),
                }
            }),
            Way::Undo => of(progress.settled()).for_each(|step| {
                changes.remove(&key(step));
            }),
        }
    }
    changes.into_values().collect()
}

fn key(step: &Step) -> (String, String) {
    (step.action.clone(), step.target.arn.clone())
}

/// Whether a later step began where an earlier one ended, or died.
fn goes_on(earlier: &Outstanding, step: &Step) -> bool {
    let planned = &earlier.step;
    action::by_name(&step.action).is_some_and(|action| {
        action.holds(&step.before, &planned.after) || action.is_between(&step.before, &planned.before, &planned.after)
    })
}

/// Compiles the plan that takes changes back, from the targets as they are, or why that cannot be read.
pub(crate) fn undo(frame: &Frame<'_>, wanted: Wanted, changes: Vec<(Outstanding, Result<Observed, String>)>) -> Plan {
    let mut steps = Vec::new();
    let mut refused = Vec::new();
    // Numbers begin anew in each plan: the last one is meant.
    let turns = changes.iter().map(|(change, _)| change).filter(|change| wanted.step == Some(change.step.n));
    let last = turns.map(|change| change.turn).max();
    let is_meant = |change: &Outstanding| wanted.step.is_none_or(|n| n == change.step.n && Some(change.turn) == last);
    for (position, (change, observed)) in changes.into_iter().enumerate() {
        if !is_meant(&change) {
            continue;
        }
        let target = change.step.target.arn.clone();
        match back(frame, wanted, change, observed) {
            Ok(Some(step)) => steps.push((position, step)),
            Ok(None) => {}
            Err(why) => refused.push(Refused { target, why }),
        }
    }
    Plan { scope: wanted.as_text(), ..plan(frame, Way::Undo, order::number(steps), refused, Vec::new()) }.sealed()
}

/// The step back; nothing where it is as it was.
fn back(
    frame: &Frame<'_>,
    wanted: Wanted,
    Outstanding { step, former, .. }: Outstanding,
    observed: Result<Observed, String>,
) -> Result<Option<Step>, String> {
    let action = action::by_name(&step.action).ok_or_else(|| format!("there is no action {}", step.action))?;
    if !action.is_undoable() || step.undo.is_none() {
        return Err(format!("{} cannot be taken back", step.action));
    }
    let (thing, part) = (arn::thing(&step.target.arn), arn::part(&step.target.arn));
    if let Some(other) = frame.held_by.get(thing) {
        return Err(format!("{other} holds it too, and is contained"));
    }
    let key = part.map(str::to_owned);
    let is_named = key.is_some_and(|key| frame.incident.credentials.contains(&key));
    if step.action == "deactivate-key" && is_named && !wanted.reactivate_keys {
        return Err("the incident names this key: it stays inactive without --reactivate-keys".to_owned());
    }
    let Observed { id, state } = observed?;
    if state == former {
        return Ok(None);
    }
    if !step.target.id.is_empty() && id != step.target.id {
        return Err("another thing of this name is there now".to_owned());
    }
    // What died half way is taken back from where it is.
    if !action.holds(&state, &step.after) && !action.is_between(&state, &former, &step.after) {
        return Err("somebody changed it since, and it is left as it is".to_owned());
    }
    let changes = step.undo.clone().unwrap_or_default();
    let rights = action.card().reads.iter().chain(action.card().undoes);
    let mut permissions: Vec<String> = rights.map(|right| right.action.to_owned()).collect();
    permissions.sort();
    permissions.dedup();
    Ok(Some(Step {
        n: 0,
        changes,
        undo: Some(step.changes.clone()),
        permissions,
        before: state,
        after: former,
        needs: Vec::new(),
        // What was closed last is opened first.
        phase: phase::ERADICATE.saturating_sub(step.phase),
        ..step
    }))
}
