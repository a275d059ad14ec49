//! People: administrators with single sign-on, an IAM user with a second factor, onboarding
//! and offboarding.

use serde_json::json;

use super::actor::{Actor, Role, user_arn};
use super::cast::{GLOBAL, HOME, MANAGEMENT, PLATFORM_ADDRESS, PROD, agent};
use super::clock::iam_date;
use super::ident::{access_key, entity_id, session_token, uuid};
use super::library::EGRESS_MOVES;
use super::log::{SESSION_SECONDS, Scene, minted};
use super::record::Call;

const PROVIDER: &str = "AWSSSO_0123456789abcdef_DO_NOT_DELETE";
/// What the console asks as it draws a page.
const PAGE: [(&str, &str); 24] = [
    ("ec2", "DescribeInstances"),
    ("ec2", "DescribeInstanceStatus"),
    ("ec2", "DescribeVolumes"),
    ("ec2", "DescribeVpcs"),
    ("ec2", "DescribeSubnets"),
    ("ec2", "DescribeSecurityGroups"),
    ("ec2", "DescribeAddresses"),
    ("ec2", "DescribeRegions"),
    ("ec2", "DescribeTags"),
    ("ec2", "DescribeNetworkInterfaces"),
    ("ec2", "DescribeAccountAttributes"),
    ("lambda", "ListFunctions20150331"),
    ("lambda", "GetAccountSettings20160819"),
    ("iam", "ListUsers"),
    ("iam", "ListRoles"),
    ("iam", "GetAccountSummary"),
    ("iam", "ListAccountAliases"),
    ("monitoring", "DescribeAlarms"),
    ("cloudtrail", "DescribeTrails"),
    ("cloudtrail", "LookupEvents"),
    ("elasticloadbalancing", "DescribeLoadBalancers"),
    ("rds", "DescribeDBInstances"),
    ("logs", "DescribeLogGroups"),
    ("resource-groups", "ListGroups"),
];

/// Takes a caller, a second and a call.
pub(crate) type Write<'a> = dyn FnMut(&mut Scene<'_>, &Actor, i64, &Call<'_>) + 'a;

/// The open console session of each person.
#[derive(Default)]
pub(crate) struct People {
    alice: Option<Actor>,
    bob: Option<Actor>,
    carol: Option<Actor>,
}

impl People {
    /// Working hours, and what happens on certain days.
    pub(crate) fn live(&mut self, scene: &mut Scene<'_>) {
        let hour = scene.hour;
        if hour.day == 1 && hour.of_day == 10 {
            platform_visit(scene);
        }
        if hour.day % 13 == 1 && hour.of_day == 16 {
            let leaver = format!("contractor-{}", hour.day / 13);
            offboard(scene, &leaver);
        }
        let onboarding = hour.day % 15 == 1;
        if !hour.is_workday() && !onboarding {
            return;
        }
        match hour.of_day {
            8 | 13 => {
                self.alice = Some(sign_in(scene, "alice"));
                self.bob = Some(sign_in(scene, "bob"));
            }
            9 => self.carol = Some(sign_in_with_password(scene)),
            10..=17 => {}
            _ => return,
        }
        if let Some(alice) = self.alice.as_ref().filter(|_| onboarding && hour.of_day == 15) {
            onboard(scene, alice, hour.day / 15);
        }
        for person in [&self.alice, &self.bob, &self.carol].into_iter().flatten() {
            // Looking around comes in pages; some hours go by without one.
            if scene.rng.u8(0..10) < 3 {
                page(scene, person);
            }
        }
        // A change now and then, and one for certain every noon.
        for person in [&self.alice, &self.bob] {
            if let Some(person) = person.as_ref().filter(|_| hour.of_day == 12) {
                change(scene, person);
            }
        }
    }
}

/// The role of administrators with single sign-on.
pub(crate) fn administrator() -> Role {
    Role::at("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_AdministratorAccess_ab12cd34ef56ab78")
}

/// Where a person sits: at the office, or, for two days of the third week, in a hotel.
fn address(scene: &Scene<'_>, person: &str) -> &'static str {
    match person {
        "alice" if matches!(scene.hour.day, 14 | 15) => "192.0.2.211",
        _ if scene.log.library && scene.hour.day >= EGRESS_MOVES => "192.0.2.140",
        "alice" => "198.51.100.101",
        "bob" => "198.51.100.102",
        _ => "198.51.100.103",
    }
}

/// An administrator signs in.
pub(crate) fn sign_in(scene: &mut Scene<'_>, person: &str) -> Actor {
    sign_in_as(scene, &administrator(), person)
}

/// Signs in through single sign-on at the beginning of the hour.
pub(crate) fn sign_in_as(scene: &mut Scene<'_>, role: &Role, person: &str) -> Actor {
    let at = scene.hour.at(scene.rng.i64(0..8), scene.rng.i64(0..60));
    sign_in_at(scene, role, person, at, &mut |scene, actor, at, call| scene.write(actor, at, call))
}

/// Signs in through single sign-on, the federation and then the console, and records both through `write`.
pub(crate) fn sign_in_at(scene: &mut Scene<'_>, role: &Role, person: &str, at: i64, write: &mut Write<'_>) -> Actor {
    let address = address(scene, person);
    let session = format!("{person}@example.com");
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let provider = format!("arn:aws:iam::{PROD}:saml-provider/{PROVIDER}");
    let identity = json!({
        "type": "SAMLUser",
        "principalId": format!("{PROVIDER}:{session}"),
        "userName": session,
        "identityProvider": PROVIDER,
    });
    let assume = Call::new("sts", "AssumeRoleWithSAML", GLOBAL)
        .request(json!({
            "sAMLAssertionID": format!("_{}", uuid(scene.rng.u128(..))),
            "roleSessionName": session,
            "roleArn": role.arn(),
            "principalArn": provider,
            "durationSeconds": SESSION_SECONDS,
        }))
        .response(minted(role, &session, &key, &token, at))
        .on("AWS::IAM::Role", &role.arn());
    let caller = Actor::new(identity, address, "aws-internal/3");
    write(scene, &caller, at, &assume);
    let identity = json!({
        "type": "AssumedRole",
        "principalId": format!("{}:{session}", role.id()),
        "arn": role.session_arn(&session),
        "accountId": PROD,
    });
    let console = Actor::new(identity, address, agent::BROWSER);
    write(scene, &console, at + 2, &console_login("No"));
    Actor::session(role, &session, &key, at).from(address).with_agent(agent::BROWSER).in_console(false)
}

/// A sign-in to the console with (`Yes`) or without a second factor.
pub(crate) fn console_login(mfa: &str) -> Call<'static> {
    Call::new("signin", "ConsoleLogin", GLOBAL)
        .kind("AwsConsoleSignIn")
        .response(json!({"ConsoleLogin": "Success"}))
        .with(
            "additionalEventData",
            json!({
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": mfa,
            }),
        )
}

/// Carol signs in with a password and a second factor.
fn sign_in_with_password(scene: &mut Scene<'_>) -> Actor {
    let at = scene.hour.at(scene.rng.i64(0..8), scene.rng.i64(0..60));
    let address = address(scene, "carol");
    let identity = json!({
        "type": "IAMUser",
        "principalId": entity_id("AIDA", "carol"),
        "arn": user_arn("carol"),
        "accountId": PROD,
        "userName": "carol",
    });
    let caller = Actor::new(identity.clone(), address, agent::BROWSER);
    scene.write(&caller, at, &console_login("Yes"));
    let mut identity = identity;
    identity["accessKeyId"] = access_key(scene.rng, "ASIA").into();
    identity["sessionContext"] = json!({
        "sessionIssuer": {},
        "webIdFederationData": {},
        "attributes": {"creationDate": super::clock::rfc3339(at), "mfaAuthenticated": "true"},
    });
    Actor::new(identity, address, agent::BROWSER).in_console(true)
}

/// Dozens of reads within seconds, as one page of the console makes them.
fn page(scene: &mut Scene<'_>, person: &Actor) {
    let mut at = scene.hour.at(scene.rng.i64(10..55), 0);
    let region = scene.pick(&HOME);
    let calls = scene.rng.usize(18..40);
    for _ in 0..scene.count(calls) {
        at += scene.rng.i64(0..2);
        let (service, name) = scene.pick(&PAGE);
        let call = Call::new(service, name, region);
        let call = if service == "ec2" { call.request(json!({"filterSet": {}, "maxResults": 1_000})) } else { call };
        scene.write(person, at, &call);
    }
}

/// A small change by hand.
fn change(scene: &mut Scene<'_>, person: &Actor) {
    let at = scene.hour.any(scene.rng);
    let region = HOME[scene.hour.day as usize % 2];
    let call = match scene.rng.u8(0..3) {
        0 => Call::new("logs", "PutRetentionPolicy", region)
            .request(json!({"logGroupName": "/aws/lambda/orders-api", "retentionInDays": 30})),
        1 => Call::new("ec2", "CreateTags", region)
            .request(json!({
                "resourcesSet": {"items": [{"resourceId": "i-0abc1234def567890"}]},
                "tagSet": {"items": [{"key": "owner", "value": "operations"}]},
            }))
            .response(json!({"_return": true})),
        _ => Call::new("autoscaling", "SetDesiredCapacity", region).request(json!({
            "autoScalingGroupName": "web",
            "desiredCapacity": 4,
            "honorCooldown": false,
        })),
    };
    scene.write(person, at, &call);
}

/// Creates the user `name`.
pub(crate) fn create_user(name: &str, at: i64) -> Call<'static> {
    Call::iam("CreateUser").request(json!({"userName": name})).response(json!({"user": {
        "path": "/",
        "userName": name,
        "userId": entity_id("AIDA", name),
        "arn": user_arn(name),
        "createDate": iam_date(at),
    }}))
}

/// Creates the access key `key` for the user `name`.
pub(crate) fn create_key(name: &str, key: &str, at: i64) -> Call<'static> {
    Call::iam("CreateAccessKey").request(json!({"userName": name})).response(json!({"accessKey": {
        "userName": name,
        "accessKeyId": key,
        "status": "Active",
        "createDate": iam_date(at),
    }}))
}

/// Alice makes a user for a partner (one bucket and a key) or for an auditor (read only).
fn onboard(scene: &mut Scene<'_>, alice: &Actor, turn: u32) {
    let at = scene.hour.at(20, scene.rng.i64(0..60));
    if turn % 2 == 1 {
        let name = format!("auditor-{turn}");
        scene.write(alice, at, &create_user(&name, at));
        let attach = Call::iam("AttachUserPolicy").request(json!({
            "userName": name,
            "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        }));
        scene.write(alice, at + 35, &attach);
        return;
    }
    let name = format!("partner-{turn}");
    scene.write(alice, at, &create_user(&name, at));
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": format!("arn:aws:s3:::example-exchange/{name}/*"),
        }],
    });
    let policy = Call::iam("PutUserPolicy").request(json!({
        "userName": name,
        "policyName": "exchange-bucket",
        "policyDocument": document.to_string(),
    }));
    scene.write(alice, at + 40, &policy);
    let key = access_key(scene.rng, "AKIA");
    scene.write(alice, at + 75, &create_key(&name, &key, at + 75));
}

/// The personnel system removes a user who has left.
pub(crate) fn offboard(scene: &mut Scene<'_>, leaver: &str) {
    let mut at = scene.hour.at(30, scene.rng.i64(0..60));
    let role = Role::named("hr-offboarding");
    let function = super::deploy::function_arn(GLOBAL, "offboarding");
    let key = scene.assume(&Actor::service("lambda"), at, GLOBAL, &role, "offboarding");
    let actor = Actor::session(&role, "offboarding", &key, at)
        .from("192.0.2.44")
        .with_agent(agent::FUNCTION)
        .in_function(&function);
    let leaver_key = access_key(scene.rng, "AKIA");
    let user = json!({"userName": leaver});
    let steps = [
        ("ListAccessKeys", user.clone()),
        ("DeleteLoginProfile", user.clone()),
        ("DeleteAccessKey", json!({"userName": leaver, "accessKeyId": leaver_key})),
        ("DetachUserPolicy", json!({"userName": leaver, "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})),
        ("DeleteUser", user),
    ];
    for (name, request) in steps {
        at += scene.rng.i64(1..4);
        scene.write(&actor, at, &Call::iam(name).request(request));
    }
}

/// The platform team looks in from the management account, once.
fn platform_visit(scene: &mut Scene<'_>) {
    let at = scene.hour.at(12, 0);
    let role = Role::named("OrganizationAccountAccessRole");
    let principal = format!("{}:platform", entity_id("AROA", "platform-admin"));
    let caller = Actor::foreign(MANAGEMENT, &principal, PLATFORM_ADDRESS, agent::CLI);
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let call = super::log::assume_role(GLOBAL, &role, "platform", &key, &token, at)
        .with("sharedEventID", uuid(scene.rng.u128(..)).into());
    scene.write(&caller, at, &call);
    let actor = Actor::session(&role, "platform", &key, at).from(PLATFORM_ADDRESS);
    for (index, (service, name)) in PAGE.iter().skip(18).enumerate() {
        let at = at + 20 + 9 * index as i64;
        scene.write(&actor, at, &Call::new(service, name, GLOBAL));
    }
}
