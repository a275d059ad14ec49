//! Signs of life.

use std::fs;

use super::receiver::{AT_ONCE, receiver};
use super::{NOW, run};
use crate::config::Config;
use crate::model::PassFacts;
use crate::notify::heartbeat;

#[test]
fn a_blind_pass_gives_no_sign_of_life() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alive");
    let (good, told) = receiver(vec![("200 OK", AT_ONCE), ("500 X", AT_ONCE)]);
    let (fail, told_fail) = receiver(vec![("200 OK", AT_ONCE)]);
    let text =
        format!("[metrics]\nheartbeat_url = \"{good}\"\nheartbeat_fail_url = \"{fail}\"\nheartbeat_file = {path:?}");
    let settings = Config::read(&text, "x", std::iter::empty()).unwrap().metrics;
    let facts = PassFacts { at: NOW, ..PassFacts::default() };
    assert_eq!(run(heartbeat::beat(&settings, &facts)), Vec::<String>::new());
    assert_eq!(fs::read_to_string(&path).unwrap(), "2026-11-22T06:00:00Z\n");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), NOW.unsigned_abs());
    let remarks = run(heartbeat::beat(&settings, &facts));
    assert!(remarks.len() == 1 && remarks[0].contains("500") && !remarks[0].contains("hunter2"), "{remarks:?}");
    fs::remove_file(&path).unwrap();
    // No feed is blind, and the caller knows better.
    let facts = PassFacts { is_blind: true, ..facts };
    assert_eq!(run(heartbeat::beat(&settings, &facts)), Vec::<String>::new());
    assert!(!path.exists());
    assert_eq!((told.try_iter().count(), told_fail.try_iter().count()), (2, 1));
}
