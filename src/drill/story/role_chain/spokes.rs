//! The benign look-alike of a chain over accounts: a pipeline that steps from its hub into twelve accounts every night.

use serde_json::json;

use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{CI_ADDRESS, CI_KEY, GLOBAL, agent};
use crate::drill::deploy::CI_USER;
use crate::drill::log::Scene;
use crate::drill::record::Call;

/// The hour of the day at which the pipeline runs.
const NIGHTLY: u32 = 2;
/// Accounts that it serves.
const SPOKES: u32 = 12;
/// The name that the first caller gives itself and that every session of the chain keeps.
const SOURCE: &str = "pipeline-nightly";

/// The run of every night.
pub(super) fn nightly(scene: &mut Scene<'_>) {
    if scene.hour.of_day == NIGHTLY {
        run(scene, 31);
    }
}

/// One more run, out of turn.
pub(in crate::drill::story) fn twin(scene: &mut Scene<'_>) {
    run(scene, 44);
}

/// From the pipeline's key into the hub, and from there into every account.
fn run(scene: &mut Scene<'_>, minute: i64) {
    let mut at = scene.hour.at(minute, scene.rng.i64(0..60));
    let ci = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let hub = Role::named("ci-hub");
    let key = scene.assume(&ci, at, GLOBAL, &hub, "nightly");
    let pipeline =
        Actor::session(&hub, "nightly", &key, at).from(CI_ADDRESS).with_agent(agent::TERRAFORM).for_source(SOURCE);
    for number in 0..SPOKES {
        at += scene.rng.i64(4..12);
        let account = format!("2000000000{number:02}");
        let role = Role::named("spoke-deploy").of(&account);
        let key = scene.assume_abroad(&pipeline, at, &role, "nightly");
        let actor =
            Actor::session(&role, "nightly", &key, at).from(CI_ADDRESS).with_agent(agent::TERRAFORM).for_source(SOURCE);
        scene.write(&actor, at + 1, &Call::new("sts", "GetCallerIdentity", GLOBAL));
        let stack = json!({"stackName": "baseline", "capabilities": ["CAPABILITY_NAMED_IAM"]});
        let id = format!("arn:aws:cloudformation:{GLOBAL}:{account}:stack/baseline");
        let update = Call::new("cloudformation", "UpdateStack", GLOBAL).request(stack).response(json!({"stackId": id}));
        scene.write(&actor, at + 3, &update);
    }
}
