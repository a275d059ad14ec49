//! The library of noise: what looks like an attack and is none. Each of these has woken somebody up.
//!
//! It has a generator of its own, so that life without it does not depend on it.

mod agents;
mod engineer;
mod events;

use fastrand::Rng;
use serde_json::json;

use self::engineer::Engineer;
use super::actor::Actor;
use super::cast::{HOME, PROD, agent};
use super::clock::Hour;
use super::log::{Log, Scene};
use super::record::Call;

/// From this day on, the office reaches the Internet through another provider.
pub(crate) const EGRESS_MOVES: u32 = 22;
/// Refusals an hour of a job that lost its one permission, and the days on which it runs.
const REFUSALS: usize = 400;
const BROKEN: [u32; 4] = [16, 17, 36, 37];

/// Everything in the library, with what it must remember from hour to hour.
pub(crate) struct Library {
    rng: Rng,
    engineer: Engineer,
    volume: f64,
}

impl Library {
    /// The library for a seed.
    pub(crate) fn new(seed: u64, noise: f64) -> Self {
        let rng = Rng::with_seed(seed ^ 0x0115_0115_0115_0115);
        Self { rng, engineer: Engineer::default(), volume: noise.min(1.0) }
    }

    /// Writes the records of one hour.
    pub(crate) fn live(&mut self, hour: Hour, regions: &[String], log: &mut Log) {
        let mut scene = Scene { hour, log, rng: &mut self.rng, volume: self.volume };
        agents::live(&mut scene);
        self.engineer.live(&mut scene);
        events::live(&mut scene, regions);
        broken_job(&mut scene);
    }
}

/// A job that was denied one action since somebody tidied up policies, and that tries again every few seconds.
fn broken_job(scene: &mut Scene<'_>) {
    if !BROKEN.contains(&scene.hour.day) || scene.hour.of_day >= 4 {
        return;
    }
    let actor = Actor::user("ledger-cron", "AKIAEXAMPLELC0000001", "198.51.100.52", agent::BOT);
    let queue = format!("arn:aws:sqs:{}:{PROD}:ledger-jobs", HOME[0]);
    let count = scene.count(REFUSALS).max(1);
    for turn in 0..count {
        let at = scene.hour.start + (turn * 3_600 / count) as i64;
        let call = Call::new("sqs", "GetQueueAttributes", HOME[0]).denied(&actor, "GetQueueAttributes", &queue);
        scene.write(&actor, at, &call);
    }
    // On the first day of it somebody looks why.
    if scene.hour.of_day == 3 && scene.hour.day == BROKEN[0] {
        let call = Call::iam("ListUserPolicies").request(json!({"userName": "ledger-cron"}));
        scene.write(&actor, scene.hour.at(59, 30), &call.denied(&actor, "ListUserPolicies", "user ledger-cron"));
    }
}
