//! Silences and bursts are told alike, however a log is cut, read and put together.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::baseline::Baseline;
use crate::event::{DAY, HOUR, Seconds, time};
use crate::model::Finding;
use crate::replay::history::{self, Task};
use crate::replay::map::Range;
use crate::replay::parts::Share;
use crate::replay::tests::rules;
use crate::replay::{Settings, replay};
use crate::source::{Bills, Wanted, discover};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const DAYS: i64 = 22;
/// 2026-03-01.
const START: Seconds = 20_513 * DAY;
const ALL: Range = Range { start: Seconds::MIN, end: Seconds::MAX };

fn call(account: &str, user: &str, region: &str, name: &str, at: Seconds, n: usize) -> String {
    format!(
        r#"{{"userIdentity":{{"type":"IAMUser","principalId":"AIDA{user}{account}","arn":"arn:aws:iam::{account}:user/{user}","accountId":"{account}"}},"eventTime":"{}","eventSource":"sqs.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"198.51.100.7","eventID":"{account}-{user}-{region}-{at}-{n}","readOnly":false,"recipientAccountId":"{account}"}}"#,
        time::format(at)
    )
}

/// What an account records on a day: one region and one user stop on the fifteenth, and on the last day but one somebody
/// deletes much more than ever.
fn day(account: &str, day: i64) -> Vec<String> {
    let noon = START + day * DAY + 12 * HOUR;
    let mut calls = vec![call(account, "app", "eu-west-1", "SendMessage", noon, 0)];
    if day < 15 && account == ACCOUNTS[0] {
        calls.push(call(account, "nightly", "us-west-2", "SendMessage", noon + 5, 0));
    }
    let deleted = if day == DAYS - 2 && account == ACCOUNTS[1] { 30 } else { 3 };
    calls.extend((0..deleted).map(|n| call(account, "bob", "eu-west-1", "DeleteQueue", noon + n * 10, n as usize)));
    calls
}

/// One delivery an account and day.
fn tree(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for (account, number) in ACCOUNTS.iter().flat_map(|account| (0..DAYS).map(move |day| (account, day))) {
        let at = time::format(START + number * DAY + 13 * HOUR).replace(['-', ':'], "");
        let path: PathBuf = folder.join(format!("{account}_CloudTrail_eu-west-1_{}Z_{number:016}.json.gz", &at[..13]));
        let mut out = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
        write!(out, "{{\"Records\":[{}]}}", day(account, number).join(",")).unwrap();
        out.finish().unwrap();
        paths.push(path.to_str().unwrap().to_owned());
    }
    paths
}

fn settings(range: Range, threads: usize) -> Settings<'static> {
    Settings { range, accounts: &[], threads, max_object_bytes: 1 << 30 }
}

fn told(findings: &[Finding]) -> Vec<serde_json::Value> {
    let ours = ["region-silent", "principal-silent", "destructive-burst"];
    let ours = findings.iter().filter(|finding| ours.contains(&&*finding.detector));
    ours.map(|finding| serde_json::to_value(finding).unwrap()).collect()
}

fn replayed(paths: &[String], range: Range, threads: usize, baseline: Baseline) -> (Vec<serde_json::Value>, Baseline) {
    let objects = discover(paths, &Wanted::default()).unwrap();
    let settings = settings(range, threads);
    let (report, baseline) = replay(&objects, &Bills::default(), rules(), baseline, settings, &|_| {}).unwrap();
    (told(&report.findings), baseline)
}

#[test]
fn however_a_log_is_cut_silences_and_bursts_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let paths = tree(folder.path());
    let (expected, baseline) = replayed(&paths, ALL, 1, Baseline::default());
    let names: Vec<_> = expected.iter().map(|finding| finding["detector"].as_str().unwrap()).collect();
    assert_eq!(names, ["region-silent", "principal-silent", "destructive-burst"], "{expected:#?}");
    assert_eq!(expected[0]["region"], "us-west-2");
    assert_eq!((&expected[2]["level"], &expected[2]["account"]), (&"high".into(), &ACCOUNTS[1].into()));
    assert_eq!(replayed(&paths, ALL, 4, Baseline::default()).0, expected);
    // One file without a time of delivery, and everything in it backwards.
    let mut calls: Vec<String> =
        ACCOUNTS.iter().flat_map(|account| (0..DAYS).flat_map(|number| day(account, number))).collect();
    calls.reverse();
    let single = folder.path().join("all.jsonl");
    std::fs::write(&single, calls.join("\n")).unwrap();
    let single = [single.to_str().unwrap().to_owned()];
    assert_eq!(replayed(&single, ALL, 1, Baseline::default()), (expected.clone(), baseline.clone()));
    // In parts.
    let parts: Vec<String> = (1..=3)
        .map(|number| {
            let output = folder.path().join(format!("{number}.part")).to_str().unwrap().to_owned();
            let objects = discover(&paths, &Wanted::default()).unwrap();
            let (share, settings) = (Share { number, of: 3 }, settings(ALL, 2));
            let (bills, options) = (Vec::new(), Vec::new());
            let task = Task { objects, share, bills, options, rules: rules(), settings, output: &output };
            history::map(task, &|_| {}).unwrap();
            output
        })
        .collect();
    let given = history::open(&parts, rules()).unwrap();
    let whole = history::reduce(&given, rules(), None, &Bills::default(), folder.path()).unwrap();
    assert_eq!(told(&whole.report.findings), expected);
}

#[test]
fn what_was_only_history_is_the_past_of_what_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let paths = tree(folder.path());
    let (expected, baseline) = replayed(&paths, ALL, 1, Baseline::default());
    // Judged from the nineteenth day on: the silences were before.
    let late = Range { start: START + 18 * DAY, end: Seconds::MAX };
    let (judged, same) = replayed(&paths, late, 1, Baseline::default());
    assert_eq!(judged, expected[2..]);
    assert_eq!(same, baseline);
    // The past comes as a baseline, which went through a file.
    let (past, now): (Vec<String>, Vec<String>) = paths.into_iter().partition(|path| {
        let number = path.rsplit('_').next().and_then(|end| end.split('.').next()?.parse::<i64>().ok()).unwrap();
        number < 14
    });
    let (nothing, learned) = replayed(&past, ALL, 1, Baseline::default());
    assert_eq!(nothing, Vec::<serde_json::Value>::new());
    let file = folder.path().join("baseline");
    crate::baseline::file::save(&learned, &file).unwrap();
    let restored = crate::baseline::file::load(&file).unwrap();
    assert_eq!(restored, learned);
    let (judged, after) = replayed(&now, ALL, 1, restored);
    assert_eq!(judged, expected);
    assert_eq!(after.peaks, baseline.peaks);
}
