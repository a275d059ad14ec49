//! Damaged files give what is readable and are named; what was never a log is only counted.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::formats::{gzip, lines, records, text};
use crate::harness::{Run, files, replay, root};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// How many records were read and kept, and why the one file was skipped.
#[track_caller]
fn named(run: &Run, path: &str) -> (u64, String) {
    let skipped = run.skipped();
    let [(named, why)] = &*skipped else { panic!("not one file is named: {skipped:?}") };
    assert_eq!((named.as_str(), run.status), (path, 3));
    (run.summary()["kept"].as_u64().unwrap(), why.clone())
}

#[test]
fn a_truncated_file_gives_its_readable_records_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let log = text(&json!({ "Records": records }));
    let last = text(&records[records.len() - 1]);
    let cut_json = &log[..log.len() - last.len() / 2];
    let path = write(folder.path(), "cut.json", cut_json.as_bytes());
    let (kept, why) = named(&replay([&path]), &path);
    assert_eq!(kept, records.len() as u64 - 1);
    assert!(why.contains("truncated"), "{why}");

    let lines = lines(&records);
    let path = write(folder.path(), "cut.jsonl", &lines.as_bytes()[..lines.len() - last.len() / 2]);
    assert_eq!(named(&replay([&path]), &path).0, records.len() as u64 - 1);

    let packed = gzip(log.as_bytes());
    let path = write(folder.path(), "cut.json.gz", &packed[..packed.len() * 2 / 3]);
    let run = replay([&path]);
    let (kept, why) = named(&run, &path);
    assert!((1..records.len() as u64).contains(&kept), "{kept} records");
    assert!(why.starts_with("gzip: truncated after "), "{why}");

    let mut corrupt = packed;
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 8].fill(0xff);
    let path = write(folder.path(), "corrupt.json.gz", &corrupt);
    let (_, why) = named(&replay([&path]), &path);
    assert!(why.starts_with("gzip: corrupt"), "{why}");
}

#[test]
fn a_broken_record_costs_itself_and_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let mut lines: Vec<_> = records.iter().map(text).collect();
    lines[3].truncate(80);
    lines[5] = lines[5].replace("2026-09-17T", "redacted ");
    let path = write(folder.path(), "broken.jsonl", lines.join("\n").as_bytes());
    let run = replay([&path]);
    let (kept, why) = named(&run, &path);
    assert_eq!((kept, &run.summary()["malformed"]), (records.len() as u64 - 2, &json!(2)));
    assert!(why.starts_with("2 malformed records, the first: "), "{why}");
}

#[test]
fn what_is_no_log_is_counted_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let digest =
        json!({"awsAccountId": "111122223333", "digestStartTime": null, "digestEndTime": null, "logFiles": []});
    let notification = json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}]});
    let insight = json!({"Records": [{"eventVersion": "1.08", "eventType": "AwsCloudTrailInsight", "eventTime":
        "2026-09-17T01:21:20Z", "eventID": "a", "insightDetails": {"state": "Start", "eventName": "RunInstances"}}]});
    for (name, content) in [
        ("digest.json", text(&digest)),
        ("digest.json.gz", text(&digest)),
        ("notification.json", text(&notification)),
        ("insight.json", text(&insight)),
        ("page.html", "<!DOCTYPE html><html><body>{\"Records\":[]}</body></html>".to_owned()),
        ("empty.json", json!({"Records": []}).to_string()),
        ("nothing.json", String::new()),
    ] {
        let content = if name.ends_with("gz") { gzip(content.as_bytes()) } else { content.into_bytes() };
        write(folder.path(), name, &content);
    }
    let run = replay([folder.path()]);
    let summary = run.summary();
    assert_eq!((run.status, &summary["not_a_log"], &summary["read"]), (0, &json!(7), &json!(7)));
    assert_eq!((run.skipped(), run.stdout.lines().count()), (Vec::new(), 1));
}

#[test]
fn a_bomb_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = lines(&records()).into_bytes();
    bomb.resize(3 << 20, b' ');
    let path = write(folder.path(), "bomb.json.gz", &gzip(&bomb));
    write(folder.path(), "log.jsonl", lines(&records()).as_bytes());
    let run = replay(["--max-object", "1", &folder.path().display().to_string()]);
    let (kept, why) = named(&run, &path);
    assert_eq!(kept, records().len() as u64);
    assert!(why.contains("1 MiB"), "{why}");
    assert_eq!(replay([&path]).status, 1, "it is no bomb where more is allowed");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("gone.json");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    write(folder.path(), "log.jsonl", lines(&records()).as_bytes());
    let (kept, why) = named(&replay([folder.path()]), &link.display().to_string());
    assert_eq!((kept, why.as_str()), (records().len() as u64, "no such file"));
}

#[test]
fn accounting_closes_whatever_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let log = text(&json!({ "Records": &records()[..3] }));
    let mut rng = fastrand::Rng::with_seed(1);
    for number in 0..60 {
        let mut bytes = log.clone().into_bytes();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
        }
        bytes.truncate(rng.usize(1..=bytes.len()));
        write(folder.path(), &format!("{number}.json"), &bytes);
    }
    let run = replay([folder.path()]);
    let summary = run.summary();
    assert!([0, 1, 3].contains(&run.status));
    let lost = summary["malformed"].as_u64().unwrap();
    assert!(lost > 0 && !run.skipped().is_empty());
}

#[test]
fn every_committed_fixture_is_readable() {
    let of_bills = |file: &Path| {
        let detector = file.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        let rule = std::fs::read_to_string(root().join(format!("detectors/impact/{detector}.yml"))).unwrap_or_default();
        rule.contains("service: cost") || file.to_str().unwrap().ends_with(".costs.csv")
    };
    let is_log = |file: &PathBuf| !file.ends_with("networks.tsv");
    for file in files(&root().join("fixtures/detectors")).into_iter().filter(is_log) {
        if of_bills(&file) {
            let run = replay(["--cost".as_ref(), file.as_os_str()]);
            assert_eq!(
                (&run.summary()["cost"]["malformed"], run.skipped().len()),
                (&json!(0), 0),
                "{}",
                file.display()
            );
            continue;
        }
        let run = replay([&file]);
        let summary: Value = run.summary();
        assert_eq!(summary["malformed"], 0, "{}", file.display());
        // Of what AWS tells a bus, some is about nothing that anybody did.
        let is_told = std::fs::read(&file).unwrap().windows(13).any(|text| text == b"\"detail-type\"");
        assert!(is_told || summary["not_a_log"] == 0, "{}", file.display());
    }
}
