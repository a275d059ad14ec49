//! The benign look-alike: a team that trains models on the same machines, and a cluster that grows by night.

use serde_json::json;

use super::super::hand::arn;
use super::machines::{run, running};
use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{GLOBAL, agent};
use crate::drill::ident::hex;
use crate::drill::log::Scene;
use crate::drill::record::Call;

/// Where the machines of the team are.
const REGION: &str = GLOBAL;
const CLASS: &str = "p4d.24xlarge";
const ADDRESS: &str = "198.51.100.75";
/// The hours of the day at which a training begins and at which the cluster grows.
const TRAINING: u32 = 20;
const GROWTH: [u32; 3] = [2, 8, 14];

/// What the team does every day.
pub(in super::super) fn background(scene: &mut Scene<'_>) {
    if scene.hour.of_day == TRAINING {
        let at = scene.hour.at(10, scene.rng.i64(0..60));
        train(scene, at, 1);
    }
    if GROWTH.contains(&scene.hour.of_day) {
        let at = scene.hour.at(3, scene.rng.i64(0..60));
        grow(scene, at, 1);
    }
}

/// A large training in the middle of the night, and a cluster that grows by twenty machines.
pub(in super::super) fn twin(scene: &mut Scene<'_>) {
    let at = scene.hour.at(scene.rng.i64(5..30), 0);
    train(scene, at, 8);
    grow(scene, at + 300, 20);
}

/// A session of the scheduler in the team's function starts the machines of a training.
fn train(scene: &mut Scene<'_>, at: i64, count: usize) {
    let role = Role::named("ml-train");
    let key = scene.assume(&Actor::service("lambda"), at, REGION, &role, "ml-scheduler");
    let actor = Actor::session(&role, "ml-scheduler", &key, at)
        .from(ADDRESS)
        .with_agent(agent::FUNCTION)
        .in_function(&arn("lambda", REGION, "function:ml-scheduler"));
    let quota = json!({"serviceCode": "ec2", "quotaCode": "L-417A185B"});
    scene.write(&actor, at + 2, &Call::new("servicequotas", "GetServiceQuota", REGION).request(quota));
    let ids: Vec<String> = (0..count).map(|_| format!("i-0{}", hex(scene.rng, 16))).collect();
    let mut request = run(CLASS, count);
    request["iamInstanceProfile"] = json!({"name": "ml-train"});
    let answer = running(&hex(scene.rng, 16), &ids, CLASS);
    scene.write(&actor, at + 5, &Call::new("ec2", "RunInstances", REGION).request(request).response(answer));
    let end = at + 2_400;
    let items: Vec<_> = ids.iter().map(|id| json!({"instanceId": id})).collect();
    let request = json!({"instancesSet": {"items": items}});
    let ended: Vec<_> =
        ids.iter().map(|id| json!({"instanceId": id, "currentState": {"code": 32, "name": "shutting-down"}})).collect();
    let call = Call::new("ec2", "TerminateInstances", REGION)
        .request(request)
        .response(json!({"instancesSet": {"items": ended}}));
    scene.write(&actor, end, &call);
}

/// The scaler of a Kubernetes cluster asks a fleet for machines.
fn grow(scene: &mut Scene<'_>, at: i64, count: usize) {
    let role = Role::named("karpenter");
    let key = scene.assume(&Actor::service("pods.eks"), at, REGION, &role, "eks-production-karpenter");
    let actor = Actor::session(&role, "eks-production-karpenter", &key, at)
        .from("198.51.100.76")
        .with_agent("karpenter.sh-1.0.6 aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3");
    let ids: Vec<String> = (0..count).map(|_| format!("i-0{}", hex(scene.rng, 16))).collect();
    let request = json!({"CreateFleetRequest": {
        "Type": "instant",
        "LaunchTemplateConfigs": {"tag": 1, "LaunchTemplateSpecification": {
            "LaunchTemplateName": "karpenter.k8s.aws/4f1c2d", "Version": "$Latest",
        }, "Overrides": {"tag": 1, "InstanceType": "m6i.2xlarge"}},
        "TargetCapacitySpecification": {"TotalTargetCapacity": count, "DefaultTargetCapacityType": "on-demand"},
    }});
    let answer = json!({"CreateFleetResponse": {
        "fleetId": format!("fleet-{}", hex(scene.rng, 32)),
        "fleetInstanceSet": {"item": {"instanceIds": {"item": ids}, "instanceType": "m6i.2xlarge"}},
    }});
    scene.write(&actor, at + 4, &Call::new("ec2", "CreateFleet", REGION).request(request).response(answer));
    let items: Vec<_> = ids.iter().map(|id| json!({"instanceId": id})).collect();
    let call = Call::new("ec2", "TerminateInstances", REGION).request(json!({"instancesSet": {"items": items}}));
    scene.write(&actor, at + 2_700, &call);
}
