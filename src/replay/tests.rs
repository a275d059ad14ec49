//! No byte string makes a replay panic, accounting always closes, and baselines merge in any order.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod notices;

use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::map::{Mapper, Range};
use super::reduce::{Outcome, Reducer};
use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::Rules;
use crate::drill;
use crate::event::Seconds;
use crate::report::Report;
use crate::source::Bills;
use crate::source::{Wanted, discover};

/// Real-shaped records with facts, refusals and a new user.
const RECORDS: &str = include_str!("../../fixtures/detectors/new-user-given-credential-and-privilege/fires.jsonl");
const MORE: &str = include_str!("../../fixtures/detectors/discovery-burst/fires.jsonl");

pub(super) fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::load(&[]).unwrap())
}

/// Replays a file of these bytes. Its accounting has to close.
fn replay(bytes: &[u8]) -> (Report, Baseline) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("object");
    std::fs::write(&path, bytes).unwrap();
    replay_path(&path)
}

fn replay_path(path: &Path) -> (Report, Baseline) {
    let objects = discover(&[path.to_str().unwrap().to_owned()], &Wanted::default()).unwrap();
    let mut reducer = Reducer::new(rules(), Baseline::default(), Usual::default()).unwrap();
    let range = Range { start: Seconds::MIN, end: Seconds::MAX };
    Mapper::new(rules(), range, 1 << 20).map(&objects, &mut |part| reducer.add(part, false));
    let Outcome { report, baseline, .. } = reducer.finish(&Bills::default(), range);
    let summary = &report.summary;
    assert_eq!(summary.read, summary.kept + summary.duplicate + summary.malformed + summary.not_a_log);
    assert_eq!(summary.incidents, report.incidents.len());
    (report, baseline)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A sound file in one of the forms that people export.
fn sound() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&str> = RECORDS.lines().collect();
    let joined = lines.join(",");
    let message = serde_json::Value::from(lines[0]);
    prop::sample::select(vec![
        RECORDS.as_bytes().to_vec(),
        format!("{{\"Records\":[{joined}]}}").into_bytes(),
        format!("[{joined}]").into_bytes(),
        gzip(RECORDS.as_bytes()),
        format!("{{\"Events\":[{{\"CloudTrailEvent\":{message}}}]}}").into_bytes(),
        format!("{{\"logEvents\":[{{\"message\":{message}}}]}}").into_bytes(),
        format!("eventJson\n\"{}\"\n", lines[0].replace('"', "\"\"")).into_bytes(),
    ])
}

/// Bytes that matter to the readers, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\\n0e-.tfn ".to_vec())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_accounted_for(bytes in vec(byte(), 0..600)) {
        replay(&bytes);
        replay(&gzip(&bytes));
    }

    #[test]
    fn mutated_files_are_accounted_for(
        mut bytes in sound(),
        changes in vec((any::<Index>(), byte()), 1..12),
        end in any::<Index>(),
        cut in any::<bool>(),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        replay(&bytes);
    }

    #[test]
    fn baselines_merge_in_any_order(owners in vec(0..4_usize, 60), order in Just([0, 1, 2, 3]).prop_shuffle()) {
        let mut parts = vec![String::new(); 4];
        for (line, owner) in RECORDS.lines().chain(MORE.lines()).zip(owners) {
            parts[owner].push_str(line);
            parts[owner].push('\n');
        }
        let parts: Vec<_> = parts.iter().map(|part| replay(part.as_bytes()).1).collect();
        let merged = |order: &[usize]| {
            let mut all = Baseline::default();
            for part in order {
                all.merge(parts[*part].clone());
            }
            all
        };
        let straight = merged(&[0, 1, 2, 3]);
        prop_assert!(merged(&order) == straight);
        prop_assert!(merged(&[0, 0, 1, 2, 3, 3, 1, 2]) == straight, "twice is once");
    }
}

#[test]
fn the_burn_of_the_founding_drill_is_near_its_bill() {
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let options = drill::Options { seed, days: 3, noise: 0.02, duplicates: 0.0, ..drill::Options::default() };
        let truth = drill::write_tree(Some(drill::Scenario::LambdaDdosAllRegions), &options, folder.path()).unwrap();
        let logs = folder.path().join("AWSLogs");
        let (report, _) = replay_path(&logs);
        let [incident] = report.incidents.as_slice() else { panic!("{} incidents", report.incidents.len()) };
        let (burn, bill) = (incident.burn_usd_per_hour.unwrap(), truth.bill_usd_per_hour.unwrap());
        assert!((0.5..=2.0).contains(&(burn / bill)), "seed {seed}: {burn} of {bill}");
        assert!(incident.narrative.iter().any(|sentence| sentence.starts_with("It burns up to $10,200 an hour")));
    }
}

/// Calls of a model by the key that the intruder of [`RECORDS`] made: so many in an hour, from a second on.
fn model_calls(number: usize, from: usize) -> String {
    let mut calls = String::new();
    for n in 0..number {
        let (minute, second) = ((from + n) / 60 % 60, (from + n) % 60);
        calls.push_str(&format!(
            r#"{{"userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLEF284FF9BBA","arn":"arn:aws:iam::111122223333:user/svc-monitor-7f3a","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE210895232","userName":"svc-monitor-7f3a"}},"eventTime":"2026-03-10T03:{minute:02}:{second:02}Z","eventSource":"bedrock.amazonaws.com","eventName":"InvokeModel","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{}","requestParameters":{{"modelId":"anthropic.claude-3-5-sonnet-20241022-v2:0"}},"eventID":"call-{from}-{n}","readOnly":true,"recipientAccountId":"111122223333"}}"#,
            n % 3,
        ));
        calls.push('\n');
    }
    calls
}

#[test]
fn calls_of_models_count_once_for_the_incident_of_their_caller() {
    let others = model_calls(50, 100).replace("AKIAEXAMPLE210895232", "AKIAEXAMPLE000000009");
    let others = others.replace("AIDAEXAMPLEF284FF9BBA", "AIDAEXAMPLE000000009").replace("call-", "other-");
    let refused = model_calls(50, 200).replace("\"readOnly\"", "\"errorCode\":\"AccessDenied\",\"readOnly\"");
    let calls = model_calls(1_000, 0);
    let twice: String = calls.lines().step_by(3).map(|line| format!("{line}\n")).collect();
    let burn = |text: &str| {
        let (report, _) = replay(text.as_bytes());
        let [incident] = report.incidents.as_slice() else { panic!("{} incidents", report.incidents.len()) };
        let told = incident.narrative.iter().find(|sentence| sentence.contains("model calls")).unwrap();
        (incident.burn_usd_per_hour.unwrap(), told.clone())
    };
    let first = burn(&format!("{RECORDS}\n{calls}{twice}{others}{refused}"));
    assert_eq!(first.0, 18.0);
    assert!(first.1.contains("$18 an hour at list prices: 1,000 model calls an hour at 1,000 tokens in and out each"));
    assert_eq!(burn(&format!("{refused}{twice}{others}{calls}{RECORDS}")), first);
}

/// A chain of makers within one second: each record with the id that sorts it at some place.
fn chain(order: &[usize]) -> String {
    let call = |key: &str, source: &str, name: &str, request: serde_json::Value, response: serde_json::Value| {
        serde_json::json!({
            "eventVersion": "1.08", "eventTime": "2026-09-01T00:00:00Z", "awsRegion": "us-east-1",
            "eventSource": source, "eventName": name, "sourceIPAddress": "203.0.113.9", "userAgent": "Boto3",
            "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "principalId": format!("AIDA{key}"), "accountId": "111122223333",
                "arn": format!("arn:aws:iam::111122223333:user/{key}"), "userName": key, "accessKeyId": format!("AKIAEXAMPLE{key}")},
            "requestParameters": request, "responseElements": response,
        })
    };
    let user = |maker: &str, name: &str| {
        let arn = format!("arn:aws:iam::111122223333:user/{name}");
        call(
            maker,
            "iam.amazonaws.com",
            "CreateUser",
            serde_json::json!({ "userName": name }),
            serde_json::json!({ "user": { "userName": name, "userId": format!("AIDA{name}"), "arn": arn } }),
        )
    };
    let key = |maker: &str, name: &str| {
        let minted =
            serde_json::json!({ "userName": name, "accessKeyId": format!("AKIAEXAMPLE{name}"), "status": "Active" });
        call(
            maker,
            "iam.amazonaws.com",
            "CreateAccessKey",
            serde_json::json!({ "userName": name }),
            serde_json::json!({ "accessKey": minted }),
        )
    };
    let admin = |maker: &str, name: &str| {
        let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
        let request = serde_json::json!({ "userName": name, "policyArn": arn });
        call(maker, "iam.amazonaws.com", "AttachUserPolicy", request, serde_json::Value::Null)
    };
    let function = serde_json::json!({ "functionArn": "arn:aws:lambda:us-east-1:111122223333:function:f" });
    let calls = [
        user("AAAAAAAAA", "BBBBBBBBB"),
        admin("AAAAAAAAA", "BBBBBBBBB"),
        key("AAAAAAAAA", "BBBBBBBBB"),
        user("BBBBBBBBB", "CCCCCCCCC"),
        admin("BBBBBBBBB", "CCCCCCCCC"),
        key("BBBBBBBBB", "CCCCCCCCC"),
        call(
            "CCCCCCCCC",
            "lambda.amazonaws.com",
            "CreateFunction20150331",
            serde_json::json!({ "functionName": "f" }),
            function,
        ),
    ];
    let numbered = calls.into_iter().zip(order).map(|(mut call, place)| {
        call["eventID"] = format!("00000000-0000-4000-8000-00000000000{place}").into();
        format!("{call}\n")
    });
    numbered.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_made_and_used_within_a_second_is_one_story(order in Just([0_usize, 1, 2, 3, 4, 5, 6]).prop_shuffle()) {
        let (report, _) = replay(chain(&order).as_bytes());
        prop_assert_eq!(report.incidents.len(), 1);
        let made: Vec<_> = report.incidents[0].resources.iter().map(|made| made.kind.as_str()).collect();
        prop_assert_eq!(made.len(), 5, "{:?}", made);
    }
}
