//! An engineer deletes machines, databases and backups on the last day at work.
//!
//! Nothing about the caller is new: neither the network nor the session nor the kind of call. Only how many there are is.

use serde_json::{Value, json};

use crate::drill::actor::Actor;
use crate::drill::bill::Story;
use crate::drill::cast::{GLOBAL, HOME, PROD};
use crate::drill::ident::{access_key, hex};
use crate::drill::log::Scene;
use crate::drill::people::{administrator, sign_in, sign_in_at};
use crate::drill::record::Call;
use crate::drill::truth::Truth;

mod staging;

pub(super) use staging::twin;

/// Who leaves.
const LEAVER: &str = "bob";
/// When, in hours of the day.
pub(super) const LEAVES_AT: u32 = 19;
const MACHINES: usize = 23;
/// Machines that must first be made deletable.
const PROTECTED: usize = 3;
const SNAPSHOTS: usize = 60;
const FUNCTIONS: usize = 15;
const COLLEAGUES: [&str; 4] = ["carol", "dave", "erin", "grace"];

/// What engineers tidy up in the course of a week, so that none of these calls is new. In the twin, the pipeline takes
/// down what it built for a test, too.
pub(super) fn background(twin: bool, scene: &mut Scene<'_>) {
    if twin {
        staging::weekly(scene);
    }
    let hour = scene.hour;
    if hour.of_day != 14 || !hour.is_workday() {
        return;
    }
    let engineer = sign_in(scene, if hour.day.is_multiple_of(2) { LEAVER } else { "alice" });
    let region = HOME[hour.day as usize % 2];
    let mut at = hour.at(31, scene.rng.i64(0..60));
    for call in [snapshot(scene, region), snapshot(scene, region), machine(scene, region, Outcome::Done)] {
        at += scene.rng.i64(20..90);
        scene.write(&engineer, at, &call);
    }
    match hour.day % 5 {
        0 => {
            let call = function(region, &format!("trial-{}", hour.day));
            scene.write(&engineer, at + 120, &call);
        }
        1 => {
            let call = database(region, &format!("trial-{}", hour.day));
            scene.write(&engineer, at + 120, &call);
        }
        2 => {
            let call = key(scene, "interns");
            scene.write(&engineer, at + 120, &call);
        }
        _ => {}
    }
}

/// What became of a call about a machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Protected,
}

/// Plays the attack from the scene's hour on; nothing of it costs money.
pub(super) fn attack(scene: &mut Scene<'_>, truth: &mut Truth) -> Story {
    let at = scene.hour.at(31, scene.rng.i64(0..60));
    let bob = sign_in_at(scene, &administrator(), LEAVER, at, &mut |scene, actor, at, call| {
        truth.act(scene, actor, at, call)
    });
    truth.enter_by(&administrator().arn(), bob.credential());
    let mut at = scene.hour.at(40, scene.rng.i64(0..20));
    at = machines(scene, &bob, at, truth);
    for region in HOME {
        at += scene.rng.i64(20..50);
        truth.act(scene, &bob, at, &database(region, "orders"));
        truth.regions.insert(region.to_owned());
    }
    for turn in 0..SNAPSHOTS {
        at += scene.rng.i64(1..4);
        let call = snapshot(scene, HOME[turn % 2]);
        truth.act(scene, &bob, at, &call);
    }
    for turn in 0..FUNCTIONS {
        at += scene.rng.i64(2..6);
        truth.act(scene, &bob, at, &function(HOME[turn % 2], &format!("orders-step-{turn}")));
    }
    let zone = "arn:aws:route53:::hostedzone/Z0123456789EXAMPLE";
    let denied = Call::new("route53", "DeleteHostedZone", GLOBAL).denied(&bob, "DeleteHostedZone", zone);
    truth.act(scene, &bob, at + 30, &denied);
    at += 60;
    for colleague in COLLEAGUES {
        at += scene.rng.i64(8..20);
        let call = key(scene, colleague);
        truth.act(scene, &bob, at, &call);
    }
    // Machines, backups and colleagues: each more than anybody here ever deleted within minutes.
    truth.open_by(at);
    Story::default()
}

/// All machines, in calls of one each; what is protected is made deletable first.
fn machines(scene: &mut Scene<'_>, bob: &Actor, mut at: i64, truth: &mut Truth) -> i64 {
    for turn in 0..MACHINES {
        at += scene.rng.i64(2..8);
        let region = HOME[turn % 2];
        if turn < MACHINES - PROTECTED {
            let call = machine(scene, region, Outcome::Done);
            truth.act(scene, bob, at, &call);
            continue;
        }
        let id = format!("i-0{}", hex(scene.rng, 16));
        truth.act(scene, bob, at, &terminate(region, &id, Outcome::Protected));
        let unprotect = json!({"instanceId": id, "disableApiTermination": {"value": false}});
        let call =
            Call::new("ec2", "ModifyInstanceAttribute", region).request(unprotect).response(json!({"_return": true}));
        truth.act(scene, bob, at + 15, &call);
        truth.act(scene, bob, at + 22, &terminate(region, &id, Outcome::Done));
        at += 22;
    }
    at
}

fn machine<'a>(scene: &mut Scene<'_>, region: &'a str, outcome: Outcome) -> Call<'a> {
    let id = format!("i-0{}", hex(scene.rng, 16));
    terminate(region, &id, outcome)
}

/// Ends the instance `id`, or tries to.
fn terminate<'a>(region: &'a str, id: &str, outcome: Outcome) -> Call<'a> {
    let request = json!({"instancesSet": {"items": [{"instanceId": id}]}});
    let call = Call::new("ec2", "TerminateInstances", region).request(request);
    match outcome {
        Outcome::Protected => call.failed(
            "Client.OperationNotPermitted",
            format!(
                "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."
            ),
        ),
        Outcome::Done => call.response(json!({"instancesSet": {"items": [{
            "instanceId": id,
            "currentState": {"code": 32, "name": "shutting-down"},
            "previousState": {"code": 16, "name": "running"},
        }]}})),
    }
}

fn snapshot<'a>(scene: &mut Scene<'_>, region: &'a str) -> Call<'a> {
    let id = format!("snap-0{}", hex(scene.rng, 16));
    Call::new("ec2", "DeleteSnapshot", region).request(json!({"snapshotId": id})).response(json!({"_return": true}))
}

/// Deletes a database without a last copy.
fn database<'a>(region: &'a str, name: &str) -> Call<'a> {
    let request = json!({"dBInstanceIdentifier": name, "skipFinalSnapshot": true, "deleteAutomatedBackups": true});
    Call::new("rds", "DeleteDBInstance", region).request(request).response(json!({
        "dBInstanceIdentifier": name,
        "dBInstanceStatus": "deleting",
        "dBInstanceArn": format!("arn:aws:rds:{region}:{PROD}:db:{name}"),
        "engine": "postgres",
    }))
}

fn function<'a>(region: &'a str, name: &str) -> Call<'a> {
    Call::new("lambda", "DeleteFunction20150331", region).request(json!({"functionName": name})).response(Value::Null)
}

/// Deletes an access key of `user`.
fn key(scene: &mut Scene<'_>, user: &str) -> Call<'static> {
    let key = access_key(scene.rng, "AKIA");
    Call::iam("DeleteAccessKey").request(json!({"userName": user, "accessKeyId": key}))
}
