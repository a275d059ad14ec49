//! An administrator's ordinary week, and the benign look-alike: people and a vendor get access as they should.

use serde_json::json;

use super::super::hand::create_role;
use super::{ADMINS, OFFICE, VICTIM, sign_in};
use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{CI_ADDRESS, CI_KEY, GLOBAL, HOME, PROD, VENDOR, agent};
use crate::drill::deploy::CI_USER;
use crate::drill::ident::{access_key, entity_id, hex, session_token, uuid};
use crate::drill::log::{Scene, assume_role};
use crate::drill::people::console_login;
use crate::drill::record::Call;

/// The hour of the day at which the administrator signs in, once a week.
const WORK: u32 = 11;

/// Once a week the administrator signs in from the office, with a password alone, and looks after one thing.
pub(in super::super) fn background(scene: &mut Scene<'_>) {
    if scene.hour.of_day != WORK || !scene.hour.day.is_multiple_of(7) {
        return;
    }
    let at = scene.hour.at(5, scene.rng.i64(0..60));
    let key = access_key(scene.rng, "ASIA");
    let (caller, session) = sign_in(VICTIM, &key, OFFICE, at);
    scene.write(&caller, at, &console_login("No"));
    for (second, name) in (8..).zip(["GetAccountSummary", "ListUsers", "ListGroups", "ListRoles", "ListMFADevices"]) {
        scene.write(&session, at + second, &Call::iam(name));
    }
    let region = HOME[scene.hour.day as usize % 2];
    let call = Call::new("ec2", "CreateTags", region)
        .request(json!({
            "resourcesSet": {"items": [{"resourceId": "vpc-0a1b2c3d4e5f60718"}]},
            "tagSet": {"items": [{"key": "reviewed", "value": "yes"}]},
        }))
        .response(json!({"_return": true}));
    scene.write(&session, at + 600, &call);
}

/// Three new colleagues come from the identity provider, and a vendor that is known gets a role, with an external id.
pub(in super::super) fn twin(scene: &mut Scene<'_>) {
    let at = scene.hour.at(scene.rng.i64(5..25), 0);
    provision(scene, at);
    connect_vendor(scene, at + 900);
}

/// The identity provider tells who works here.
fn provision(scene: &mut Scene<'_>, at: i64) {
    let identity = json!({"type": "Unknown", "accountId": PROD, "accessKeyId": uuid(scene.rng.u128(..))});
    let sync = Actor::new(identity, "192.0.2.120", "Okta SCIM Client 1.0.0");
    for colleague in 0..3 {
        let at = at + 20 * colleague;
        let id = uuid(scene.rng.u128(..));
        let user = Call::new("identitystore-scim", "CreateUser", GLOBAL)
            .request(json!({"httpBody": "***", "tenantId": "11111111-2222-3333-4444-555555555555"}))
            .response(json!({"id": id}));
        scene.write(&sync, at, &user);
        let group = Call::new("identitystore-scim", "PatchGroup", GLOBAL)
            .request(json!({"httpBody": "***", "groupId": format!("{}-{ADMINS}", hex(scene.rng, 8))}));
        scene.write(&sync, at + 4, &group);
    }
}

/// The pipeline makes the role, and the vendor's first session reads with it.
fn connect_vendor(scene: &mut Scene<'_>, at: i64) {
    let pipeline = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let role = Role::named("vendor-cost-reports");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{VENDOR}:root")},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "o-example-4711"}},
    }]});
    scene.write(&pipeline, at, &create_role(&role, &trust.to_string(), at));
    let attach = json!({"roleName": role.name, "policyArn": "arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"});
    scene.write(&pipeline, at + 3, &Call::iam("AttachRolePolicy").request(attach));

    let principal = format!("{}:collector", entity_id("AROA", "vendor-collector"));
    let caller = Actor::foreign(VENDOR, &principal, "192.0.2.90", agent::BOT);
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let at = at + 600;
    let call = assume_role(GLOBAL, &role, "collector", &key, &token, at)
        .with("sharedEventID", uuid(scene.rng.u128(..)).into());
    scene.write(&caller, at, &call);
    let session = Actor::session(&role, "collector", &key, at).from("192.0.2.90").with_agent(agent::BOT);
    scene.write(&session, at + 5, &Call::new("ce", "GetCostAndUsage", GLOBAL));
}
