//! Messages of a queue that Lambda hands over.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::payload::{Message, batch, bridged, failures, stored};
use super::{ACCOUNT, KEY, WITHIN, attack, attacked, station};
use crate::contain::scene::told;
use crate::stand_in::{Fake, Function, LookupFake, QueueFake, answer};
use crate::watch::desk::{Desk, core, only};
use crate::watch::lookup::replayed;

/// A batch as large as SQS lets it be by number.
const THOUSAND: usize = 1_000;
/// What it may take in a build for tests on a machine that does other things too; `deploy/measure` has the real number.
const UNOPTIMISED: Duration = Duration::from_secs(20);

/// A log file with records, and its key.
fn log(records: &[Value], number: usize) -> (String, Vec<u8>) {
    let name = format!("{ACCOUNT}_CloudTrail_us-east-1_20261122T0800Z_{number:016}.json.gz");
    let mut bytes = GzEncoder::new(Vec::new(), Compression::fast());
    bytes.write_all(json!({ "Records": records }).to_string().as_bytes()).unwrap();
    (format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/22/{name}"), bytes.finish().unwrap())
}

#[test]
fn a_thousand_events_in_a_batch_are_one_pass() {
    let mut records = attacked("3", 8 * 3_600);
    records.sort_by_key(|record| record["eventTime"].as_str().unwrap().to_owned());
    records.truncate(THOUSAND);
    assert_eq!(records.len(), THOUSAND);
    let cloud = LookupFake::start(ACCOUNT, Vec::new(), 1);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "");
    let mut function = Function::start(station.function());
    let messages: Vec<_> = records.iter().enumerate().map(|(n, r)| Message::new(&n.to_string(), &bridged(r))).collect();
    let answered = function.invoke(&batch(&messages), WITHIN);
    let took = answered.took;
    assert_eq!(failures(&answered.well()), Vec::<&str>::new());
    told(&format!("{} events in a batch, a build for tests", records.len()), took);
    assert!(took < UNOPTIMISED, "{took:?}");
    assert!(cloud.asked().is_empty(), "only what is handed over is read: {:?}", cloud.asked());
    let (incidents, _) = replayed(desk.path(), &records);
    assert_eq!(core(only(&station.incidents())), core(only(&incidents)));
    let lines = function.told().iter().filter(|line| line["kind"] == "incident").count();
    assert_eq!(lines, 1, "what is new is told once: {}", function.said());

    // The same batch again, as Lambda may hand it over: it is safe, and nothing of it is new.
    let again = function.invoke(&batch(&messages), WITHIN).well();
    assert_eq!(failures(&again), Vec::<&str>::new());
    assert_eq!(core(only(&station.incidents())), core(only(&incidents)));
    assert_eq!(function.told().iter().filter(|line| line["kind"] == "incident").count(), 1);
    station.keys();
    station.verify();
}

#[test]
fn only_what_is_not_safe_comes_again() {
    let records = attack();
    let (early, late) = records.split_at(records.len() / 2);
    let cloud = QueueFake::start(ACCOUNT);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "");
    let mut function = Function::start(station.function());
    let ((first, bytes), (second, more)) = (log(early, 1), log(late, 2));
    cloud.object("trail-bucket", &first, &bytes);
    let digest = first.replace("_CloudTrail_", "_CloudTrail-Digest_").replace("/CloudTrail/", "/CloudTrail-Digest/");
    let topic = json!({ "Type": "Notification", "Message": stored("trail-bucket", &first).to_string() });
    let garbage = json!({ "hello": "world" });
    let messages = || {
        [
            Message::new("there", &stored("trail-bucket", &first)),
            Message::new("topic", &topic),
            Message::new("absent", &stored("trail-bucket", &second)),
            Message::new("digest", &stored("trail-bucket", &digest)),
            Message::new("event", &bridged(&late[0])),
            Message::new("test", &json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b" })),
            Message::new("garbage", &garbage),
            Message { id: "no-json".into(), body: "\u{1b}[31m{".into(), tries: 1 },
            Message::new("old-garbage", &garbage).tried(5),
        ]
    };
    let answer = function.invoke(&batch(&messages()), WITHIN).well();
    assert_eq!(failures(&answer), ["absent", "garbage", "no-json"]);
    let journal = station.run(&["journal", "show"]).stdout;
    assert!(journal.contains("old-garbage"), "what goes aside is written down: {journal}");
    assert!(!function.said().contains('\u{1b}'), "{}", function.said());

    // What came again is done as soon as it can be.
    cloud.object("trail-bucket", &second, &more);
    let absent = Message::new("absent", &stored("trail-bucket", &second)).tried(2);
    assert_eq!(failures(&function.invoke(&batch(&[absent]), WITHIN).well()), Vec::<&str>::new());
    let (incidents, _) = replayed(desk.path(), &records);
    let mut expected = core(only(&incidents));
    // It keeps the id that it opened with.
    expected["id"] = only(&station.incidents())["id"].clone();
    assert_eq!(core(only(&station.incidents())), expected);
    station.verify();
}

#[test]
fn a_batch_waits_for_whoever_is_at_work_and_comes_again_if_that_takes_too_long() {
    let is_silent = Arc::new(AtomicBool::new(true));
    let waits = Arc::clone(&is_silent);
    let silent = Fake::start(move |request, _| {
        while request.operation == "LookupEvents" && waits.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(50));
        }
        match request.operation.as_str() {
            "LookupEvents" => (200, json!({ "Events": [] }).to_string()),
            _ => answer(request, ACCOUNT),
        }
    });
    let desk = Desk::at(silent.url(), KEY);
    let station = station(&desk, "[aws]\nregions = [\"us-east-1\"]\n");
    let mut rival = station.command(&["watch", "--once", "--format", "ndjson"]);
    let mut rival = rival.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !silent.requests().iter().any(|request| request.operation == "LookupEvents") {
        assert!(begun.elapsed() < WITHIN, "nobody is at work");
        thread::sleep(Duration::from_millis(50));
    }
    let mut function = Function::start(station.function());
    let messages = [Message::new("one", &bridged(&attack()[0])), Message::new("two", &bridged(&attack()[1]))];
    let answer = function.invoke(&batch(&messages), Duration::from_secs(6)).well();
    assert_eq!(failures(&answer), ["one", "two"], "not safe, and not lost");
    // Whoever is at work ends while the batch waits.
    let ends = thread::spawn(move || {
        thread::sleep(Duration::from_secs(2));
        is_silent.store(false, Ordering::SeqCst);
    });
    let answer = function.invoke(&batch(&messages), WITHIN).well();
    assert_eq!(failures(&answer), Vec::<&str>::new());
    assert!(rival.wait().unwrap().success());
    ends.join().unwrap();
    station.verify();
}
