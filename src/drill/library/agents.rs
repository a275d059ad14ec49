//! Software of AWS that runs on machines and over the account, and asks all day long.

use serde_json::json;

use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{HOME, PROD};
use crate::drill::ident::{access_key, hex};
use crate::drill::log::Scene;
use crate::drill::record::Call;

/// Machines with the agent of Systems Manager: id and address.
const MACHINES: [(&str, &str); 3] = [
    ("i-0a11c0de00000001a", "198.51.100.221"),
    ("i-0a11c0de00000002b", "198.51.100.222"),
    ("i-0a11c0de00000003c", "198.51.100.223"),
];
const AGENT: &str = "aws-sdk-go/1.55.5 (go1.22.5; linux; amd64) amazon-ssm-agent/3.3.808.0";

/// The agents, and the services that look for holes and for what changed.
pub(super) fn live(scene: &mut Scene<'_>) {
    for (number, (id, address)) in MACHINES.into_iter().enumerate() {
        report(scene, number, id, address);
    }
    inspect(scene);
    scale(scene);
}

/// A machine says that it is there, and asks for work.
fn report(scene: &mut Scene<'_>, number: usize, id: &str, address: &str) {
    let region = HOME[number % 2];
    let role = Role::named("managed-machine");
    let since = scene.hour.start;
    let key = scene.assume(&Actor::service("ec2"), since, region, &role, id);
    let actor = Actor::session(&role, id, &key, since).from(address).with_agent(AGENT).on_instance(region, id);
    for minute in [7, 37] {
        let at = scene.hour.at(minute, scene.rng.i64(0..60));
        let info = Call::new("ssm", "UpdateInstanceInformation", region).request(json!({
            "instanceId": id,
            "agentName": "amazon-ssm-agent",
            "agentVersion": "3.3.808.0",
            "agentStatus": "Active",
            "platformType": "Linux",
        }));
        scene.write(&actor, at, &info);
        let association = Call::new("ssm", "ListInstanceAssociations", region).request(json!({"instanceId": id}));
        scene.write(&actor, at + 1, &association);
    }
    let inventory = Call::new("ssm", "PutInventory", region).request(json!({"instanceId": id}));
    scene.write(&actor, scene.hour.at(44, 0), &inventory);
}

/// Inspector reads what it scans through its service-linked role, in bursts.
fn inspect(scene: &mut Scene<'_>) {
    if !scene.hour.of_day.is_multiple_of(6) {
        return;
    }
    let role = Role::linked("inspector2", "AWSServiceRoleForAmazonInspector2");
    let key = access_key(scene.rng, "ASIA");
    let actor = Actor::session(&role, "AmazonInspector2", &key, scene.hour.start).via("inspector2.amazonaws.com");
    const READS: [(&str, &str); 5] = [
        ("ec2", "DescribeInstances"),
        ("ec2", "DescribeSnapshots"),
        ("lambda", "ListFunctions20150331"),
        ("lambda", "GetFunction20150331v2"),
        ("ecr", "DescribeImages"),
    ];
    for (turn, region) in (0..).zip(HOME) {
        for (second, (service, name)) in (0..).zip(READS) {
            scene.write(&actor, scene.hour.at(50, 10 * turn + second), &Call::new(service, name, region));
        }
    }
    let snapshot = Call::new("ec2", "CreateSnapshot", HOME[0])
        .request(json!({"volumeId": format!("vol-0{}", hex(scene.rng, 16)), "description": "Inspector scan"}))
        .response(json!({"snapshotId": format!("snap-0{}", hex(scene.rng, 16)), "ownerId": PROD, "status": "pending"}));
    scene.write(&actor, scene.hour.at(51, 0), &snapshot);
}

/// A campaign: scaling starts twenty machines at once and ends them two hours later, through its service-linked role.
fn scale(scene: &mut Scene<'_>) {
    let (day, hour) = (scene.hour.day, scene.hour.of_day);
    let name = match hour {
        11 if day % 9 == 4 => "RunInstances",
        13 if day % 9 == 4 => "TerminateInstances",
        _ => return,
    };
    let role = Role::linked("autoscaling", "AWSServiceRoleForAutoScaling");
    let key = access_key(scene.rng, "ASIA");
    let actor = Actor::session(&role, "AutoScaling", &key, scene.hour.start).via("autoscaling.amazonaws.com");
    for turn in 0..20 {
        let id = format!("i-0{}", hex(scene.rng, 16));
        let items = json!({"items": [{"instanceId": id, "instanceType": "m5.large"}]});
        let call = Call::new("ec2", name, HOME[0])
            .request(json!({"instanceType": "m5.large", "instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]}}))
            .response(json!({"ownerId": PROD, "instancesSet": items}));
        scene.write(&actor, scene.hour.at(20, turn), &call);
    }
}
