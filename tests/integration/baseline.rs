//! What was learned in one run is history in the next.

use std::path::Path;

use crate::harness::{Drill, Run, log_files, replay};

/// A replay with more arguments, as text.
fn run(arguments: &[&Path]) -> Run {
    replay(arguments)
}

/// A night whose deliveries up to two days before it lie in a folder of their own.
fn in_two() -> (Drill, Drill) {
    let whole = Drill::small("lambda-ddos-all-regions", &["--seed", "4", "--days", "20"]);
    let parts = Drill::small("lambda-ddos-all-regions", &["--seed", "4", "--days", "20"]);
    let top = parts.path();
    for file in log_files(&top) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let day = name.split('_').nth(3).unwrap();
        let part = top.join(if day < "20260917" { "history" } else { "rest" });
        std::fs::create_dir_all(&part).unwrap();
        std::fs::rename(&file, part.join(name)).unwrap();
    }
    (whole, parts)
}

#[test]
fn history_in_a_file_serves_as_history_in_the_log() {
    let (whole, parts) = in_two();
    let (history, rest, usual) = (parts.path().join("history"), parts.path().join("rest"), parts.path().join("usual"));
    assert_eq!(run(&[&history, "--save-baseline".as_ref(), &usual]).status, 0);
    let alone = run(&[&rest]);
    let later = run(&[&rest, "--baseline".as_ref(), &usual]);
    let at_once = run(&[&whole.path()]);
    let incidents = |run: &Run| -> Vec<_> { run.incidents() };
    assert_eq!(incidents(&at_once).len(), 1);
    assert_eq!(incidents(&later), incidents(&at_once));
    assert_ne!(incidents(&alone), incidents(&at_once), "the history makes no difference");
}

#[test]
fn learning_is_idempotent_and_says_the_same_in_the_same_bytes() {
    let (_, parts) = in_two();
    let history = parts.path().join("history");
    let saved = |name: &str, more: &[&Path]| {
        let file = parts.path().join(name);
        let mut arguments = vec![history.as_path(), "--save-baseline".as_ref(), &file];
        arguments.extend(more);
        assert_ne!(run(&arguments).status, 2);
        std::fs::read_to_string(&file).unwrap()
    };
    let first = saved("first", &[]);
    assert!(first.lines().count() > 50);
    assert_eq!(first, saved("second", &["--threads".as_ref(), "8".as_ref()]));
    let known = parts.path().join("first");
    assert_eq!(first, saved("again", &["--baseline".as_ref(), &known]), "the same history once more");
    assert_eq!(first, saved("twice", &[history.as_path()]), "every file twice");
}

#[test]
fn events_before_the_start_are_history_only() {
    let night = Drill::small("lambda-ddos-all-regions", &["--seed", "4", "--days", "20"]);
    let path = night.path();
    let arguments = |more: &[&'static str]| {
        let mut all = vec![path.display().to_string()];
        all.extend(more.iter().map(|text| (*text).to_owned()));
        all
    };
    let whole = replay(arguments(&[]));
    let judged = replay(arguments(&["--start", "2026-09-19T00:00:00Z"]));
    assert_eq!(judged.incidents(), whole.incidents());
    assert!(judged.findings().len() < whole.findings().len());
    assert!(judged.findings().iter().all(|finding| finding["time"].as_str().unwrap() >= "2026-09-19"));
    let before = replay(arguments(&["--end", "2026-09-19T00:00:00Z"]));
    assert_eq!((before.status, before.incidents().len()), (0, 0));
    assert!(before.summary()["last_event"].as_str().unwrap() < "2026-09-19");
}
