//! Whatever fails, dies or is fought over: the journal explains it, nothing is done twice, and all of it can be taken back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{Fault, LEASE, World};
use super::*;

/// More runs than faults that could end one.
const MOST_RUNS: usize = 24;

/// Runs a plan, again after each death, until it has an outcome.
fn until_it_ends(world: &World, plan: &Plan) -> Result<Outcome, Halt> {
    for _ in 0..MOST_RUNS {
        match run(world, plan, 5, &NEVER) {
            None | Some(Err(Halt::Journal(_))) => {
                is_explained(world, plan);
                world.pass(LEASE + 1);
            }
            Some(outcome) => return outcome,
        }
    }
    panic!("it never ends");
}

/// What is not as it was, the journal says was begun.
fn is_explained(world: &World, plan: &Plan) {
    let touched = Progress::of(&world.journal.borrow().0, &plan.digest).touched();
    for step in plan.steps.iter().filter(|step| step.is_change()) {
        let is_as_it_was = world.state(step) == step.before;
        assert!(
            is_as_it_was || touched.contains(&step.n) || world.is_hostile.get(),
            "step {} is not explained",
            step.n
        );
    }
    let journal = world.journal.borrow();
    let of_steps = journal.0.iter().filter(|line| line.detail["plan"] == plan.digest.as_str());
    let mut ended = BTreeSet::new();
    for line in of_steps.filter(|line| line.detail["n"] != Value::Null) {
        let n = line.detail["n"].as_u64();
        assert!(line.kind != "step.started" || !ended.contains(&n), "step {n:?} began again after its end");
        ended.extend((!line.detail["end"].is_null()).then_some(n));
    }
}

/// What an outcome says is so, as far as reading can tell.
fn is_true(world: &World, plan: &Plan, outcome: &Outcome) {
    assert_eq!(outcome.steps.len(), plan.steps.len());
    for step in plan.steps.iter().filter(|_| outcome.holds()) {
        let known = if world.is_hostile.get() { world.last_read(step).unwrap() } else { world.state(step) };
        assert_eq!(known, step.after, "{} is said to hold", step.action);
    }
    let evidence: BTreeMap<u32, &Step> = plan.steps.iter().filter(|s| !s.is_change()).map(|s| (s.n, s)).collect();
    for (n, _) in world.effects.borrow().iter() {
        let Some(stopped) = plan.steps.iter().find(|step| step.n == *n) else { continue };
        let unsaved = stopped.needs.iter().find(|need| world.state(evidence[need])["saved"] != true);
        assert_eq!(unsaved, None, "stopped without evidence");
    }
}

/// Takes back what the journal says may have changed, by plans of their own, until it is as it was.
fn undone(world: &World, plan: &Plan) {
    let touched = Progress::of(&world.journal.borrow().0, &plan.digest).touched();
    let touched = || plan.steps.iter().filter(|step| step.is_change() && touched.contains(&step.n));
    for attempt in 0..MOST_RUNS {
        let back =
            |step: &Step| Step { before: world.state(step), after: step.before.clone(), needs: vec![], ..step.clone() };
        let steps: Vec<Step> = touched().map(back).filter(|step| step.before != step.after).collect();
        if steps.is_empty() {
            return;
        }
        let now = world.now();
        let digest = format!("undo-{attempt}-of-contain");
        let undo = Plan { expires_at: now + 1_200, ..super::plan(&digest, Way::Undo, steps) };
        approved(&mut world.plans.borrow_mut(), &undo, Some(&plan.digest), now);
        if let Ok(outcome) = until_it_ends(world, &undo) {
            is_true(world, &undo, &outcome);
        }
    }
    panic!("it is never as it was");
}

/// One life of a plan, from its approval to its undo: whether it held.
fn live(plan: &Plan, faults: BTreeMap<usize, Fault>) -> bool {
    let world = ready(plan);
    world.faults.replace(faults);
    let holds = match until_it_ends(&world, plan) {
        Ok(outcome) => {
            is_true(&world, plan, &outcome);
            is_explained(&world, plan);
            outcome.holds()
        }
        Err(Halt::Void(why)) => {
            assert!(world.is_hostile.get(), "{why:?}");
            assert_eq!(*world.effects.borrow(), []);
            false
        }
        Err(halt) => panic!("{halt}"),
    };
    let used = world.begin(&plan.digest, "us").unwrap_err();
    assert!(used.contains("used already"), "{used}");
    undone(&world, plan);
    let lines = &world.journal.borrow().0;
    crate::journal::verify(lines, None).unwrap();
    holds
}

const FAULTS: [Fault; 11] = [
    Fault::Refused,
    Fault::Throttled,
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Slow,
    Fault::DieBefore,
    Fault::DieHalf,
    Fault::DieAfter,
    Fault::Flip(0),
    Fault::Own(0),
    Fault::Flip(1),
];

/// Each call of a small plan and of its undo goes wrong in each way.
#[test]
fn every_call_may_go_wrong_in_every_way() {
    let plan = story(1);
    let calm = ready(&plan);
    assert!(until_it_ends(&calm, &plan).unwrap().holds());
    let forth = calm.calls.get();
    undone(&calm, &plan);
    let calls = calm.calls.get();
    assert!(forth > 20 && calls > forth + 10, "{forth} {calls}");
    for number in 0..calls {
        for fault in FAULTS {
            let holds = live(&plan, BTreeMap::from([(number, fault)]));
            // One failure that passes, and one death at any place, lose nothing.
            let passes = !matches!(fault, Fault::Refused | Fault::Flip(_) | Fault::Own(_));
            assert!(holds || !passes, "call {number}: {fault:?}");
        }
    }
    assert!(calls * FAULTS.len() > 400, "{calls}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn many_calls_may_go_wrong(
        functions in 0_u32..6,
        faults in proptest::collection::btree_map(0_usize..220, proptest::sample::select(&FAULTS[..]), 0..9),
    ) {
        live(&story(functions), faults);
    }
}
