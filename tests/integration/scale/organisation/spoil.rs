//! What lies beside the logs of an organisation: exports without a time of delivery, and files that are damaged.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{files, gunzip, gzip, logs, write};

/// Parts of logs as people carry them around, most of which are in the logs as well.
pub(super) fn exports(folder: &Path) {
    let exports = folder.join("exports");
    let records = |number: usize, nth: usize| {
        let bytes = fs::read(&of_home(folder, number)[nth]).unwrap();
        let log: Value = serde_json::from_slice(&gunzip(&bytes)).unwrap();
        log["Records"].as_array().unwrap().clone()
    };
    let lines = |records: &[Value]| records.iter().map(|record| format!("{record}\n")).collect::<String>();
    let plain = lines(&[records(1, 3), records(2, 4)].concat());
    write(&exports.join("incident-review.jsonl"), plain.as_bytes());
    let packed = zstd::encode_all(lines(&records(0, 6)).as_bytes(), 3).unwrap();
    write(&exports.join("search.jsonl.zst"), &packed);
    let bridge =
        |record: &Value| json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": record});
    let bridged: Vec<_> = records(3, 2).iter().map(bridge).collect();
    write(&exports.join("bridge.json.gz"), &gzip(lines(&bridged).as_bytes()));
    let looked_up = |record: &Value| json!({"EventId": record["eventID"], "EventTime": "2026-09-17 03:21:20+02:00", "CloudTrailEvent": record.to_string()});
    let events: Vec<_> = records(4, 5).iter().map(looked_up).collect();
    write(&exports.join("lookup.json"), json!({ "Events": events }).to_string().as_bytes());
    // This one is in no log: the file that held it is gone.
    let gone = of_home(folder, 5).swap_remove(7);
    let rest = gunzip(&fs::read(&gone).unwrap());
    write(&exports.join("only-copy.json"), &rest);
    fs::remove_file(gone).unwrap();
    write(&exports.join("notes.json"), br#"{"hello": "this is no log"}"#);
}

/// Files with the names of logs that cannot be read, or not whole.
pub(super) fn damaged(folder: &Path) {
    let damaged = folder.join("damaged");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().replace(".json.gz", "x.json.gz");
    let [truncated, malformed, plain] =
        [(1, 8), (2, 9), (6, 2)].map(|(number, nth)| of_home(folder, number).swap_remove(nth));
    let bytes = fs::read(&truncated).unwrap();
    write(&damaged.join(name(&truncated)), &bytes[..bytes.len() * 2 / 3]);
    let text = String::from_utf8(gunzip(&fs::read(&malformed).unwrap())).unwrap();
    let text = text.replacen("\"eventTime\":\"20", "\"eventTime\":\"no", 2);
    write(&damaged.join(name(&malformed)), &gzip(text.as_bytes()));
    write(&damaged.join(name(&plain)), b"this is no archive");
    write(&damaged.join("broken.jsonl"), b"{\"eventVersion\": \"1.11\", \"userIdentity\": {\n");
}

/// The logs of an account in the region that has most of them.
fn of_home(folder: &Path, number: usize) -> Vec<PathBuf> {
    let files = files(&logs(folder, number).join("us-east-1"));
    assert!(files.len() > 10, "{number} has {} files", files.len());
    files
}
