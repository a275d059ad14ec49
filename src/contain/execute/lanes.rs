//! Which steps run side by side.

use std::collections::BTreeMap;

use super::outcome::name;
use crate::model::plan::{Plan, Step};

/// Steps by phase and number, by what they run in order with: those of identities first, as they matter most, and in a
/// lane of their own, so that no download of evidence in the same region delays them.
pub(super) fn lanes(plan: &Plan) -> Vec<Vec<Vec<&Step>>> {
    let mut lanes: BTreeMap<_, BTreeMap<u8, Vec<&Step>>> = BTreeMap::new();
    for step in identities_first(plan) {
        lanes.entry((!is_identity(step), step.lane())).or_default().entry(step.phase).or_default().push(step);
    }
    lanes.into_values().map(|phases| phases.into_values().collect()).collect()
}

/// All steps: those of identities, then the others, by phase and number.
pub(super) fn identities_first(plan: &Plan) -> Vec<&Step> {
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    steps.sort_by_key(|step| (!is_identity(step), step.phase, step.n));
    steps
}

pub(super) fn is_identity(step: &Step) -> bool {
    step.target.kind.starts_with("iam:")
}

/// What makes a plan impossible to run in its order: numbers that are there twice, and steps that need what comes after
/// them, which would wait for ever.
pub(super) fn disorder(plan: &Plan) -> Vec<String> {
    let phases: BTreeMap<u32, u8> = plan.steps.iter().map(|step| (step.n, step.phase)).collect();
    let mut wrong = Vec::new();
    if phases.len() != plan.steps.len() {
        wrong.push("two steps have the same number".to_owned());
    }
    for step in &plan.steps {
        let is_before = |need: &u32| phases.get(need).is_some_and(|phase| (*phase, *need) < (step.phase, step.n));
        let after = step.needs.iter().find(|need| !is_before(need));
        wrong.extend(after.map(|need| format!("{}: it needs step {need}, which does not come before it", name(step))));
    }
    wrong
}
