//! The same records in every form that people export: the same findings.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Run, command, finish, log_files, replay, root, set};

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// The attack of `fixtures/night` as far as us-east-1 saw it: calls to IAM and STS and new functions, one incident.
pub(crate) fn records() -> Vec<Value> {
    let night = root().join("fixtures/night");
    let truth: Value = serde_json::from_slice(&std::fs::read(night.join("truth.json")).unwrap()).unwrap();
    let attack = set(&truth["event_ids"]);
    let mut found = BTreeMap::new();
    for file in log_files(&night).iter().filter(|file| file.display().to_string().contains("us-east-1/2026/09/1")) {
        let log: Value = serde_json::from_slice(&gunzip(&std::fs::read(file).unwrap())).unwrap();
        for record in log["Records"].as_array().unwrap() {
            let id = record["eventID"].as_str().unwrap_or_default().to_owned();
            let source = record["eventSource"].as_str().unwrap();
            let made = record["eventName"].as_str().unwrap().starts_with("CreateFunction");
            if attack.contains(&id) && (made || ["iam.amazonaws.com", "sts.amazonaws.com"].contains(&source)) {
                found.insert((record["eventTime"].as_str().unwrap().to_owned(), id), record.clone());
            }
        }
    }
    let records: Vec<_> = found.into_values().collect();
    assert!((12..=40).contains(&records.len()), "{} records", records.len());
    records
}

pub(crate) fn text(value: &Value) -> String {
    value.to_string()
}

/// One record a line.
pub(crate) fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive
            .start_file(*name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A CSV cell.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What CloudTrail Lake and Athena write for a structure.
fn structure(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}={}", key.to_lowercase(), structure(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn lake(records: &[Value]) -> String {
    const JSON: [&str; 2] = ["requestParameters", "responseElements"];
    const PLAIN: [&str; 13] = [
        "eventVersion",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "eventID",
        "readOnly",
        "eventType",
        "recipientAccountId",
        "eventCategory",
    ];
    let names = PLAIN.iter().chain(&JSON).chain(&["eventTime", "userIdentity"]);
    let mut table = names.map(|name| name.to_lowercase()).collect::<Vec<_>>().join(",") + "\n";
    for record in records {
        let mut cells: Vec<_> = PLAIN.iter().map(|name| cell(&structure(&record[name]))).collect();
        cells.extend(JSON.iter().map(|name| cell(&record[name].to_string())));
        let time = record["eventTime"].as_str().unwrap().replace('T', " ").replace('Z', ".000");
        cells.extend([cell(&time), cell(&structure(&record["userIdentity"]))]);
        table.push_str(&(cells.join(",") + "\n"));
    }
    table
}

/// Files by name, each of which holds all of the records.
fn forms(records: &[Value]) -> Vec<(&'static str, Vec<u8>)> {
    let log = json!({ "Records": records });
    let (early, late) = records.split_at(records.len() / 2);
    let members = [gzip(lines(early).as_bytes()), gzip(lines(late).as_bytes())].concat();
    let whole = json!({"Records": early}).to_string() + &json!({"Records": late}).to_string();
    let looked_up: Vec<_> = records
        .iter()
        .map(|r| json!({"EventId": r["eventID"], "EventTime": "2026-09-17 03:21:20+02:00", "CloudTrailEvent": text(r)}))
        .collect();
    let log_events: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(number, record)| json!({"id": number.to_string(), "timestamp": 1, "message": text(record)}))
        .collect();
    let bridge: String = records
        .iter()
        .map(|r| format!("{}\n", json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": r})))
        .collect();
    let whole_cells: String = records.iter().map(|record| format!("{},x\n", cell(&text(record)))).collect::<String>();
    vec![
        ("log.json", text(&log).into_bytes()),
        ("pretty.json", serde_json::to_vec_pretty(&log).unwrap()),
        ("log.json.gz", gzip(text(&log).as_bytes())),
        ("members.jsonl.gz", members),
        ("lines.jsonl", lines(records).into_bytes()),
        ("no-extension", lines(records).into_bytes()),
        ("array.json", json!(records).to_string().into_bytes()),
        ("concatenated.json", records.iter().map(text).collect::<String>().into_bytes()),
        ("two-logs.json", whole.into_bytes()),
        ("archive.zip", zip(&[("a/log.json", text(&log).as_bytes()), ("b/notes.txt", b"not a log")])),
        ("packed-twice.zip", zip(&[("log.json.gz", &gzip(text(&log).as_bytes()))])),
        ("bridge.jsonl", bridge.into_bytes()),
        ("lookup.json", text(&json!({"Events": looked_up, "NextToken": "x"})).into_bytes()),
        ("logs.json", text(&json!({"messageType": "DATA_MESSAGE", "logEvents": log_events})).into_bytes()),
        ("filtered.json", text(&json!({"events": log_events, "searchedLogStreams": []})).into_bytes()),
        ("whole.csv", format!("eventJson,account\n{whole_cells}").into_bytes()),
        ("lake.csv", lake(records).into_bytes()),
    ]
}

fn reference(folder: &Path, records: &[Value]) -> Run {
    let path = folder.join("reference.jsonl");
    std::fs::write(&path, lines(records)).unwrap();
    let run = replay([path]);
    assert_eq!((run.incidents().len(), run.status), (1, 1));
    run
}

#[test]
fn every_form_gives_the_same_findings() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let expected = reference(folder.path(), &records);
    for (name, bytes) in forms(&records) {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let run = replay([&path]);
        assert_eq!(run.results(), expected.results(), "{name}");
        assert_eq!((run.status, run.skipped(), &run.stderr[..]), (1, Vec::new(), ""), "{name}");
        assert_eq!(run.summary()["kept"], records.len(), "{name}");

        let mut piped = command(["replay", "-q", "--format", "ndjson"]);
        piped.arg("-");
        let piped = finish(piped, &bytes);
        assert_eq!(piped.results(), expected.results(), "{name} through a pipe");
    }
}

#[test]
fn a_delivery_tree_a_folder_and_a_pattern_are_the_same_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let expected = reference(folder.path(), &records);
    let day = folder.path().join("AWSLogs/o-example/111122223333/CloudTrail/us-east-1/2026/09/17");
    std::fs::create_dir_all(&day).unwrap();
    for (number, some) in records.chunks(7).enumerate() {
        let name = format!("111122223333_CloudTrail_us-east-1_20260917T01{:02}Z_abc{number}.json.gz", 25 + number);
        std::fs::write(day.join(name), gzip(text(&json!({ "Records": some })).as_bytes())).unwrap();
    }
    let pattern = folder.path().join("AWSLogs/**/*.json.gz");
    for path in [folder.path().join("AWSLogs"), day, pattern] {
        assert_eq!(replay([&path]).results(), expected.results(), "{}", path.display());
    }
}
