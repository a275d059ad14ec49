//! The result is a function of the records, and of nothing else.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use serde_json::Value;

use crate::formats::{gunzip, gzip};
use crate::harness::{Drill, Run, log_files, replay};

/// A night with enough history to judge by, and what a plain replay says about it.
fn night() -> (Drill, Run) {
    let drill = Drill::small("lambda-ddos-all-regions", &["--seed", "3", "--days", "18", "--duplicates", "0.1"]);
    let run = replay(["--threads".as_ref(), "1".as_ref(), drill.path().as_os_str()]);
    assert_eq!(run.incidents().len(), 1);
    (drill, run)
}

fn shuffled(folder: &Path, rng: &mut Rng) -> Vec<PathBuf> {
    let mut files = log_files(folder);
    rng.shuffle(&mut files);
    files
}

#[track_caller]
fn same(run: &Run, expected: &Run, why: &str) {
    let (results, expected) = (run.results(), expected.results());
    let differs = results.lines().zip(expected.lines()).find(|(a, b)| a != b);
    let short = |line: &str| line.chars().take(300).collect::<String>();
    assert!(results == expected, "{why}: {:#?}", differs.map(|(a, b)| [short(a), short(b)]));
}

fn counts(run: &Run) -> [u64; 3] {
    let summary = run.summary();
    ["read", "kept", "duplicate"].map(|name| summary[name].as_u64().unwrap())
}

#[test]
fn order_of_arguments_and_threads_change_nothing() {
    let (drill, expected) = night();
    let tree = drill.path();
    let eight = replay(["--threads".as_ref(), "8".as_ref(), tree.as_os_str()]);
    assert_eq!(eight.stdout, expected.stdout, "eight threads");
    for seed in 0..3 {
        let mut arguments = vec![PathBuf::from("--threads"), PathBuf::from("8")];
        arguments.extend(shuffled(&tree, &mut Rng::with_seed(seed)));
        same(&replay(arguments), &expected, "shuffled arguments");
    }
}

#[test]
fn names_and_folders_change_nothing() {
    let (drill, expected) = night();
    for seed in 0..3 {
        let moved = tempfile::tempdir().unwrap();
        for (number, file) in shuffled(&drill.path(), &mut Rng::with_seed(seed)).iter().enumerate() {
            let folder = moved.path().join(format!("{}", number % 7));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::copy(file, folder.join(format!("export-{number}.gz"))).unwrap();
        }
        same(&replay([moved.path()]), &expected, "moved and renamed files");
    }
}

#[test]
fn every_file_twice_changes_only_the_count_of_duplicates() {
    let (drill, expected) = night();
    let tree = drill.path();
    let twice = replay([&tree, &tree]);
    same(&twice, &expected, "the tree twice");
    let [read, kept, duplicate] = counts(&expected);
    let other = expected.summary()["not_a_log"].as_u64().unwrap();
    assert_eq!(counts(&twice), [2 * read, kept, 2 * duplicate + kept]);
    assert_eq!(twice.summary()["not_a_log"], 2 * other);

    let copies = tempfile::tempdir().unwrap();
    for (number, file) in log_files(&tree).iter().enumerate() {
        std::fs::copy(file, copies.path().join(format!("copy-{number}.json.gz"))).unwrap();
    }
    same(&replay([tree.as_path(), copies.path()]), &expected, "copies under other names");
}

#[test]
fn files_cut_in_two_change_nothing() {
    let (drill, expected) = night();
    for (number, file) in log_files(&drill.path()).iter().enumerate() {
        let log: Value = serde_json::from_slice(&gunzip(&std::fs::read(file).unwrap())).unwrap();
        let records = log["Records"].as_array().unwrap();
        let (early, late) = records.split_at(records.len() / 2);
        let name = file.display().to_string();
        // The halves keep the time of delivery, as two files of one minute have it, or are told later and nameless.
        let other = if number % 3 == 0 { format!("{name}.part.gz") } else { name.replace(".json.gz", "b.json.gz") };
        for (name, records) in [(name, early), (other, late)] {
            std::fs::write(name, gzip(&serde_json::to_vec(&serde_json::json!({"Records": records})).unwrap())).unwrap();
        }
    }
    same(&replay([drill.path()]), &expected, "files cut in two");
}
