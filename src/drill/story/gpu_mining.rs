//! A leaked key fills unused regions with GPU machines and containers that mine.

mod machines;
mod ordinary;

use serde_json::json;

use self::machines::Ground;
pub(super) use self::ordinary::{background, twin};
use super::hand::{Hand, arn, unused};
use crate::drill::actor::{Actor, Role, user_arn};
use crate::drill::bill::Story;
use crate::drill::cast::{CI_KEY, GLOBAL, HOME, agent};
use crate::drill::clock::iam_date;
use crate::drill::deploy::CI_USER;
use crate::drill::ident::{access_key, alphanumeric, hex};
use crate::drill::log::Scene;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

/// Regions whose limits are asked for, and those that are filled.
const ASKED: usize = 12;
const FILLED: usize = 3;
/// Container clusters in all filled regions together.
const CLUSTERS: usize = 50;
/// What a task may have at most: CPU units and MB.
const LARGEST_TASK: [&str; 2] = ["16384", "32768"];

/// Plays the attack within the scene's hour and the next; returns what runs from then on.
pub(super) fn attack(scene: &mut Scene<'_>, regions: &[String], truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(0..25), scene.rng.i64(0..60));
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let filled = unused(scene, regions, FILLED);
    let mut asked = regions.to_vec();
    scene.rng.shuffle(&mut asked);
    asked.truncate(ASKED);
    let leaked = Actor::user(CI_USER, CI_KEY, &address, agent::ATTACKER);
    truth.enter_by(&user_arn(CI_USER), CI_KEY);
    let mut hand = Hand { scene, truth, actor: leaked };
    measure(&mut hand, start, &asked, &filled);
    let suffix = hex(hand.scene.rng, 4);
    let task = linked_roles(&mut hand, start + 60, &suffix);
    for (place, region) in (0..).zip(&filled) {
        let ground = Ground::new(&mut hand, region, &suffix);
        let at = start + 90 + 40 * place;
        if place == 0 {
            hand.truth.open_by(at);
        }
        ground.prepare(&mut hand, at);
        ground.start(&mut hand, at + 12);
        ground.start_more(&mut hand, start + 300 + 9 * place);
        ground.protect(&mut hand, start + 900 + 70 * place);
    }
    for (place, region) in (0..).zip(&filled) {
        contain(&mut hand, start + 420 + 120 * place, region, &task, CLUSTERS / filled.len().max(1));
    }
    outlast(&mut hand, start + 1_200, &filled, &task, &suffix);
    Story::default()
}

/// Who am I, how many machines may run where, and would they start.
fn measure(hand: &mut Hand<'_, '_>, start: i64, asked: &[String], filled: &[String]) {
    const LIMITS: [(&str, &str, f64); 2] = [
        ("L-417A185B", "Running On-Demand P instances", 0.0),
        ("L-DB2E81BA", "Running On-Demand G and VT instances", 64.0),
    ];
    hand.ask(start, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    for (place, region) in (0..).zip(asked) {
        for (code, name, value) in LIMITS {
            let call = Call::new("servicequotas", "GetServiceQuota", region)
                .request(json!({"serviceCode": "ec2", "quotaCode": code}))
                .response(json!({"quota": {
                    "serviceCode": "ec2",
                    "quotaCode": code,
                    "quotaName": name,
                    "value": value,
                    "adjustable": true,
                    "globalQuota": false,
                }}));
            hand.ask(start + 5 + place * 5 / 3, &call);
        }
    }
    for (second, region) in (0..).zip(filled) {
        let mut ask = machines::run("g5.12xlarge", 1);
        ask["dryRun"] = true.into();
        let call = Call::new("ec2", "RunInstances", region)
            .request(ask)
            .failed("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
        hand.ask(start + 40 + second, &call);
    }
}

/// The roles that AWS's services need, and one for containers and functions.
fn linked_roles(hand: &mut Hand<'_, '_>, at: i64, suffix: &str) -> Role {
    let scaling = "AWSServiceRoleForAutoScaling";
    let taken = format!("Service role name {scaling} has been taken in this account, please try a different suffix.");
    let call = Call::iam("CreateServiceLinkedRole")
        .request(json!({"aWSServiceName": "autoscaling.amazonaws.com"}))
        .failed("InvalidInputException", taken);
    hand.ask(at, &call);
    for (second, (service, name)) in (1..).zip([("spot", "AWSServiceRoleForEC2Spot"), ("ecs", "AWSServiceRoleForECS")])
    {
        let role = Role::linked(service, name);
        let host = format!("{service}.amazonaws.com");
        let call = Call::iam("CreateServiceLinkedRole").request(json!({"aWSServiceName": host})).response(json!({
            "role": {
                "path": format!("/aws-service-role/{host}/"),
                "roleName": name,
                "roleId": role.id(),
                "arn": role.arn(),
                "createDate": iam_date(at + second),
            },
        }));
        hand.make(at + second, &call, &role.arn());
    }
    let task = Role::named(&format!("batch-exec-{suffix}"));
    let policy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    hand.make_role(at + 12, &task, "ecs-tasks", policy);
    task
}

/// Clusters, a task that mines, and services that keep it running.
fn contain(hand: &mut Hand<'_, '_>, at: i64, region: &str, role: &Role, clusters: usize) {
    let names: Vec<String> = (0..clusters).map(|_| alphanumeric(hand.scene.rng, 12)).collect();
    for (place, name) in (0..).zip(&names) {
        let made = arn("ecs", region, &format!("cluster/{name}"));
        let call = Call::new("ecs", "CreateCluster", region).request(json!({"clusterName": name})).response(
            json!({"cluster": {"clusterArn": made, "clusterName": name, "status": "ACTIVE", "runningTasksCount": 0}}),
        );
        hand.make(at + place, &call, &made);
    }
    let family = alphanumeric(hand.scene.rng, 10);
    let definition = arn("ecs", region, &format!("task-definition/{family}:1"));
    let image = format!("docker.io/{}/{}:latest", hex(hand.scene.rng, 9), hex(hand.scene.rng, 6));
    let [cpu, memory] = LARGEST_TASK;
    let task = json!({
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": cpu,
        "memory": memory,
        "executionRoleArn": role.arn(),
        "containerDefinitions": [{"name": "app", "image": image, "essential": true}],
    });
    let mut answer = task.clone();
    answer["taskDefinitionArn"] = definition.clone().into();
    answer["revision"] = 1.into();
    answer["status"] = "ACTIVE".into();
    let call =
        Call::new("ecs", "RegisterTaskDefinition", region).request(task).response(json!({"taskDefinition": answer}));
    hand.make(at + 40, &call, &definition);
    for (place, cluster) in (0..).zip(names.iter().take(8)) {
        serve(hand, at + 45 + 2 * place, region, cluster, &definition);
    }
}

fn serve(hand: &mut Hand<'_, '_>, at: i64, region: &str, cluster: &str, definition: &str) {
    let service = arn("ecs", region, &format!("service/{cluster}/app"));
    let request = json!({
        "cluster": cluster,
        "serviceName": "app",
        "taskDefinition": definition,
        "desiredCount": 10,
        "launchType": "FARGATE",
        "clientToken": "***",
    });
    let answer = json!({"service": {
        "serviceArn": service,
        "serviceName": "app",
        "clusterArn": arn("ecs", region, &format!("cluster/{cluster}")),
        "taskDefinition": definition,
        "desiredCount": 10,
        "runningCount": 0,
        "launchType": "FARGATE",
        "status": "ACTIVE",
    }});
    hand.make(at, &Call::new("ecs", "CreateService", region).request(request).response(answer), &service);
}

/// A function that anybody can call, and a user that can send mail: ways to come back.
fn outlast(hand: &mut Hand<'_, '_>, at: i64, filled: &[String], role: &Role, suffix: &str) {
    let region = filled.first().map_or(HOME[0], String::as_str);
    let name = format!("fn-{suffix}");
    let made = hand.make_function(at, region, &name, role, [128, 30]);
    let host = format!("https://{}.lambda-url.{region}.on.aws/", hex(hand.scene.rng, 32));
    let url = Call::new("lambda", "CreateFunctionUrlConfig", region)
        .request(json!({"functionName": name, "authType": "NONE"}))
        .response(json!({"functionUrl": host, "functionArn": made, "authType": "NONE", "invokeMode": "BUFFERED"}));
    hand.change(at + 4, &url);
    let user = format!("user-{}", access_key(hand.scene.rng, "").to_lowercase());
    hand.make_user(at + 20, &user);
    let attach = json!({"userName": user, "policyArn": "arn:aws:iam::aws:policy/AmazonSESFullAccess"});
    hand.change(at + 22, &Call::iam("AttachUserPolicy").request(attach));
}
