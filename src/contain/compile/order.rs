//! In which order steps run, and how long that takes.

use std::collections::BTreeMap;

use crate::contain::action::phase;
use crate::model::plan::{Class, Step};

/// Steps of one phase and lane that run side by side.
const ABREAST: u64 = 8;
/// What a step takes with its reads, in seconds.
const STEP: u64 = 2;

/// Puts steps in order, numbers them, and binds what loses something to the evidence of the same subject.
pub(super) fn number(mut steps: Vec<(usize, Step)>) -> Vec<Step> {
    let key = |step: &Step| {
        let Step { phase, action, target, .. } = step;
        (*phase, target.account.clone(), target.region.clone(), action.clone(), target.arn.clone())
    };
    steps.sort_by_key(|(_, step)| key(step));
    let mut evidence: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (n, (subject, step)) in (1..).zip(&mut steps) {
        step.n = n;
        if !step.is_change() {
            evidence.entry(*subject).or_default().push(n);
        } else if rests_on_evidence(step) {
            step.needs = evidence.get(subject).cloned().unwrap_or_default();
        }
    }
    steps.into_iter().map(|(_, step)| step).collect()
}

/// A denial does not wait for a disk; whatever changes what runs, or loses something, does.
pub(super) fn rests_on_evidence(step: &Step) -> bool {
    step.class >= Class::R2 || step.phase >= phase::RESPAWN && !step.target.kind.starts_with("iam:")
}

/// Roughly how long it takes, in seconds: lanes run side by side, their phases one after another.
pub(super) fn estimate(steps: &[Step]) -> u64 {
    let mut lanes: BTreeMap<(&str, &str), BTreeMap<u8, u64>> = BTreeMap::new();
    for step in steps {
        *lanes.entry(step.lane()).or_default().entry(step.phase).or_default() += 1;
    }
    let lane = |phases: &BTreeMap<u8, u64>| phases.values().map(|steps| steps.div_ceil(ABREAST) * STEP).sum();
    lanes.values().map(lane).max().unwrap_or(0)
}
