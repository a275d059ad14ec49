#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use super::*;
use crate::baseline::Usage;
use crate::event::{Facts, HOUR, Identity, Networks, Place, Record, Shape};

const NOW: Seconds = 60 * DAY;

/// A user adds a policy to somebody.
fn event(at: Seconds, user: &str, region: &str, error: &str) -> Event {
    let raw = format!(r#"{{"type":"IAMUser","principalId":"AIDA{user}","arn":"arn:aws:iam::1:user/{user}"}}"#);
    let identity = Identity::parse(&raw, "1");
    let record = Record {
        source: "sqs.amazonaws.com".into(),
        name: "SetQueueAttributes".into(),
        error_code: error.to_owned().into(),
        ..Record::default()
    };
    Event {
        time: at,
        id: "e".into(),
        shape: Arc::new(Shape::of(&record, &identity)),
        identity: Arc::new(identity),
        place: Arc::new(Place::new("1", region, "198.51.100.9")),
        rules: Vec::new(),
        fields: std::collections::BTreeMap::new(),
        facts: Some(Box::new(Facts { target: Some("carol".to_owned()), ..Facts::default() })),
    }
}

/// Bob works every day in one region.
fn past() -> Baseline {
    let mut families = vec![Family::networks()];
    families.extend(super::families());
    let mut baseline = Baseline::default();
    for day in 0..60 {
        let event = event(day * DAY + HOUR, "bob", "eu-west-1", "");
        let (first, last) = (event.time, event.time);
        let usage = Usage { identity: &event.identity, place: &event.place, shape: &event.shape, first, last };
        baseline.record(&families, &usage);
    }
    baseline
}

fn rules(detector: &str) -> Rules {
    let folder = tempfile::tempdir().unwrap();
    let rule = format!(
        "title: x\nname: x\nid: x\nlevel: medium\nlogsource: {{product: aws, service: cloudtrail}}\n{detector}\n"
    );
    std::fs::write(folder.path().join("x.yml"), rule).unwrap();
    let rules = Rules::of_folder(folder.path(), Networks::default()).unwrap();
    assert!(rules.problems.is_empty(), "{:?}", rules.problems);
    rules
}

const PLAIN: &str = "detection: {set: {eventName: SetQueueAttributes}, condition: set}";

/// As in a replay, a call is learned before it is judged.
fn weighed(rules: &Rules, event: &Event, past: &Baseline) -> (Level, Vec<String>) {
    let (mut past, first, last) = (past.clone(), event.time, event.time);
    past.record(&[], &Usage { identity: &event.identity, place: &event.place, shape: &event.shape, first, last });
    let past = &past;
    let mut judgement = Judgement { level: rules.detectors[0].level, notice: false, reasons: Vec::new() };
    weigh(rules, &rules.detectors[0], event, past, &mut judgement);
    let short = |reason: String| reason.split(':').next().unwrap_or_default().to_owned();
    (judgement.level, judgement.reasons.into_iter().map(short).collect())
}

fn signs(signs: &[&str]) -> Vec<String> {
    signs.iter().map(|sign| (*sign).to_owned()).collect()
}

#[test]
fn circumstances_move_the_level_and_are_told() {
    let (rules, past) = (rules(PLAIN), past());
    assert_eq!(weighed(&rules, &event(NOW, "bob", "eu-west-1", ""), &past), (Level::Low, signs(&["-2"])));
    assert_eq!(weighed(&rules, &event(NOW, "bob", "us-west-2", ""), &past), (Level::Medium, signs(&["+1", "-2"])));
    assert_eq!(weighed(&rules, &event(NOW, "eve", "us-west-2", ""), &past), (Level::High, signs(&["+1", "+1"])));
    let refused = event(NOW, "eve", "us-west-2", "AccessDenied");
    assert_eq!(weighed(&rules, &refused, &past), (Level::Medium, signs(&["+1", "+1", "-1"])));
    let mut elsewhere = event(NOW, "bob", "eu-west-1", "");
    elsewhere.place = Arc::new(Place::new("1", "eu-west-1", "203.0.113.9"));
    assert_eq!(weighed(&rules, &elsewhere, &past), (Level::Medium, signs(&[])), "a stolen key makes usual calls too");
}

#[test]
fn whom_it_is_about_counts() {
    let (mut rules, mut past) = (rules(PLAIN), past());
    past.give_all_rights("1", "carol", NOW - 1);
    let call = event(NOW, "eve", "eu-west-1", "");
    assert_eq!(weighed(&rules, &call, &past), (Level::High, signs(&["+1", "+1"])));
    assert_eq!(weighed(&rules, &event(NOW - 2, "eve", "eu-west-1", ""), &past).1, signs(&["+1"]), "not yet");
    rules.protected = vec!["arn:aws:iam::*:user/c*".to_owned()];
    assert_eq!(weighed(&rules, &call, &past).1, signs(&["+2", "+1", "+1"]));
    rules.protected = vec!["arn:aws:iam::1:user/ops/people/car*".to_owned()];
    assert_eq!(weighed(&rules, &call, &past).1, signs(&["+2", "+1", "+1"]), "an event tells no path");
    rules.protected = vec!["arn:aws:iam::1:user/ops/*".to_owned(), "arn:aws:iam::1:role/ops/carol2".to_owned()];
    assert_eq!(weighed(&rules, &call, &past).1, signs(&["+1", "+1"]));
    rules.protected = vec!["arn:aws:iam::1:role/break-glass".to_owned(), "arn:aws:iam::2:user/carol".to_owned()];
    assert_eq!(weighed(&rules, &call, &past).1, signs(&["+1", "+1"]));
}

#[test]
fn what_a_detector_asks_for_is_not_counted_again() {
    let past = past();
    let refusals = rules("detection: {set: {stakeout.denied: true}, condition: set}");
    let refused = event(NOW, "bob", "eu-west-1", "AccessDenied");
    assert_eq!(weighed(&refusals, &refused, &past).1, signs(&[]));
    let first = rules(&format!("{PLAIN}\nfirst_seen: {{of: [principal, region]}}"));
    assert_eq!(weighed(&first, &event(NOW, "eve", "us-west-2", ""), &past).1, signs(&[]));
    let who = rules("detection: {set: {userAgent|contains: kali}, condition: set}");
    assert_eq!(weighed(&who, &event(NOW, "bob", "eu-west-1", ""), &past).1, signs(&[]));
    let ignoring = rules(&format!("{PLAIN}\ncontext: {{ignore: [known-good]}}"));
    assert_eq!(weighed(&ignoring, &event(NOW, "bob", "eu-west-1", ""), &past).1, signs(&[]));
    let critical =
        rules(&PLAIN.replace("detection", "adjust: [{otherwise: true, level: critical, because: x}]\ndetection"));
    let mut judgement = Judgement { level: Level::Critical, notice: false, reasons: Vec::new() };
    weigh(&critical, &critical.detectors[0], &event(NOW, "bob", "eu-west-1", ""), &past, &mut judgement);
    assert_eq!(judgement.level, Level::Critical, "never lowered");
}
