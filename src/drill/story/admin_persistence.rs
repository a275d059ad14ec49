//! A phished administrator builds five ways back in.

mod doors;
mod ordinary;

use serde_json::json;

use self::doors::{build_keeper, open_roles, trust_others};
pub(super) use self::ordinary::{background, twin};
use super::hand::Hand;
use crate::drill::actor::{Actor, user_arn};
use crate::drill::bill::Story;
use crate::drill::cast::{GLOBAL, PROD, agent};
use crate::drill::clock::rfc3339;
use crate::drill::ident::{access_key, entity_id, hex};
use crate::drill::log::Scene;
use crate::drill::people::console_login;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

/// The administrator who has a password and no second factor.
const VICTIM: &str = "dave";
/// Where the administrator sits.
const OFFICE: &str = "198.51.100.104";
/// Users who get one more key.
const OTHERS: [&str; 2] = ["report-bot", "backup-bot"];
/// The group of administrators.
const ADMINS: &str = "Admins";

/// The sign-in of an IAM user with a password alone; returns the session.
fn sign_in(user: &str, key: &str, address: &str, at: i64) -> (Actor, Actor) {
    let mut identity = json!({
        "type": "IAMUser",
        "principalId": entity_id("AIDA", user),
        "arn": user_arn(user),
        "accountId": PROD,
        "userName": user,
    });
    let caller = Actor::new(identity.clone(), address, agent::BROWSER);
    identity["accessKeyId"] = key.into();
    identity["sessionContext"] = json!({
        "sessionIssuer": {},
        "webIdFederationData": {},
        "attributes": {"creationDate": rfc3339(at), "mfaAuthenticated": "false"},
    });
    (caller, Actor::new(identity, address, agent::BROWSER).in_console(false))
}

/// Plays the attack within the scene's hour and the next; returns what runs from then on.
pub(super) fn attack(scene: &mut Scene<'_>, truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(0..40), scene.rng.i64(0..60));
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let key = access_key(scene.rng, "ASIA");
    let (caller, session) = sign_in(VICTIM, &key, &address, start);
    truth.enter_by(&user_arn(VICTIM), &key);
    let mut hand = Hand { scene, truth, actor: caller };
    hand.ask(start, &console_login("No"));
    hand.actor = session;
    for (second, name) in (6..).zip(["GetAccountSummary", "ListUsers", "ListGroups", "ListRoles", "ListAccessKeys"]) {
        hand.ask(start + second, &Call::iam(name));
    }
    keep_the_factor(&mut hand, start + 90);
    let user = format!("backup_admin_{}", hex(hand.scene.rng, 3));
    add_administrator(&mut hand, start + 180, &user);
    let mut keys = Vec::new();
    for (place, other) in (0..).zip(OTHERS) {
        let key = access_key(hand.scene.rng, "AKIA");
        hand.make_key(start + 300 + 45 * place, other, &key);
        keys.push((other, key));
    }
    open_roles(&mut hand, start + 420);
    trust_others(&mut hand, start + 540);
    build_keeper(&mut hand, start + 780);
    come_back(&mut hand, start + 2_700, &user, &keys);
    Story::default()
}

/// A second factor of the intruder's own: now the owner needs it too.
fn keep_the_factor(hand: &mut Hand<'_, '_>, at: i64) {
    let serial = format!("arn:aws:iam::{PROD}:mfa/{VICTIM}-phone");
    let call = Call::iam("CreateVirtualMFADevice")
        .request(json!({"virtualMFADeviceName": format!("{VICTIM}-phone"), "path": "/"}))
        .response(json!({"virtualMFADevice": {"serialNumber": serial}}));
    hand.make(at, &call, &serial);
    let enable = json!({"userName": VICTIM, "serialNumber": serial});
    hand.change(at + 40, &Call::iam("EnableMFADevice").request(enable));
}

/// A user with a password that stays valid, in the group of administrators.
fn add_administrator(hand: &mut Hand<'_, '_>, at: i64, user: &str) {
    hand.make_user(at, user);
    let request = json!({"userName": user, "passwordResetRequired": false});
    let answer = json!({"loginProfile": {
        "userName": user,
        "createDate": crate::drill::clock::iam_date(at + 3),
        "passwordResetRequired": false,
    }});
    let call = Call::iam("CreateLoginProfile").request(request).response(answer);
    hand.make(at + 3, &call, &format!("{}#password", user_arn(user)));
    hand.truth.open_by(at + 3);
    let join = json!({"groupName": ADMINS, "userName": user});
    hand.change(at + 20, &Call::iam("AddUserToGroup").request(join));
}

/// Half an hour later every way in is tried.
fn come_back(hand: &mut Hand<'_, '_>, at: i64, user: &str, keys: &[(&str, String)]) {
    let address = format!("203.0.113.{}", hand.scene.rng.u8(200..230));
    let key = access_key(hand.scene.rng, "ASIA");
    let (caller, session) = sign_in(user, &key, &address, at);
    hand.with(caller).ask(at, &console_login("No"));
    let mut again = hand.with(session);
    for (second, (service, name)) in
        (20..).zip([("ec2", "DescribeInstances"), ("lambda", "ListFunctions20150331"), ("rds", "DescribeDBInstances")])
    {
        again.ask(at + second, &Call::new(service, name, GLOBAL));
    }
    let lasting = access_key(again.scene.rng, "AKIA");
    again.make_key(at + 60, user, &lasting);
    hand.truth.involve(&user_arn(user), &key);
    for (place, (other, key)) in (0..).zip(keys) {
        let thief = Actor::user(other, key, &address, agent::ATTACKER);
        hand.with(thief).ask(at + 120 + 30 * place, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    }
}
