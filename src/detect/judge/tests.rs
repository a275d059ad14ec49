#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::block::Condition;
use super::super::rule::RuleFile;
use super::*;
use crate::baseline::Usage;
use crate::event::about::About;
use crate::event::{Identity, Place, Record, Shape};

const ACCOUNT: &str = "111122223333";
const NOW: Seconds = 400 * DAY;

fn detector(blocks: &str) -> Detector {
    let text = format!(
        "title: T\nname: t\nid: 0b0d5a7e-0000-4000-8000-000000000001\nlevel: medium\n\
         logsource: {{product: aws, service: cloudtrail}}\n\
         detection:\n  read:\n    eventSource: secretsmanager.amazonaws.com\n  condition: read\n{blocks}"
    );
    let file = RuleFile::parse("t.yml", &text, true);
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    file.detectors.into_iter().next().unwrap()
}

fn event(object: &str, at: Seconds) -> Event {
    let raw = format!(
        r#"{{"type":"IAMUser","principalId":"AIDAEXAMPLE0000000001","arn":"arn:aws:iam::{ACCOUNT}:user/ci","accountId":"{ACCOUNT}","accessKeyId":"AKIAEXAMPLE000000001","userName":"ci"}}"#
    );
    let identity = Arc::new(Identity::parse(&raw, ACCOUNT));
    let record = Record {
        source: "secretsmanager.amazonaws.com".into(),
        name: "GetSecretValue".into(),
        user_agent: "Boto3/1.34.69".into(),
        ..Record::default()
    };
    let place = Place::new(ACCOUNT, "eu-west-1", "198.51.100.1");
    let place = place.about(About { object: Some(object.to_owned()), role: None });
    let fields = BTreeMap::from([("requestParameters.names".to_owned(), ["a", "b"].join(LIST))]);
    let (shape, rules) = (Arc::new(Shape::of(&record, &identity)), Vec::new());
    Event { time: at, id: "e".into(), identity, shape, place: Arc::new(place), rules, fields, facts: None }
}

/// A baseline in which a secret was read at some times.
fn past(detector: &Detector, reads: &[(&str, Seconds)]) -> Baseline {
    let asked = detector.adjust.iter().filter_map(|entry| entry.when.as_ref()?.first_seen.as_ref());
    let mut families: Vec<_> = detector.first_seen.iter().chain(asked).map(FirstSeen::family).collect();
    families.extend(detector.dormant.as_ref().map(Dormant::family));
    let mut past = Baseline::default();
    for (object, at) in reads {
        let event = event(object, *at);
        let (identity, place, shape) = (&event.identity, &event.place, &event.shape);
        past.record(&families, &Usage { identity, place, shape, first: *at, last: *at });
    }
    past
}

fn judged(detector: &Detector, past: &Baseline, object: &str, value: Option<f64>) -> Option<(Level, bool)> {
    let event = event(object, NOW);
    let asked = |position: usize| {
        let question = detector.adjust.get(position)?.when.as_ref()?.first_seen.as_ref()?;
        Some(newness(question, Bar::Usual, &event, past))
    };
    let judgement = judge(detector, &event, past, &Contribution { value, newness: &asked, own_past: None })?;
    Some((judgement.level, judgement.notice))
}

#[test]
fn what_is_new_to_somebody_is_told_by_the_thing() {
    let detector = detector("first_seen: {of: [principal, object], learn: 14d}\n");
    let known = past(&detector, &[("a", NOW - 20 * DAY)]);
    assert_eq!(judged(&detector, &known, "a", None), None);
    assert_eq!(judged(&detector, &known, "b", None), Some((Level::Medium, false)));
    assert_eq!(judged(&detector, &known, &["a", "b"].join(LIST), None), Some((Level::Medium, false)));
    let young = past(&detector, &[("a", NOW - 2 * DAY)]);
    assert_eq!(judged(&detector, &young, "b", None), Some((Level::Medium, true)));
}

#[test]
fn too_little_history_is_judged_as_the_file_says() {
    let reads = [("a", NOW - 2 * DAY)];
    let case = |young: &str, rest: &str| {
        let detector = detector(&format!(
            "adjust:\n  - when: {{first_seen: {{of: [principal, object], learn: 14d{young}}}}}\n    level: high\n    because: new\n{rest}"
        ));
        judged(&detector, &past(&detector, &reads), "b", None)
    };
    let rest = "  - when: {stakeout.service: secretsmanager}\n    level: informational\n    because: the rest\n";
    assert_eq!(case("", rest), Some((Level::High, true)), "a notice, if nothing is said");
    assert_eq!(case(", young: next", rest), Some((Level::Informational, false)));
    assert_eq!(case(", young: next", ""), Some((Level::Medium, false)));
    assert_eq!(case(", young: {level: low}", rest), Some((Level::Low, false)));
    assert_eq!(case(", young: {level: low, notice: true}", rest), Some((Level::Low, true)));
    let top = detector("first_seen: {of: [principal, object], learn: 14d, young: {level: low}}\n");
    assert_eq!(judged(&top, &past(&top, &reads), "b", None), Some((Level::Low, false)));
}

#[test]
fn known_is_once_or_usual() {
    let reads = [("a", NOW - DAY), ("z", NOW - 30 * DAY)];
    let case = |known: &str| {
        let detector = detector(&format!(
            "adjust:\n  - when: {{first_seen: {{of: [principal, object], learn: 0d{known}}}}}\n    level: high\n    because: new\n"
        ));
        judged(&detector, &past(&detector, &reads), "a", None).map(|(level, _)| level)
    };
    assert_eq!(case(""), Some(Level::High), "once is not usual");
    assert_eq!(case(", known: usual"), Some(Level::High));
    assert_eq!(case(", known: ever"), Some(Level::Medium));
    let top = detector("first_seen: {of: [principal, object], learn: 0d, known: usual}\n");
    assert!(judged(&top, &past(&top, &reads), "a", None).is_some());
}

#[test]
fn who_was_silent_awakes_and_who_never_spoke_does_not() {
    let detector = detector("dormant: {of: [credential], silent: 90d}\n");
    let case = |reads: &[(&str, Seconds)]| judged(&detector, &past(&detector, reads), "a", None).is_some();
    assert!(case(&[("a", NOW - 91 * DAY)]));
    assert!(case(&[("a", NOW - 300 * DAY), ("a", NOW + 60)]), "what comes later does not count");
    assert!(!case(&[("a", NOW - 90 * DAY)]));
    assert!(!case(&[("a", NOW - 300 * DAY), ("b", NOW - 3 * DAY)]));
    assert!(!case(&[]), "a history too short says nothing");
}

#[test]
fn fields_are_compared_with_lists_and_with_nothing() {
    let case = |when: &str, value: Option<f64>| {
        let measured = "beyond_own: {of: [principal], within: 1h, times: 2, least: 2}";
        let adjust = format!("adjust:\n  - when: {{{when}}}\n    level: high\n    because: so\n");
        let detector = detector(&format!("{measured}\n{adjust}"));
        judged(&detector, &Baseline::default(), "a", value).map(|(level, _)| level) == Some(Level::High)
    };
    assert!(case("requestParameters.names: [x, b]", None) && !case("requestParameters.names: [x, y]", None));
    assert!(case("requestParameters.names: {not: x}", None) && !case("requestParameters.names: {not: [x, a]}", None));
    assert!(case("stakeout.role: {exists: false}", None) && !case("stakeout.role: {exists: true}", None));
    assert!(case("stakeout.role: {not: x}", None), "what is absent is not x");
    assert!(!case("stakeout.role: {not: x, exists: true}", None));
    assert!(case("stakeout.object: {is: [a, b], not: b}, stakeout.agent: Boto3", None));
    assert!(case("stakeout.failed: false, value: {gte: 3}", Some(3.0)));
    assert!(!case("stakeout.failed: false, value: {gte: 3}", Some(2.0)) && !case("value: {gte: 3}", None));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for wrong in ["{}", "{nor: x}", "[]", "[[a]]", "{is: {a: b}}", "{exists: often}"] {
        assert!(yaml_serde::from_str::<Condition>(wrong).is_err(), "{wrong}");
    }
}
