//! Machines with long-term keys, and the function that rotates those keys.

use serde_json::json;

use super::actor::{Actor, Role};
use super::cast::{DEPLOY_BOT_KEY, GLOBAL, HOME, PROD, agent};
use super::deploy::function_arn;
use super::ident::{access_key, hex};
use super::log::Scene;
use super::people::create_key;
use super::record::Call;

/// The bot whose key goes missing in one of the stories.
pub(crate) const DEPLOY_BOT: &str = "deploy-bot";
/// Keys are rotated once in so many days.
const ROTATION_DAYS: u32 = 7;
/// The hour of the day at which the rotator works.
const ROTATION_HOUR: u32 = 3;

/// An IAM user that a machine uses from one address.
struct Bot {
    name: &'static str,
    address: &'static str,
    key: String,
    /// A key that is on its way out, and the day its successor was made.
    retiring: Option<(String, u32)>,
    /// A day on which the key is rotated out of turn.
    extra_rotation: Option<u32>,
    rotates_weekly: bool,
    /// From this second on it makes no calls.
    silent_from: i64,
}

/// All bots.
pub(crate) struct Bots {
    bots: [Bot; 3],
}

impl Bots {
    /// The bots with their first keys.
    pub(crate) fn new() -> Self {
        let bot = |name, address, key: &str, rotates_weekly| Bot {
            name,
            address,
            key: key.to_owned(),
            retiring: None,
            extra_rotation: None,
            rotates_weekly,
            silent_from: i64::MAX,
        };
        Self {
            bots: [
                bot("backup-bot", "198.51.100.40", "AKIAEXAMPLEBB0000001", true),
                bot("report-bot", "192.0.2.50", "AKIAEXAMPLERB0000001", true),
                bot(DEPLOY_BOT, "198.51.100.31", DEPLOY_BOT_KEY, false),
            ],
        }
    }

    /// Makes the bot `name` fall silent at the second `from`.
    pub(crate) fn silence(&mut self, name: &str, from: i64) {
        for bot in self.bots.iter_mut().filter(|bot| bot.name == name) {
            bot.silent_from = from;
        }
    }

    /// Has the key of the bot `name` rotated on `day`, out of turn.
    pub(crate) fn rotate_on(&mut self, name: &str, day: u32) {
        for bot in self.bots.iter_mut().filter(|bot| bot.name == name) {
            bot.extra_rotation = Some(day);
        }
    }

    /// Their calls of an hour, and the rotation of their keys.
    pub(crate) fn live(&mut self, scene: &mut Scene<'_>) {
        for bot in &mut self.bots {
            if scene.hour.start < bot.silent_from {
                bot.work(scene);
            }
        }
        if scene.hour.of_day == ROTATION_HOUR {
            for (place, bot) in (0..).zip(&mut self.bots) {
                bot.rotate(scene, 10 + 15 * place);
            }
        }
    }
}

impl Bot {
    fn actor(&self) -> Actor {
        Actor::user(self.name, &self.key, self.address, agent::BOT)
    }

    fn work(&self, scene: &mut Scene<'_>) {
        match self.name {
            "backup-bot" if scene.hour.of_day == 1 => self.back_up(scene),
            "report-bot" => self.report(scene),
            DEPLOY_BOT if scene.hour.of_day.is_multiple_of(2) => self.ship(scene),
            _ => {}
        }
    }

    /// Nightly snapshots of volumes and databases in both home regions.
    fn back_up(&self, scene: &mut Scene<'_>) {
        let actor = self.actor();
        let mut at = scene.hour.at(5, scene.rng.i64(0..60));
        for region in HOME {
            scene.write(&actor, at, &Call::new("ec2", "DescribeVolumes", region));
            for _ in 0..scene.count(4).max(1) {
                at += scene.rng.i64(2..9);
                let (volume, snapshot) = (hex(scene.rng, 17), hex(scene.rng, 17));
                let call = Call::new("ec2", "CreateSnapshot", region)
                    .request(json!({"volumeId": format!("vol-{volume}"), "description": "nightly"}))
                    .response(json!({
                        "snapshotId": format!("snap-{snapshot}"),
                        "volumeId": format!("vol-{volume}"),
                        "ownerId": PROD,
                        "volumeSize": "100",
                        "status": "pending",
                        "encrypted": true,
                    }));
                scene.write(&actor, at, &call);
            }
            let name = format!("orders-{}", scene.hour.start);
            let arn = format!("arn:aws:rds:{region}:{PROD}:snapshot:{name}");
            let call = Call::new("rds", "CreateDBSnapshot", region)
                .request(json!({"dBInstanceIdentifier": "orders", "dBSnapshotIdentifier": name}))
                .response(json!({"dBSnapshotArn": arn, "status": "creating", "engine": "postgres"}));
            scene.write(&actor, at + 5, &call);
            let object = json!({
                "bucketName": format!("example-backup-{region}"),
                "Host": format!("example-backup-{region}.s3.{region}.amazonaws.com"),
                "key": format!("manifest/{}.json", scene.hour.start),
            });
            scene.write(&actor, at + 9, &Call::new("s3", "PutObject", region).request(object));
            at += 30;
        }
    }

    /// An hourly report, and at night a job that has lacked one permission for months.
    fn report(&self, scene: &mut Scene<'_>) {
        let actor = self.actor();
        let mut at = scene.hour.at(4, scene.rng.i64(0..60));
        let region = HOME[scene.hour.of_day as usize % 2];
        let list = Call::new("rds", "DescribeDBInstances", region).request(json!({"dBInstanceIdentifier": "orders"}));
        scene.write(&actor, at, &list);
        for _ in 0..scene.count(2) {
            at += scene.rng.i64(1..5);
            let object = json!({
                "bucketName": "example-prod-reports",
                "Host": format!("example-prod-reports.s3.{region}.amazonaws.com"),
                "key": format!("hourly/{}.csv", scene.hour.start),
            });
            scene.write(&actor, at, &Call::new("s3", "GetObject", region).request(object));
        }
        if scene.hour.of_day >= 6 {
            return;
        }
        let table = format!("arn:aws:dynamodb:{}:{PROD}:table/ledger", HOME[1]);
        for attempt in 0..scene.count(20).max(1) {
            let call = Call::new("dynamodb", "DescribeTable", HOME[1]);
            let call = if scene.rng.u8(0..40) == 0 {
                call.failed("ThrottlingException", "Rate exceeded")
            } else {
                call.denied(&actor, "DescribeTable", &table)
            };
            // The schedule keeps clear of the hour in which its key may be replaced.
            scene.write(&actor, scene.hour.at(5, 12 * attempt as i64), &call);
        }
    }

    /// Ships artefacts every other hour.
    fn ship(&self, scene: &mut Scene<'_>) {
        let actor = self.actor();
        let at = scene.hour.at(1, scene.rng.i64(0..60));
        let region = HOME[scene.hour.of_day as usize / 2 % 2];
        let object = json!({
            "bucketName": format!("example-artifacts-{region}"),
            "Host": format!("example-artifacts-{region}.s3.{region}.amazonaws.com"),
            "key": format!("web/{}.zip", scene.hour.start),
        });
        scene.write(&actor, at, &Call::new("s3", "PutObject", region).request(object));
        let deployment = format!("d-{}", hex(scene.rng, 9).to_uppercase());
        let call = Call::new("codedeploy", "CreateDeployment", region)
            .request(json!({"applicationName": "web", "deploymentGroupName": "production"}))
            .response(json!({"deploymentId": deployment}));
        scene.write(&actor, at + 4, &call);
        let call = Call::new("codedeploy", "GetDeployment", region).request(json!({"deploymentId": deployment}));
        scene.write(&actor, at + 60, &call);
    }

    /// New key on the first day, old key off on the second, gone on the third.
    fn rotate(&mut self, scene: &mut Scene<'_>, minute: i64) {
        let day = scene.hour.day;
        let at = scene.hour.at(minute, scene.rng.i64(0..60));
        let due = self.rotates_weekly && day % ROTATION_DAYS == 1;
        if due || self.extra_rotation == Some(day) {
            let rotator = rotator(scene, at);
            let key = access_key(scene.rng, "AKIA");
            scene.write(&rotator, at + 2, &create_key(self.name, &key, at + 2));
            let secret = Call::new("secretsmanager", "PutSecretValue", GLOBAL)
                .request(json!({"secretId": format!("bots/{}", self.name)}))
                .response(json!({"name": format!("bots/{}", self.name)}));
            scene.write(&rotator, at + 4, &secret);
            self.retiring = Some((std::mem::replace(&mut self.key, key), day));
            let first_use = Call::new("sts", "GetCallerIdentity", GLOBAL);
            scene.write(&self.actor(), at + 300, &first_use);
            return;
        }
        let Some((old, since)) = self.retiring.take() else {
            return;
        };
        let rotator = rotator(scene, at);
        if day < since + 2 {
            let request = json!({"userName": self.name, "accessKeyId": old, "status": "Inactive"});
            scene.write(&rotator, at + 2, &Call::iam("UpdateAccessKey").request(request));
            self.retiring = Some((old, since));
        } else {
            let request = json!({"userName": self.name, "accessKeyId": old});
            scene.write(&rotator, at + 2, &Call::iam("DeleteAccessKey").request(request));
        }
    }
}

/// A session of the rotating function.
fn rotator(scene: &mut Scene<'_>, at: i64) -> Actor {
    let role = Role::named("rotator");
    let key = scene.assume(&Actor::service("lambda"), at, GLOBAL, &role, "key-rotator");
    Actor::session(&role, "key-rotator", &key, at)
        .from("192.0.2.40")
        .with_agent(agent::FUNCTION)
        .in_function(&function_arn(GLOBAL, "key-rotator"))
}
