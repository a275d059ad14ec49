//! The story of the founding night: a leaked CI key makes an admin user, whose key makes the
//! same function in every region, reachable by anybody and run every minute.

use serde_json::json;

use crate::drill::actor::{Actor, Role, user_arn};
use crate::drill::bill::Story;
use crate::drill::cast::{CI_KEY, GLOBAL, PROD, agent};
use crate::drill::deploy::{CI_USER, Function, code_hash, function_arn};
use crate::drill::ident::{access_key, hex};
use crate::drill::log::Scene;
use crate::drill::people::{create_key, create_user};
use crate::drill::record::Call;
use crate::drill::truth::Truth;

use super::hand::{create_role, trust_of};

/// Functions per region; also the most targets that one rule can have.
const FUNCTIONS_PER_REGION: usize = 5;
/// Regions that try before the new role can be assumed.
const TOO_EARLY: i64 = 3;
/// Seconds until the first schedule runs the first functions.
const FIRST_TICK: i64 = 540;
/// Memory in MB and time-out in seconds: the most that Lambda gives.
const LARGEST: [u32; 2] = [10_240, 900];
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The second half of the attack: what the new user does with its role.
struct Spree<'a, 'b> {
    scene: &'a mut Scene<'b>,
    truth: &'a mut Truth,
    /// The new user with its key.
    actor: Actor,
    role: Role,
    hash: String,
}

/// Plays the attack within the scene's hour and the next; returns what runs from then on.
pub(crate) fn attack(scene: &mut Scene<'_>, regions: &[String], truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(0..30), scene.rng.i64(0..60));
    let mut regions = regions.to_vec();
    scene.rng.shuffle(&mut regions);
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let leaked = Actor::user(CI_USER, CI_KEY, &address, agent::ATTACKER);
    truth.enter_by(&user_arn(CI_USER), CI_KEY);
    look_around(scene, &leaked, start, &regions, truth);
    let mut spree = take_over(scene, &leaked, start + 180, truth);
    // The last region is under way before the first rule is written.
    let pause = (200 / i64::try_from(regions.len()).unwrap_or(200)).clamp(1, 12);
    for (place, region) in (0..).zip(&regions) {
        let names = spree.fill(region, start + 300 + pause * place, place < TOO_EARLY);
        spree.schedule(region, &names, start + FIRST_TICK + place);
    }
    spree.reach_further(&regions, start);
    Story { from: start + FIRST_TICK, regions, memory: LARGEST[0] }
}

/// With the leaked key: who am I, what is there, and where.
fn look_around(scene: &mut Scene<'_>, leaked: &Actor, start: i64, regions: &[String], truth: &mut Truth) {
    let whoami = Call::new("sts", "GetCallerIdentity", GLOBAL);
    truth.act(scene, leaked, start, &whoami);
    let user = json!({"userName": CI_USER});
    let reads = [
        Call::iam("ListUsers"),
        Call::iam("ListAttachedUserPolicies").request(user.clone()),
        Call::iam("ListAccessKeys").request(user),
        Call::iam("ListRoles"),
        Call::iam("GetAccountAuthorizationDetails"),
        Call::new("ec2", "DescribeRegions", GLOBAL).request(json!({"regionSet": {}, "allRegions": true})),
    ];
    for (second, call) in (20..).zip(&reads) {
        truth.act(scene, leaked, start + second.min(23), call);
    }
    for (place, region) in (0..).zip(regions) {
        let at = start + 60 + (place / 2) % 9;
        for name in ["ListFunctions20150331", "GetAccountSettings20160819"] {
            truth.act(scene, leaked, at, &Call::new("lambda", name, region));
        }
    }
}

/// A user, its privilege, its key; then, with that key, the role for the functions.
fn take_over<'a, 'b>(scene: &'a mut Scene<'b>, leaked: &Actor, at: i64, truth: &'a mut Truth) -> Spree<'a, 'b> {
    let suffix = hex(scene.rng, 4);
    let name = format!("svc-monitor-{suffix}");
    truth.act(scene, leaked, at, &create_user(&name, at));
    let attach = json!({"userName": name, "policyArn": ADMINISTRATOR});
    truth.act(scene, leaked, at + 2, &Call::iam("AttachUserPolicy").request(attach));
    let key = access_key(scene.rng, "AKIA");
    truth.act(scene, leaked, at + 4, &create_key(&name, &key, at + 4));
    truth.open_by(at + 4);
    let arn = user_arn(&name);
    truth.involve(&arn, &key);
    truth.resources.insert(format!("{arn}#{key}"));
    truth.resources.insert(arn);

    let address = format!("203.0.113.{}", scene.rng.u8(200..230));
    let actor = Actor::user(&name, &key, &address, agent::ATTACKER);
    let role = Role::named(&format!("lambda-exec-{suffix}"));
    truth.act(scene, &actor, at + 60, &create_role(&role, &trust_of("lambda"), at + 60));
    let attach = json!({"roleName": role.name, "policyArn": ADMINISTRATOR});
    truth.act(scene, &actor, at + 61, &Call::iam("AttachRolePolicy").request(attach));
    truth.principals.insert(role.arn());
    truth.resources.insert(role.arn());
    let hash = code_hash(scene);
    Spree { scene, truth, actor, role, hash }
}

impl Spree<'_, '_> {
    fn act(&mut self, at: i64, call: &Call<'_>) {
        self.truth.act(self.scene, &self.actor, at, call);
    }

    /// Fills a region with functions and returns their names. A creation that is `too_early`
    /// fails first, because IAM takes seconds to make a role known.
    fn fill(&mut self, region: &str, mut at: i64, too_early: bool) -> Vec<String> {
        let names: Vec<String> = (0..FUNCTIONS_PER_REGION).map(|_| format!("f-{}", hex(self.scene.rng, 8))).collect();
        if let Some(name) = names.first().filter(|_| too_early) {
            let function = Function { name, role: &self.role.name, hash: &self.hash, size: LARGEST };
            let call = function.create(region).failed(
                "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda.",
            );
            self.act(at, &call);
            at += 9;
        }
        for name in &names {
            self.deploy(region, name, at);
            at += 2;
        }
        self.truth.regions.insert(region.to_owned());
        names
    }

    /// A function with a URL that anybody may call.
    fn deploy(&mut self, region: &str, name: &str, at: i64) {
        let arn = function_arn(region, name);
        let function = Function { name, role: &self.role.name, hash: &self.hash, size: LARGEST };
        let state = function.state(self.scene, region, at);
        let create = function.create(region).response(state);
        self.act(at, &create);
        let host = format!("https://{}.lambda-url.{region}.on.aws/", hex(self.scene.rng, 32));
        let url = Call::new("lambda", "CreateFunctionUrlConfig", region)
            .request(json!({"functionName": name, "authType": "NONE"}))
            .response(json!({
                "functionUrl": host,
                "functionArn": arn,
                "authType": "NONE",
                "invokeMode": "BUFFERED",
            }));
        self.act(at + 60, &url);
        let statement = json!({
            "Sid": "public",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": arn,
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        });
        let permission = Call::new("lambda", "AddPermission20150331v2", region)
            .request(json!({
                "functionName": name,
                "statementId": "public",
                "action": "lambda:InvokeFunctionUrl",
                "principal": "*",
                "functionUrlAuthType": "NONE",
            }))
            .response(json!({"statement": statement.to_string()}));
        self.act(at + 61, &permission);
        self.truth.resources.insert(arn);
    }

    /// One rule per region that runs all of its functions every minute.
    fn schedule(&mut self, region: &str, names: &[String], at: i64) {
        let rule = format!("tick-{}", hex(self.scene.rng, 4));
        let arn = format!("arn:aws:events:{region}:{PROD}:rule/{rule}");
        let put = Call::new("events", "PutRule", region)
            .request(json!({
                "name": rule,
                "scheduleExpression": "rate(1 minute)",
                "state": "ENABLED",
                "eventBusName": "default",
            }))
            .response(json!({"ruleArn": arn}));
        self.act(at, &put);
        let targets: Vec<_> = names.iter().map(|name| json!({"id": name, "arn": function_arn(region, name)})).collect();
        let targets = Call::new("events", "PutTargets", region)
            .request(json!({"rule": rule, "eventBusName": "default", "targets": targets}))
            .response(json!({"failedEntryCount": 0, "failedEntries": []}));
        self.act(at + 1, &targets);
        self.truth.resources.insert(arn);
    }

    /// One more region, and a higher limit where the functions came first.
    fn reach_further(&mut self, regions: &[String], start: i64) {
        let enable = Call::new("account", "EnableRegion", GLOBAL).request(json!({"RegionName": "eu-south-2"}));
        self.act(start + 20 * 60, &enable);
        for (second, region) in (0..).zip(regions.iter().take(3)) {
            let quota = json!({
                "serviceCode": "lambda",
                "quotaCode": "L-B99A9384",
                "desiredValue": 10_000,
            });
            let mut answer = quota.clone();
            answer["id"] = hex(self.scene.rng, 32).into();
            answer["status"] = "PENDING".into();
            answer["quotaName"] = "Concurrent executions".into();
            let call = Call::new("servicequotas", "RequestServiceQuotaIncrease", region)
                .request(quota)
                .response(json!({"requestedQuota": answer}));
            self.act(start + 25 * 60 + second, &call);
        }
    }
}
