//! Machines, doors, and what watches, on the stand-in that knows all of them and enforces nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::scene::{Scene, said, same, steps, told};
use crate::stand_in::Fate;

const REGION: &str = "eu-north-1";
const TWO: [&str; 2] = ["us-east-1", REGION];
const USER: &str = "svc.monitor+7f3a";

/// moto gives every spot request its instance at once: that this one waits is all that is made up here.
fn waits(scene: &Scene, spot: &str) {
    let (spot, waits) = (spot.to_owned(), Arc::new(AtomicBool::new(true)));
    scene.proxy.rule(move |request, _| {
        if request.operation == "CancelSpotInstanceRequests" {
            waits.store(false, Ordering::SeqCst);
        }
        if request.operation != "DescribeSpotInstanceRequests" {
            return Fate::Pass;
        }
        let state = if waits.load(Ordering::SeqCst) { "open" } else { "cancelled" };
        let item = format!(
            "<item><spotInstanceRequestId>{spot}</spotInstanceRequestId><type>persistent</type>\
             <state>{state}</state></item>"
        );
        let set = format!("<spotInstanceRequestSet>{item}</spotInstanceRequestSet>");
        Fate::Answered(format!("<DescribeSpotInstanceRequestsResponse>{set}</DescribeSpotInstanceRequestsResponse>"))
    });
}

/// Everything that containment may change, and what computes and watches.
fn dump(scene: &Scene) -> Value {
    let mut dump = scene.dump();
    dump["computing"] = scene.cast.ask(&json!({ "do": "computing", "region": REGION }));
    dump
}

/// Nothing of the intruder works, and all of it is there.
fn is_closed(during: &Value, made: &Value, machines: &Value, before: &Value) {
    let computing = &during["computing"];
    assert_eq!(computing["groups"]["miners"], json!([0, 0, 0, 0]), "{computing:#}");
    assert_eq!(computing["spot"], json!([]));
    assert_eq!(computing["watching"], json!({ "trail": true, "detector": "ENABLED" }));
    assert_eq!(computing["ssh"][machines["ssh"].as_str().unwrap()], "Inactive");
    let id = machines["instance"].as_str().unwrap();
    let (now, then) = (&computing["instances"][id], &before["computing"]["instances"][id]);
    assert_eq!((&now["state"], &now["profile"]), (&json!("stopped"), &Value::Null), "{now:#}");
    assert_ne!(now["groups"], then["groups"], "in another security group");
    assert_eq!(computing["templates"], before["computing"]["templates"], "nothing is deleted");
    for arn in made["functions"].as_array().unwrap() {
        let arn = arn.as_str().unwrap();
        let function = &during[arn.split(':').nth(3).unwrap()]["functions"][arn];
        assert_eq!(function["concurrency"], 0, "{function:#}");
        assert_eq!(function["urls"][0][1], "AWS_IAM", "{function:#}");
        assert!(!function["policy"].to_string().contains("anybody"), "{function:#}");
        assert!(!function["mappings"].to_string().contains("Enabled"), "{function:#}");
    }
    for region in TWO {
        let states = |what: &str| {
            let all = during[region][what].as_object().unwrap();
            all.values().map(|one| one["State"].clone()).collect::<Vec<_>>()
        };
        assert_eq!((states("rules"), states("schedules")), (vec![json!("DISABLED")], vec![json!("DISABLED")]));
    }
}

#[test]
fn machines_and_doors_are_closed_and_opened_again() {
    let Some(scene) = Scene::moto(&TWO, "") else { return };
    let made = scene.attacked(&json!({}));
    scene.doors(made["functions"].as_array().unwrap(), true);
    let machines = json!({ "do": "machines", "region": REGION, "user": USER, "functions": made["functions"] });
    let machines = scene.cast.ask(&machines);
    waits(&scene, machines["spot"].as_str().unwrap());
    let id = scene.opened();
    let mut before = dump(&scene);
    let plan = scene.approved(&id, &[]);
    // moto writes the permission of a public address as no policy can be, and as nothing could put it back.
    let refused = plan["refused"].as_array().unwrap();
    let is_known = |refused: &&Value| refused["why"].as_str().unwrap().contains("FunctionUrlAuthType");
    assert_eq!(refused.iter().filter(|refused| !is_known(refused)).count(), 0, "{refused:#?}");
    let expected = [
        ("stop-instance", 1),
        ("detach-instance-profile", 1),
        ("isolate-instance", 1),
        ("scale-group-to-zero", 1),
        ("cancel-spot-request", 1),
        ("start-trail", 1),
        ("enable-guardduty", 1),
        ("require-signed-url", 2),
        ("remove-public-permission", 2),
        ("disable-event-source", 2),
        ("disable-rule", 2),
        ("disable-schedule", 2),
        ("deactivate-ssh-key", 1),
        ("stop-function", 2),
        ("attach-deny", 3),
        ("deactivate-key", 2),
    ];
    for (action, count) in expected {
        assert_eq!(steps(&plan, action).len(), count, "{action}: {plan:#}");
    }
    let (run, took) = scene.contain(&id);
    told("machines and doors", took);
    assert_eq!(run.status, 0, "{}", said(&run));
    let during = dump(&scene);
    is_closed(&during, &made, &machines, &before);

    // What cannot be taken back says so before it is done.
    let lasting = ["cancel-spot-request", "start-trail"];
    for step in lasting.iter().flat_map(|action| steps(&plan, action)) {
        assert_eq!(step["undo"], Value::Null, "{step:#}");
    }
    let undo = scene.plan(&id, &["--undo", "--reactivate-keys"]);
    assert!(lasting.iter().all(|action| steps(&undo, action).is_empty()), "{undo:#}");
    scene.approve(&id, &undo);
    let run = scene.run(&["undo", &id, "--execute", "--reactivate-keys"]);
    assert_eq!(run.status, 0, "{}", said(&run));
    let after = dump(&scene);
    before["computing"]["spot"] = json!([]);
    before["computing"]["watching"]["trail"] = json!(true);
    same(&before, &after);
    scene.journal();
}
