//! From an incident to a plan and back, without a network.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::action::{Observed, by_name};
use super::compile::{Frame, Wanted, contain, outstanding, undo};
use super::guard::Guard;
use super::playbook::{Playbook, all, chosen};
use super::subject::{Choice, Hold, Subject, subjects};
use super::survey::{Found, Survey};
use crate::journal::{Entry, Line, Tip};
use crate::model::plan::{Plan, Step, Target};
use crate::model::{Basis, Confidence, Created, Incident, Level, Member, Members, Root, Status};

const ACCOUNT: &str = "111122223333";
const NOW: i64 = 1_790_000_000;

fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn made(arn: &str, kind: &str, region: &str) -> Created {
    let action = if kind == "lambda:function" { "lambda:CreateFunction" } else { "iam:CreateUser" }.to_owned();
    let (arn, kind, region) = (arn.to_owned(), kind.to_owned(), region.to_owned());
    Created { arn, kind, region, action, exists: true, by: String::new(), at: NOW }
}

fn member(arn: &str, credential: &str, session: Option<&str>, minted: bool) -> Member {
    let session = session.map(str::to_owned);
    Member { arn: arn.to_owned(), key: None, credential: Some(credential.to_owned()), session, minted }
}

/// A leaked key made a user, the user a function, and a second key for somebody else.
fn incident() -> Incident {
    let callers = BTreeSet::from([
        member(&user("ci"), "AKIAEXAMPLECI0000001", None, false),
        member(&user("x"), "AKIAEXAMPLEBAD000001", None, true),
        member(&user("x"), "AKIAEXAMPLEBAD000001", None, false),
        member(&role("deploy"), "ASIAEXAMPLESESSION01", Some("AROAEXAMPLE:night"), true),
        member(&format!("arn:aws:sts::{ACCOUNT}:federated-user/f"), "ASIAEXAMPLEFEDERATED", None, true),
        member(&user("backup-bot"), "AKIAEXAMPLEHIDDEN001", None, false),
        member(&format!("arn:aws:iam::{ACCOUNT}:root"), "AKIAEXAMPLEROOT00001", None, false),
    ]);
    Incident {
        id: "inc-1".to_owned(),
        title: "a night".to_owned(),
        level: Level::Critical,
        status: Status::Open,
        accounts: vec![ACCOUNT.to_owned()],
        opened_at: NOW,
        first_event: NOW,
        last_event: NOW,
        root: Root {
            principal: Some(user("ci")),
            credential: Some("AKIAEXAMPLECI0000001".to_owned()),
            confidence: Confidence::Confirmed,
        },
        principals: vec![user("ci"), user("x"), user("backup-bot")],
        credentials: vec!["AKIAEXAMPLECI0000001".to_owned(), "AKIAEXAMPLEBAD000001".to_owned()],
        resources: vec![
            made(&user("x"), "iam:user", "us-east-1"),
            made(&format!("{}#AKIAEXAMPLEBAD000001", user("x")), "iam:access-key", "us-east-1"),
            made(&format!("{}#AKIAEXAMPLEHIDDEN001", user("backup-bot")), "iam:access-key", "us-east-1"),
            made("arn:aws:lambda:sa-east-1:111122223333:function:f", "lambda:function", "sa-east-1"),
        ],
        regions: vec!["sa-east-1".to_owned()],
        source_ips: vec!["203.0.113.66".to_owned()],
        attack: Vec::new(),
        findings: Vec::new(),
        merged_into: None,
        burn_usd_per_hour: None,
        narrative: Vec::new(),
        basis: Basis::Calls,
        members: Members { callers, ..Members::default() },
    }
}

fn held(narrow: Option<Hold>, is_shared: bool) -> BTreeMap<String, (Hold, bool, usize)> {
    let choice =
        Choice { narrow, is_shared: &|_| is_shared, usual_networks: &|_| BTreeSet::from(["192.0.2.0/24".to_owned()]) };
    let (subjects, _) = subjects(&incident(), &choice);
    let told = |subject: Subject| (subject.name().to_owned(), (subject.hold, subject.made, subject.credentials.len()));
    subjects.into_iter().filter(|subject| subject.kind.starts_with("iam:")).map(told).collect()
}

#[test]
fn each_principal_is_cut_off_as_far_as_it_is_the_attackers() {
    let whole = held(None, false);
    let expected = [
        ("backup-bot", (Hold::Credentials, false, 1)),
        ("ci", (Hold::Whole, false, 1)),
        ("deploy", (Hold::Whole, false, 1)),
        ("x", (Hold::Whole, true, 1)),
    ];
    assert_eq!(whole, expected.into_iter().map(|(name, hold)| (name.to_owned(), hold)).collect());
    let narrow = held(Some(Hold::Networks), true);
    assert_eq!(narrow["ci"].0, Hold::Networks);
    assert_eq!(narrow["x"].0, Hold::Whole, "what the incident made has no other use");
    assert_eq!(narrow["deploy"].0, Hold::Sessions, "others use the role");
    assert_eq!(narrow["backup-bot"].0, Hold::Credentials);
    let (_, refused) =
        subjects(&incident(), &Choice { narrow: None, is_shared: &|_| false, usual_networks: &|_| BTreeSet::new() });
    assert_eq!(refused.len(), 1);
    assert!(refused[0].target.ends_with(":root"));
}

#[test]
fn a_bill_alone_cuts_nobody_off() {
    let bill = Incident { basis: Basis::Bill, resources: Vec::new(), ..incident() };
    let choice = Choice { narrow: None, is_shared: &|_| false, usual_networks: &|_| BTreeSet::new() };
    let (subjects, refused) = subjects(&bill, &choice);
    assert_eq!(subjects.iter().map(|subject| subject.kind.as_str()).collect::<Vec<_>>(), ["account"]);
    assert!(refused.is_empty());
}

#[test]
fn playbooks_name_what_there_is() {
    let all = all().unwrap();
    assert!(all.iter().any(|playbook| playbook.name == "quarantine-principal"));
    assert!(chosen(&[]).unwrap().iter().all(|playbook| !playbook.on_request));
    chosen(&["eradicate".to_owned(), "freeze-functions".to_owned()]).unwrap_err();
    let refuse = |steps: &str| {
        let text = format!("name: p\ntitle: t\ndescription: d\nsteps: {steps}\n");
        format!("{:#}", Playbook::read("playbooks/p.yml", &text).unwrap_err())
    };
    assert!(refuse("[{action: nuke, on: [iam:user]}]").contains("there is no action \"nuke\""));
    assert!(refuse("[{action: stop-function, on: [iam:user]}]").contains("does not act on \"iam:user\""));
    assert!(refuse("[{action: delete-function, on: [lambda:function]}]").contains("cannot be in one playbook"));
    assert!(refuse("[{action: stop-function, on: [lambda:function], force: true}]").contains("force"));
    assert!(refuse("[]").contains("no steps"));
    let misnamed = "name: q\ntitle: t\ndescription: d\nsteps: [{action: stop-function, on: [lambda:function]}]\n";
    assert!(Playbook::read("playbooks/p.yml", misnamed).is_err());
}

fn found(subject: usize, action: &str, arn: &str, region: &str, state: Value) -> Found {
    let kind = if arn.contains(":lambda:") { "lambda:function" } else { "iam:user" };
    let target = Target {
        kind: kind.to_owned(),
        arn: arn.to_owned(),
        account: ACCOUNT.to_owned(),
        region: region.to_owned(),
        id: String::new(),
        detail: BTreeMap::new(),
    };
    Found { subject, action: by_name(action).unwrap(), target, observed: Observed { id: "id".to_owned(), state } }
}

/// What a survey of a user and some functions finds.
fn finds(functions: usize) -> Vec<Found> {
    let (user, key) = (user("x"), format!("{}#AKIAEXAMPLEBAD000001", user("x")));
    let mut all = vec![
        found(0, "save-identity", &user, "us-east-1", json!({ "saved": false })),
        found(0, "attach-deny", &user, "us-east-1", json!({ "attached": false, "inline": false, "denied": false })),
        found(0, "deactivate-key", &key, "us-east-1", json!({ "status": "Active" })),
    ];
    for n in 0..functions {
        let region = ["sa-east-1", "us-east-1", "eu-west-3"][n % 3];
        let arn = format!("arn:aws:lambda:{region}:{ACCOUNT}:function:f-{n}");
        all.push(found(n + 1, "save-function", &arn, region, json!({ "saved": false })));
        all.push(found(n + 1, "stop-function", &arn, region, json!({ "reserved": null })));
    }
    all
}

fn compiled(found: Vec<Found>, attempt: u32, now: i64) -> Plan {
    let (guard, incident) = (Guard { most_targets: 1_000, ..Guard::default() }, incident());
    let frame = Frame { incident: &incident, guard: &guard, held_by: BTreeMap::new(), attempt, now, expires: 1_200 };
    contain(&frame, &chosen(&[]).unwrap(), &[], Survey { found, ..Survey::default() }, Vec::new()).unwrap()
}

#[test]
fn evidence_comes_first_and_denial_before_keys() {
    let plan = compiled(finds(3), 0, NOW);
    let position = |action: &str| plan.steps.iter().position(|step| step.action == action).unwrap();
    assert!(plan.steps.iter().take_while(|step| !step.is_change()).count() == 4);
    assert!(position("attach-deny") < position("deactivate-key"));
    for step in plan.steps.iter().filter(|step| step.action == "stop-function") {
        let needed: Vec<_> = plan.steps.iter().filter(|other| step.needs.contains(&other.n)).collect();
        assert_eq!(needed.len(), 1, "the evidence of the same function");
        assert_eq!((needed[0].action.as_str(), &needed[0].target.arn), ("save-function", &step.target.arn));
    }
    assert!(plan.steps.iter().zip(1..).all(|(step, n)| step.n == n));
}

#[test]
fn what_holds_already_is_no_step_and_too_much_is_no_plan() {
    let still = vec![
        found(
            0,
            "save-function",
            "arn:aws:lambda:sa-east-1:111122223333:function:f",
            "sa-east-1",
            json!({ "saved": false }),
        ),
        found(
            0,
            "stop-function",
            "arn:aws:lambda:sa-east-1:111122223333:function:f",
            "sa-east-1",
            json!({ "reserved": 0 }),
        ),
    ];
    assert!(compiled(still, 0, NOW).steps.is_empty());
    let (guard, incident) = (Guard { most_targets: 3, ..Guard::default() }, incident());
    let frame =
        Frame { incident: &incident, guard: &guard, held_by: BTreeMap::new(), attempt: 0, now: NOW, expires: 1_200 };
    let survey = Survey { found: finds(3), ..Survey::default() };
    let refused = contain(&frame, &chosen(&[]).unwrap(), &[], survey, Vec::new()).unwrap_err();
    assert!(refused.to_string().contains("5 targets"), "{refused}");
}

/// The journal of a plan of which some steps were begun, and some of these done.
fn journal(plan: &Plan, done: impl Fn(&Step) -> (bool, bool)) -> Vec<Entry> {
    let mut entries = Vec::new();
    for step in &plan.steps {
        let (begun, done) = done(step);
        let kinds = [("step.started", Value::Null, begun), ("step.done", json!("done"), begun && done)];
        for (kind, end, _) in kinds.into_iter().filter(|(.., told)| *told) {
            let detail = json!({ "plan": plan.digest, "n": step.n, "end": end });
            entries.push(Entry::new(kind, Some(&plan.incident), detail));
        }
    }
    entries
}

fn lines(entries: Vec<Entry>) -> Vec<Line> {
    Tip::default().extend(NOW, entries).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_things_make_the_same_plan(functions in 0_usize..20, seed in any::<u64>(), later in 0_i64..100_000) {
        let plan = compiled(finds(functions), 0, NOW);
        let mut shuffled = finds(functions);
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        let again = compiled(shuffled, 0, NOW + later);
        prop_assert_eq!(&plan.steps, &again.steps);
        prop_assert_eq!(&plan.digest, &again.digest, "time alone changes no digest");
        prop_assert_ne!(plan.digest, compiled(finds(functions), 1, NOW).digest, "a plan that ended is not this one");
    }

    #[test]
    fn undo_takes_back_what_was_begun_and_nothing_else(functions in 1_usize..12, begun in any::<u32>(), done in any::<u32>()) {
        let plan = compiled(finds(functions), 0, NOW);
        let bit = |bits: u32, n: u32| bits >> (n % 32) & 1 == 1;
        let entries = journal(&plan, |step| (bit(begun, step.n), bit(done, step.n)));
        let plans = BTreeMap::from([(plan.digest.clone(), plan.clone())]);
        let changes = outstanding(&lines(entries.clone()), &plans);
        let expected = plan.steps.iter().filter(|step| step.is_change() && bit(begun, step.n)).count();
        prop_assert_eq!(changes.len(), expected);

        // What was done is as it was to be, what was only begun may be either.
        let (guard, incident) = (Guard::default(), incident());
        let frame = Frame { incident: &incident, guard: &guard, held_by: BTreeMap::new(), attempt: 1, now: NOW, expires: 1_200 };
        let read = |step: &Step| match (bit(done, step.n), step.action.as_str()) {
            (true, "attach-deny") => json!({ "attached": true, "inline": false, "denied": true }),
            (true, _) => step.after.clone(),
            (false, _) => step.before.clone(),
        };
        let observed = changes.into_iter().map(|change| {
            let observed = Observed { id: change.step.target.id.clone(), state: read(&change.step) };
            (change, Ok(observed))
        });
        let back = undo(&frame, Wanted { step: None, reactivate_keys: true }, observed.collect());
        prop_assert!(back.refused.is_empty(), "{:?}", back.refused);
        for step in &back.steps {
            let planned = plan.steps.iter().find(|known| known.action == step.action && known.target == step.target).unwrap();
            prop_assert_eq!(&step.after, &planned.before);
            prop_assert!(bit(begun, planned.n) && bit(done, planned.n));
        }
        // Once the undo is done, nothing is left to take back.
        let mut all = entries;
        all.extend(journal(&back, |_| (true, true)));
        let plans = BTreeMap::from([(plan.digest.clone(), plan.clone()), (back.digest.clone(), back)]);
        let left = outstanding(&lines(all), &plans);
        prop_assert!(left.iter().all(|change| !bit(done, change.step.n)));
    }
}

#[test]
fn a_key_that_the_incident_names_stays_inactive() {
    let plan = compiled(finds(1), 0, NOW);
    let plans = BTreeMap::from([(plan.digest.clone(), plan.clone())]);
    let changes = outstanding(&lines(journal(&plan, |_| (true, true))), &plans);
    let (guard, incident) = (Guard::default(), incident());
    let frame =
        Frame { incident: &incident, guard: &guard, held_by: BTreeMap::new(), attempt: 1, now: NOW, expires: 1_200 };
    let observe = |wanted: Wanted, state: fn(&Step) -> Value| {
        let read = changes.iter().cloned().map(|change| {
            let observed = Observed { id: "id".to_owned(), state: state(&change.step) };
            (change, Ok(observed))
        });
        undo(&frame, wanted, read.collect())
    };
    let done: fn(&Step) -> Value = |step| match step.action.as_str() {
        "attach-deny" => json!({ "attached": true, "inline": false, "denied": true }),
        _ => step.after.clone(),
    };
    let plain = observe(Wanted::default(), done);
    assert!(plain.steps.iter().all(|step| step.action != "deactivate-key"));
    assert!(plain.refused[0].why.contains("--reactivate-keys"));
    let with_keys = observe(Wanted { step: None, reactivate_keys: true }, done);
    assert_eq!(with_keys.steps.len(), 3);
    let one = plan.steps.iter().find(|step| step.action == "stop-function").unwrap().n;
    assert_eq!(observe(Wanted { step: Some(one), reactivate_keys: false }, done).steps.len(), 1);
    // Somebody set the concurrency to 7 meanwhile.
    let changed = observe(Wanted { step: Some(one), reactivate_keys: false }, |_| json!({ "reserved": 7 }));
    assert!(changed.steps.is_empty());
    assert!(changed.refused[0].why.contains("somebody changed it"));
}
