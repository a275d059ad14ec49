//! An engineer with a long-term key on a laptop, who travels.

use serde_json::json;

use super::EGRESS_MOVES;
use crate::drill::actor::Actor;
use crate::drill::cast::{GLOBAL, HOME, agent};
use crate::drill::ident::access_key;
use crate::drill::log::Scene;
use crate::drill::people::create_key;
use crate::drill::record::Call;

/// Days in a hotel.
const HOTEL: [u32; 3] = [33, 34, 35];
/// The day on which the engineer replaces the key by hand.
const NEW_KEY: u32 = 28;

/// What must be remembered of the engineer.
pub(super) struct Engineer {
    key: String,
}

impl Default for Engineer {
    fn default() -> Self {
        Self { key: "AKIAEXAMPLEER0000001".to_owned() }
    }
}

impl Engineer {
    /// A day at work: a few calls an hour.
    pub(super) fn live(&mut self, scene: &mut Scene<'_>) {
        let hour = scene.hour;
        if !hour.is_workday() || !(9..18).contains(&hour.of_day) {
            return;
        }
        let address = match hour.day {
            day if HOTEL.contains(&day) => "2001:db8:77:12::9",
            day if day >= EGRESS_MOVES => "192.0.2.144",
            _ => "198.51.100.104",
        };
        let mut actor = Actor::user("erin", &self.key, address, agent::CLI);
        let mut at = hour.at(scene.rng.i64(2..20), scene.rng.i64(0..60));
        scene.write(&actor, at, &Call::new("sts", "GetCallerIdentity", GLOBAL));
        if hour.day == NEW_KEY && hour.of_day == 10 {
            actor = self.replace(scene, &actor, address, at + 60);
            at += 120;
        }
        const ROUTINE: [(&str, &str); 5] = [
            ("ec2", "DescribeInstances"),
            ("logs", "DescribeLogStreams"),
            ("lambda", "GetFunction20150331v2"),
            ("ssm", "DescribeParameters"),
            ("rds", "DescribeDBInstances"),
        ];
        for _ in 0..4 {
            at += scene.rng.i64(5..200);
            let (service, name) = scene.pick(&ROUTINE);
            let region = scene.pick(&HOME);
            scene.write(&actor, at, &Call::new(service, name, region));
        }
        if hour.of_day == 15 {
            let retention = json!({"logGroupName": "/aws/lambda/search-index", "retentionInDays": 14});
            scene.write(&actor, at + 30, &Call::new("logs", "PutRetentionPolicy", HOME[0]).request(retention));
        }
    }

    /// A new key, used at once; the old one goes.
    fn replace(&mut self, scene: &mut Scene<'_>, actor: &Actor, address: &str, at: i64) -> Actor {
        let key = access_key(scene.rng, "AKIA");
        scene.write(actor, at, &create_key("erin", &key, at));
        let next = Actor::user("erin", &key, address, agent::CLI);
        scene.write(&next, at + 20, &Call::new("sts", "GetCallerIdentity", GLOBAL));
        let old = json!({"userName": "erin", "accessKeyId": self.key, "status": "Inactive"});
        scene.write(&next, at + 40, &Call::iam("UpdateAccessKey").request(old));
        let old = json!({"userName": "erin", "accessKeyId": self.key});
        scene.write(&next, at + 55, &Call::iam("DeleteAccessKey").request(old));
        self.key = key;
        next
    }
}
