//! The time of an invocation: it ends before its deadline, and what remains is the next one's.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::payload::schedule;
use super::{ACCOUNT, KEY, attack, station};
use crate::stand_in::{Entry, Function, LookupFake};
use crate::watch::desk::{Desk, core, only};
use crate::watch::lookup::replayed;

/// Too short for a day of seventeen regions at two requests a second.
const SHORT: Duration = Duration::from_secs(4);
/// More invocations than that are needed only by something that begins anew each time.
const ENOUGH: usize = 25;

#[test]
fn a_short_invocation_ends_in_time_and_the_next_one_goes_on() {
    let records = attack();
    let entries = records.iter().map(|record| Entry { record: record.clone(), step: 0, after: 0 }).collect();
    let cloud = LookupFake::start(ACCOUNT, entries, 7);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "");
    let mut function = Function::start(station.function());
    let (incidents, all) = replayed(desk.path(), &records);
    let mut invocations = 0;
    while cloud.given().0 < records.len() {
        invocations += 1;
        assert!(invocations <= ENOUGH, "{:?} of {all}: {}", cloud.given(), function.said());
        let answered = function.invoke(&schedule(), SHORT);
        assert!(answered.took < SHORT, "{:?}", answered.took);
        answered.well();
    }
    function.invoke(&schedule(), Duration::from_secs(60)).well();
    let mut expected = core(only(&incidents));
    // It keeps the id that it opened with.
    expected["id"] = only(&station.incidents())["id"].clone();
    assert_eq!(core(only(&station.incidents())), expected);
    station.keys();
    station.verify();
}

#[test]
fn an_environment_that_is_killed_is_replaced_by_another_one() {
    let records = attack();
    let entries = records.iter().map(|record| Entry { record: record.clone(), step: 0, after: 0 }).collect();
    let cloud = LookupFake::start(ACCOUNT, entries, 7);
    let desk = Desk::at(cloud.url(), KEY);
    let station = station(&desk, "");
    let mut killed = Function::start(station.function());
    killed.begin(&schedule(), Duration::from_secs(60));
    let begun = Instant::now();
    while cloud.asked().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it asks nobody");
        thread::sleep(Duration::from_millis(20));
    }
    drop(killed);
    let mut function = Function::start(station.function());
    // The state was not given back, and is free soon all the same.
    let begun = Instant::now();
    let known = loop {
        function.invoke(&schedule(), Duration::from_secs(60)).well();
        let known = station.incidents();
        if !known.is_empty() {
            break known;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{}", function.said());
        thread::sleep(Duration::from_secs(2));
    };
    let (incidents, _) = replayed(desk.path(), &records);
    assert_eq!(core(only(&known)), core(only(&incidents)), "{}", json!(known));
    station.keys();
    station.verify();
}
