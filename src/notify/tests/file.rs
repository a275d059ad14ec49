//! The file.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{message, run, telemetry};
use crate::notify::Message;
use crate::notify::file::File;

/// Keys of the lines of a file; a line that is none is told as such.
fn keys(text: &str) -> Vec<String> {
    let key = |line: &str| {
        serde_json::from_str::<Value>(line).map_or("torn".to_owned(), |line| line["key"].as_str().unwrap().to_owned())
    };
    text.lines().map(key).collect()
}

#[test]
fn a_file_has_each_message_once_whatever_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told.ndjson");
    let file = File::new(path.clone());
    let deliver = |key: &str| run(file.deliver(&Message { key: key.to_owned(), ..message() }));
    for key in ["a", "b", "a", "b", "c\"\\\n"] {
        deliver(key).unwrap();
        deliver(key).unwrap();
    }
    assert_eq!(keys(&fs::read_to_string(&path).unwrap()), ["a", "b", "c\"\\\n"]);
    let line: Value = serde_json::from_str(fs::read_to_string(&path).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((line["kind"].as_str(), line["what"].as_str()), (Some("notification"), Some("opened")));
    assert_eq!(line["incident"]["id"], "inc-0123456789ab");
    // Torn at every byte of the last line: what is whole stays, what is torn is written anew.
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in last + 1..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        deliver("c\"\\\n").unwrap();
        let is_whole = end == whole.len() - 1;
        let expected: &[&str] = if is_whole { &["a", "b", "c\"\\\n"] } else { &["a", "b", "torn", "c\"\\\n"] };
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((keys(&text), text.ends_with('\n')), (expected.iter().map(|key| (*key).to_owned()).collect(), true));
    }
    // A thousand lines are remembered, across blocks and lines of any length.
    let lines: String = (0..1_200).map(|n| format!("{{\"key\":\"k{n}\",\"fill\":\"{}\"}}\n", "x".repeat(n))).collect();
    fs::write(&path, &lines).unwrap();
    for key in ["k1199", "k900", "k200"] {
        deliver(key).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), lines);
    deliver("k199").unwrap();
    assert_eq!(keys(&fs::read_to_string(&path).unwrap()).len(), 1_201);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none/told.ndjson")] {
        let lost = run(File::new(path.clone()).deliver(&message())).unwrap_err();
        assert!(lost.why.contains(path.to_str().unwrap()) && !lost.is_final, "{}", lost.why);
    }
    let path = folder.path().join("held");
    let held = fs::File::create(&path).unwrap();
    held.lock().unwrap();
    let release = thread::spawn(move || {
        thread::sleep(Duration::from_millis(250));
        drop(held);
    });
    run(File::new(path.clone()).deliver(&message())).unwrap();
    release.join().unwrap();
    assert_eq!(keys(&fs::read_to_string(&path).unwrap()).len(), 1);
}

#[test]
fn a_gap_in_what_is_seen_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told.ndjson");
    let file = File::new(path.clone());
    run(file.deliver(&telemetry())).unwrap();
    run(file.deliver(&telemetry())).unwrap();
    assert_eq!(keys(&fs::read_to_string(&path).unwrap()), ["telemetry-0123456789ab"]);
}
