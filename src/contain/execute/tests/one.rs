//! One run at a time: what it does, what it refuses, and what it costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::world::{Fault, LEASE};
use super::*;
use crate::contain::execute::End;
use crate::contain::hands::{ACCESS_KEYS, Dry, Hands as _};
use crate::contain::scribe::Silent;

fn kinds(world: &World, kind: &str) -> usize {
    world.journal.borrow().0.iter().filter(|line| line.kind == kind).count()
}

fn end_of(outcome: &Outcome, n: u32) -> (End, &str) {
    let step = outcome.steps.iter().find(|step| step.n == n).unwrap();
    (step.end, &step.why)
}

/// 85 functions in 17 regions: everything ends in time, and the journal is written for many steps at once.
#[test]
fn a_large_plan_takes_few_writes_and_little_time() {
    let mut plan = story(0);
    for number in 0..85 {
        let (n, region, name) = (3 + 4 * number, format!("region-{}", number % 17), format!("f{number}"));
        plan.steps.push(step(n, "save", &name, &region));
        plan.steps.push(Step { needs: vec![n], ..step(n + 1, "stop", &name, &region) });
        plan.steps.push(step(n + 2, "stop", &format!("{name}#url"), &region));
        plan.steps.push(step(n + 3, "stop", &format!("{name}#rule"), &region));
    }
    let world = ready(&plan);
    let outcome = run(&world, &plan, 0, &NEVER).unwrap().unwrap();
    assert!(outcome.holds(), "{:?}", outcome.remains);
    assert_eq!(outcome.steps.len(), 342);
    assert!(outcome.seconds < 15, "{}", outcome.seconds);
    assert!(world.writes.get() < 120, "{} writes for 684 lines", world.writes.get());
    let denied = world.effects.borrow().iter().position(|(n, _)| *n == 1).unwrap();
    assert!(denied < 17 * 8, "identities are not kept waiting: {denied}");
    assert_eq!(world.begin(&plan.digest, "them").unwrap_err(), "the approval was used already: a plan runs once");
}

#[test]
fn a_target_that_changed_voids_the_approval() {
    for (id, state) in [("ID-f0", json!({ "a": 7, "b": 0 })), ("ID-new", json!({ "a": 0, "b": 0 }))] {
        let plan = story(2);
        let world = ready(&plan);
        world.put(&plan.steps[3], id, state);
        let Some(Err(Halt::Void(why))) = run(&world, &plan, 5, &NEVER) else { panic!("it ran") };
        assert!(why.len() == 1 && why[0].contains("step 4, stop of arn:aws:us-east-1:f0"), "{why:?}");
        assert_eq!((world.effects.borrow().len(), kinds(&world, "step.started")), (0, 0));
        assert!(world.begin(&plan.digest, "us").is_err());
    }
}

/// What is gone or done already, by whomever, is no reason to leave the rest.
#[test]
fn what_is_gone_or_done_is_left() {
    let plan = story(2);
    let world = ready(&plan);
    world.remove(&plan.steps[3]);
    world.put(&plan.steps[5], "ID-f1", json!({ "a": 1, "b": 1 }));
    let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
    assert!(outcome.holds(), "{:?}", outcome.remains);
    assert_eq!(end_of(&outcome, 4), (End::Held, "its target is gone: NoSuchEntity"));
    assert_eq!(end_of(&outcome, 6), (End::Held, ""));
    let progress = Progress::of(&world.journal.borrow().0, &plan.digest);
    assert_eq!(progress.touched(), [1, 2]);
}

/// Nothing is stopped whose evidence is not saved, and the rest goes on.
#[test]
fn a_step_waits_for_what_it_needs() {
    let mut plan = story(2);
    plan.steps[2].target.arn = "arn:aws:us-east-1:nowhere".to_owned();
    let world = ready(&plan);
    world.remove(&plan.steps[2]);
    plan.way = Way::Undo;
    let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
    assert_eq!(end_of(&outcome, 3).0, End::Refused);
    assert_eq!(end_of(&outcome, 4), (End::Refused, "it needs step 3, which did not succeed"));
    assert_eq!((end_of(&outcome, 6).0, outcome.remains.len()), (End::Done, 2));
    plan.steps[0].needs = vec![2];
    let disorder = world.drive(execute(&plan, &Progress::default(), &&world, &Silent, &limits(0))).unwrap();
    assert!(matches!(disorder, Err(Halt::Void(_) | Halt::NotPermitted)), "{disorder:?}");
}

fn limits(reassert: i64) -> Limits<'static> {
    Limits { reassert, abort: &NEVER, pauses: false }
}

/// An attacker who takes the denial back again and again loses, and everything is told.
#[test]
fn what_is_taken_back_is_done_again() {
    let plan = story(1);
    let calm = ready(&plan);
    run(&calm, &plan, 0, &NEVER).unwrap().unwrap();
    let world = ready(&plan);
    let fights = (0..20).map(|number| (calm.calls.get() + 3 * number, Fault::Flip(0)));
    world.faults.replace(fights.collect());
    let outcome = run(&world, &plan, 60, &NEVER).unwrap().unwrap();
    assert!(outcome.holds() && outcome.reasserted >= 3, "{outcome:?}");
    assert_eq!(kinds(&world, "step.reasserted"), outcome.reasserted as usize);
    assert!((60..180).contains(&outcome.seconds), "{}", outcome.seconds);
    assert_eq!(world.state(&plan.steps[1]), plan.steps[1].after);
}

#[test]
fn an_effect_that_shows_late_or_whose_answer_is_lost_is_not_repeated() {
    let plan = story(0);
    let calm = ready(&plan);
    run(&calm, &plan, 0, &NEVER).unwrap().unwrap();
    for (number, fault) in (0..calm.calls.get()).flat_map(|number| [(number, Fault::Slow), (number, Fault::LostAfter)])
    {
        let world = ready(&plan);
        world.faults.borrow_mut().insert(number, fault);
        match run(&world, &plan, 5, &NEVER).unwrap() {
            Ok(outcome) => assert!(outcome.holds() && world.effects.borrow().len() == 2, "{number} {fault:?}"),
            // The answer of the store is lost too.
            Err(halt) => assert!(matches!(halt, Halt::Journal(_)) && world.effects.borrow().len() <= 2, "{halt}"),
        }
    }
}

fn loose(kind: &str, arns: &[&str]) -> (String, BTreeSet<String>) {
    (kind.to_owned(), arns.iter().map(|&arn| arn.to_owned()).collect())
}

/// Keys that the plan knows are old; a key that came after it is new, also where it was there when the run began.
#[test]
fn a_credential_that_appears_remains() {
    let plan = Plan { credentials: vec!["arn:old".to_owned()], ..story(0) };
    let world = ready(&plan);
    world.loose.replace([loose(ACCESS_KEYS, &["arn:old"]), loose("deactivate-ssh-key", &["arn:ssh"])].into());
    assert!(run(&world, &plan, 5, &NEVER).unwrap().unwrap().holds());
    let world = ready(&plan);
    world.loose.replace([loose(ACCESS_KEYS, &["arn:between", "arn:old"])].into());
    let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
    assert_eq!(outcome.remains, ["arn:between appeared meanwhile, and no step is about it"]);
    // A run that goes on knows what was there when the first one began, and what that could not read.
    let world = ready(&plan);
    world.loose.replace([loose(ACCESS_KEYS, &["arn:old"]), loose("deactivate-ssh-key", &[])].into());
    world.faults.borrow_mut().insert(6, Fault::DieAfter);
    assert!(run(&world, &plan, 5, &NEVER).is_none());
    let unread = loose("deactivate-service-credential", &["arn:unknown"]);
    world.loose.replace([loose("deactivate-ssh-key", &["arn:new"]), unread].into());
    world.pass(LEASE + 1);
    let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
    assert_eq!(outcome.remains, ["arn:new appeared meanwhile, and no step is about it"]);
}

/// Whoever takes it back to the end of the longest watch has not lost.
#[test]
fn a_fight_that_does_not_end_remains() {
    let plan = story(0);
    let calm = ready(&plan);
    run(&calm, &plan, 0, &NEVER).unwrap().unwrap();
    let world = ready(&plan);
    let fights = (0..600).map(|number| (calm.calls.get() + 7 * number, Fault::Flip(0)));
    world.faults.replace(fights.collect());
    let outcome = run(&world, &plan, 60, &NEVER).unwrap().unwrap();
    assert!(outcome.reasserted > 10 && (175..260).contains(&outcome.seconds), "{outcome:?}");
    assert!(outcome.remains.iter().any(|why| why.contains("again and again")), "{:?}", outcome.remains);
}

/// Stopped by hand in the middle of the watch: all steps are done, and nothing is said to hold.
#[test]
fn a_watch_that_is_cut_short_proves_nothing() {
    let plan = story(0);
    let (world, stop) = (ready(&plan), AtomicBool::new(false));
    world.begin(&plan.digest, "us").unwrap();
    let (bounds, progress) = (Limits { reassert: 60, abort: &stop, pauses: false }, Progress::default());
    let hands = &world;
    let by_hand = async {
        hands.pause(Duration::from_secs(20)).await;
        stop.store(true, Ordering::Relaxed);
        std::future::pending::<()>().await;
    };
    let outcome = world.drive(async {
        tokio::select! {
            outcome = execute(&plan, &progress, &hands, &hands, &bounds) => outcome.unwrap(),
            () = by_hand => unreachable!(),
        }
    });
    let outcome = outcome.unwrap();
    assert!(outcome.steps.iter().all(|step| step.end == End::Done) && outcome.seconds < 30, "{outcome:?}");
    assert!(!outcome.holds() && outcome.remains[0].contains("stopped while it watched"), "{:?}", outcome.remains);
}

/// The approval ends while a target is slow to answer: what was written down as begun is not done.
#[test]
fn time_may_run_out_between_the_look_and_the_call() {
    let plan = story(0);
    let world = ready(&plan);
    world.pass(1_192);
    world.faults.replace((4..8).map(|number| (number, Fault::Throttled)).collect());
    let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
    assert!(world.effects.borrow().is_empty() && kinds(&world, "step.started") == 1, "{outcome:?}");
    assert!(outcome.steps.iter().all(|step| step.end == End::Refused && step.why.contains("the approval ended at")));
}

#[test]
fn a_rehearsal_changes_nothing_and_needs_nobody() {
    let plan = story(3);
    let world = World::new(&plan);
    let dry = Dry::new(&world);
    let outcome = world.drive(execute(&plan, &Progress::default(), &dry, &Silent, &limits(0))).unwrap().unwrap();
    assert!(outcome.holds() && outcome.steps.len() == 8);
    assert_eq!((world.effects.borrow().len(), world.journal.borrow().0.len()), (0, 0));
    let really = world.drive(execute(&plan, &Progress::default(), &&world, &Silent, &limits(0))).unwrap();
    assert_eq!(really, Err(Halt::NotPermitted));
}

#[test]
fn nothing_begins_when_time_is_up_or_somebody_stops_it() {
    let plan = story(2);
    let stop = AtomicBool::new(true);
    let world = ready(&plan);
    let outcome = run(&world, &plan, 60, &stop).unwrap().unwrap();
    assert!(outcome.aborted && !outcome.holds() && world.effects.borrow().is_empty());
    assert!(outcome.steps.iter().all(|step| matches!(step.end, End::Skipped | End::Refused)));
    assert!(stop.load(Ordering::Relaxed));
    // It died at its first step, and the approval ended before anybody went on.
    let world = ready(&plan);
    world.faults.borrow_mut().insert(12, Fault::DieBefore);
    assert!(run(&world, &plan, 5, &NEVER).is_none());
    let before = world.effects.borrow().len();
    world.pass(1_300);
    let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
    assert!(!outcome.holds() && outcome.steps.iter().any(|step| step.why.contains("the approval ended at")));
    assert!(world.effects.borrow()[before..].iter().all(|(n, _)| *n == 3 || *n == 5), "only evidence is saved");
}

/// Who lost the run stops at once, and what it did is in the journal.
#[test]
fn whoever_lost_the_run_does_nothing_more() {
    let plan = story(2);
    let world = ready(&plan);
    world.begin(&plan.digest, "us").unwrap();
    world.pass(LEASE + 1);
    let taken = approve::begin(&mut world.plans.borrow_mut(), &plan.digest, "them", LEASE, world.now());
    assert!(taken.said.unwrap().is_resumed());
    let halted = world.drive(execute(&plan, &Progress::default(), &&world, &&world, &limits(5))).unwrap();
    assert_eq!(halted, Err(Halt::Journal("them took the run over".to_owned())));
    assert!(world.effects.borrow().is_empty());
}
