//! The binary as a function, with a Runtime API of its own.

mod batch;
mod clicks;
mod deadline;
mod measured;
mod payload;

use std::time::Duration;

use serde_json::{Value, json};

use self::payload::{Message, batch, bridged, failures, schedule};
use crate::stand_in::{Function, LookupFake};
use crate::watch::desk::{Desk, Station};
use crate::watch::lookup::{history, now, shifted};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// The time of an invocation, where it is not what a test is about.
const WITHIN: Duration = Duration::from_secs(60);

/// The records of an attack that began an hour ago, with a little life around it.
fn attack() -> Vec<Value> {
    attacked("0.3", 3_600)
}

/// The same with as much of ordinary life, and an attack that began so many seconds ago.
fn attacked(noise: &str, ago: i64) -> Vec<Value> {
    let (records, begun) = history("lambda-ddos-all-regions", noise, &["--days", "2"]);
    shifted(&records, now() - ago - begun, now() - 20 * 3_600, now() - 60)
}

/// A place to watch from, whose state and settings are in files.
fn station(desk: &Desk, settings: &str) -> Station {
    desk.station("function", settings)
}

#[test]
fn what_is_wrong_is_the_error_of_the_first_invocation() {
    let cloud = LookupFake::start(ACCOUNT, Vec::new(), 1);
    let desk = Desk::at(cloud.url(), KEY);
    let missing = desk.path().join("missing.toml");
    let mut command = station(&desk, "").function();
    command.env("STAKEOUT_CONFIG", &missing);
    let mut function = Function::start(command);
    function.is_up();
    assert_eq!(cloud.others().len(), 0, "nobody is asked before there is something to do");
    let error = function.invoke(&schedule(), WITHIN).error();
    assert!(error.contains("missing.toml"), "{error}");
    let broken = desk.path().join("broken.db");
    let text = format!("[state]\npath = {}\nlaese = \"1m\"\n", json!(broken.to_str().unwrap()));
    std::fs::write(&missing, text).unwrap();
    let error = function.invoke(&schedule(), WITHIN).error();
    assert!(error.contains("missing.toml") && error.contains("laese"), "{error}");
    // The same environment works once they are right.
    std::fs::write(&missing, format!("[state]\npath = {}\n", json!(broken.to_str().unwrap()))).unwrap();
    function.invoke(&schedule(), WITHIN).well();
    assert!(broken.exists() && function.lives());
}

#[test]
fn every_way_to_be_invoked_is_understood() {
    let records = attack();
    let cloud = LookupFake::start(ACCOUNT, Vec::new(), 1);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "");
    let mut function = Function::start(station.function());
    for payload in [schedule(), json!({}), json!({ "stakeout": "go-on", "turn": 1 })] {
        function.invoke(&payload, WITHIN).well();
    }
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail-bucket" });
    let answer = function.invoke(&batch(&[Message::new("a", &test)]), WITHIN).well();
    assert_eq!(failures(&answer), Vec::<&str>::new());
    function.invoke(&bridged(&records[0]), WITHIN).well();
    // What nobody sends is an error that says what was seen, without repeating what may be a secret.
    let secret = "xoxb-a-secret";
    let odd = [
        json!({ "Records": [{ "eventSource": "aws:kinesis", "data": secret }] }),
        json!({ "Records": [] }),
        json!({ "token": secret }),
        json!({ "stakeout": secret }),
        json!({ "detail-type": "AWS API Call via CloudTrail", "detail": secret }),
        json!({ "requestContext": { "http": secret } }),
        json!([schedule()]),
        json!(secret),
        json!(7),
        Value::Null,
    ];
    for payload in odd {
        let answer = function.invoke(&payload, WITHIN);
        let text = format!("{:?}", answer.result);
        assert!(!text.contains(secret), "{text}");
        let is_refused = matches!(&answer.result, Ok(answer) if answer["statusCode"].as_u64() >= Some(400));
        let is_empty = payload["Records"].as_array().is_some_and(Vec::is_empty);
        assert!(answer.result.is_err() || is_refused || is_empty, "{payload}: {text}");
    }
    assert!(!function.said().contains(secret), "{}", function.said());
    function.invoke(&schedule(), WITHIN).well();
    station.verify();
}

#[test]
fn an_event_alone_is_judged_with_what_is_kept() {
    let records = attack();
    let cloud = LookupFake::start(ACCOUNT, Vec::new(), 1);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "");
    let mut function = Function::start(station.function());
    let begun = records.iter().position(|record| record["eventName"] == "CreateAccessKey").unwrap();
    for record in records.iter().skip(begun).take(40) {
        function.invoke(&bridged(record), WITHIN).well();
    }
    let asked = cloud.asked();
    assert!(asked.is_empty(), "nothing is looked up for an event that is there: {asked:?}");
    station.verify();
}
