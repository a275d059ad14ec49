//! What happens once: a test of the disaster plan, a hired attack, and an identity that Stakeout itself cut off.

use serde_json::{Value, json};

use crate::drill::actor::{Actor, Role, user_arn};
use crate::drill::cast::{CI_ADDRESS, CI_KEY, GLOBAL, PROD, agent};
use crate::drill::deploy::CI_USER;
use crate::drill::ident::hex;
use crate::drill::log::Scene;
use crate::drill::people::{create_key, create_user, sign_in};
use crate::drill::record::Call;

/// Days of the test of the disaster plan, of the hired attack, and of the containment.
const DISASTER_TEST: u32 = 40;
const PENTEST: [u32; 2] = [47, 48];
const CONTAINMENT: u32 = 25;
/// Where the disaster plan moves to.
const REFUGE: &str = "eu-central-1";
const PENTEST_KEY: &str = "AKIAEXAMPLEPT0000001";
const PENTEST_ADDRESS: &str = "192.0.2.77";
const KALI: &str =
    "aws-cli/2.15.30 Python/3.11.8 Linux/6.6.15-amd64 source/x86_64.kali.2024 prompt/off command/iam.list-users";
const STAKEOUT: &str = "aws-sdk-rust/1.3.8 os/linux lang/rust/1.90.0";

/// What falls into this hour.
pub(super) fn live(scene: &mut Scene<'_>, regions: &[String]) {
    let (day, hour) = (scene.hour.day, scene.hour.of_day);
    match hour {
        9 if day == DISASTER_TEST => build_up(scene),
        13 if day == DISASTER_TEST => take_down(scene),
        16 if day + 1 == PENTEST[0] => admit(scene),
        10..=14 if PENTEST.contains(&day) => attack(scene, regions),
        11 if day == CONTAINMENT => contain(scene, true),
        12 if day == CONTAINMENT => contain(scene, false),
        _ => {}
    }
}

/// The role of the disaster plan, as the pipeline takes it on.
fn rescuer(scene: &mut Scene<'_>) -> Actor {
    let at = scene.hour.at(5, scene.rng.i64(0..60));
    let ci = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let role = Role::named("disaster-recovery");
    let key = scene.assume(&ci, at, GLOBAL, &role, "change-4711");
    Actor::session(&role, "change-4711", &key, at).from(CI_ADDRESS).with_agent(agent::TERRAFORM)
}

/// Database, machines and functions come up in a region that nobody uses.
fn build_up(scene: &mut Scene<'_>) {
    let actor = rescuer(scene);
    let mut at = scene.hour.at(7, 0);
    let restore = Call::new("rds", "RestoreDBInstanceFromDBSnapshot", REFUGE)
        .request(json!({"dBInstanceIdentifier": "orders-dr", "dBSnapshotIdentifier": "orders-copy"}))
        .response(json!({"dBInstanceArn": format!("arn:aws:rds:{REFUGE}:{PROD}:db:orders-dr")}));
    scene.write(&actor, at, &restore);
    for turn in 0..2 {
        at += 20;
        let items = json!({"items": [{"instanceId": machine(turn), "instanceType": "m5.large"}]});
        let run = Call::new("ec2", "RunInstances", REFUGE)
            .request(json!({"instanceType": "m5.large", "instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]}}))
            .response(json!({"ownerId": PROD, "instancesSet": items}));
        scene.write(&actor, at, &run);
    }
    for name in ["orders-api", "billing-export", "search-index"] {
        at += 12;
        let request = json!({
            "functionName": name,
            "runtime": "python3.12",
            "role": Role::named(&format!("{name}-exec")).arn(),
            "memorySize": 512,
            "timeout": 30,
            "tags": {"change": "4711"},
        });
        let mut response = request.clone();
        response["functionArn"] = crate::drill::deploy::function_arn(REFUGE, name).into();
        response["codeSha256"] = format!("{}=", hex(scene.rng, 43)).into();
        let create = Call::new("lambda", "CreateFunction20150331", REFUGE).request(request).response(response);
        scene.write(&actor, at, &create);
    }
    let records = json!({"hostedZoneId": "Z0123456789EXAMPLE", "changeBatch": {"comment": "change-4711"}});
    scene.write(&actor, at + 60, &Call::new("route53", "ChangeResourceRecordSets", GLOBAL).request(records));
}

fn machine(turn: i64) -> String {
    format!("i-0d15a57e400000{turn:03}")
}

/// And it all goes again.
fn take_down(scene: &mut Scene<'_>) {
    let actor = rescuer(scene);
    let mut at = scene.hour.at(7, 0);
    for turn in 0..2 {
        at += 15;
        let items = json!({"items": [{"instanceId": machine(turn)}]});
        let end = Call::new("ec2", "TerminateInstances", REFUGE)
            .request(json!({"instancesSet": items}))
            .response(json!({"instancesSet": items}));
        scene.write(&actor, at, &end);
    }
    for name in ["orders-api", "billing-export", "search-index"] {
        at += 9;
        let call = Call::new("lambda", "DeleteFunction20150331", REFUGE).request(json!({"functionName": name}));
        scene.write(&actor, at, &call);
    }
    let database = json!({"dBInstanceIdentifier": "orders-dr", "skipFinalSnapshot": true});
    scene.write(&actor, at + 20, &Call::new("rds", "DeleteDBInstance", REFUGE).request(database));
}

/// Alice makes the user for the hired attack, who may read.
fn admit(scene: &mut Scene<'_>) {
    let alice = sign_in(scene, "alice");
    let at = scene.hour.at(25, 0);
    scene.write(&alice, at, &create_user("pentest", at));
    let attach = json!({"userName": "pentest", "policyArn": "arn:aws:iam::aws:policy/SecurityAudit"});
    scene.write(&alice, at + 30, &Call::iam("AttachUserPolicy").request(attach));
    scene.write(&alice, at + 60, &create_key("pentest", PENTEST_KEY, at + 60));
}

/// From the address that was announced: questions everywhere, and what must be refused.
fn attack(scene: &mut Scene<'_>, regions: &[String]) {
    let actor = Actor::user("pentest", PENTEST_KEY, PENTEST_ADDRESS, KALI);
    let mut at = scene.hour.at(3, 0);
    scene.write(&actor, at, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    for name in ["ListUsers", "ListRoles", "ListPolicies", "GetAccountAuthorizationDetails", "GetAccountSummary"] {
        at += scene.rng.i64(1..6);
        scene.write(&actor, at, &Call::iam(name));
    }
    for region in regions.iter().take(6) {
        for (service, name) in
            [("ec2", "DescribeInstances"), ("lambda", "ListFunctions20150331"), ("s3", "ListBuckets")]
        {
            at += scene.rng.i64(1..4);
            scene.write(&actor, at, &Call::new(service, name, region));
        }
    }
    const TRIED: [(&str, &str); 8] = [
        ("iam", "CreateUser"),
        ("iam", "CreateAccessKey"),
        ("iam", "AttachUserPolicy"),
        ("iam", "PutUserPolicy"),
        ("lambda", "CreateFunction"),
        ("ec2", "RunInstances"),
        ("secretsmanager", "GetSecretValue"),
        ("sts", "AssumeRole"),
    ];
    for (service, name) in TRIED {
        at += scene.rng.i64(5..40);
        let call = Call::new(service, name, GLOBAL).denied(&actor, name, "*");
        scene.write(&actor, at, &call);
    }
}

/// What Stakeout does once somebody approved it, and takes back an hour later.
fn contain(scene: &mut Scene<'_>, cut_off: bool) {
    let at = scene.hour.at(14, scene.rng.i64(0..60));
    let own = Role::named("stakeout");
    let function = crate::drill::deploy::function_arn(GLOBAL, "stakeout");
    let key = scene.assume(&Actor::service("lambda"), at, GLOBAL, &own, "stakeout");
    let watcher =
        Actor::session(&own, "stakeout", &key, at).from("192.0.2.41").with_agent(STAKEOUT).in_function(&function);
    let role = Role::named("stakeout-responder");
    let key = scene.assume(&watcher, at + 1, GLOBAL, &role, "stakeout");
    let actor = Actor::session(&role, "stakeout", &key, at + 1).from("192.0.2.41").with_agent(STAKEOUT);
    let (user, key) = ("report-bot", "AKIAEXAMPLERB0000009");
    scene.write(&actor, at + 2, &Call::iam("GetUser").request(json!({"userName": user})));
    scene.write(&actor, at + 3, &Call::iam("ListAccessKeys").request(json!({"userName": user})));
    let status = if cut_off { "Inactive" } else { "Active" };
    let update = json!({"userName": user, "accessKeyId": key, "status": status});
    scene.write(&actor, at + 4, &Call::iam("UpdateAccessKey").request(update));
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
    let mut policy = json!({"userName": user, "policyName": "stakeout-deny"});
    let name = if cut_off { "PutUserPolicy" } else { "DeleteUserPolicy" };
    if cut_off {
        policy["policyDocument"] = Value::from(deny.to_string());
    }
    scene.write(&actor, at + 5, &Call::iam(name).request(policy).on("AWS::IAM::User", &user_arn(user)));
}
