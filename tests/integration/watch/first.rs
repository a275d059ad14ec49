//! The first pass: with history it knows what is usual, without it says what it cannot know.

use super::desk::{Desk, core, only, sorted};
use super::lookup::{history, now, replayed, shifted};
use crate::stand_in::{Entry, LookupFake};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

#[test]
fn history_is_learned_then_life_is_quiet_then_the_attack_is_told() {
    let (records, begun) = history("lambda-ddos-all-regions", "0.3", &["--days", "5"]);
    let now = now();
    let attack = now - 600;
    let records = shifted(&records, attack - begun, 0, now - 1);
    let entries = records.iter().map(|record| {
        let time = record["eventTime"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
        // Up to now, the next minutes, and the night's work.
        let step = if time < attack - 600 { 0 } else { usize::from(time >= attack) + 1 };
        Entry { record: record.clone(), step, after: 0 }
    });
    let fake = LookupFake::start(ACCOUNT, entries.collect(), 23);
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("learned", "");
    let learned = station.run(&["watch", "--learn", "30d", "--once", "--format", "ndjson"]);
    assert_eq!((learned.status, learned.incidents()), (0, Vec::new()), "{learned:?}");
    assert!(!learned.stderr.contains("--learn"), "{learned:?}");
    fake.step(1);
    let life = station.watch();
    assert_eq!((life.status, life.incidents()), (0, Vec::new()), "{life:?}");
    fake.step(2);
    let told = station.watch();
    assert_eq!(told.status, 1, "{told:?}");
    let (incidents, _) = replayed(desk.path(), &records);
    let told = sorted(told.incidents());
    assert_eq!(core(only(&told)), core(only(&incidents)));
    station.verify();
}

#[test]
fn an_old_attack_is_history_and_opens_nothing() {
    let (records, begun) = history("lambda-ddos-all-regions", "0.3", &["--days", "4"]);
    let records = shifted(&records, now() - 2 * 86_400 - begun, 0, now() - 1);
    let entries = records.into_iter().map(|record| Entry { record, step: 0, after: 0 }).collect();
    let fake = LookupFake::start(ACCOUNT, entries, 29);
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("history", "[watch]\nfirst_lookback = \"1h\"");
    let learned = station.run(&["watch", "--learn", "30d", "--once", "--format", "ndjson"]);
    assert_eq!((learned.status, learned.incidents()), (0, Vec::new()), "{learned:?}");
    assert!(station.incidents().is_empty() && station.told().is_empty());
}

#[test]
fn a_first_pass_without_history_says_so_and_leaves_ordinary_life_alone() {
    let (records, _) = history("ordinary", "0.3", &["--days", "2"]);
    let newest = records.iter().map(|record| record["eventTime"].as_str().unwrap()).max().unwrap();
    let newest = newest.parse::<jiff::Timestamp>().unwrap().as_second();
    let records = shifted(&records, now() - 60 - newest, now() - 20 * 3_600, now());
    let entries = records.into_iter().map(|record| Entry { record, step: 0, after: 0 }).collect();
    let fake = LookupFake::start(ACCOUNT, entries, 31);
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("first", "");
    let first = station.watch();
    assert_eq!((first.status, first.incidents()), (0, Vec::new()), "{first:?}");
    assert!(first.stderr.contains("--learn"), "{first:?}");
    let second = station.watch();
    assert_eq!(second.status, 0);
    assert!(!second.stderr.contains("--learn"), "said once: {second:?}");
}
