//! What the watch sees after containment: somebody who acts all the same, and production that is cut off with them.

use serde_json::{Value, json};

use super::scene::Scene;

const ONE: [&str; 1] = ["us-east-1"];
const STILL_ACTS: &str = "contained-still-acts";
/// Seconds after which IAM has no excuse any more, and some more.
const LATER: u64 = 90;

/// A call that an actor makes now, or that long after.
fn call(scene: &Scene, actor: &str, service: &str, call: &str, ahead: u64) -> Value {
    let what = json!({ "do": "call", "as": actor, "service": service, "call": call, "ahead": ahead });
    scene.cast.ask(&what)["code"].clone()
}

/// The incident as the state has it.
fn status(scene: &Scene, id: &str) -> Value {
    let run = scene.well(&["incidents", "--all", "--format", "ndjson"]);
    let mut all = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.find(|known| known["id"] == id).unwrap_or_else(|| panic!("{run:?}"))["status"].clone()
}

#[test]
fn production_that_is_cut_off_shows_in_the_next_pass() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    scene.cast.ask(&json!({ "do": "own_key", "user": "ci-deployer", "as": "pipeline" }));
    scene.attacked(&json!({}));
    let id = scene.opened();
    scene.approved(&id, &["--playbook", "quarantine-principal"]);
    scene.contained(&id);
    assert_eq!(status(&scene, &id), "contained");
    // A pass without news says nothing.
    let quiet = scene.watch(&[]);
    assert_eq!((quiet.status, quiet.incidents()), (0, Vec::new()), "{quiet:?}");

    for service in [("iam", "ListRoles"), ("lambda", "ListFunctions"), ("iam", "ListUsers")] {
        let code = call(&scene, "pipeline", service.0, service.1, 2);
        assert!(code.as_str().unwrap().contains("Denied"), "{code}");
    }
    // The intruder is refused too, which is no news.
    assert_ne!(call(&scene, "session", "iam", "ListUsers", 2), "OK");
    let run = scene.watch(&[]);
    assert_eq!(run.status, 1, "{run:?}");
    let told: Vec<_> = run.stderr.lines().filter(|line| line.contains("Since containment")).collect();
    assert!(told.len() == 1 && told[0].contains("3 calls of ci-deployer from 198.51.100.0/24"), "{run:?}");
    assert!(told[0].contains(&format!("stakeout undo {id}")), "{told:?}");
    assert_eq!(status(&scene, &id), "contained", "it holds");
    let quiet = scene.watch(&[]);
    assert_eq!((quiet.status, quiet.incidents()), (0, Vec::new()), "told once: {quiet:?}");
}

#[test]
fn who_acts_after_containment_opens_the_incident_again() {
    let Some(scene) = Scene::mini(&ONE, "") else { return };
    scene.attacked(&json!({}));
    let id = scene.opened();
    let before = scene.dump();
    scene.approved(&id, &[]);
    scene.contained(&id);
    assert_eq!(status(&scene, &id), "contained");
    assert_ne!(scene.tries(&["intruder"])["intruder"], "OK");
    // Somebody takes it back by hand, and not with Stakeout.
    scene.cast.ask(&json!({ "do": "restore", "dump": before, "regions": ONE }));
    assert_eq!(call(&scene, "intruder", "iam", "ListUsers", LATER), "OK");
    let run = scene.watch(&[]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.findings().iter().any(|finding| finding["detector"] == STILL_ACTS), "{run:?}");
    let incidents = run.incidents();
    let again = incidents.iter().find(|incident| incident["id"] == id.as_str());
    assert_eq!(again.unwrap_or_else(|| panic!("{run:?}"))["status"], "open");
    assert_eq!(status(&scene, &id), "open");
    // Another plan cuts it off again.
    scene.approved(&id, &[]);
    scene.contained(&id);
    assert_eq!(status(&scene, &id), "contained");
    assert_ne!(scene.tries(&["intruder"])["intruder"], "OK");
    scene.journal();
}
