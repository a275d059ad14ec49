//! Objects in every form that people export, and in forms that nobody should.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod files;
mod formats;
mod hostile;

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::outcome::Outcome;
use super::{Object, Reader, Wanted, discover};

const LIMIT: u64 = 1 << 20;

/// A record as CloudTrail writes it, told from others by its name.
fn record(name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","userName":"é{{\"[\\"}},"eventName":"{name}","requestParameters":{{"items":[{{"eventSource":"x"}}]}}}}"#
    )
}

fn three() -> Vec<String> {
    ["One", "Two", "Three"].map(record).to_vec()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Reads bytes as a file and gives the records with the outcome. Accounting has to close.
pub(super) fn read(bytes: &[u8]) -> (Vec<String>, Outcome) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("object");
    std::fs::write(&path, bytes).unwrap();
    read_path(&path)
}

fn read_path(path: &Path) -> (Vec<String>, Outcome) {
    let mut reader = Reader::new(LIMIT);
    let mut records = Vec::new();
    let mut total = Outcome::default();
    for object in objects(path) {
        let before = records.len();
        let outcome = reader.read(&object, |record| records.push(record.as_raw_str().to_owned()));
        assert_eq!(outcome.records as usize, records.len() - before);
        assert!(outcome.counted() > 0 || outcome.skipped.is_some());
        assert_eq!(outcome.malformed > 0, outcome.first_malformed.is_some());
        total.records += outcome.records;
        total.malformed += outcome.malformed;
        total.not_a_log += outcome.not_a_log;
        total.first_malformed = total.first_malformed.or(outcome.first_malformed);
        total.skipped = total.skipped.or(outcome.skipped);
        total.bytes += outcome.bytes;
    }
    (records, total)
}

fn objects(path: &Path) -> Vec<Object> {
    discover(&[path.to_str().unwrap().to_owned()], &Wanted::default()).unwrap()
}
