//! The founding story, as a replay of the drill tells it, and the plan that contains it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::Seconds;
use crate::model::approval::{Person, Planned, Stage, Vote};
use crate::model::click::SlackUser;
use crate::model::plan::{Alternative, Blast, Class, Plan, Refused, Step, Target, Verdict, Way};
use crate::model::{Basis, Confidence, Created, Incident, Level, Members, Root, Status};
use crate::notify::slack::card::{Card, Mark, Shown};

pub(super) const NOW: Seconds = 1_790_644_857;
pub(super) const ID: &str = "inc-7574181439be";
const ACCOUNT: &str = "111122223333";
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

pub(super) fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

fn made(arn: String, kind: &str, region: &str) -> Created {
    let (kind, region) = (kind.to_owned(), region.to_owned());
    Created { arn, kind, region, action: String::new(), exists: true, by: String::new(), at: NOW }
}

fn resources() -> Vec<Created> {
    let mut all = vec![
        made(user("svc-monitor-865a"), "iam:user", "us-east-1"),
        made(format!("{}#AKIAEXAMPLE05RAB8W18", user("svc-monitor-865a")), "iam:access-key", "us-east-1"),
        made(format!("arn:aws:iam::{ACCOUNT}:role/lambda-exec-865a"), "iam:role", "us-east-1"),
    ];
    for region in REGIONS {
        all.push(made(format!("arn:aws:events:{region}:{ACCOUNT}:rule/tick-5705"), "events:rule", region));
        let function = |n| format!("arn:aws:lambda:{region}:{ACCOUNT}:function:worker-{n}");
        all.extend((0..5).map(|n| made(function(n), "lambda:function", region)));
    }
    all
}

pub(super) fn incident() -> Incident {
    let regions = REGIONS.join(", ");
    let narrative = [
        "The way in is credential AKIAEXAMPLECI0000001 of arn:aws:iam::111122223333:user/ci-deployer, first used for this at 2026-09-29 01:20:57 UTC from 203.0.113.220 and 203.0.113.68, where it was never used from; its usual use goes on beside this and is left out.",
        "ci-deployer made access key svc-monitor-865a#AKIAEXAMPLE05RAB8W18 and user svc-monitor-865a.",
        &format!(
            "svc-monitor-865a made 17 rules in 17 regions, role lambda-exec-865a and 85 functions in 17 regions: {regions}."
        ),
        "It burns up to $10,200 an hour at list prices: 17 regions of functions at 1,000 concurrent runs of 10,240 MB each (an estimate, prices of 2026-07-20).",
        "38 findings, the worst first: new user given a credential and administrator's rights, the same function code in many regions, one principal changes things in many regions at once, administrator's policy attached, change in a region the account does not use and 8 more.",
        "The last event is at 2026-09-29 01:45:59 UTC; all 105 things made are still there as far as the log says.",
    ];
    Incident {
        id: ID.to_owned(),
        title: "ci-deployer: new user given a credential and administrator's rights; made 85 functions and 17 rules in 17 regions".to_owned(),
        level: Level::Critical,
        status: Status::Open,
        accounts: vec![ACCOUNT.to_owned()],
        opened_at: NOW + 182,
        first_event: NOW,
        last_event: NOW + 1_502,
        root: Root {
            principal: Some(user("ci-deployer")),
            credential: Some("AKIAEXAMPLECI0000001".to_owned()),
            confidence: Confidence::Confirmed,
        },
        principals: vec![user("ci-deployer"), user("svc-monitor-865a")],
        credentials: vec!["AKIAEXAMPLE05RAB8W18".to_owned(), "AKIAEXAMPLECI0000001".to_owned()],
        resources: resources(),
        regions: REGIONS.map(str::to_owned).to_vec(),
        source_ips: vec!["203.0.113.220".to_owned(), "203.0.113.68".to_owned()],
        attack: Vec::new(),
        findings: Vec::new(),
        merged_into: None,
        burn_usd_per_hour: Some(10_200.02),
        narrative: narrative.map(str::to_owned).to_vec(),
        basis: Basis::Calls,
        members: Members::default(),
    }
}

/// One step of an action on each target of the incident that is of a kind.
fn steps(plan: &mut Plan, incident: &Incident, action: &str, kind: &str, class: Class, phase: u8) {
    for resource in incident.resources.iter().filter(|resource| resource.kind == kind) {
        let target = Target {
            kind: kind.to_owned(),
            arn: resource.arn.clone(),
            account: ACCOUNT.to_owned(),
            region: resource.region.clone(),
            id: String::new(),
            detail: BTreeMap::new(),
        };
        let name = resource.arn.rsplit(['/', ':']).next().unwrap_or_default();
        plan.steps.push(Step {
            n: u32::try_from(plan.steps.len()).unwrap() + 1,
            action: action.to_owned(),
            target,
            class,
            changes: format!("{} {name}", action.replace('-', " ")),
            undo: (class < Class::R3).then(|| "takes it back".to_owned()),
            permissions: Vec::new(),
            before: Value::Null,
            after: Value::Null,
            needs: Vec::new(),
            phase,
        });
    }
}

fn blast(name: &str, verdict: Verdict, calls_per_day: f64) -> Blast {
    let is_used = calls_per_day > 0.0;
    Blast {
        principal: user(name),
        credential: None,
        verdict,
        calls_per_day,
        last_legitimate_use: is_used.then_some(NOW + 600),
        services: if is_used { vec!["s3".to_owned(), "lambda".to_owned(), "sts".to_owned()] } else { Vec::new() },
        actions: Vec::new(),
        networks: Vec::new(),
        user_agents: Vec::new(),
        regions: Vec::new(),
        hours_of_week: Vec::new(),
        history_days: 30,
        would_have_refused: if is_used { 184 } else { 0 },
        refused_callers: Vec::new(),
        alternatives: if is_used {
            let way = |way: &str| Alternative {
                way: way.to_owned(),
                does: "less".to_owned(),
                leaves_open: "more".to_owned(),
            };
            vec![way("network"), way("key")]
        } else {
            Vec::new()
        },
    }
}

fn empty(way: Way) -> Plan {
    Plan {
        incident: ID.to_owned(),
        way,
        digest: "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(),
        made_at: NOW + 240,
        expires_at: NOW + 1_440,
        estimate_seconds: 130,
        ..Plan::default()
    }
}

/// What the playbooks that contain make of it.
pub(super) fn containment() -> Plan {
    let mut plan = empty(Way::Contain);
    let mut incident = incident();
    steps(&mut plan, &incident, "save-function", "lambda:function", Class::R0, 0);
    incident.resources.push(made(user("ci-deployer"), "iam:user", "us-east-1"));
    incident.resources.push(made(
        format!("{}#AKIAEXAMPLECI0000001", user("ci-deployer")),
        "iam:access-key",
        "us-east-1",
    ));
    for (action, kind, class, phase) in [
        ("save-identity", "iam:user", Class::R0, 0),
        ("attach-deny", "iam:user", Class::R1, 2),
        ("attach-deny", "iam:role", Class::R1, 2),
        ("deactivate-key", "iam:access-key", Class::R1, 3),
        ("stop-function", "lambda:function", Class::R1, 5),
        ("disable-rule", "events:rule", Class::R1, 6),
    ] {
        steps(&mut plan, &incident, action, kind, class, phase);
    }
    plan.blast_radius =
        vec![blast("svc-monitor-865a", Verdict::Unused, 0.0), blast("ci-deployer", Verdict::AutomationHigh, 212.4)];
    plan.refused = vec![Refused { target: "account 444455556666".to_owned(), why: "not reached".to_owned() }];
    plan.remarks = vec![
        "AWS attached AWSCompromisedKeyQuarantineV3 to user ci-deployer: it refuses some calls and does not contain it."
            .to_owned(),
        "On some days more principals called than are counted: little use of ci-deployer may be missing.".to_owned(),
    ];
    plan.people =
        vec!["Replace the credentials of ci-deployer in the pipeline, and find out how the key was lost.".to_owned()];
    plan
}

pub(super) fn taking_back() -> Plan {
    let mut plan = empty(Way::Undo);
    let incident = incident();
    steps(&mut plan, &incident, "disable-rule", "events:rule", Class::R1, 1);
    steps(&mut plan, &incident, "stop-function", "lambda:function", Class::R1, 2);
    steps(&mut plan, &incident, "attach-deny", "iam:user", Class::R1, 5);
    plan
}

pub(super) fn deletion() -> Plan {
    let mut plan = empty(Way::Contain);
    let incident = incident();
    steps(&mut plan, &incident, "save-function", "lambda:function", Class::R0, 0);
    steps(&mut plan, &incident, "delete-function", "lambda:function", Class::R3, 7);
    steps(&mut plan, &incident, "delete-rule", "events:rule", Class::R3, 7);
    steps(&mut plan, &incident, "delete-user", "iam:user", Class::R3, 7);
    plan
}

pub(super) fn person(name: &str, slack: Option<&str>) -> Person {
    let slack = slack.map(|id| SlackUser { team: "T0123ABCD".to_owned(), id: id.to_owned() });
    Person { name: name.to_owned(), os_user: String::new(), caller: None, slack }
}

pub(super) fn vote(id: &str) -> Vote {
    Vote { person: person(id, Some(id)), at: NOW + 300, why: None }
}

/// The record of a plan that Stakeout made by itself.
pub(super) fn planned(plan: &Plan, stage: Stage, votes: Vec<Vote>) -> Planned {
    Planned {
        incident: plan.incident.clone(),
        way: plan.way,
        class: plan.class(),
        steps: plan.steps.len(),
        attempt: 0,
        made_at: plan.made_at,
        expires_at: plan.expires_at,
        requested_by: person("stakeout", None),
        votes,
        ended_at: matches!(stage, Stage::Ended { .. }).then_some(NOW + 500),
        stage,
        journal_from: 0,
        undoes: None,
        denied_by: None,
        done: 0,
        remains: Vec::new(),
    }
}

pub(super) fn shown<'c>(plan: &'c Plan, planned: &'c Planned, people_needed: u32) -> Shown<'c> {
    Shown { plan, planned, people_needed, people_agreed: u32::try_from(planned.votes.len()).unwrap() }
}

pub(super) fn names() -> BTreeMap<String, String> {
    BTreeMap::from([(ACCOUNT.to_owned(), "prod".to_owned())])
}

pub(super) fn card<'c>(incident: &'c Incident, account_names: &'c BTreeMap<String, String>) -> Card<'c> {
    Card {
        incident,
        revision: 3,
        closed: None,
        account_names,
        plan: None,
        last: None,
        unplanned: None,
        stuck: None,
        can_undo: false,
        has_deciders: true,
        self_approval: true,
        mark: Mark::Real,
    }
}
