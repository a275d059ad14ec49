//! Sigma rules from a folder: what the specification offers is understood, and none of them pages by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::formats::lines;
use crate::harness::{replay, set, stakeout};

const RULES: &str = "tests/integration/rules";
/// What Stakeout itself finds in the log.
const OWN: &str = "function-code-changed-by-person";

/// A call by ann, `second` seconds after eight in the morning; `more` replaces what is usual of it.
fn call(second: usize, source: &str, name: &str, more: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE1",
            "arn": "arn:aws:iam::111122223333:user/ann",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLE000000001",
            "userName": "ann"
        },
        "eventTime": format!("2026-09-01T08:{:02}:{:02}Z", second / 60, second % 60),
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.17",
        "requestParameters": null,
        "responseElements": null,
        "eventID": format!("id-{second}"),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333"
    });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

/// Calls that rules should find, with near misses between them.
fn log() -> Vec<Value> {
    let bucket = |second, name| {
        call(second, "s3", "GetBucketPolicy", json!({"requestParameters": {"bucketName": name}, "readOnly": true}))
    };
    let identity = |name: &str, account: &str| {
        json!({"type": "IAMUser", "principalId": name, "userName": name, "accountId": account,
            "arn": format!("arn:aws:iam::{account}:user/{name}")})
    };
    let bob = identity("bob", "111122223333");
    vec![
        call(1, "lambda", "CreateFunction20150331", json!({"requestParameters": {"functionName": "x001"}})),
        call(2, "lambda", "CreateFunction20150331", json!({"requestParameters": {"functionName": "x0012"}})),
        call(3, "lambda", "UpdateFunctionCode20150331v2", json!({})),
        call(4, "lambda", "UpdateFunctionCode20150331v2", json!({"userIdentity": bob})),
        call(
            5,
            "signin",
            "ConsoleLogin",
            json!({"responseElements": {"ConsoleLogin": "Failure"}, "userIdentity": bob}),
        ),
        call(
            6,
            "signin",
            "ConsoleLogin",
            json!({"responseElements": {"ConsoleLogin": "Success"}, "userIdentity": bob}),
        ),
        call(7, "ssm", "PutParameter", json!({"requestParameters": {"description": "a needle-in-the-log, here"}})),
        call(8, "ssm", "PutParameter", json!({"requestParameters": {"description": "hay"}})),
        call(9, "sts", "AssumeRole", json!({"userIdentity": identity("eve", "444455556666")})),
        call(10, "sts", "AssumeRole", json!({})),
        call(11, "ec2", "DescribeInstances", json!({"userAgent": "my SCANNER 1"})),
        call(12, "ec2", "DescribeInstances", json!({"userAgent": "my scanner 1"})),
        call(13, "ec2", "DescribeVpcs", json!({"sourceIPAddress": "203.0.113.9"})),
        call(14, "ec2", "DescribeVpcs", json!({"sourceIPAddress": "203.0.114.9"})),
        bucket(20, "a"),
        bucket(700, "b"),
        bucket(710, "b"),
        bucket(720, "c"),
        bucket(730, "d"),
    ]
}

fn found() -> BTreeMap<String, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    std::fs::write(&path, lines(&log())).unwrap();
    let run = replay(["--rules", RULES, path.to_str().unwrap()]);
    assert_eq!(run.stderr, "");
    // What opens an incident has something of Stakeout's own in it.
    let ours: BTreeSet<String> = run.findings().iter().filter(|f| f["detector"] == OWN).map(id).collect();
    assert!(
        run.incidents().iter().all(|incident| !ours.is_disjoint(&set(&incident["findings"]))),
        "a community rule pages"
    );
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in run.findings() {
        let ids = finding["event_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
        found.entry(finding["title"].as_str().unwrap().to_owned()).or_default().extend(ids);
    }
    found
}

fn id(finding: &Value) -> String {
    finding["id"].as_str().unwrap().to_owned()
}

#[test]
fn rules_of_others_open_nothing_without_a_finding_of_our_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let is_told = |record: &Value| !record["eventName"].as_str().unwrap().starts_with("UpdateFunctionCode");
    std::fs::write(&path, lines(&log().into_iter().filter(is_told).collect::<Vec<_>>())).unwrap();
    let run = replay(["--rules", RULES, path.to_str().unwrap()]);
    assert!(run.findings().iter().any(|finding| finding["level"] == "critical"), "{}", run.stdout);
    assert_eq!((run.incidents(), run.status), (Vec::new(), 0));
}

#[test]
fn the_specification_is_understood() {
    let found = found();
    let of = |title: &str| -> Vec<&str> { found.get(title).into_iter().flatten().map(String::as_str).collect() };
    assert_eq!(of("Stateless"), ["id-1", "id-2"]);
    assert_eq!(of("Either name"), ["id-4", "id-5"]);
    assert_eq!(of("Keyword"), ["id-7"]);
    assert_eq!(of("Field reference"), ["id-9"]);
    assert_eq!(of("Cased"), ["id-11"]);
    assert_eq!(of("Network"), ["id-13"]);
    assert_eq!(of("Expression"), ["id-1"]);
    let buckets = of("Many buckets");
    assert!(buckets.contains(&"id-720") && buckets.contains(&"id-730") && !buckets.contains(&"id-20"), "{buckets:?}");
    assert!(!found.contains_key("Bucket read"), "a rule that only feeds a correlation speaks for itself");
}

#[test]
fn a_folder_of_rules_is_tested_like_the_detectors() {
    let fixtures = tempfile::tempdir().unwrap();
    let of_rule = fixtures.path().join("stateless");
    std::fs::create_dir_all(&of_rule).unwrap();
    let log = log();
    std::fs::write(of_rule.join("fires.jsonl"), lines(&log[..1])).unwrap();
    std::fs::write(of_rule.join("quiet.jsonl"), lines(&log[..1])).unwrap();
    let arguments = ["detectors", "test", RULES, "--fixtures"].map(std::ffi::OsStr::new);
    let run = stakeout(arguments.into_iter().chain([fixtures.path().as_os_str()]));
    assert_eq!(run.status, 1);
    for expected in
        ["ok       stateless/fires", "FAILED   stateless/quiet", "MISSING  cased: no fixture that begins with fires"]
    {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
}
