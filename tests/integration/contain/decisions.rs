//! Nothing runs without the approval of exactly what is done, and nothing runs twice.

use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::scene::{Scene, digest, said, same};
use crate::harness::finish;

const ONE: [&str; 1] = ["us-east-1"];

/// A run that is refused, and of which AWS hears nothing.
fn refused(scene: &Scene, id: &str, why: &str) {
    scene.proxy.open();
    let (run, _) = scene.contain(id);
    assert_eq!(run.status, 2, "{why}: {}", said(&run));
    assert_eq!(scene.proxy.changes(), Vec::<String>::new(), "{why}");
    assert!(!run.stderr.is_empty(), "{why}: says why");
}

#[test]
fn without_the_approval_of_this_very_plan_nothing_runs() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let made = scene.attacked(&json!({}));
    let id = scene.opened();
    let before = scene.dump();
    refused(&scene, &id, "no plan");
    let plan = scene.plan(&id, &[]);
    refused(&scene, &id, "not approved");
    let wrong = "0".repeat(64);
    assert_eq!(scene.run(&["approve", &id, "--plan", &wrong, "--as", "Ada"]).status, 2);
    assert_eq!(scene.run(&["approve", &id, "--plan", &digest(&plan)[..4], "--as", "Ada"]).status, 2, "too short");
    refused(&scene, &id, "another plan approved");

    scene.approve(&id, &plan);
    scene.well(&["deny", &id, "--plan", digest(&plan), "--as", "Bob", "--why", "not yet"]);
    refused(&scene, &id, "denied");
    assert_eq!(scene.run(&["approve", &id, "--plan", digest(&plan), "--as", "Ada"]).status, 2, "denied is denied");

    // Somebody else changes a target after the approval.
    let plan = scene.approved(&id, &[]);
    let arn = &made["functions"][0];
    let limit = json!({ "FunctionName": arn, "ReservedConcurrentExecutions": 5 });
    let put =
        json!({ "do": "call", "as": "owner", "service": "lambda", "call": "PutFunctionConcurrency", "with": limit });
    assert_eq!(scene.cast.ask(&put)["code"], "OK");
    refused(&scene, &id, "altered");
    let again = scene.plan(&id, &[]);
    assert_ne!(again["digest"], plan["digest"]);
    let name = json!({ "FunctionName": arn });
    let back =
        json!({ "do": "call", "as": "owner", "service": "lambda", "call": "DeleteFunctionConcurrency", "with": name });
    assert_eq!(scene.cast.ask(&back)["code"], "OK");
    same(&before, &scene.dump());

    scene.approved(&id, &[]);
    scene.contained(&id);
    refused(&scene, &id, "used");
    let journal = scene.journal();
    for kind in
        ["plan.made", "plan.approved", "plan.denied", "approval.refused", "plan.started", "step.done", "plan.ended"]
    {
        assert!(journal.contains(kind), "{kind} is not in the journal");
    }
}

#[test]
fn an_approval_does_not_last() {
    let Some(scene) = Scene::mini(&ONE, "[approval]\nexpires = \"8s\"") else { return };
    scene.attacked(&json!({}));
    let id = scene.opened();
    scene.approved(&id, &[]);
    thread::sleep(Duration::from_secs(9));
    refused(&scene, &id, "expired");
}

#[test]
fn of_two_at_once_one_runs() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    scene.attacked(&json!({}));
    let id = scene.opened();
    scene.approved(&id, &[]);
    scene.proxy.open();
    let start = |_| -> Child {
        let mut run = scene.command(&["contain", &id, "--execute", "--format", "json"]);
        run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<_> = (0..2).map(start).collect();
    let ends: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let mut codes: Vec<_> = ends.iter().map(|end| end.status.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(2)], "{ends:?}");
    let mut changes = scene.proxy.changes();
    let all = changes.len();
    changes.retain(|change| change.ends_with("UpdateAccessKey"));
    assert_eq!(changes.len(), 2, "one for each key, of {all} changes");
    scene.journal();
}

#[test]
fn deleting_takes_two_people_and_saved_evidence() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let made = scene.attacked(&json!({}));
    let id = scene.opened();
    scene.approved(&id, &[]);
    scene.contained(&id);
    let plan = scene.plan(&id, &["--playbook", "eradicate"]);
    let approve = |name: &str| scene.run(&["approve", &id, "--plan", digest(&plan), "--as", name]);
    approve("Ada");
    approve("Bob");
    refused(&scene, &id, "two names of one person");
    let other = &scene.people["other-operator"];
    let mut second = scene.command(&["approve", &id, "--plan", digest(&plan), "--as", "Cleo"]);
    second.env("AWS_ACCESS_KEY_ID", other["key"].as_str().unwrap());
    second.env("AWS_SECRET_ACCESS_KEY", other["secret"].as_str().unwrap());
    let run = finish(second, b"");
    assert_eq!(run.status, 0, "{run:?}");
    scene.contained(&id);
    let after = scene.dump();
    assert_eq!(after["us-east-1"]["functions"][made["functions"][0].as_str().unwrap()], Value::Null);
    assert_eq!(after["identities"]["user svc.monitor+7f3a"], Value::Null);
    assert_ne!(after["identities"]["user ci-deployer"], Value::Null, "who was robbed stays");
    scene.journal();
}
