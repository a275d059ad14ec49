//! The whole way, on both stand-ins: an intruder, a plan, an approval, containment, and back.

use serde_json::{Value, json};

use super::scene::{Scene, THREE, digest, said, same, steps, told, without_keys};
use crate::harness::files;

/// Who the intruder is, besides the leaked key.
fn everybody(federation: bool) -> Vec<&'static str> {
    let mut all = vec!["thief", "intruder", "session"];
    all.extend(federation.then_some("federated"));
    all
}

/// The story from the incident to the state before it.
fn tell(scene: &Scene, federation: bool) -> (Value, Value) {
    let made = scene.attacked(&json!({ "federation": federation }));
    let actors = everybody(federation);
    for code in scene.tries(&actors).as_object().unwrap().values() {
        assert_eq!(code, "OK");
    }
    let doors = scene.doors(made["functions"].as_array().unwrap(), true);
    let id = scene.opened();
    scene.cast.ask(&json!({ "do": "production" }));

    let before = scene.dump();
    let plan = scene.plan(&id, &[]);
    scene.covers_the_closure(&plan, &made, &doors);
    scene.well(&["contain", &id]);
    scene.approve(&id, &plan);
    scene.well(&["contain", &id, "--plan", digest(&plan)]);
    assert_eq!(scene.proxy.changes(), Vec::<String>::new(), "a dry run changes nothing");
    same(&before, &scene.dump());

    let (run, took) = scene.contain(&id);
    told("a plan of three regions", took);
    assert_eq!(run.status, 0, "{}", said(&run));
    for (actor, code) in scene.tries(&actors).as_object().unwrap() {
        assert_ne!(code, "OK", "{actor} still may");
    }
    let frozen = scene.cast.ask(&json!({ "do": "frozen", "functions": made["functions"] }));
    assert!(frozen.as_object().unwrap().values().all(|reserved| reserved == 0), "{frozen}");
    let during = scene.dump();
    let leaked = scene.key_of("ci-deployer");
    assert_eq!(during["identities"]["user ci-deployer"]["keys"][&leaked], "Inactive");

    // The same approval does nothing a second time.
    let (again, _) = scene.contain(&id);
    assert_eq!(again.status, 2, "{again:?}");
    same(&during, &scene.dump());

    (made, taken_back(scene, &id, &before, &during))
}

/// Takes everything back, but for the keys at first. Gives what was there during containment.
fn taken_back(scene: &Scene, id: &str, before: &Value, during: &Value) -> Value {
    let undo = scene.plan(id, &["--undo"]);
    scene.well(&["undo", id]);
    same(during, &scene.dump());
    scene.approve(id, &undo);
    let run = scene.run(&["undo", id, "--execute"]);
    assert_eq!(run.status, 0, "{}", said(&run));
    let after = scene.dump();
    same(&without_keys(before), &without_keys(&after));
    for user in ["user ci-deployer", "user svc.monitor+7f3a"] {
        assert_eq!(after["identities"][user]["keys"], during["identities"][user]["keys"], "keys stay as they are");
    }
    let undo = scene.plan(id, &["--undo", "--reactivate-keys"]);
    scene.approve(id, &undo);
    let run = scene.run(&["undo", id, "--execute", "--reactivate-keys"]);
    assert_eq!(run.status, 0, "{}", said(&run));
    same(before, &scene.dump());
    let production = scene.cast.ask(&json!({ "do": "stop", "thread": "production" }));
    assert!(production["calls"].as_u64().unwrap() > 20, "{production}");
    assert_eq!(production["failures"], json!([]));
    scene.journal();
    during.clone()
}

#[test]
fn on_local_emu_by_aws_deny_all() {
    let Some(scene) = Scene::local(&THREE, "") else { return };
    let (_, during) = tell(&scene, false);
    let deny = "arn:aws:iam::aws:policy/AWSDenyAll";
    for name in ["user ci-deployer", "user svc.monitor+7f3a", "role svc-support-7f3a"] {
        assert!(during["identities"][name]["attached"].to_string().contains(deny), "{name}: {during:#}");
    }
    for name in ["user shop-app", "user stakeout", "user backup-bot", "role worker"] {
        assert!(!during["identities"][name]["attached"].to_string().contains(deny), "{name}: {during:#}");
    }
}

#[test]
fn on_mini_stack_by_the_inline_fallback() {
    let Some(scene) = Scene::mini(&THREE, "") else { return };
    let (made, during) = {
        let shop = format!("arn:aws:lambda:us-east-1:{}:function:shop-checkout", scene.account);
        let answers = scene.cast.ask(&json!({ "do": "invoke", "functions": [shop] }));
        assert_eq!(answers[&shop], 200, "{answers}");
        tell(&scene, true)
    };
    // The attached policy has no effect there; what denies is written into the user and the role.
    for name in ["user ci-deployer", "user svc.monitor+7f3a", "role svc-support-7f3a"] {
        let inline = during["identities"][name]["inline"].as_object().unwrap();
        assert!(inline.values().any(|text| text.as_str().unwrap().contains("Deny")), "{name}: {inline:?}");
    }
    let answers = scene.cast.ask(&json!({ "do": "invoke", "functions": made["functions"] }));
    assert!(answers.as_object().unwrap().values().all(|status| status == 200), "given back: {answers}");
}

#[test]
fn functions_that_answered_are_throttled() {
    let Some(scene) = Scene::mini(&THREE, "") else { return };
    let made = scene.attacked(&json!({ "federation": true }));
    let invoke = json!({ "do": "invoke", "functions": made["functions"] });
    let before = scene.cast.ask(&invoke);
    assert!(before.as_object().unwrap().values().all(|status| status == 200), "{before}");
    let id = scene.opened();
    let plan = scene.approved(&id, &["--playbook", "freeze-functions"]);
    assert_eq!(steps(&plan, "stop-function").len(), THREE.len());
    assert_eq!(steps(&plan, "save-function").len(), THREE.len());
    scene.contained(&id);
    let after = scene.cast.ask(&invoke);
    assert!(after.as_object().unwrap().values().all(|status| status == 429), "{after}");
    let saved = files(&scene.folder().join("evidence"));
    assert!(saved.iter().filter(|file| file.ends_with("manifest.json")).count() >= THREE.len(), "{saved:?}");
    // Another playbook leaves principals alone.
    assert_eq!(scene.tries(&["thief"])["thief"], "OK");
}
