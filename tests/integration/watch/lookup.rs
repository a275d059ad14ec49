//! LookupEvents on a bad day, over seventeen regions, against what replay says of the same events.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::desk::{Desk, core, only, sorted};
use crate::harness::{Drill, log_files, replay};
use crate::stand_in::{Entry, LookupFake, REGIONS};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// What every record of a drill says, each once, and when the attack began.
pub(crate) fn history(name: &str, noise: &str, more: &[&str]) -> (Vec<Value>, i64) {
    let drill = Drill::noisy(name, noise, more);
    let mut records = BTreeMap::new();
    for path in log_files(&drill.path()) {
        for record in unpacked(&path)["Records"].as_array().unwrap() {
            records.insert(record["eventID"].as_str().unwrap().to_owned(), record.clone());
        }
    }
    let begun = drill.truth["attack_started"].as_str().map_or(0, seconds);
    (records.into_values().collect(), begun)
}

fn unpacked(path: &Path) -> Value {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[expect(clippy::disallowed_methods, reason = "what LookupEvents tells lies in the last days")]
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The same records at another time, and only those that lie between two times then.
pub(crate) fn shifted(records: &[Value], by: i64, from: i64, until: i64) -> Vec<Value> {
    fn shift(value: &mut Value, by: i64) {
        match value {
            Value::String(text) if text.len() == 20 && text.ends_with('Z') => {
                if let Ok(time) = text.parse::<jiff::Timestamp>() {
                    *text = jiff::Timestamp::from_second(time.as_second() + by).unwrap().to_string();
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| shift(value, by)),
            Value::Object(map) => map.values_mut().for_each(|value| shift(value, by)),
            _ => {}
        }
    }
    let mut records = records.to_vec();
    records.iter_mut().for_each(|record| shift(record, by));
    records.retain(|record| (from..until).contains(&seconds(record["eventTime"].as_str().unwrap())));
    records
}

/// What replay finds in records: its incidents and how many events there are.
pub(crate) fn replayed(folder: &Path, records: &[Value]) -> (Vec<Value>, u64) {
    let file = folder.join("day.jsonl");
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    std::fs::write(&file, text).unwrap();
    let run = replay([file]);
    let kept = run.summary()["kept"].as_u64().unwrap();
    (sorted(run.incidents()), kept)
}

fn cores(incidents: &[Value]) -> Vec<Value> {
    incidents.iter().map(core).collect()
}

#[test]
fn a_day_in_seventeen_regions_is_read_in_one_pass_of_ten_seconds() {
    let (records, begun) = history("lambda-ddos-all-regions", "1", &["--days", "2"]);
    let now = now();
    let records = shifted(&records, now - 6 * 3_600 - begun, now - 20 * 3_600, now - 60);
    let regions: BTreeSet<_> = records.iter().map(|record| record["awsRegion"].as_str().unwrap()).collect();
    assert_eq!(regions.len(), REGIONS.len());
    let entries = records.iter().map(|record| Entry { record: record.clone(), step: 0, after: 0 }).collect();
    let fake = LookupFake::start(ACCOUNT, entries, 7);
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("day", "");

    let begun = Instant::now();
    let run = station.watch();
    let took = begun.elapsed();
    assert_eq!(run.status, 1, "{run:?}");
    assert!(took < Duration::from_secs(10), "{took:?}, {:?}", fake.asked());
    let (given, again) = fake.given();
    assert_eq!(given, records.len(), "every event was asked for: {:?}", fake.asked());
    assert!(again > 0, "the stand-in repeats some");
    let summary = run.summary();
    let (incidents, kept) = replayed(desk.path(), &records);
    assert_eq!(summary["kept"], kept, "{summary}");
    assert_eq!(cores(&sorted(run.incidents())), cores(&incidents));
    assert_eq!(incidents.len(), 1);

    let second = station.watch();
    let summary = second.summary();
    assert_eq!((second.status, &summary["kept"]), (0, &Value::from(0)), "{second:?}");
    assert_eq!(cores(&station.incidents()), cores(&incidents));
    let others: Vec<_> = fake.others().into_keys().collect();
    assert!(others.iter().any(|(service, _)| service == "account"), "regions are listed: {others:?}");
    assert!(fake.asked().values().all(|asked| asked.answered > 1), "every region each time: {:?}", fake.asked());
}

#[test]
fn events_that_arrive_late_and_out_of_order_make_the_same_incidents() {
    let (records, begun) = history("lambda-ddos-all-regions", "0.3", &["--days", "2"]);
    let now = now();
    // The attack is going on: what happened in the last quarter of an hour arrives bit by bit.
    let records = shifted(&records, now - 900 - begun, now - 20 * 3_600, now - 1);
    let mut chance = fastrand::Rng::with_seed(11);
    let entries: Vec<_> = records
        .iter()
        .map(|record| {
            let fresh = seconds(record["eventTime"].as_str().unwrap()) > now - 900;
            let step = if fresh { chance.usize(0..5) } else { 0 };
            let after = if fresh && chance.usize(0..10) == 0 { 1 } else { 0 };
            Entry { record: record.clone(), step, after }
        })
        .collect();
    let fake = LookupFake::start(ACCOUNT, entries, 13);
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("late", "");
    let mut kept = 0;
    let mut changed = 0;
    let mut opened = None;
    for step in 0..7 {
        fake.step(step);
        let run = station.watch();
        assert!([0, 1].contains(&run.status), "{run:?}");
        assert_eq!(run.status == 1, !run.incidents().is_empty(), "{run:?}");
        changed += usize::from(run.status == 1);
        opened = opened.or_else(|| run.incidents().first().map(|incident| incident["id"].clone()));
        kept += run.summary()["kept"].as_u64().unwrap();
    }
    let (incidents, all) = replayed(desk.path(), &records);
    assert_eq!((fake.given().0, kept), (records.len(), all), "all in, none twice");
    // An incident keeps the id that it opened with, which late events cannot change; all else is as it would have been.
    let known = station.incidents();
    assert_eq!(Some(&only(&known)["id"]), opened.as_ref());
    let mut expected = core(only(&incidents));
    expected["id"] = only(&known)["id"].clone();
    assert_eq!(core(only(&known)), expected);
    assert_eq!(station.keys().len(), changed, "one message for each time that it changed");
    station.verify();
}
