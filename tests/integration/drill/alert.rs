//! How long each story goes on, in event time, before somebody hears of it.

use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use serde_json::Value;

use crate::formats::gunzip;
use crate::harness::{Drill, log_files, replay, set};

const SCENARIOS: [&str; 10] = [
    "lambda-ddos-all-regions",
    "missing-key",
    "gpu-mining-unused-regions",
    "llmjacking",
    "ses-spam",
    "admin-persistence",
    "role-chain-cross-account",
    "s3-ransom",
    "defence-evasion",
    "insider-delete",
];

fn seconds(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

/// When each of the attacker's events was.
fn attack(drill: &Drill) -> BTreeMap<String, i64> {
    let wanted = set(&drill.truth["event_ids"]);
    let mut times = BTreeMap::new();
    for file in log_files(&drill.path()) {
        let log: Value = serde_json::from_slice(&gunzip(&std::fs::read(file).unwrap())).unwrap();
        for record in log["Records"].as_array().unwrap() {
            let id = record["eventID"].as_str().unwrap_or_default();
            if wanted.contains(id) {
                times.insert(id.to_owned(), seconds(&record["eventTime"]));
            }
        }
    }
    times
}

fn spoken(seconds: i64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// One line of the table: the first finding of medium or above on an event of the attack, the incident, and how many of the
/// attacker's calls were made by then.
fn line(name: &str) -> String {
    let drill = Drill::small(name, &["--seed", "1"]);
    let times = attack(&drill);
    let began = *times.values().min().unwrap();
    let run = replay([drill.path()]);
    let is_alert = |finding: &&Value| {
        finding["notice"] == false && !["informational", "low"].contains(&finding["level"].as_str().unwrap())
    };
    let findings = run.findings();
    let alerts = findings.iter().filter(is_alert).filter(|finding| {
        let ids: BTreeSet<String> = set(&finding["event_ids"]);
        ids.iter().any(|id| times.contains_key(id))
    });
    let first = alerts.min_by_key(|finding| seconds(&finding["time"])).unwrap();
    let incidents = run.incidents();
    let opened = incidents.iter().map(|incident| seconds(&incident["opened_at"])).min().unwrap();
    let bound = seconds(&drill.truth["opened_by"]);
    assert!(opened <= bound, "{name} opened {} s after its bound", opened - bound);
    let by_then = times.values().filter(|at| **at <= opened).count();
    format!(
        "{name:26} {:>8} {:>8} {:>5} of {:<5} {}",
        spoken(seconds(&first["time"]) - began),
        spoken(opened - began),
        by_then,
        times.len(),
        first["detector"].as_str().unwrap(),
    )
}

#[test]
fn every_story_is_told_early() {
    let lines: Vec<_> = SCENARIOS.iter().map(|name| line(name)).collect();
    let head = format!(
        "{:26} {:>8} {:>8} {:>14} first detector",
        "minutes:seconds after it began", "finding", "incident", "calls by then"
    );
    assert_snapshot!(format!("{head}\n{}", lines.join("\n")));
}
