//! Credentials of a machine hop over roles into another account.

use fastrand::Rng;
use serde_json::json;

use crate::drill::actor::{Actor, Role};
use crate::drill::bill::Story;
use crate::drill::cast::{CI_ADDRESS, CI_KEY, GLOBAL, INTRUDER, PROD, SANDBOX, VENDOR, agent};
use crate::drill::clock::{HOUR, iam_date};
use crate::drill::deploy::CI_USER;
use crate::drill::ident::{access_key, entity_id, hex};
use crate::drill::log::Scene;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

mod spokes;

pub(super) use spokes::twin;

/// The machine whose credentials are taken, and where it calls from.
const INSTANCE: &str = "i-0abc1234def567891";
const INSTANCE_ADDRESS: &str = "198.51.100.230";
/// The metadata service renews credentials this often, in seconds.
const RENEWAL: i64 = 6 * HOUR;
/// What the first hop reaches: the role with which shared services are deployed.
const HUB: &str = "shared-services-deploy";
/// The role that a vendor reads with.
const READER: &str = "vendor-readonly";
/// Chained sessions end after an hour, so that they are renewed a little before.
const JUGGLED: i64 = 55 * 60;
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The session of the machine at a second: its key follows from the time alone.
fn machine(at: i64) -> Actor {
    let since = at.div_euclid(RENEWAL) * RENEWAL;
    let key = access_key(&mut Rng::with_seed(since.unsigned_abs()), "ASIA");
    Actor::session(&Role::named("app-web"), INSTANCE, &key, since + 20)
        .from(INSTANCE_ADDRESS)
        .with_agent(agent::APPLICATION)
        .on_instance(GLOBAL, INSTANCE)
}

/// The machine at its work, deployments over the hub, the vendor, and life in the small account.
pub(super) fn background(twin: bool, scene: &mut Scene<'_>) {
    if twin {
        return spokes::nightly(scene);
    }
    let hour = scene.hour;
    let machine = machine(hour.start);
    if hour.start.rem_euclid(RENEWAL) == 0 {
        let call = renewal(&machine, hour.start);
        scene.write(&Actor::service("ec2"), hour.at(0, 20), &call);
    }
    for minute in [9, 39] {
        let (at, number) = (hour.at(minute, scene.rng.i64(0..60)), scene.rng.u32(..));
        let bucket = format!("example-app-web-{GLOBAL}");
        let call = Call::new("s3", "GetObject", GLOBAL).request(json!({
            "bucketName": bucket,
            "Host": format!("{bucket}.s3.{GLOBAL}.amazonaws.com"),
            "key": format!("data/{number:08x}.json"),
        }));
        scene.write(&machine, at, &call);
    }
    if hour.of_day % 8 == 1 {
        deploy(scene);
        vendor(scene);
    }
    try_out(scene);
}

/// EC2 fetches credentials for the machine.
fn renewal(machine: &Actor, at: i64) -> Call<'static> {
    let role = Role::named("app-web");
    Call::new("sts", "AssumeRole", GLOBAL)
        .request(json!({"roleArn": role.arn(), "roleSessionName": INSTANCE}))
        .response(json!({
            "credentials": {
                "accessKeyId": machine.credential(),
                "sessionToken": "IQoJb3JpZ2luX2Vj",
                "expiration": crate::drill::clock::sts_date(at + RENEWAL + 900),
            },
            "assumedRoleUser": {
                "assumedRoleId": format!("{}:{INSTANCE}", role.id()),
                "arn": role.session_arn(INSTANCE),
            },
        }))
        .on("AWS::IAM::Role", &role.arn())
}

/// The pipeline steps into the hub, as it does several times a day.
fn deploy(scene: &mut Scene<'_>) {
    let at = scene.hour.at(17, scene.rng.i64(0..60));
    let ci = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let hub = Role::named(HUB);
    let key = scene.assume(&ci, at, GLOBAL, &hub, "terraform");
    let actor = Actor::session(&hub, "terraform", &key, at).from(CI_ADDRESS).with_agent(agent::TERRAFORM);
    scene.write(&actor, at + 3, &Call::iam("ListRoles"));
    scene.write(&actor, at + 5, &Call::new("ec2", "DescribeVpcs", GLOBAL).request(json!({"vpcSet": {}})));
}

/// A vendor reads, from its own account and with the id that was agreed on.
fn vendor(scene: &mut Scene<'_>) {
    let (at, address) = (scene.hour.at(21, 0), "192.0.2.91");
    let role = Role::named(READER);
    let principal = format!("{}:reader", entity_id("AROA", "vendor-reader"));
    let caller = Actor::foreign(VENDOR, &principal, address, agent::BOT);
    let key = scene.assume(&caller, at, GLOBAL, &role, "reader");
    let actor = Actor::session(&role, "reader", &key, at).from(address).with_agent(agent::BOT);
    scene.write(&actor, at + 4, &Call::new("tagging", "GetResources", GLOBAL));
}

/// A user of the small account, every hour.
fn try_out(scene: &mut Scene<'_>) {
    let at = scene.hour.at(26, scene.rng.i64(0..60));
    let actor = Actor::member(SANDBOX, "experiments", "AKIAEXAMPLESX0000001", "198.51.100.48", agent::CLI);
    scene.write(&actor, at, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    let tags = Call::new("ec2", "CreateTags", GLOBAL)
        .request(json!({
            "resourcesSet": {"items": [{"resourceId": "i-0fedcba9876543210"}]},
            "tagSet": {"items": [{"key": "try", "value": scene.hour.of_day.to_string()}]},
        }))
        .response(json!({"_return": true}));
    scene.write(&actor, at + 3, &tags);
}

/// Plays the attack from the scene's hour on; nothing of it costs much.
pub(super) fn attack(scene: &mut Scene<'_>, truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(10..30), scene.rng.i64(0..60));
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let web = machine(start).from(&address).with_agent(agent::ATTACKER);
    truth.enter_by(&Role::named("app-web").arn(), web.credential());
    look_around(scene, &web, start, truth);
    let hub = Role::named(HUB);
    let key = truth.assume(scene, &web, start + 150, &hub, "deploy");
    let deployer = stolen(&hub, "deploy", &key, start + 150, &address);
    truth.act(scene, &deployer, start + 170, &Call::new("organizations", "ListAccounts", GLOBAL));
    truth.act(scene, &deployer, start + 176, &Call::iam("ListRoles"));
    truth.act(scene, &deployer, start + 190, &Call::new("ec2", "DescribeRegions", GLOBAL));
    settle_abroad(scene, &deployer, start + 300, &address, truth);
    open_to_outside(scene, &deployer, start + 700, truth);
    juggle(scene, deployer, start + JUGGLED, &address, truth);
    Story::default()
}

/// A session of a role in the attacker's hands.
fn stolen(role: &Role, session: &str, key: &str, since: i64, address: &str) -> Actor {
    Actor::session(role, session, key, since).from(address).with_agent(agent::ATTACKER)
}

/// With the machine's credentials: what may it do.
fn look_around(scene: &mut Scene<'_>, web: &Actor, start: i64, truth: &mut Truth) {
    truth.act(scene, web, start, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    let buckets = Call::new("s3", "ListBuckets", GLOBAL).request(json!({"Host": format!("s3.{GLOBAL}.amazonaws.com")}));
    truth.act(scene, web, start + 15, &buckets);
    let refused = [("iam", "ListRoles"), ("iam", "GetAccountAuthorizationDetails"), ("secretsmanager", "ListSecrets")];
    for (second, (service, name)) in (40..).step_by(12).zip(refused) {
        let call = Call::new(service, name, GLOBAL).denied(web, name, "*");
        truth.act(scene, web, start + second, &call);
    }
}

/// Into the small account, where a user with a key and all rights is made that outlives every session.
fn settle_abroad(scene: &mut Scene<'_>, deployer: &Actor, at: i64, address: &str, truth: &mut Truth) {
    let role = Role::named("OrganizationAccountAccessRole").of(SANDBOX);
    let key = truth.assume(scene, deployer, at, &role, "deploy");
    let admin = stolen(&role, "deploy", &key, at, address);
    truth.act(scene, &admin, at + 20, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    truth.act(scene, &admin, at + 30, &Call::iam("ListUsers"));
    let name = format!("ops-sync-{}", hex(scene.rng, 4));
    let arn = format!("arn:aws:iam::{SANDBOX}:user/{name}");
    let create = Call::iam("CreateUser").request(json!({"userName": name})).response(json!({"user": {
        "path": "/",
        "userName": name,
        "userId": entity_id("AIDA", &name),
        "arn": arn,
        "createDate": iam_date(at + 100),
    }}));
    truth.act(scene, &admin, at + 100, &create);
    let attach = Call::iam("AttachUserPolicy").request(json!({"userName": name, "policyArn": ADMINISTRATOR}));
    truth.act(scene, &admin, at + 103, &attach);
    let key = access_key(scene.rng, "AKIA");
    truth.act(scene, &admin, at + 106, &crate::drill::people::create_key(&name, &key, at + 106));
    truth.open_by(at + 106);
    truth.involve(&arn, &key);
    truth.resources.insert(format!("{arn}#{key}"));
    truth.resources.insert(arn);
    let user = Actor::member(SANDBOX, &name, &key, address, agent::ATTACKER);
    truth.act(scene, &user, at + 220, &Call::new("ec2", "DescribeInstances", GLOBAL));
    let name = format!("sync-{}", hex(scene.rng, 6));
    let arn = format!("arn:aws:lambda:{GLOBAL}:{SANDBOX}:function:{name}");
    let role = Role::named("experiments-exec").of(SANDBOX).arn();
    let function =
        json!({"functionName": name, "runtime": "python3.12", "role": role, "memorySize": 256, "timeout": 60});
    let mut made = function.clone();
    made["functionArn"] = arn.clone().into();
    made["codeSha256"] = format!("{}=", crate::drill::ident::alphanumeric(scene.rng, 43)).into();
    let create = Call::new("lambda", "CreateFunction20150331", GLOBAL).request(function).response(made);
    truth.act(scene, &user, at + 260, &create);
    truth.resources.insert(arn);
    truth.regions.insert(GLOBAL.to_owned());
}

/// A role of a vendor is opened to the attacker's own account, without an external id, and used from there.
fn open_to_outside(scene: &mut Scene<'_>, deployer: &Actor, at: i64, truth: &mut Truth) {
    let role = Role::named(READER);
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": [format!("arn:aws:iam::{VENDOR}:root"), format!("arn:aws:iam::{INTRUDER}:root")]},
            "Action": "sts:AssumeRole",
        }],
    });
    let open = Call::iam("UpdateAssumeRolePolicy")
        .request(json!({"roleName": role.name, "policyDocument": document.to_string()}));
    truth.act(scene, deployer, at, &open);
    let address = format!("203.0.113.{}", scene.rng.u8(200..230));
    let name = "AIDAEXAMPLEXTERN00001";
    let caller = Actor::foreign(INTRUDER, name, &address, agent::ATTACKER);
    let key = truth.assume(scene, &caller, at + 60, &role, "audit");
    truth.principals.insert(format!("{INTRUDER}/{name}"));
    let reader = stolen(&role, "audit", &key, at + 60, &address);
    for (second, (service, name)) in
        (75..).step_by(9).zip([("s3", "ListBuckets"), ("ec2", "DescribeInstances"), ("rds", "DescribeDBInstances")])
    {
        truth.act(scene, &reader, at + second, &Call::new(service, name, GLOBAL));
    }
}

/// Two roles assume each other in turn, so that a session never runs out.
fn juggle(scene: &mut Scene<'_>, mut actor: Actor, mut at: i64, address: &str, truth: &mut Truth) {
    for name in ["build-runner", HUB, "build-runner"] {
        let role = Role::named(name);
        let key = truth.assume(scene, &actor, at, &role, "deploy");
        actor = stolen(&role, "deploy", &key, at, address);
        truth.act(scene, &actor, at + 40, &Call::new("ec2", "DescribeInstances", GLOBAL));
        at += JUGGLED;
    }
    debug_assert_eq!(actor.trail, PROD);
}
