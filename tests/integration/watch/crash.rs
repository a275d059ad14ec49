//! A process that is killed at any moment loses nothing and says nothing twice.

use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::desk::{Desk, Station, core};
use super::lookup::{history, now, shifted};
use crate::stand_in::{MiniStack, QueueFake};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const BUCKET: &str = "trail-bucket";
const EVENTS: usize = 5_000;
const KILLS: usize = 50;

/// Events as a queue tells them: every tenth by itself, from EventBridge; the others in objects that notices name.
struct Queued {
    bodies: Vec<String>,
    objects: Vec<(String, Vec<u8>)>,
}

fn queued() -> Queued {
    let (records, begun) = history("lambda-ddos-all-regions", "0.3", &["--days", "14"]);
    let mut records = shifted(&records, now() - 3_600 - begun, 0, now());
    records.sort_by_key(|record| record["eventTime"].as_str().unwrap().to_owned());
    let records = &records[records.len().checked_sub(EVENTS).unwrap()..];
    let (alone, together): (Vec<_>, Vec<_>) = records.iter().enumerate().partition(|(at, _)| at % 10 == 0);
    let mut bodies: Vec<_> = alone
        .iter()
        .map(|(_, record)| {
            json!({
                "version": "0", "id": record["eventID"], "detail-type": "AWS API Call via CloudTrail",
                "source": "aws.example", "account": ACCOUNT, "time": record["eventTime"],
                "region": record["awsRegion"], "resources": [], "detail": record,
            })
            .to_string()
        })
        .collect();
    let mut objects = Vec::new();
    for (number, records) in together.chunks(50).enumerate() {
        let records: Vec<&Value> = records.iter().map(|(_, record)| *record).collect();
        let name = format!("{ACCOUNT}_CloudTrail_us-east-1_20261122T0000Z_{number:016}.json.gz");
        let key = format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/22/{name}");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(json!({ "Records": records }).to_string().as_bytes()).unwrap();
        let object = json!({ "bucket": { "name": BUCKET }, "object": { "key": key, "size": 1 } });
        let notice = json!({ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": object });
        bodies.push(json!({ "Records": [notice] }).to_string());
        objects.push((key, packed.finish().unwrap()));
    }
    fastrand::Rng::with_seed(5).shuffle(&mut bodies);
    Queued { bodies, objects }
}

fn station(desk: &Desk, name: &str, queue: &str) -> Station {
    desk.station(name, &format!("[sources]\nlookup_events = false\nqueue_url = \"{queue}\""))
}

/// Starts a pass and kills it after a while. False where it had ended by then.
fn killed(station: &Station, after: Duration) -> bool {
    let mut pass = station.command(&["watch", "--once", "--format", "ndjson"]);
    let mut pass = pass.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(after);
    let ended = pass.try_wait().unwrap().is_some();
    pass.kill().unwrap();
    pass.wait().unwrap();
    !ended
}

/// What is known in the end: incidents, and what was told of each.
fn outcome(station: &Station) -> Vec<Value> {
    station.verify();
    let incidents: Vec<_> = station.incidents().iter().map(core).collect();
    assert!(station.keys().len() >= incidents.len(), "{:?}", station.told());
    incidents
}

#[test]
fn killed_fifty_times_nothing_is_lost_or_doubled() {
    let queued = queued();
    let cloud = QueueFake::start(ACCOUNT);
    for (key, bytes) in &queued.objects {
        cloud.object(BUCKET, key, bytes);
    }
    let desk = Desk::at(cloud.url(), KEY);
    cloud.fill(&queued.bodies);
    let clean = station(&desk, "clean", &cloud.queue());
    let begun = Instant::now();
    let run = clean.watch();
    let took = begun.elapsed();
    assert_eq!((run.status, run.summary()["kept"].as_u64()), (1, u64::try_from(EVENTS).ok()), "{run:?}");
    assert_eq!(cloud.release(), 0, "what is journalled is deleted");
    let expected = outcome(&clean);
    assert_eq!(expected.len(), 1);

    let mut chance = fastrand::Rng::with_seed(17);
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        rounds += 1;
        assert!(rounds <= KILLS, "passes end before they can be killed");
        let station = station(&desk, &format!("round-{rounds}"), &cloud.queue());
        cloud.fill(&queued.bodies);
        // Some passes come to their last steps, which is where most can go wrong.
        while kills < KILLS && killed(&station, took.mul_f64(chance.f64() * 1.1)) {
            kills += 1;
            cloud.release();
        }
        for pass in 0..10 {
            if cloud.release() == 0 && pass > 0 {
                break;
            }
            let run = station.watch();
            assert!([0, 1].contains(&run.status), "{run:?}");
        }
        assert_eq!(cloud.release(), 0, "nothing is left behind after {kills} kills");
        assert_eq!(outcome(&station), expected, "after {kills} kills");
    }
}

#[test]
fn a_queue_of_mini_stack_is_read_to_its_end() {
    let Some(cloud) = MiniStack::start() else { return };
    let queued = queued();
    cloud.bucket(BUCKET);
    for (key, bytes) in &queued.objects {
        cloud.object(BUCKET, key, bytes);
    }
    let queue = cloud.queue("trail", 120);
    cloud.send(&queue, &queued.bodies);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "mini", &queue);
    let run = station.watch();
    assert_eq!((run.status, run.summary()["kept"].as_u64()), (1, u64::try_from(EVENTS).ok()), "{run:?}");
    assert_eq!(cloud.waiting(&queue), (0, 0));
    assert_eq!(outcome(&station).len(), 1);
    // A message that is nothing goes aside after some tries, and does not stop what comes after it.
    cloud.send(&queue, &["no JSON".to_owned()]);
    assert!([0, 3].contains(&station.watch().status));
    station.verify();
}
