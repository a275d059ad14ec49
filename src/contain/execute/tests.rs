//! Runs of plans over an AWS that fails, dies and is fought over.

mod one;
mod paused;
mod properties;
mod rivals;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::{Halt, Limits, Outcome, Progress, execute};
use crate::approve;
use crate::config::Approval;
use crate::contain::action::phase;
use crate::model::approval::{Person, Plans};
use crate::model::plan::{Class, Plan, Step, Target, Way};
use world::{START, World};

static NEVER: AtomicBool = AtomicBool::new(false);

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), os_user: "ann (uid 1000)".to_owned(), caller: None, slack: None }
}

fn step(n: u32, action: &str, name: &str, region: &str) -> Step {
    let (kind, class, phase) = match action {
        "save" => ("lambda:function", Class::R0, phase::EVIDENCE),
        "deny" => ("iam:user", Class::R1, phase::DENY),
        "key" => ("iam:user", Class::R1, phase::CREDENTIALS),
        _ => ("lambda:function", Class::R1, phase::STOP),
    };
    let is_save = class == Class::R0;
    Step {
        n,
        action: action.to_owned(),
        target: Target {
            kind: kind.to_owned(),
            arn: format!("arn:aws:{region}:{name}"),
            account: "111122223333".to_owned(),
            region: region.to_owned(),
            id: if is_save { String::new() } else { format!("ID-{name}") },
            detail: BTreeMap::new(),
        },
        class,
        changes: String::new(),
        undo: None,
        permissions: Vec::new(),
        before: if is_save { Value::Null } else { json!({ "a": 0, "b": 0 }) },
        after: if is_save { json!({ "saved": true }) } else { json!({ "a": 1, "b": 1 }) },
        needs: Vec::new(),
        phase,
    }
}

fn plan(digest: &str, way: Way, steps: Vec<Step>) -> Plan {
    Plan {
        incident: "inc-1".to_owned(),
        way,
        digest: digest.to_owned(),
        made_at: START,
        expires_at: START + 1_200,
        steps,
        ..Plan::default()
    }
}

/// A user with a key, and functions in some regions, each saved before it is stopped.
fn story(functions: u32) -> Plan {
    let mut steps = vec![step(1, "deny", "eve", "us-east-1"), step(2, "key", "eve#key", "us-east-1")];
    for number in 0..functions {
        let (n, region) = (3 + 2 * number, ["us-east-1", "eu-west-1", "ap-south-1"][number as usize % 3]);
        let name = format!("f{number}");
        steps.push(step(n, "save", &name, region));
        steps.push(Step { needs: vec![n], ..step(n + 1, "stop", &name, region) });
    }
    plan("contain-1", Way::Contain, steps)
}

/// Makes a plan and approves it.
fn approved(plans: &mut Plans, plan: &Plan, undoes: Option<&str>, now: i64) {
    approve::make(plans, plan, &person("ann"), undoes, 0, now).said.unwrap();
    let rules = Approval::default();
    let none = BTreeSet::new();
    approve::approve(plans, &plan.digest, &person("bob"), None, &rules, &none, now).said.unwrap();
}

/// One run by the record: none where it died.
fn run(world: &World, plan: &Plan, reassert: i64, abort: &AtomicBool) -> Option<Result<Outcome, Halt>> {
    world.begin(&plan.digest, "us").unwrap();
    let progress = Progress::of(&world.journal.borrow().0, &plan.digest);
    let outcome = world.drive(execute(plan, &progress, &world, &world, &Limits { reassert, abort, pauses: false }))?;
    let holds = match &outcome {
        Ok(outcome) => outcome.holds(),
        Err(Halt::Journal(_)) => return Some(outcome),
        Err(_) => false,
    };
    let ended = approve::end(&mut world.plans.borrow_mut(), &plan.digest, "us", holds, json!({}), world.now());
    ended.said.unwrap();
    world.append(ended.entries);
    Some(outcome)
}

/// A world with a plan that is approved.
fn ready(plan: &Plan) -> World {
    let world = World::new(plan);
    approved(&mut world.plans.borrow_mut(), plan, None, START);
    world
}
