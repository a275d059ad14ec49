//! Objects are copied out, encrypted with a foreign key, and deleted.

use serde_json::{Value, json};

use crate::drill::actor::{Actor, user_arn};
use crate::drill::bill::Story;
use crate::drill::cast::{GLOBAL, HOME, INTRUDER, PROD, agent};
use crate::drill::clock::rfc3339;
use crate::drill::ident::hex;
use crate::drill::log::Scene;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

mod migration;

pub(super) use migration::twin;

/// The user whose key is stolen, and where it calls from.
const USER: &str = "media-sync";
const KEY: &str = "AKIAEXAMPLEMS0000001";
const ADDRESS: &str = "198.51.100.45";
/// Buckets of the account; the first few hold what matters.
const BUCKETS: usize = 30;
const TAKEN: usize = 6;
const READ: usize = 5_000;
const REWRITTEN: usize = 2_000;
const BATCHES: usize = 40;
/// Of so many reads, one needs the bucket's key anew.
const DECRYPTED: usize = 250;

/// A bucket by its number, and its region.
fn bucket(number: usize) -> (String, &'static str) {
    (format!("example-media-{number:02}"), HOME[usize::from(number % 5 == 4)])
}

/// A call on a bucket, with what the request says beside its name.
fn on_bucket<'a>(name: &'a str, number: usize, more: Value) -> Call<'a> {
    let (bucket, region) = bucket(number);
    Call::new("s3", name, region).on_bucket(&bucket).and_request(more)
}

/// A call on an object, with the sizes of the transfer and what else S3 says about it.
fn on_object<'a>(scene: &mut Scene<'_>, name: &'a str, number: usize, key: &str, more: Value) -> Call<'a> {
    let (bucket, region) = bucket(number);
    let out = if name == "GetObject" { scene.rng.u32(40_000..9_000_000) } else { 0 };
    let id = hex(scene.rng, 24);
    Call::new("s3", name, region).transferred(out, &id).on_object(&bucket, key).and_request(more)
}

/// The user at its work: new media come in every hour and are read again.
pub(super) fn background(twin: bool, scene: &mut Scene<'_>) {
    let actor = Actor::user(USER, KEY, ADDRESS, agent::BOT);
    let mut at = scene.hour.at(14, scene.rng.i64(0..60));
    for turn in 0..3 {
        at += scene.rng.i64(2..20);
        let (name, number) = (["PutObject", "GetObject"][turn % 2], scene.rng.usize(..TAKEN));
        let key = format!("in/{}/{turn}.mp4", scene.hour.start);
        let call = on_object(scene, name, number, &key, Value::Null);
        scene.write(&actor, at, &call);
    }
    if twin {
        migration::nightly(scene);
    }
}

/// Plays the attack from the scene's hour on; what it costs is not on the bill of a few hours.
pub(super) fn attack(scene: &mut Scene<'_>, truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(0..15), scene.rng.i64(0..60));
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let thief = Actor::user(USER, KEY, &address, agent::ATTACKER);
    truth.enter_by(&user_arn(USER), KEY);
    truth.regions.extend(HOME.map(str::to_owned));
    look_around(scene, &thief, start, truth);
    weaken(scene, &thief, start + 300, truth);
    take(scene, &thief, start + 600, truth);
    encrypt(scene, &thief, start + 2_400, truth);
    burn_bridges(scene, &thief, start + 3_700, truth);
    Story::default()
}

/// Which buckets there are, and whether anything protects them.
fn look_around(scene: &mut Scene<'_>, thief: &Actor, start: i64, truth: &mut Truth) {
    truth.act(scene, thief, start, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    let list = Call::new("s3", "ListBuckets", GLOBAL).request(json!({"Host": format!("s3.{GLOBAL}.amazonaws.com")}));
    truth.act(scene, thief, start + 10, &list);
    for (second, number) in (20..).step_by(3).zip(0..BUCKETS) {
        let at = start + second;
        truth.act(scene, thief, at, &on_bucket("GetBucketVersioning", number, json!({"versioning": ""})));
        let lock = on_bucket("GetObjectLockConfiguration", number, json!({"object-lock": ""}))
            .failed("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket");
        truth.act(scene, thief, at + 1, &lock);
    }
}

/// Old versions are no longer kept, and what is left expires tomorrow.
fn weaken(scene: &mut Scene<'_>, thief: &Actor, mut at: i64, truth: &mut Truth) {
    for number in 0..TAKEN {
        let suspend = json!({
            "versioning": "",
            "VersioningConfiguration": {"Status": "Suspended", "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"},
        });
        truth.act(scene, thief, at, &on_bucket("PutBucketVersioning", number, suspend));
        at += 3;
    }
    // Before a single object is touched, it can be told what is coming.
    truth.open_by(at);
    for number in 0..TAKEN {
        let expire = json!({
            "lifecycle": "",
            "LifecycleConfiguration": {
                "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
                "Rule": {"ID": "nuke", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
            },
        });
        truth.act(scene, thief, at, &on_bucket("PutBucketLifecycle", number, expire));
        at += 3;
    }
}

/// Everything is read, and S3 has the buckets' keys opened for it.
fn take(scene: &mut Scene<'_>, thief: &Actor, start: i64, truth: &mut Truth) {
    for turn in 0..READ {
        let at = start + turn as i64 * 1_500 / READ as i64;
        let key = format!("archive/{turn:05}.mp4");
        let call = on_object(scene, "GetObject", turn % TAKEN, &key, Value::Null);
        truth.act(scene, thief, at, &call);
        if turn % DECRYPTED == 0 {
            let (bucket, region) = bucket(turn % TAKEN);
            let decrypt = Call::new("kms", "Decrypt", region)
                .request(json!({
                    "encryptionContext": {"aws:s3:arn": format!("arn:aws:s3:::{bucket}")},
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                }))
                .on("AWS::KMS::Key", &format!("arn:aws:kms:{region}:{PROD}:key/6f1c3b52-8a6d-4c39-8f0e-9a1f4be2d703"));
            truth.act(scene, &thief.clone().via("AWS Internal"), at, &decrypt);
        }
    }
}

/// Objects are written over themselves with a key that AWS never keeps, the rest is deleted, and a note is left.
fn encrypt(scene: &mut Scene<'_>, thief: &Actor, start: i64, truth: &mut Truth) {
    for turn in 0..REWRITTEN {
        let at = start + turn as i64 * 900 / REWRITTEN as i64;
        let (bucket, _) = bucket(turn % TAKEN);
        let key = format!("archive/{turn:05}.mp4");
        let more = json!({
            "x-amz-copy-source": format!("{bucket}/{key}"),
            "x-amz-server-side-encryption-customer-algorithm": "AES256",
        });
        let call = on_object(scene, "CopyObject", turn % TAKEN, &key, more)
            .response(json!({"x-amz-server-side-encryption-customer-algorithm": "AES256"}));
        truth.act(scene, thief, at, &call);
    }
    for turn in 0..BATCHES {
        let call = on_bucket("DeleteObjects", turn % TAKEN, json!({"delete": ""}));
        truth.act(scene, thief, start + 960 + 4 * turn as i64, &call);
    }
    for number in 0..TAKEN {
        let call = on_object(scene, "PutObject", number, "RANSOM_NOTE.txt", Value::Null);
        truth.act(scene, thief, start + 1_200 + number as i64, &call);
    }
}

/// Keys, backups and snapshots.
fn burn_bridges(scene: &mut Scene<'_>, thief: &Actor, at: i64, truth: &mut Truth) {
    for (second, region) in (0..).zip(HOME) {
        let key = format!("arn:aws:kms:{region}:{PROD}:key/6f1c3b52-8a6d-4c39-8f0e-9a1f4be2d703");
        let call = Call::new("kms", "ScheduleKeyDeletion", region)
            .request(json!({"keyId": key, "pendingWindowInDays": 7}))
            .response(json!({
                "keyId": key,
                "keyState": "PendingDeletion",
                "deletionDate": rfc3339(at + 7 * 86_400),
                "pendingWindowInDays": 7,
            }))
            .on("AWS::KMS::Key", &key);
        truth.act(scene, thief, at + second, &call);
    }
    for turn in 0..3 {
        let point = format!("arn:aws:backup:{GLOBAL}:{PROD}:recovery-point:{}", hex(scene.rng, 12));
        let call = Call::new("backup", "DeleteRecoveryPoint", GLOBAL)
            .request(json!({"backupVaultName": "locked", "recoveryPointArn": point}))
            .failed("AccessDeniedException", "Insufficient privileges to perform this action: the vault is locked.");
        truth.act(scene, thief, at + 20 + turn, &call);
    }
    for turn in 0..2 {
        let request = json!({
            "snapshotId": format!("snap-0{}", hex(scene.rng, 16)),
            "createVolumePermission": {"add": {"items": [{"userId": INTRUDER}]}},
            "attributeType": "CREATE_VOLUME_PERMISSION",
        });
        let call =
            Call::new("ec2", "ModifySnapshotAttribute", GLOBAL).request(request).response(json!({"_return": true}));
        truth.act(scene, thief, at + 40 + turn, &call);
    }
}
