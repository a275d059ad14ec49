//! Every call of a plan fails once, before or after AWS did what it asked for, or with it the program dies.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{Scene, said, same, told};
use crate::harness::Run;
use crate::stand_in::Fate;

const ONE: [&str; 1] = ["us-east-1"];

/// What the stand-in has everything for.
const PLAYBOOKS: [&str; 4] = ["--playbook", "quarantine-principal", "--playbook", "freeze-functions"];

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Lost,
    Unheard,
    KilledBefore,
    KilledAfter,
    /// It and all later ones.
    Refused,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Unheard => "unheard",
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
            Self::Refused => "refused from",
        }
    }
}

/// An account, a plan that is approved, and what it comes to without a fault.
struct Approved {
    scene: Scene,
    id: String,
    before: Value,
    after: Value,
    /// Calls that change something.
    changes: usize,
}

impl Approved {
    fn new() -> Option<Self> {
        let scene = Scene::mini(&ONE, "[approval]\nexpires = \"2h\"")?.watched_for("1s");
        scene.attacked(&json!({}));
        let id = scene.opened();
        let plan = scene.approved(&id, &PLAYBOOKS);
        assert_eq!(plan["refused"], json!([]), "all of it can be done");
        let before = scene.dump();
        keep(&scene, "desk.db", "kept.db");
        scene.proxy.open();
        scene.contained(&id);
        let (after, changes) = (scene.dump(), scene.proxy.changes().len());
        let codes = scene.tries(&["thief", "intruder", "session"]);
        assert!(codes.as_object().unwrap().values().all(|code| code != "OK"), "{codes}: {plan:#}");
        assert!(changes > 4, "{:?}", scene.proxy.changes());
        Some(Self { scene, id, before, after, changes })
    }

    /// Everything as it was when the plan had just been approved.
    fn again(&self) {
        self.scene.proxy.open();
        self.scene.cast.ask(&json!({ "do": "restore", "dump": self.before, "regions": ONE }));
        keep(&self.scene, "kept.db", "desk.db");
    }

    /// A run in which the `n`th change fails. None: it was killed.
    fn run(&self, fault: Fault, n: usize) -> Option<Run> {
        let victim = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&victim);
        self.scene.proxy.rule(move |_, number| {
            let Some(number) = number else { return Fate::Pass };
            if number < n || (number > n && fault != Fault::Refused) {
                return Fate::Pass;
            }
            let seen = Arc::clone(&seen);
            match fault {
                Fault::Lost => Fate::Lost,
                Fault::Refused => Fate::Refused(403, "AccessDenied", "an explicit deny"),
                Fault::Unheard => Fate::Unheard,
                Fault::KilledBefore => {
                    kill(&seen);
                    Fate::Lost
                }
                Fault::KilledAfter => Fate::Then(Box::new(move || kill(&seen))),
            }
        });
        let mut run = self.scene.command(&["contain", &self.id, "--execute", "--format", "json"]);
        let run = run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        victim.store(run.id(), Ordering::SeqCst);
        let output = run.wait_with_output().unwrap();
        self.scene.proxy.open();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        output.status.code().map(|status| Run { status, stdout, stderr })
    }

    /// Goes on until it is done. What a dead run holds is free after a while.
    fn finish(&self, fault: Fault, n: usize) {
        let begun = Instant::now();
        loop {
            let (run, _) = self.scene.contain(&self.id);
            if run.status == 0 {
                return;
            }
            let told = format!("{fault:?} {n}: {}", said(&run));
            assert!(run.status == 2 && begun.elapsed() < Duration::from_secs(60), "{told}");
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// The state is right, the journal whole.
    fn ends_well(&self, fault: Fault, n: usize) {
        same(&self.after, &self.scene.dump());
        for (actor, code) in self.scene.tries(&["thief", "intruder", "session"]).as_object().unwrap() {
            assert_ne!(code, "OK", "{fault:?} {n}: {actor}");
        }
        self.scene.well(&["journal", "verify"]);
    }
}

fn kill(process: &AtomicU32) {
    let process = process.load(Ordering::SeqCst).to_string();
    drop(std::process::Command::new("kill").args(["-KILL", &process]).status());
}

/// Copies the state.
fn keep(scene: &Scene, from: &str, to: &str) {
    for end in ["", "-wal", "-shm"] {
        let (from, to) = (scene.folder().join(format!("{from}{end}")), scene.folder().join(format!("{to}{end}")));
        drop(fs::remove_file(&to));
        if from.exists() {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Tries a fault at every change of the plan, where there are several by turns, in so many accounts at once. What a run
/// that was killed holds is waited for, which costs no work.
fn every_change(accounts: usize, faults: &[Fault], check: impl Fn(&Approved, Fault, usize) + Sync) {
    thread::scope(|scope| {
        for part in 0..accounts {
            let check = &check;
            scope.spawn(move || {
                let Some(approved) = Approved::new() else { return };
                let cases = faults.iter().cycle().zip(1..=approved.changes);
                for (&fault, n) in cases.skip(part).step_by(accounts) {
                    let begun = Instant::now();
                    approved.again();
                    check(&approved, fault, n);
                    told(&format!("{} {n}", fault.name()), begun.elapsed());
                }
            });
        }
    });
}

#[test]
fn a_lost_call_or_answer_changes_nothing_in_the_end() {
    every_change(3, &[Fault::Lost, Fault::Unheard], |approved, fault, n| {
        let run = approved.run(fault, n).unwrap();
        // The program tries again by itself.
        assert_eq!(run.status, 0, "{fault:?} {n}: {}", said(&run));
        approved.ends_well(fault, n);
    });
}

#[test]
fn a_killed_run_is_taken_up_where_it_died() {
    every_change(5, &[Fault::KilledBefore, Fault::KilledAfter], |approved, fault, n| {
        assert!(approved.run(fault, n).is_none(), "{fault:?} {n}");
        approved.finish(fault, n);
        approved.ends_well(fault, n);
    });
}

#[test]
fn what_fails_for_good_is_told_and_another_plan_does_the_rest() {
    every_change(3, &[Fault::Refused], |approved, fault, n| {
        let run = approved.run(fault, n).unwrap();
        assert_eq!(run.status, 1, "{fault:?} {n}: {}", said(&run));
        let (again, _) = approved.scene.contain(&approved.id);
        assert_eq!(again.status, 2, "{fault:?} {n}: an approval is used once");
        approved.scene.approved(&approved.id, &PLAYBOOKS);
        approved.finish(fault, n);
        approved.ends_well(fault, n);
    });
}
