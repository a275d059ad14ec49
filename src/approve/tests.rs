//! Who may, and who may not.

use std::collections::BTreeSet;

use serde_json::json;

use super::vote::Made;
use super::*;
use crate::config::Approval;
use crate::model::approval::{Person, Vote};
use crate::model::click::SlackUser;
use crate::model::plan::{Class, Plan, Step, Target};

const NOW: Seconds = 1_800_000_000;
const DIGEST: &str = "0123456789abcdef";

fn person(name: &str, uid: u32, caller: Option<&str>) -> Person {
    Person {
        name: name.to_owned(),
        os_user: format!("{name} (uid {uid})"),
        caller: caller.map(str::to_owned),
        slack: None,
    }
}

fn plan(class: Class) -> Plan {
    let target = Target {
        kind: "iam:user".to_owned(),
        arn: "arn:aws:iam::111122223333:user/eve".to_owned(),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        id: "AIDA1".to_owned(),
        detail: Default::default(),
    };
    let step = Step {
        n: 1,
        action: "attach-deny".to_owned(),
        target,
        class,
        changes: String::new(),
        undo: None,
        permissions: Vec::new(),
        before: json!(0),
        after: json!(1),
        needs: Vec::new(),
        phase: 2,
    };
    Plan {
        incident: "inc-1".to_owned(),
        digest: DIGEST.to_owned(),
        made_at: NOW,
        expires_at: NOW + 1_200,
        steps: vec![step],
        ..Plan::default()
    }
}

fn rules(value: Value) -> Approval {
    let config: crate::config::Config = serde_json::from_value(json!({ "approval": value })).unwrap();
    config.approval
}

/// A record with one plan that ann (uid 1) asked for.
fn made(class: Class) -> Plans {
    let mut plans = Plans::new();
    let answer = make(&mut plans, &plan(class), &person("ann", 1, None), None, 7, NOW);
    assert_eq!((answer.said, answer.entries[0].kind.as_str()), (Ok(Made::New), "plan.made"));
    plans
}

fn vote(plans: &mut Plans, voter: &Person, rules: &Approval, now: Seconds) -> Result<Counted, String> {
    let answer = approve(plans, DIGEST, voter, None, rules, &involved(), now);
    let kinds: Vec<&str> = answer.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert!(kinds.contains(&if answer.said.is_ok() { "plan.approved" } else { "approval.refused" }), "{kinds:?}");
    answer.said
}

fn involved() -> BTreeSet<String> {
    ["arn:aws:iam::111122223333:user/eve", "arn:aws:iam::111122223333:role/path/worker"].map(str::to_owned).into()
}

fn run(plans: &mut Plans, now: Seconds) -> Result<Permit, String> {
    let answer = begin(plans, DIGEST, "one", 60, now);
    let kind = answer.entries.last().unwrap().kind.clone();
    assert_eq!(answer.said.is_err(), kind == "approval.refused");
    answer.said
}

#[test]
fn the_operator_approves_alone_and_once() {
    for class in [Class::R1, Class::R2] {
        let mut plans = made(class);
        assert!(run(&mut plans, NOW).unwrap_err().contains("nobody approved it"));
        assert!(vote(&mut plans, &person(" ", 1, None), &rules(json!({})), NOW).unwrap_err().contains("a name"));
        assert_eq!(vote(&mut plans, &person("ann", 1, None), &rules(json!({})), NOW), Ok(Counted::Approved));
        let permit = run(&mut plans, NOW + 1).unwrap();
        assert_eq!((permit.digest(), permit.is_resumed(), permit.expires_at()), (DIGEST, false, NOW + 1_200));
        assert!(run(&mut plans, NOW + 60).unwrap_err().contains("one runs it until"));
        assert!(vote(&mut plans, &person("bob", 2, None), &rules(json!({})), NOW + 2).is_err());
        assert!(run(&mut plans, NOW + 61).unwrap().is_resumed(), "its holder died");
        assert!(end(&mut plans, DIGEST, "two", true, json!({}), NOW + 62).said.is_err());
        assert!(renew(&mut plans, DIGEST, "two", 60, NOW + 62).is_err());
        end(&mut plans, DIGEST, "one", true, json!({ "seconds": 3 }), NOW + 63).said.unwrap();
        assert!(run(&mut plans, NOW + 64).unwrap_err().contains("used already"));
        assert!(renew(&mut plans, DIGEST, "one", 60, NOW + 64).is_err());
        let again = make(&mut plans, &plan(class), &person("ann", 1, None), None, 7, NOW + 65);
        assert!(again.said.unwrap_err().contains("used already"));
        assert_eq!(attempts(&plans, "inc-1", NOW + 65), 1);
    }
}

#[test]
fn who_only_reads_needs_nobody() {
    let mut plans = made(Class::R0);
    run(&mut plans, NOW).unwrap();
}

#[test]
fn two_names_of_one_person_are_one() {
    let none = rules(json!({}));
    let role = |session: &str| format!("arn:aws:sts::1:assumed-role/admin/{session}");
    let sso = |session: &str| format!("arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_1/{session}");
    let forged = |name: &str, text: &str| Person { os_user: text.to_owned(), ..person(name, 1, None) };
    for (one, other, are_two) in [
        (person("ann", 1, None), person("bob", 1, None), false),
        (person("ann", 1, None), person("bob", 2, None), true),
        (person("ann", 1, None), person("Ann ", 2, None), false),
        (forged("ann", "ann (uid 1)"), forged("bob", "bob (uid 1)"), false),
        (forged("ann", "unknown"), forged("bob", "ann (uid 1)"), false),
        (person("ann", 1, Some("arn:1")), person("bob", 1, Some("arn:2")), true),
        (person("ann", 1, Some("arn:1")), person("bob", 1, Some("arn:1")), false),
        (person("ann", 1, Some("arn:1")), person("bob", 1, None), false),
        // Whoever assumes a role names the session; Identity Center names it after the person.
        (person("ann", 1, Some(&role("ann"))), person("bob", 1, Some(&role("bob"))), false),
        (person("ann", 1, Some(&sso("ann"))), person("bob", 1, Some(&sso("bob"))), true),
    ] {
        let mut plans = made(Class::R3);
        assert_eq!(vote(&mut plans, &one, &none, NOW), Ok(Counted::Missing(1)));
        let second = vote(&mut plans, &other, &none, NOW);
        assert_eq!(second == Ok(Counted::Approved), are_two, "{one:?} {other:?} {second:?}");
        assert_eq!(run(&mut plans, NOW).is_ok(), are_two);
    }
    // The one in the middle is like both others, who are two.
    let votes = [person("a", 1, Some("arn:1")), person("b", 1, None), person("c", 1, Some("arn:2"))];
    let votes = votes.map(|person| Vote { person, at: NOW, why: None });
    assert_eq!(super::person::different(&votes), 2);
}

#[test]
fn only_approvers_approve_where_they_are_named() {
    let named = rules(json!({ "approvers": ["ann", "bob"] }));
    let mut plans = made(Class::R1);
    assert!(vote(&mut plans, &person("eve", 3, None), &named, NOW).unwrap_err().contains("not among"));
    assert!(vote(&mut plans, &person("Bob", 3, None), &named, NOW).unwrap_err().contains("not among"));
    assert!(vote(&mut plans, &person("ann", 1, None), &named, NOW).unwrap_err().contains("somebody else"));
    assert_eq!(vote(&mut plans, &person("bob", 1, None), &named, NOW), Ok(Counted::Approved));
    let own = rules(json!({ "approvers": ["ann", "bob"], "self_approval": true, "quorum": { "R1": 2 } }));
    let mut plans = made(Class::R1);
    assert_eq!(vote(&mut plans, &person("ann", 1, None), &own, NOW), Ok(Counted::Missing(1)));
    assert!(vote(&mut plans, &person("ann", 1, None), &own, NOW).unwrap_err().contains("already"));
    assert_eq!(vote(&mut plans, &person("bob", 2, None), &own, NOW), Ok(Counted::Approved));
}

#[test]
fn whoever_is_in_the_incident_has_no_say() {
    for caller in ["arn:aws:iam::111122223333:user/eve", "arn:aws:sts::111122223333:assumed-role/worker/x"] {
        let (mut plans, eve) = (made(Class::R1), person("ann", 1, Some(caller)));
        assert!(vote(&mut plans, &eve, &rules(json!({})), NOW).unwrap_err().contains("part of the incident"));
        let denied = deny(&mut plans, DIGEST, &eve, None, &rules(json!({})), &involved(), NOW);
        assert!(denied.said.is_err() && denied.entries[0].kind == "approval.refused");
    }
    let (mut plans, other) = (made(Class::R1), person("x", 1, Some("arn:aws:sts::2:assumed-role/worker/x")));
    assert_eq!(vote(&mut plans, &other, &rules(json!({})), NOW), Ok(Counted::Approved));
}

#[test]
fn what_is_denied_or_late_or_unknown_runs_nothing() {
    let (none, bob) = (rules(json!({})), person("bob", 2, None));
    let mut plans = made(Class::R1);
    vote(&mut plans, &bob, &none, NOW).unwrap();
    deny(&mut plans, DIGEST, &person("cat", 3, None), Some("no"), &none, &involved(), NOW).said.unwrap();
    assert!(vote(&mut plans, &bob, &none, NOW).unwrap_err().contains("denied"));
    assert!(run(&mut plans, NOW).unwrap_err().contains("denied"));

    let mut plans = made(Class::R1);
    vote(&mut plans, &bob, &none, NOW + 1_199).unwrap();
    let mut late = plans.clone();
    assert_eq!(attempts(&late, "inc-1", NOW + 1_200), 1);
    let answer = begin(&mut late, DIGEST, "one", 60, NOW + 1_200);
    assert!(answer.said.unwrap_err().contains("expired at"));
    let kinds: Vec<&str> = answer.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["plan.expired", "approval.refused"]);
    assert!(expire(&mut plans, NOW + 1_199).is_empty());
    assert_eq!(expire(&mut plans, NOW + 1_200).len(), 1);
    assert!(expire(&mut plans, NOW + 1_201).is_empty());
    assert!(vote(&mut made(Class::R1), &bob, &none, NOW + 1_200).unwrap_err().contains("expired"));

    let answer = begin(&mut plans, "another", "one", 60, NOW);
    assert!(answer.said.is_err() && answer.entries[0].kind == "approval.refused");
    assert!(matching(&plans, None, "0123456").unwrap_err().contains("8 characters"));
    assert_eq!(matching(&plans, Some("inc-1"), "01234567"), Ok(DIGEST));
    assert!(matching(&plans, Some("inc-2"), "01234567").is_err());
    forget(&mut plans, |incident| incident != "inc-1");
    assert!(plans.is_empty());
}

/// Two plans of one incident do not run into each other, and an undo ends the dead run that it takes back.
#[test]
fn plans_of_one_incident_run_one_after_another() {
    let (none, bob) = (rules(json!({})), person("bob", 2, None));
    let mut plans = made(Class::R1);
    vote(&mut plans, &bob, &none, NOW).unwrap();
    for (digest, undoes) in [("second-plan", None), ("undo-plan", Some(DIGEST))] {
        let plan = Plan { digest: digest.to_owned(), ..plan(Class::R1) };
        make(&mut plans, &plan, &bob, undoes, 7, NOW).said.unwrap();
        approve(&mut plans, digest, &bob, None, &none, &BTreeSet::new(), NOW).said.unwrap();
    }
    run(&mut plans, NOW).unwrap();
    for digest in ["second-plan", "undo-plan"] {
        let why = begin(&mut plans, digest, "two", 60, NOW + 59).said.unwrap_err();
        assert!(why.contains("one runs plan 0123456789ab of the same incident until"), "{why}");
    }
    assert!(begin(&mut plans, "second-plan", "two", 60, NOW + 60).said.unwrap_err().contains("died half way"));
    let answer = begin(&mut plans, "undo-plan", "two", 60, NOW + 60);
    let kinds: Vec<&str> = answer.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!((answer.said.is_ok(), kinds), (true, vec!["plan.ended", "plan.started"]));
    assert_eq!(plans[DIGEST].stage, Stage::Ended { holds: false });
    assert!(renew(&mut plans, DIGEST, "one", 60, NOW + 61).is_err());
    let read: Plans = serde_json::from_str(&serde_json::to_string(&plans).unwrap()).unwrap();
    assert_eq!(read, plans);
}

fn in_slack(id: &str) -> Person {
    let slack = Some(SlackUser { team: "T1".to_owned(), id: id.to_owned() });
    Person { name: id.to_owned(), os_user: String::new(), caller: None, slack }
}

/// In Slack only whom the settings name decides, and by the id that Slack vouches for.
#[test]
fn slack_users_decide_where_they_are_named() {
    for approvers in [json!([]), json!(["ann", "U2"])] {
        let mut plans = made(Class::R1);
        let named = rules(json!({ "approvers": approvers }));
        assert!(vote(&mut plans, &in_slack("U1"), &named, NOW).unwrap_err().contains("approvers"));
        // A name that somebody chose counts for nothing.
        let forged = Person { name: "U2".to_owned(), ..in_slack("U1") };
        assert!(vote(&mut plans, &forged, &named, NOW).is_err());
        let denied = deny(&mut plans, DIGEST, &in_slack("U1"), None, &named, &involved(), NOW);
        assert!(denied.said.is_err() && denied.entries[0].detail["by"]["slack"]["id"] == "U1");
    }
    let mut plans = made(Class::R1);
    let named = rules(json!({ "approvers": ["U1", "U2"] }));
    assert_eq!(vote(&mut plans, &in_slack("U1"), &named, NOW), Ok(Counted::Approved));
    let mut plans = made(Class::R1);
    // The same id typed at a command line is how it is done when Slack is down.
    assert_eq!(vote(&mut plans, &person("U1", 1, None), &named, NOW), Ok(Counted::Approved));
    let denied = deny(&mut plans, DIGEST, &in_slack("U2"), None, &named, &involved(), NOW);
    assert!(denied.said.is_ok() && plans[DIGEST].denied_by == Some(in_slack("U2")));
}

#[test]
fn two_in_slack_are_two_and_one_beside_it_may_be_one() {
    let named = rules(json!({ "approvers": ["U1", "U2", "bob"] }));
    for (one, other, are_two) in [
        (in_slack("U1"), in_slack("U2"), true),
        (in_slack("U1"), person("bob", 1, Some("arn:1")), false),
        (person("bob", 1, Some("arn:1")), in_slack("U1"), false),
        (in_slack("U1"), person("U2", 2, None), false),
    ] {
        let mut plans = made(Class::R3);
        assert_eq!(vote(&mut plans, &one, &named, NOW), Ok(Counted::Missing(1)));
        let second = vote(&mut plans, &other, &named, NOW);
        assert_eq!(second == Ok(Counted::Approved), are_two, "{one:?} {other:?} {second:?}");
        assert_eq!(agreed(&plans[DIGEST]), if are_two { 2 } else { 1 });
    }
    // Whoever asked for it in Slack does not approve it there, and may take it back.
    let mut plans = Plans::new();
    make(&mut plans, &plan(Class::R1), &in_slack("U1"), None, 7, NOW).said.unwrap();
    assert!(vote(&mut plans, &in_slack("U1"), &named, NOW).unwrap_err().contains("somebody else"));
    assert!(deny(&mut plans, DIGEST, &in_slack("U1"), None, &named, &involved(), NOW).said.is_ok());
}

#[test]
fn what_slack_vouches_for_takes_the_place_of_a_name_that_was_typed() {
    let (named, typed) = (rules(json!({ "approvers": ["U1", "U2"] })), person("U1", 9, None));
    let mut plans = made(Class::R3);
    for (voter, counted) in [(&typed, true), (&in_slack("U1"), true), (&in_slack("U1"), false), (&typed, false)] {
        let said = vote(&mut plans, voter, &named, NOW);
        assert_eq!(said == Ok(Counted::Missing(1)), counted, "{said:?}");
    }
    assert_eq!((plans[DIGEST].votes.len(), &plans[DIGEST].votes[0].person), (1, &in_slack("U1")));
    assert_eq!(vote(&mut plans, &in_slack("U2"), &named, NOW), Ok(Counted::Approved));
}

#[test]
fn the_record_tells_how_far_a_run_came_and_what_remains() {
    let mut plans = made(Class::R1);
    vote(&mut plans, &person("bob", 2, None), &rules(json!({})), NOW).unwrap();
    run(&mut plans, NOW).unwrap();
    for (ended, done) in [(0, 0), (1, 1), (5, 1)] {
        advance(&mut plans, DIGEST, ended);
        assert_eq!(plans[DIGEST].done, done, "of one step");
    }
    let remains: Vec<String> = (0..9).map(|n| format!("{n}{}", "x".repeat(400))).collect();
    end(&mut plans, DIGEST, "one", false, json!({ "remains": remains }), NOW + 9).said.unwrap();
    let planned = &plans[DIGEST];
    assert_eq!((planned.ended_at, planned.remains.len(), planned.remains[0].len()), (Some(NOW + 9), 5, 300));
}

#[test]
fn plans_that_came_to_nothing_make_room_for_others() {
    let itself = Person::stakeout();
    let mut plans = Plans::new();
    let digest = |n: i64| format!("{n:064x}");
    let new = |plans: &mut Plans, by: &Person, n: i64| {
        let attempt = attempts(plans, "inc-1", NOW + n);
        let plan = Plan { digest: digest(n), attempt, ..plan(Class::R1) };
        make(plans, &plan, by, None, 7, NOW + n).said.unwrap();
    };
    // An incident that changes with every pass.
    (0..50).for_each(|n| new(&mut plans, &itself, n));
    assert_eq!(plans.keys().collect::<Vec<_>>(), [&digest(49)]);
    // What a person asked for, or agreed to, waits for its time.
    new(&mut plans, &person("ann", 1, None), 50);
    let (bob, nobody) = (person("bob", 2, None), BTreeSet::new());
    approve(&mut plans, &digest(49), &bob, None, &rules(json!({ "quorum": { "R1": 2 } })), &nobody, NOW + 60)
        .said
        .unwrap();
    new(&mut plans, &itself, 60);
    assert_eq!(plans.len(), 3);
    expire(&mut plans, NOW + 2_000);
    // The last one tells why nothing waits any more, and numbers go on.
    forget(&mut plans, |_| true);
    assert_eq!(plans.keys().collect::<Vec<_>>(), [&digest(60)]);
    assert_eq!(attempts(&plans, "inc-1", NOW + 2_000), 1);
}
