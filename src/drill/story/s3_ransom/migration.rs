//! The benign look-alike of a ransom: a job rewrites objects with the company's own key and removes the originals, and the
//! pipeline sets how long things are kept.

use serde_json::json;

use super::{BUCKETS, on_bucket, on_object};
use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{CI_ADDRESS, CI_KEY, GLOBAL, HOME, PROD, agent};
use crate::drill::deploy::CI_USER;
use crate::drill::ident::hex;
use crate::drill::log::Scene;

/// The hour of the day at which the job runs.
const NIGHTLY: u32 = 0;
/// Objects that it moves in an ordinary night, and in the twin.
const USUAL: usize = 40;
const LARGE: usize = 1_200;

/// The job of every night.
pub(super) fn nightly(scene: &mut Scene<'_>) {
    if scene.hour.of_day == NIGHTLY {
        migrate(scene, USUAL);
    }
}

/// A larger part of the migration, and a policy of how long things are kept.
pub(in crate::drill::story) fn twin(scene: &mut Scene<'_>) {
    migrate(scene, LARGE);
    retain(scene);
}

/// Copies objects within a bucket with the company's key, and deletes the originals.
fn migrate(scene: &mut Scene<'_>, objects: usize) {
    let start = scene.hour.at(3, scene.rng.i64(0..60));
    let role = Role::named("data-migration");
    let task = hex(scene.rng, 32);
    let key = scene.assume(&Actor::service("ecs-tasks"), start, GLOBAL, &role, &task);
    let actor = Actor::session(&role, &task, &key, start).from("198.51.100.241").with_agent(agent::APPLICATION);
    let own = format!("arn:aws:kms:{}:{PROD}:key/2b7e1516-28ae-4d2a-abf7-158809cf4f3c", HOME[0]);
    let step = (1_800 / objects.max(1) as i64).max(1);
    for turn in 0..objects {
        let at = start + 5 + turn as i64 * step;
        let number = 20 + turn % 4;
        let name = format!("old/{turn:05}.parquet");
        let more = json!({
            "x-amz-copy-source": format!("example-media-{number:02}/{name}"),
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": own,
        });
        let copy = on_object(scene, "CopyObject", number, &format!("new/{turn:05}.parquet"), more);
        scene.write(&actor, at, &copy);
    }
    for turn in 0..objects.div_ceil(100) {
        let call = on_bucket("DeleteObjects", 20 + turn % 4, json!({"delete": ""}));
        scene.write(&actor, start + 1_830 + 5 * turn as i64, &call);
    }
}

/// Terraform sets every bucket to keep things for a year.
fn retain(scene: &mut Scene<'_>) {
    let actor = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let mut at = scene.hour.at(48, scene.rng.i64(0..60));
    for number in 0..BUCKETS {
        at += scene.rng.i64(1..4);
        let policy = json!({
            "lifecycle": "",
            "LifecycleConfiguration": {
                "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
                "Rule": {
                    "ID": "retention",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Expiration": {"Days": 365},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                },
            },
        });
        scene.write(&actor, at, &on_bucket("PutBucketLifecycle", number, policy));
    }
}
