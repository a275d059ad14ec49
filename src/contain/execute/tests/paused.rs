//! Runs that are stopped and left to others.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::contain::hands::Hands as _;

/// Stopped at any moment and gone on with, a run comes to the end that it would have come to, and does nothing twice.
#[test]
fn a_run_that_is_stopped_goes_on_where_it_was() {
    let plan = story(3);
    let mut paused = 0;
    for moment in (0..9_000).step_by(300) {
        let (world, stop) = (ready(&plan), AtomicBool::new(false));
        world.begin(&plan.digest, "us").unwrap();
        let (bounds, progress) = (Limits { reassert: 5, abort: &stop, pauses: true }, Progress::default());
        let hands = &world;
        let by_hand = async {
            hands.pause(Duration::from_millis(moment)).await;
            stop.store(true, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        let halted = world.drive(async {
            tokio::select! {
                outcome = execute(&plan, &progress, &hands, &hands, &bounds) => outcome,
                () = by_hand => unreachable!(),
            }
        });
        let before = world.now();
        match halted.unwrap() {
            Ok(outcome) => assert!(outcome.holds(), "{moment}: {outcome:?}"),
            Err(halt) => {
                assert_eq!(halt, Halt::Paused, "{moment}");
                let left = approve::pause(&mut world.plans.borrow_mut(), &plan.digest, "us", world.now());
                left.said.unwrap();
                world.append(left.entries);
                let outcome = run(&world, &plan, 5, &NEVER).unwrap().unwrap();
                assert!(outcome.holds() && !outcome.aborted && outcome.steps.len() == 8, "{moment}: {outcome:?}");
                assert!(world.now() - before < 30, "nobody waits for the one that stopped");
                paused += 1;
            }
        }
        let effects: Vec<u32> = world.effects.borrow().iter().map(|(n, _)| *n).collect();
        assert_eq!(effects.len(), effects.iter().collect::<BTreeSet<_>>().len(), "{moment}: {effects:?}");
    }
    assert!(paused > 10, "{paused}");
}
