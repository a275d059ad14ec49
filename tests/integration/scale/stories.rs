//! What the organisation of the tests tells.

use std::collections::BTreeSet;

use super::organisation::{Size, account, files, make, organisation};
use crate::harness::{replay, set};

#[test]
fn its_stories_are_incidents_and_nothing_else_is() {
    let folder = organisation();
    let run = replay(["AWSLogs", "exports"].map(|part| folder.join(part)));
    assert_eq!((run.status, run.skipped()), (1, Vec::new()), "{}", run.stderr);
    let summary = run.summary();
    assert_eq!(set(&summary["accounts"]).len(), 20);
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert!(count("kept") > 50_000 && count("duplicate") > 1_000 && count("not_a_log") > 0, "{summary}");
    let found: BTreeSet<_> = run.incidents().iter().map(|incident| set(&incident["accounts"])).collect();
    let expected = [&[0, 5, 6][..], &[1], &[2], &[3]];
    let expected: BTreeSet<BTreeSet<_>> =
        expected.into_iter().map(|numbers| numbers.iter().map(|number| account(*number)).collect()).collect();
    assert_eq!(found, expected, "{:#?}", run.incidents());
    let damaged = replay([folder.join("damaged")]);
    assert_eq!((damaged.status, damaged.skipped().len()), (3, 3), "{damaged:?}");
}

#[test]
fn it_is_the_same_each_time() {
    let size = Size { accounts: 7, days: 15, noise: "0.02", missing: ["0.9", "0.9"], seed: 3 };
    let contents = || -> Vec<_> {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &size);
        let name = |path: &std::path::Path| path.strip_prefix(folder.path()).unwrap().to_owned();
        files(folder.path()).iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
    };
    assert!(contents() == contents());
}
