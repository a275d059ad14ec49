//! Intruders who make it harder, and accounts that do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::scene::{Scene, said, same, steps, told};
use crate::harness::set;
use crate::stand_in::{Fate, REGIONS};

const ONE: [&str; 1] = ["us-east-1"];

fn call(scene: &Scene, actor: &str, service: &str, call: &str, with: &Value) -> Value {
    scene.cast.ask(&json!({ "do": "call", "as": actor, "service": service, "call": call, "with": with }))
}

/// A change that the intruder makes, which has to succeed.
fn does(scene: &Scene, service: &str, what: &str, with: &Value) {
    let answer = call(scene, "intruder", service, what, with);
    assert_eq!(answer["code"], "OK", "{answer}");
}

#[test]
fn an_intruder_who_takes_denials_back_loses() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let scene = scene.watched_for("6s");
    scene.attacked(&json!({}));
    let id = scene.opened();
    scene.approved(&id, &[]);
    scene.cast.ask(&json!({ "do": "fight", "users": ["ci-deployer", "svc.monitor+7f3a"], "seconds": 2 }));
    scene.contained(&id);
    let fight = scene.cast.ask(&json!({ "do": "stop", "thread": "fight" }));
    assert!(!fight["undone"].as_array().unwrap().is_empty());
    for (actor, code) in scene.tries(&["thief", "intruder", "session"]).as_object().unwrap() {
        assert_ne!(code, "OK", "{actor}");
    }
    assert!(scene.journal().contains("step.reasserted"));
}

#[test]
fn an_intruder_who_never_gives_up_is_told() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    scene.attacked(&json!({}));
    let id = scene.opened();
    scene.approved(&id, &[]);
    scene.cast.ask(&json!({ "do": "fight", "users": ["svc.monitor+7f3a"], "seconds": 600 }));
    let (run, _) = scene.contain(&id);
    scene.cast.ask(&json!({ "do": "stop", "thread": "fight" }));
    assert_eq!(run.status, 1, "{}", said(&run));
    assert!((run.stdout.clone() + &run.stderr).contains("svc.monitor+7f3a"), "{run:?}");
    // The fight over, another plan ends it.
    scene.approved(&id, &[]);
    scene.contained(&id);
    assert_ne!(scene.tries(&["intruder"])["intruder"], "OK");
    scene.journal();
}

#[test]
fn of_a_user_with_a_hidden_second_key_only_that_key_goes() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    scene.attacked(&json!({}));
    let hidden = scene.cast.ask(&json!({ "do": "second_key", "user": "backup-bot" }));
    let id = scene.opened();
    let plan = scene.approved(&id, &[]);
    let bot = scene.people["backup-bot"]["arn"].as_str().unwrap();
    let changes: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["class"] != "R0" && step["target"].to_string().contains(bot))
        .collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0]["action"], "deactivate-key");
    assert!(changes[0]["target"].to_string().contains(hidden["key"].as_str().unwrap()), "{changes:#?}");
    scene.contained(&id);
    let code = |actor: &str| call(&scene, actor, "iam", "ListRoles", &json!({}))["code"].clone();
    assert_ne!(code("hidden"), "OK");
    assert_eq!(code("backup-bot"), "OK", "its own key works on");
}

#[test]
fn a_federated_session_outlives_its_key_and_not_the_denial() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    scene.attacked(&json!({ "federation": true }));
    let id = scene.opened();
    scene.approved(&id, &["--narrow", "key", "--playbook", "quarantine-principal"]);
    scene.contained(&id);
    let codes = scene.tries(&["thief", "federated"]);
    assert_ne!(codes["thief"], "OK");
    assert_eq!(codes["federated"], "OK", "which is what the narrower way leaves open");
    scene.approved(&id, &[]);
    scene.contained(&id);
    assert_ne!(scene.tries(&["federated"])["federated"], "OK");
    scene.journal();
}

#[test]
fn of_a_role_that_others_use_only_the_session_goes() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let assume = |by: &str, session: &str, quiet: bool| {
        let what = json!({ "do": "assume", "by": by, "role": "deploy", "session": session, "quiet": quiet });
        scene.cast.ask(&what)
    };
    assume("owner", "fleet", true);
    let works = json!([["lambda", "ListFunctions"], ["s3", "ListBuckets"]]);
    scene.cast.ask(&json!({ "do": "usual", "days": 30, "of": [["fleet", 30, works]] }));
    scene.attacked(&json!({}));
    let stolen = assume("intruder", "stolen", false);
    let used = json!({ "do": "call", "as": "stolen", "service": "iam", "call": "ListUsers" });
    assert_eq!(scene.cast.ask(&used)["code"], "OK");
    let id = scene.passed(&["--learn", "30d"]);
    let before = scene.dump();
    let plan = scene.approved(&id, &[]);
    let role = stolen["arn"].as_str().unwrap();
    let all = plan["steps"].as_array().unwrap();
    let changes = all.iter().filter(|step| step["class"] != "R0" && step["target"].to_string().contains(role));
    let changes: Vec<_> = changes.map(|step| step["action"].clone()).collect();
    assert_eq!(changes, ["deny-sessions"], "{plan:#}");
    scene.contained(&id);
    let codes = scene.tries(&["stolen", "fleet"]);
    assert_ne!(codes["stolen"], "OK");
    assert_eq!(codes["fleet"], "OK", "others of the role work on");
    let undo = scene.plan(&id, &["--undo", "--reactivate-keys"]);
    scene.approve(&id, &undo);
    scene.well(&["undo", &id, "--execute", "--reactivate-keys"]);
    same(&before, &scene.dump());
}

#[test]
fn provisioned_concurrency_goes_first_and_comes_back() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let made = scene.attacked(&json!({}));
    let name = json!({ "FunctionName": "f-7f3a-0" });
    does(&scene, "lambda", "PublishVersion", &name);
    let version = json!({ "FunctionName": "f-7f3a-0", "Qualifier": "1" });
    let provisioned = json!({ "FunctionName": "f-7f3a-0", "Qualifier": "1", "ProvisionedConcurrentExecutions": 2 });
    does(&scene, "lambda", "PutProvisionedConcurrencyConfig", &provisioned);
    let id = scene.opened();
    // The stand-in cannot list it, which is all that is made up here.
    let there = Arc::new(AtomicBool::new(true));
    let arn = format!("{}:1", made["functions"][0].as_str().unwrap());
    scene.proxy.rule(move |request, _| {
        let Some(place) = request.operation.find("/provisioned-concurrency") else { return Fate::Pass };
        if request.operation.starts_with("GET ") && request.operation[place..].contains("List=ALL") {
            let config = json!({
                "FunctionArn": arn, "RequestedProvisionedConcurrentExecutions": 2,
                "AllocatedProvisionedConcurrentExecutions": 2, "AvailableProvisionedConcurrentExecutions": 2,
                "Status": "READY", "LastModified": "2026-11-22T00:00:00+0000",
            });
            let all: Vec<_> = there.load(Ordering::SeqCst).then_some(config).into_iter().collect();
            return Fate::Answered(json!({ "ProvisionedConcurrencyConfigs": all }).to_string());
        }
        if !request.operation.starts_with("GET ") {
            there.store(request.operation.starts_with("PUT "), Ordering::SeqCst);
        }
        Fate::Pass
    });
    let plan = scene.approved(&id, &["--playbook", "freeze-functions"]);
    assert_eq!(steps(&plan, "remove-provisioned-concurrency").len(), 1, "{plan:#}");
    scene.contained(&id);
    let ask = || call(&scene, "owner", "lambda", "GetProvisionedConcurrencyConfig", &version);
    assert_ne!(ask()["code"], "OK");
    let order = scene.proxy.changes();
    let at = |what: &str| order.iter().position(|change| change.contains(what)).unwrap_or_else(|| panic!("{order:?}"));
    assert!(at("/provisioned-concurrency") < at("/concurrency"), "{order:?}");
    assert_eq!(
        scene.cast.ask(&json!({ "do": "invoke", "functions": made["functions"] }))
            [made["functions"][0].as_str().unwrap()],
        429
    );

    let undo = scene.plan(&id, &["--undo"]);
    scene.approve(&id, &undo);
    scene.well(&["undo", &id, "--execute"]);
    assert_eq!(ask()["answer"]["RequestedProvisionedConcurrentExecutions"], 2, "{}", ask());
}

#[test]
fn what_fails_no_longer_wakes_the_next_function() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let made = scene.attacked(&json!({ "each": 2 }));
    let chain = json!({
        "FunctionName": "f-7f3a-0",
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 1,
        "DestinationConfig": { "OnFailure": { "Destination": made["functions"][1] } },
    });
    does(&scene, "lambda", "PutFunctionEventInvokeConfig", &chain);
    let id = scene.opened();
    let before = scene.dump();
    let plan = scene.approved(&id, &["--playbook", "freeze-functions"]);
    assert_eq!(steps(&plan, "remove-failure-destination").len(), 1, "{plan:#}");
    scene.contained(&id);
    let during = scene.dump();
    let invoke = &during["us-east-1"]["functions"][made["functions"][0].as_str().unwrap()]["invoke"];
    assert!(!invoke.to_string().contains("f-7f3a-1"), "{invoke}");
    let undo = scene.plan(&id, &["--undo"]);
    scene.approve(&id, &undo);
    scene.well(&["undo", &id, "--execute"]);
    same(&before, &scene.dump());
}

#[test]
fn a_throttled_control_plane_is_waited_out() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    let made = scene.attacked(&json!({}));
    let id = scene.opened();
    let mut calls = 0;
    scene.proxy.rule(move |request, _| {
        let code = match request.service.as_str() {
            "iam" => "Throttling",
            "lambda" => "TooManyRequestsException",
            "events" => "ThrottlingException",
            _ => return Fate::Pass,
        };
        calls += 1;
        let status = if code == "TooManyRequestsException" { 429 } else { 400 };
        if calls % 3 == 0 { Fate::Refused(status, code, "Rate exceeded") } else { Fate::Pass }
    });
    scene.approved(&id, &["--playbook", "quarantine-principal", "--playbook", "freeze-functions"]);
    let (run, took) = scene.contain(&id);
    told("throttled", took);
    assert_eq!(run.status, 0, "{}", said(&run));
    let frozen = scene.cast.ask(&json!({ "do": "frozen", "functions": made["functions"] }));
    assert!(frozen.as_object().unwrap().values().all(|reserved| reserved == 0), "{frozen}");
    for (actor, code) in scene.tries(&["thief", "intruder", "session"]).as_object().unwrap() {
        assert_ne!(code, "OK", "{actor}");
    }
}

#[test]
fn what_the_organization_forbids_is_named_and_the_rest_is_done() {
    let Some(scene) = Scene::mini(&REGIONS, "") else { return };
    let made = scene.attacked(&json!({}));
    let id = scene.opened();
    let forbidden = &REGIONS[..10];
    scene.proxy.rule(move |request, number| {
        let is_forbidden =
            number.is_some() && request.service == "lambda" && forbidden.contains(&request.region.as_str());
        let why = "User: arn:aws:iam::111122223333:user/stakeout is not authorized to perform: \
                   lambda:PutFunctionConcurrency with an explicit deny in a service control policy";
        if is_forbidden { Fate::Refused(403, "AccessDeniedException", why) } else { Fate::Pass }
    });
    scene.approved(&id, &[]);
    let (run, _) = scene.contain(&id);
    assert_eq!(run.status, 1, "{}", said(&run));
    let frozen = scene.cast.ask(&json!({ "do": "frozen", "functions": made["functions"] }));
    let told: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout));
    let remains = told["result"]["remains"].to_string();
    for arn in set(&made["functions"]) {
        let region = arn.split(':').nth(3).unwrap();
        let is_forbidden = forbidden.contains(&region);
        assert_eq!(frozen[&arn] == 0, !is_forbidden, "{arn}: {frozen}");
        assert_eq!(remains.contains(&arn), is_forbidden, "{arn}: {remains}");
    }
    assert!(run.stdout.contains("service control policy"), "{}", run.stdout);
    scene.journal();
}
