//! Real API calls of an intruder, heard in every way that AWS has of telling them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::desk::{Desk, Station, core, only};
use crate::harness::set;
use crate::stand_in::{Attack, Ground, LocalEmu, OWNER};

/// Regions that the intruder takes at first, and those that it takes afterwards.
const FIRST: usize = 4;
const MORE: usize = 2;

/// An incident names the leaked key as the way in, and what was made where.
fn tells(incident: &Value, ground: &Ground, attack: &Attack) {
    assert_eq!(incident["root"]["credential"], ground.key.as_str(), "{incident:#}");
    assert!(set(&incident["credentials"]).contains(&attack.key), "{incident:#}");
    let user = format!("arn:aws:iam::000000000000:user/{}", attack.user);
    assert!(set(&incident["principals"]).contains(&user), "{incident:#}");
    let resources = incident["resources"].as_array().unwrap();
    let made: BTreeSet<_> = resources.iter().map(|resource| resource["arn"].as_str().unwrap()).collect();
    let key = format!("{user}#{}", attack.key);
    for arn in attack.functions.iter().chain([&user, &key]) {
        assert!(made.contains(arn.as_str()), "{arn} is missing: {incident:#}");
    }
    let regions = set(&incident["regions"]);
    for region in attack.functions.iter().map(|arn| arn.split(':').nth(3).unwrap()) {
        assert!(regions.contains(region), "{region} is missing: {incident:#}");
    }
}

/// One pass that opens the incident, and one after it that has nothing to say.
fn opens(station: &Station, ground: &Ground, attack: &Attack) -> Value {
    let run = station.watch();
    assert_eq!(run.status, 1, "{run:?}");
    let incidents = run.incidents();
    let incident = only(&incidents);
    assert_eq!(incident["status"], "open");
    tells(incident, ground, attack);
    let again = station.watch();
    assert_eq!((again.status, again.incidents()), (0, Vec::new()), "{again:?}");
    only(&station.incidents());
    assert_eq!(station.keys().len(), 1, "one message");
    station.verify();
    // A stand-in tells secrets in its records; they are shown to nobody and kept nowhere.
    let secret = attack.secret.as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    assert!(!holds(run.stdout.as_bytes()) && !holds(run.stderr.as_bytes()), "a secret is shown");
    assert!(!station.told().iter().any(|line| holds(line.to_string().as_bytes())), "a secret is told");
    assert!(!station.stored().iter().any(|value| holds(value)), "a secret is stored");
    incident.clone()
}

#[test]
fn the_same_incident_is_heard_in_every_way() {
    let Some(cloud) = LocalEmu::start(&[]) else { return };
    let ground = cloud.ground(FIRST + MORE);
    let desk = Desk::at(cloud.url(), OWNER);
    // Every region tells every event there, and every question is an event: all 38 would drown the attack.
    let regions = serde_json::json!(ground.regions);
    let lookup = desk.station("lookup", &format!("[aws]\nregions = {regions}"));
    let deaf = "[sources]\nlookup_events = false\n";
    let objects = desk.station("objects", &format!("{deaf}queue_url = \"{}\"", ground.objects));
    let bucket = desk.station("bucket", &format!("{deaf}trail_bucket = \"s3://{}\"", ground.bucket));
    let events = desk.station("events", &format!("{deaf}queue_url = \"{}\"", ground.events));

    let quiet = lookup.watch();
    assert_eq!((quiet.status, quiet.incidents()), (0, Vec::new()), "{quiet:?}");
    assert!(quiet.stderr.contains("--learn"), "the first pass says what it does not know: {quiet:?}");

    // A trail there delivers once a minute, and of the last 500 events: what is not yet in the bucket is not drowned in questions.
    let mut attack = cloud.enter(&ground, FIRST);
    cloud.await_objects(FIRST);
    let first = opens(&lookup, &ground, &attack);
    let alive = |incident: &Value| {
        let resources = incident["resources"].as_array().unwrap().clone();
        resources.iter().filter(|resource| resource["type"] == "lambda:function" && resource["exists"] == true).count()
    };
    assert_eq!(alive(&first), FIRST, "{first:#}");

    let second = opens(&objects, &ground, &attack);
    let third = opens(&bucket, &ground, &attack);
    cloud.await_events(FIRST);
    let fourth = opens(&events, &ground, &attack);
    for other in [&second, &third, &fourth] {
        assert_eq!(core(other), core(&first), "{other:#} {first:#}");
    }

    // The intruder goes on: the same incident, told again because there is more of it.
    cloud.spread(&mut attack, MORE);
    cloud.await_objects(FIRST + MORE);
    let changed = lookup.watch();
    assert_eq!(changed.status, 1, "{changed:?}");
    let incidents = changed.incidents();
    assert_eq!(only(&incidents)["id"], first["id"]);
    tells(only(&incidents), &ground, &attack);
    assert_eq!(lookup.keys().len(), 2);
    let again = lookup.watch();
    assert_eq!((again.status, again.incidents()), (0, Vec::new()), "{again:?}");

    // A second feed of the same events doubles nothing.
    let both = format!("[aws]\nregions = {regions}\n[sources]\ntrail_bucket = \"s3://{}\"", ground.bucket);
    let both = desk.station_on("both", &format!("path = \"{}\"", desk.path().join("lookup.db").display()), &both);
    let run = both.watch();
    assert_eq!((run.status, run.incidents()), (0, Vec::new()), "{run:?}");
    assert!(run.summary()["duplicate"].as_u64().unwrap() > 0, "{run:?}");
    assert_eq!(only(&both.incidents())["id"], first["id"]);
    both.verify();
}

#[test]
fn throttling_is_waited_out() {
    // Half of all questions are refused, by chance; nothing else is throttled.
    let settings = [("SIMULATE_THROTTLING", "1"), ("CLOUDTRAIL_THROTTLE_RATE", "0.5"), ("THROTTLE_RATE", "0")];
    let Some(cloud) = LocalEmu::start(&settings) else { return };
    let ground = cloud.ground(0);
    let desk = Desk::at(cloud.url(), OWNER);
    let attack = cloud.enter(&ground, 2);
    let station =
        desk.station("throttled", &format!("[aws]\nregions = {}", serde_json::json!(["us-east-1", "eu-north-1"])));
    let run = station.watch();
    let incidents = run.incidents();
    assert_eq!(run.status, 1, "{run:?}");
    tells(only(&incidents), &ground, &attack);
}
