#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::json;

use super::*;
use crate::event::{Identity, Place, Record, Shape};
use crate::habit::{Calls, Hours};

/// 2026-03-10T02:00:00Z, a Tuesday.
const NOW: Seconds = 1_773_108_000;
const TODAY: i64 = NOW / DAY;
const USER: &str = "arn:aws:iam::111122223333:user/ci-deployer";
const ROLE: &str = "arn:aws:iam::111122223333:role/orders-api-exec";
const KEY: &str = "AKIAEXAMPLECI0000001";
const OWN: &str = "198.51.100.10";
const ATTACKER: &str = "203.0.113.66";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8";
const CLI: &str = "aws-cli/2.17.62";
const BROWSER: &str = "console.amazonaws.com";

fn identity(arn: &str, key: &str) -> Identity {
    let name = arn.rsplit('/').next().unwrap();
    let raw = if arn.contains(":user/") {
        json!({"type": "IAMUser", "principalId": format!("AIDA{name}"), "arn": arn, "accountId": "111122223333",
            "accessKeyId": key, "userName": name})
    } else {
        json!({"type": "AssumedRole", "principalId": format!("AROA{name}:s"), "accountId": "111122223333",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/s"), "accessKeyId": key,
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": format!("AROA{name}"), "arn": arn}}})
    };
    Identity::parse(&raw.to_string(), "111122223333")
}

/// Calls of one action on one day, by hour.
fn call(
    habits: &mut Habits,
    (arn, key): (&str, &str),
    (address, agent): (&str, &str),
    action: &str,
    day: i64,
    hours: Hours,
) {
    let identity = identity(arn, key);
    let (service, name) = action.split_once(':').unwrap();
    let record = Record {
        source: format!("{service}.amazonaws.com").into(),
        name: name.to_owned().into(),
        user_agent: agent.to_owned().into(),
        ..Record::default()
    };
    let shape = Shape::of(&record, &identity);
    let last = hours.iter().rposition(|count| *count > 0).unwrap_or(0);
    let last = day * DAY + i64::try_from(last).unwrap() * HOUR;
    let place = Place::new("111122223333", "eu-west-1", address);
    habits.record(&Calls { identity: &identity, place: &place, shape: &shape, hours: &hours, last });
}

fn at(hours: &[usize], count: u32) -> Hours {
    let mut all = Hours::default();
    hours.iter().for_each(|hour| all[*hour] = count);
    all
}

/// Somebody else, so that the account has history.
fn account(days: i64) -> Habits {
    let mut habits = Habits::default();
    for day in TODAY - days..=TODAY {
        call(
            &mut habits,
            ("arn:aws:iam::111122223333:user/x", "AKIAEXAMPLEXX0000001"),
            (OWN, CLI),
            "s3:GetObject",
            day,
            at(&[9], 1),
        );
    }
    habits
}

/// The user's calls on each of the last days, by weekday (0 is Monday).
fn user(days: i64, agent: &str, pattern: impl Fn(i64) -> Vec<(&'static str, Hours)>) -> Habits {
    let mut habits = account(days);
    for day in TODAY - days..TODAY {
        for (action, hours) in pattern((day + 3).rem_euclid(7)) {
            call(&mut habits, (USER, KEY), (OWN, agent), action, day, hours);
        }
    }
    habits
}

fn incident(resources: &[(&str, &str)], addresses: &[&str]) -> Incident {
    let made = |(arn, kind): &(&str, &str)| json!({"arn": arn, "type": kind, "region": "us-east-1", "action": "iam:X", "exists": true});
    serde_json::from_value(json!({
        "id": "inc-1", "title": "t", "level": "critical", "status": "open", "accounts": ["111122223333"],
        "opened_at": "2026-03-10T01:10:00Z", "first_event": "2026-03-10T01:00:00Z", "last_event": "2026-03-10T01:30:00Z",
        "root": {"principal": USER, "credential": KEY, "confidence": "confirmed"},
        "principals": [USER], "credentials": [KEY], "resources": resources.iter().map(made).collect::<Vec<_>>(),
        "regions": [], "source_ips": addresses, "attack": [], "findings": [], "merged_into": null,
        "burn_usd_per_hour": null, "narrative": [],
    }))
    .unwrap()
}

fn of(habits: &Habits, incident: &Incident) -> Blast {
    blast(habits, incident, USER, Some(KEY), 90, NOW)
}

#[test]
fn use_has_a_kind() {
    let office = [8, 9, 10, 13, 14, 16];
    let clock: Vec<usize> = (0..24).collect();
    let work = |weekday: i64, calls: Vec<(&'static str, Hours)>| if weekday < 5 { calls } else { Vec::new() };
    let three = ["sts:GetCallerIdentity", "lambda:GetFunction", "ec2:DescribeVpcs"];
    let of = |agent, pattern: &dyn Fn(i64) -> Vec<(&'static str, Hours)>| {
        of(&user(29, agent, pattern), &incident(&[], &[ATTACKER])).verdict
    };
    // A pipeline around the clock, of few calls and of many.
    let calls = |count: u32| three.map(|action| (action, at(&clock, count))).to_vec();
    assert_eq!(of(TERRAFORM, &|_| calls(1)), Verdict::AutomationHigh);
    assert_eq!(of("Boto3/1", &|_| vec![("s3:GetObject", at(&clock, 5))]), Verdict::AutomationHigh);
    assert_eq!(
        of("Boto3/1", &|_| vec![("s3:GetObject", at(&clock, 4))]),
        Verdict::AutomationLow,
        "96 a day, one service"
    );
    assert_eq!(of("Boto3/1", &|_| three.map(|action| (action, at(&clock[..19], 1))).to_vec()), Verdict::AutomationLow);
    // A build on workdays, which a mean over all days would make small.
    assert_eq!(of(TERRAFORM, &|day| work(day, vec![("s3:GetObject", at(&office, 20))])), Verdict::AutomationHigh);
    // A job every night, and one in the hours of people: by an SDK it is a machine.
    assert_eq!(of("Boto3/1", &|_| vec![("s3:GetObject", at(&[3], 2))]), Verdict::AutomationLow);
    assert_eq!(of("Boto3/1", &|day| work(day, vec![("s3:GetObject", at(&[9], 2))])), Verdict::AutomationLow);
    // People: at the command line in the daytime, or in the console whenever and however much.
    assert_eq!(of(CLI, &|day| work(day, vec![("s3:GetObject", at(&office, 4))])), Verdict::Interactive);
    assert_eq!(of(CLI, &|_| vec![("s3:GetObject", at(&office, 4))]), Verdict::AutomationLow, "at weekends too");
    assert_eq!(of(CLI, &|_| vec![("s3:GetObject", at(&[2, 8, 14, 20], 1))]), Verdict::AutomationLow, "at night too");
    assert_eq!(of(CLI, &|day| work(day, vec![("s3:GetObject", at(&office, 40))])), Verdict::AutomationHigh, "too much");
    assert_eq!(of(CLI, &|_| Vec::new()), Verdict::Unused);
}

#[test]
fn a_console_that_is_used_beside_a_machine_hides_nothing() {
    let used = |by_machine: u32| {
        let mut habits = account(29);
        for day in TODAY - 29..TODAY {
            call(
                &mut habits,
                (ROLE, "ASIAEXAMPLEXX0000001"),
                (OWN, BROWSER),
                "ec2:DescribeVpcs",
                day,
                at(&[9, 10], 400),
            );
            let hours = at(&[1, 12], by_machine);
            call(&mut habits, (ROLE, "ASIAEXAMPLEXX0000002"), (OWN, "Boto3/1"), "s3:GetObject", day, hours);
        }
        blast(&habits, &incident(&[], &[ATTACKER]), ROLE, None, 90, NOW)
    };
    assert_eq!(used(49).verdict, Verdict::Interactive);
    let high = used(50);
    assert_eq!(high.verdict, Verdict::AutomationHigh);
    // The network and one key are ways of users.
    assert_eq!(high.alternatives.iter().map(|way| way.way.as_str()).collect::<Vec<_>>(), ["sessions"]);
}

#[test]
fn history_must_be_long_enough() {
    let days = |days: i64, of_account: i64| {
        let habits = user(days, "Boto3/1", |_| vec![("s3:GetObject", at(&[3], 2))]);
        let blast = blast(&habits, &incident(&[], &[ATTACKER]), USER, None, of_account, NOW);
        (blast.verdict, blast.history_days)
    };
    assert_eq!(days(13, 90), (Verdict::Unknown, 13));
    assert_eq!(days(14, 90), (Verdict::AutomationLow, 14));
    assert_eq!(days(14, 13), (Verdict::Unknown, 13));
    assert_eq!(days(0, 90).0, Verdict::Unknown);
}

#[test]
fn the_attacker_is_left_out() {
    let mut habits = user(29, TERRAFORM, |_| vec![("s3:GetObject", at(&[3, 20], 60))]);
    let before = of(&habits, &incident(&[], &[ATTACKER]));
    for hour in [1, 2] {
        call(&mut habits, (USER, KEY), (ATTACKER, "Boto3/1"), "iam:CreateUser", TODAY, at(&[hour], 5_000));
        call(
            &mut habits,
            (USER, "ASIAEXAMPLEXX0000009"),
            (ATTACKER, "Boto3/1"),
            "iam:CreateUser",
            TODAY,
            at(&[hour], 5_000),
        );
    }
    call(&mut habits, (USER, KEY), (OWN, TERRAFORM), "s3:GetObject", TODAY, at(&[0, 1], 7));
    let after = of(&habits, &incident(&[], &[ATTACKER]));
    assert_eq!((before.would_have_refused, after.would_have_refused), (120, 134));
    assert_eq!(after.refused_callers, ["198.51.100.0/24 (Terraform): 134"]);
    assert_eq!(
        (after.networks.as_slice(), after.actions.as_slice()),
        (&["198.51.100.0/24".to_owned()][..], &["s3:GetObject".to_owned()][..])
    );
    assert_eq!(after.last_legitimate_use, Some(TODAY * DAY + HOUR));
    assert_eq!((after.hours_of_week.len(), after.hours_of_week.iter().sum::<u64>()), (168, 29 * 120 + 14));
    // Monday 03:00, and Tuesday 01:00 of today.
    assert_eq!(
        (after.hours_of_week[3], after.hours_of_week[24 + 1]),
        (4 * 60 + 60 * u64::from(before.hours_of_week[3] == 300), 7)
    );
    // What came from there on a day before the incident is not known to be the attacker's.
    call(&mut habits, (USER, KEY), (ATTACKER, "Boto3/1"), "iam:ListUsers", TODAY - 5, at(&[1], 3));
    assert_eq!(of(&habits, &incident(&[], &[ATTACKER])).networks.len(), 2);
}

#[test]
fn an_attacker_at_the_place_of_the_owner_is_said_to_be_there() {
    let mut habits = user(29, TERRAFORM, |_| vec![("s3:GetObject", at(&[3, 20], 60))]);
    call(&mut habits, (USER, KEY), (OWN, TERRAFORM), "iam:CreateUser", TODAY, at(&[0, 1], 500));
    let incident = incident(&[], &["198.51.100.77"]);
    let blast = of(&habits, &incident);
    assert_eq!((blast.verdict, blast.would_have_refused), (Verdict::AutomationHigh, 120), "of the day before");
    assert!((blast.calls_per_day - 120.0).abs() < 0.1, "{}", blast.calls_per_day);
    assert_eq!(blast.actions, ["s3:GetObject"]);
    assert!(blast.alternatives.iter().all(|way| way.way != "network"));
    assert!(usual_networks(&habits, &incident, USER, None, NOW).is_empty());
    let remarks = remarks(&habits, &incident, USER, Some(KEY), NOW);
    assert!(remarks.len() == 1 && remarks[0].contains("198.51.100.0/24"), "{remarks:?}");
}

#[test]
fn what_the_incident_made_is_used_by_nobody() {
    let mut habits = account(29);
    let new = "arn:aws:iam::111122223333:user/svc";
    call(&mut habits, (new, "AKIAEXAMPLEXX0000002"), ("192.0.2.7", CLI), "s3:GetObject", TODAY, at(&[1], 9));
    call(&mut habits, (ROLE, "ASIAEXAMPLEXX0000003"), (ATTACKER, CLI), "s3:GetObject", TODAY, at(&[1], 9));
    call(&mut habits, (USER, "AKIAEXAMPLEXX0000004"), (OWN, CLI), "s3:GetObject", TODAY, at(&[1], 9));
    let hidden = format!("{USER}#AKIAEXAMPLEXX0000004");
    let incident = incident(&[(new, "iam:user"), (&hidden, "iam:access-key")], &[ATTACKER]);
    assert_eq!(blast(&habits, &incident, new, None, 90, NOW).verdict, Verdict::Unused);
    assert_eq!(blast(&habits, &incident, USER, Some("AKIAEXAMPLEXX0000004"), 90, NOW).verdict, Verdict::Unused);
    assert_eq!(blast(&habits, &incident, USER, None, 90, NOW).verdict, Verdict::Unused);
    assert!(!is_used_by_others(&habits, &incident, ROLE, NOW) && !is_used_by_others(&habits, &incident, new, NOW));
    call(&mut habits, (ROLE, "ASIAEXAMPLEXX0000005"), (OWN, CLI), "s3:GetObject", TODAY - 30, at(&[1], 1));
    assert!(is_used_by_others(&habits, &incident, ROLE, NOW));
    assert!(!is_used_by_others(&habits, &incident, ROLE, NOW + DAY), "31 days ago");
    // A path is in some records only.
    assert!(is_used_by_others(&habits, &incident, "arn:aws:iam::111122223333:role/team/orders-api-exec", NOW));
    assert!(!is_used_by_others(&habits, &incident, "arn:aws:iam::111122223333:user/orders-api-exec", NOW));
}

#[test]
fn narrower_ways_are_concrete() {
    let mut habits = user(29, TERRAFORM, |_| vec![("s3:GetObject", at(&[3, 20], 60))]);
    let incident = incident(&[], &[ATTACKER]);
    let ways = of(&habits, &incident).alternatives;
    assert_eq!(ways.iter().map(|way| way.way.as_str()).collect::<Vec<_>>(), ["network", "key", "sessions"]);
    assert!(
        ways[0].does.contains("198.51.100.0/24") && ways[1].does.contains(KEY) && ways[1].does.contains("3480 calls")
    );
    assert!(ways[1].leaves_open.contains("36 hours"));
    // One visit from elsewhere is not usual; a network behind an endpoint rules the way out.
    call(&mut habits, (USER, KEY), ("192.0.2.7", TERRAFORM), "s3:GetObject", TODAY - 9, at(&[1], 9));
    let usual = usual_networks(&habits, &incident, USER, None, NOW);
    assert_eq!(usual.into_iter().collect::<Vec<_>>(), ["198.51.100.0/24"]);
    call(&mut habits, (USER, KEY), ("10.1.2.3", TERRAFORM), "s3:GetObject", TODAY - 9, at(&[1], 9));
    assert!(usual_networks(&habits, &incident, USER, None, NOW).is_empty());
    assert!(of(&habits, &incident).alternatives.iter().all(|way| way.way != "network"));
    assert_eq!(remarks(&habits, &incident, USER, None, NOW).len(), 1);
}
