//! Real records, where they lie beside the project. They are not part of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{replay, root, set};

/// The folder of public logs, or nothing on a machine without it.
fn corpus() -> Option<PathBuf> {
    let folder = root().join("../shared/corpus");
    if folder.is_dir() {
        return Some(folder);
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: no {}", folder.display());
    }
    None
}

#[test]
fn a_stolen_key_in_a_real_account_is_one_incident() {
    let Some(corpus) = corpus() else { return };
    let run = replay([corpus.join("sans504")]);
    let [incident] = &*run.incidents() else { panic!("not one incident: {:?}", run.incidents()) };
    assert_eq!(incident["root"]["credential"], "AKIAU7JNXC7K7XNL3F6J");
    let summary = run.summary();
    let counts = ["read", "kept", "duplicate", "malformed"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [30_477, 23_981, 6_496, 0]);

    let labels = std::fs::read_to_string(corpus.join("sans504.labels.jsonl")).unwrap();
    let labels: Vec<Value> = labels.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let own = set(&incident["findings"]);
    let findings = run.findings().into_iter().filter(|finding| own.contains(finding["id"].as_str().unwrap()));
    let named: BTreeSet<String> = findings.flat_map(|finding| set(&finding["event_ids"])).collect();
    let attack: Vec<_> = labels
        .iter()
        .filter(|label| label["label"].as_str().is_some_and(|label| label.starts_with("attack")))
        .filter(|label| named.contains(label["eventID"].as_str().unwrap()))
        .map(|label| label["eventName"].as_str().unwrap())
        .collect();
    assert!(attack.len() >= 20, "only {} attack records are named", attack.len());
    for call in ["PutUserPolicy", "CreateAccessKey"] {
        assert!(attack.contains(&call), "no {call} is named");
    }
}

#[test]
fn odd_files_are_counted_and_never_a_failure() {
    let Some(corpus) = corpus() else { return };
    let mut folders: Vec<_> = std::fs::read_dir(corpus.join("formats")).unwrap().map(|e| e.unwrap().path()).collect();
    folders.extend(["panther", "stratus", "stratus-neutral", "traildiscover"].map(|name| corpus.join(name)));
    assert!(folders.len() > 10);
    for folder in folders {
        let run = replay([&folder]);
        let summary = run.summary();
        assert!(summary["read"].as_u64() > Some(0), "{}", folder.display());
        let lost = summary["malformed"].as_u64() > Some(0);
        assert_eq!(run.status == 3, lost || !run.skipped().is_empty(), "{}", folder.display());
        assert!(run.status != 2 && run.stderr.is_empty(), "{}: {}", folder.display(), run.stderr);
    }
}
