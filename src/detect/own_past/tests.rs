#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::*;
use crate::baseline::Usage;
use crate::event::{Identity, Networks, Place, Record, Shape};

/// Rules with two detectors that measure: things deleted, and different regions of it.
fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for (name, count) in [("deleted", "events"), ("spread", "awsRegion")] {
            let rule = format!(
                "title: {name}\nname: {name}\nid: {name}\nlevel: high\nlogsource: {{product: aws, service: cloudtrail}}\n\
                 detection: {{deleted: {{stakeout.name|startswith: Delete}}, condition: deleted}}\n\
                 beyond_own: {{count: {count}, of: [principal], within: 10m, times: 5, least: 3}}\n"
            );
            std::fs::write(folder.path().join(format!("{name}.yml")), rule).unwrap();
        }
        let rules = Rules::of_folder(folder.path(), Networks::default()).unwrap();
        assert!(rules.problems.is_empty(), "{:?}", rules.problems);
        rules
    })
}

fn event(at: Seconds, id: &str, region: &str) -> Event {
    let raw = r#"{"type":"IAMUser","principalId":"AIDABOB","arn":"arn:aws:iam::1:user/bob"}"#;
    let identity = Identity::parse(raw, "1");
    let record = Record { source: "sqs.amazonaws.com".into(), name: "DeleteQueue".into(), ..Record::default() };
    Event {
        time: at,
        id: id.into(),
        shape: Arc::new(Shape::of(&record, &identity)),
        identity: Arc::new(identity),
        place: Arc::new(Place::new("1", region, "198.51.100.9")),
        rules: (0..2).collect(),
        fields: BTreeMap::new(),
        facts: None,
    }
}

/// The account and its user are known from a time on.
fn known_since(at: Seconds) -> Baseline {
    let mut baseline = Baseline::default();
    let event = event(at, "first", "eu-west-1");
    let usage = Usage { identity: &event.identity, place: &event.place, shape: &event.shape, first: at, last: at };
    baseline.record(&[], &usage);
    baseline
}

fn position(name: &str) -> usize {
    rules().detectors.iter().position(|detector| detector.name == name).unwrap()
}

/// Notes so many events one second apart, from a time on; returns the last.
fn burst(own: &mut OwnPast<'_>, from: Seconds, count: i64) -> Event {
    let one = |n| event(from + n, &format!("{from}-{n}"), ["eu-west-1", "eu-west-2"][n as usize % 2]);
    (0..count).map(one).inspect(|event| own.note(event)).last().unwrap()
}

#[test]
fn a_burst_is_compared_with_the_greatest_one_of_earlier_days() {
    let (mut own, mut baseline) = (OwnPast::new(rules()), known_since(0));
    burst(&mut own, 20 * DAY, 4);
    let today = 25 * DAY;
    let last = burst(&mut own, today, 20);
    own.teach(&mut baseline, today);
    let measured = own.ask(position("deleted"), &last, &baseline).unwrap();
    assert_eq!((measured.past, measured.count), (Past::Within, 20));
    let last = burst(&mut own, today + 30, 1);
    let measured = own.ask(position("deleted"), &last, &baseline).unwrap();
    assert_eq!((measured.past, measured.count), (Past::Exceeded, 21), "more than five times four");
    assert_eq!(measured.counted, "21 events within 10 min");
    assert_eq!(measured.reason, "far beyond what this caller did before (at most 4 in 25 days before)");
    assert_eq!(own.events(position("deleted"), &last, today + 18).len(), 3);
    // Two regions are fewer than are asked for.
    assert!(own.ask(position("spread"), &last, &baseline).is_none());
    // The next day, this is the past.
    own.teach(&mut baseline, today + DAY);
    let tomorrow = burst(&mut own, today + DAY, 50);
    assert_eq!(own.ask(position("deleted"), &tomorrow, &baseline).unwrap().past, Past::Within);
    // A month later it is forgotten.
    let later = burst(&mut own, today + 40 * DAY, 9);
    let measured = own.ask(position("deleted"), &later, &baseline).unwrap();
    assert_eq!(measured.reason, "far beyond what this caller did before (nothing like it in 30 days before)");
}

#[test]
fn of_two_copies_that_differ_the_same_one_counts() {
    let copies = [event(9, "a", "eu-west-2"), event(9, "a", "eu-west-1")];
    let values = |copies: &[&Event]| {
        let mut own = OwnPast::new(rules());
        copies.iter().for_each(|event| own.note(event));
        let all = own.noted.values().flat_map(|noted| noted.values().flat_map(BTreeMap::values));
        all.cloned().collect::<BTreeSet<_>>()
    };
    let [one, other] = &copies;
    assert_eq!(values(&[one, other]), values(&[other, one]));
    assert!(values(&[one, other]).contains("eu-west-1") && !values(&[one, other]).contains("eu-west-2"));
}

#[test]
fn no_history_is_asked_for_that_is_not_kept() {
    for block in [
        "beyond_own: {count: events, of: [principal], within: 10m, times: 5, least: 3, history: 129d}",
        "first_seen: {of: [service], history: 180d}",
        "adjust: [{when: {first_seen: {of: [service], history: 180d}}, level: low, because: x}]",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let rule = format!(
            "title: x\nname: x\nid: x\nlevel: high\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{deleted: {{stakeout.name|startswith: Delete}}, condition: deleted}}\n{block}\n"
        );
        std::fs::write(folder.path().join("x.yml"), rule).unwrap();
        let rules = Rules::of_folder(folder.path(), Networks::default()).unwrap();
        let problems: Vec<_> = rules.problems.iter().map(ToString::to_string).collect();
        assert!(problems.len() == 1 && problems[0].contains("history is 128 days at most"), "{problems:?}");
        assert!(problems[0].contains("x.yml:7: "), "{problems:?}");
    }
}

#[test]
fn of_a_newcomer_nothing_is_known_and_what_an_incident_holds_does_not_count() {
    let (mut own, mut baseline) = (OwnPast::new(rules()), known_since(0));
    let last = burst(&mut own, 6 * DAY, 9);
    assert_eq!(own.ask(position("deleted"), &last, &baseline).unwrap().past, Past::Unknown);
    burst(&mut own, 10 * DAY, 30);
    own.teach(&mut baseline, 11 * DAY);
    let again = burst(&mut own, 12 * DAY, 50);
    let mut past = |baseline: &Baseline| own.ask(position("deleted"), &again, baseline).unwrap().past;
    assert_eq!(past(&baseline), Past::Within);
    baseline.taint("AIDABOB", 10 * DAY + 5);
    assert_eq!(past(&baseline), Past::Exceeded);
    baseline.absolve("AIDABOB");
    baseline.born("AIDABOB", 4 * DAY);
    assert_eq!(past(&baseline), Past::Exceeded, "the first week of its life is no habit");
}

proptest! {
    #[test]
    fn neither_order_nor_pauses_nor_copies_change_what_is_learned(
        mut times in prop::collection::vec(0_i64..4 * DAY, 1..80), clustered in any::<bool>(), cut in 0_usize..80, seed in any::<u64>(),
    ) {
        if clustered {
            times.iter_mut().for_each(|at| *at = *at / DAY * DAY + *at % 1_800 - 900);
        }
        let regions = ["eu-west-1", "eu-west-2", "us-east-1"];
        let mut events: Vec<Event> =
            (0..).zip(&times).map(|(n, at)| event(*at, &format!("e{n}"), regions[n % 3])).collect();
        let learned = |events: &[Event], cut: usize| {
            let mut baseline = Baseline::default();
            let mut own = OwnPast::new(rules());
            for piece in [&events[..cut], &events[cut..], &events[..cut]] {
                piece.iter().for_each(|event| own.note(event));
                own.teach(&mut baseline, Seconds::MAX);
            }
            baseline.peaks
        };
        let whole = learned(&events, events.len());
        // Each day's peak is the greatest number of events in any ten minutes that end on it.
        for (measure, days) in whole.iter().filter(|(measure, _)| measure.what == "deleted") {
            for (day, count) in days {
                let ending = times.iter().filter(|at| at.div_euclid(DAY) == *day);
                let most = ending.map(|end| times.iter().filter(|at| (end - 600..=*end).contains(*at)).count()).max();
                prop_assert_eq!(most, Some(*count as usize), "{:?} {}", measure, day);
            }
        }
        // The same of different regions, and of a window that moves from event to event while others become known late.
        let regions_until = |events: &[Event], end: Seconds| {
            let within = events.iter().filter(|event| (end - 600..=end).contains(&event.time));
            within.map(|event| event.place.region.as_str()).collect::<BTreeSet<_>>().len()
        };
        for (measure, days) in whole.iter().filter(|(measure, _)| measure.what == "spread") {
            for (day, count) in days {
                let ending = times.iter().filter(|at| at.div_euclid(DAY) == *day);
                let most = ending.map(|end| regions_until(&events, *end)).max();
                prop_assert_eq!(most, Some(*count as usize), "{:?} {}", measure, day);
            }
        }
        let (early, baseline) = (events[cut.min(events.len())..].to_vec(), known_since(0));
        let mut own = OwnPast::new(rules());
        for known in [&early, &events] {
            known.iter().for_each(|event| own.note(event));
            let mut in_order: Vec<_> = known.iter().collect();
            in_order.sort_by_key(|event| event.time);
            for event in in_order {
                let expected = Some(regions_until(known, event.time) as u64).filter(|count| *count >= 3);
                let asked = own.ask(position("spread"), event, &baseline).map(|measured| measured.count);
                prop_assert_eq!(asked, expected);
            }
        }
        fastrand::Rng::with_seed(seed).shuffle(&mut events);
        prop_assert_eq!(learned(&events, cut.min(events.len())), whole);
    }
}
