//! No byte string makes a replay panic, accounting always closes, and baselines merge in any order.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::map::{Mapper, Range};
use super::reduce::Reducer;
use crate::baseline::Baseline;
use crate::detect::Rules;
use crate::event::Seconds;
use crate::report::Report;
use crate::source::discover;

/// Real-shaped records with facts, refusals and a new user.
const RECORDS: &str = include_str!("../../fixtures/detectors/new-user-given-credential-and-privilege/fires.jsonl");
const MORE: &str = include_str!("../../fixtures/detectors/discovery-burst/fires.jsonl");

fn rules() -> &'static Rules {
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
    let objects = discover(&[path.to_str().unwrap().to_owned()]).unwrap();
    let mut reducer = Reducer::new(rules(), Baseline::default()).unwrap();
    let range = Range { start: Seconds::MIN, end: Seconds::MAX };
    Mapper::new(rules(), range, 1 << 20).map(&objects, &mut |part| reducer.add(part, false));
    let (report, baseline) = reducer.finish();
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
