//! The story of a key that is simply gone: a session from the management account blinds the
//! trail, deletes the key unseen, then takes secrets and steps into roles of customers' services.

use std::ops::Range;

use serde_json::json;

use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{CUSTOMER_ROLES, GLOBAL, MANAGEMENT, PROD, agent, secrets};
use crate::drill::clock::Hour;
use crate::drill::ident::{access_key, entity_id, session_token, uuid};
use crate::drill::log::{Scene, assume_role};
use crate::drill::record::Call;
use crate::drill::truth::Truth;
use crate::drill::workload::get_secret;

const TRAIL: &str = "management-events";
/// Minutes past the hour at which the trail goes blind and sees again.
const BLIND: [i64; 2] = [5, 21];

/// The seconds without a management event, when the attack comes in `hour`.
pub(crate) fn blinded(hour: Hour) -> Range<i64> {
    hour.at(BLIND[0], 0)..hour.at(BLIND[1], 0)
}

/// Plays the attack within the scene's hour.
pub(crate) fn attack(scene: &mut Scene<'_>, truth: &mut Truth) {
    let hour = scene.hour;
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let at = hour.at(2, scene.rng.i64(0..60));
    let actor = enter(scene, at, &address, truth);
    let whoami = Call::new("sts", "GetCallerIdentity", GLOBAL);
    truth.act(scene, &actor, hour.at(3, 10), &whoami);
    let at = hour.at(4, scene.rng.i64(0..60));
    truth.act(scene, &actor, at, &mute());
    truth.open_by(at);
    truth.regions.insert(GLOBAL.to_owned());
    let mut names = secrets();
    scene.rng.shuffle(&mut names);
    for (step, name) in (0..).zip(&names) {
        let at = hour.at(22, step * 9 / 2);
        truth.act(scene, &actor, at, &get_secret(GLOBAL, name));
    }
    for (minute, name) in (30..).zip(CUSTOMER_ROLES) {
        step_into(scene, &actor, &Role::named(name), hour.at(minute, 0), &address, truth);
    }
}

/// The stolen administrator of the management account assumes the role that every member
/// account has, as the member's trail shows it.
fn enter(scene: &mut Scene<'_>, at: i64, address: &str, truth: &mut Truth) -> Actor {
    let role = Role::named("OrganizationAccountAccessRole");
    let principal = format!("{}:admin", entity_id("AROA", "management-admin"));
    let caller = Actor::foreign(MANAGEMENT, &principal, address, agent::ATTACKER);
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let call =
        assume_role(GLOBAL, &role, "session", &key, &token, at).with("sharedEventID", uuid(scene.rng.u128(..)).into());
    truth.act(scene, &caller, at, &call);
    truth.enter_by(&role.arn(), &key);
    Actor::session(&role, "session", &key, at).from(address).with_agent(agent::ATTACKER)
}

/// Has the trail leave management events out.
fn mute() -> Call<'static> {
    let selectors = json!([{
        "readWriteType": "All",
        "includeManagementEvents": false,
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}],
        "excludeManagementEventSources": [],
    }]);
    Call::new("cloudtrail", "PutEventSelectors", GLOBAL)
        .request(json!({"trailName": TRAIL, "eventSelectors": selectors}))
        .response(json!({
            "trailARN": format!("arn:aws:cloudtrail:{GLOBAL}:{PROD}:trail/{TRAIL}"),
            "eventSelectors": selectors,
        }))
}

/// Assumes a role that serves customers and reads with it.
fn step_into(scene: &mut Scene<'_>, actor: &Actor, role: &Role, at: i64, address: &str, truth: &mut Truth) {
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let call = assume_role(GLOBAL, role, "support", &key, &token, at);
    truth.act(scene, actor, at, &call);
    truth.involve(&role.arn(), &key);
    let session = Actor::session(role, "support", &key, at).from(address).with_agent(agent::ATTACKER);
    let read = Call::new("s3", "ListBuckets", GLOBAL).request(json!({"Host": format!("s3.{GLOBAL}.amazonaws.com")}));
    truth.act(scene, &session, at + 12, &read);
}
