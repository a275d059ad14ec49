//! Every state of the founding story's message, a block a line.

use super::super::{Words, answer, card, gap, list, reply, steps};
use super::night::{self, containment, deletion, incident, names, planned, shown, taking_back, vote};
use crate::model::approval::{Planned, Stage};
use crate::model::plan::Plan;
use crate::model::{Finding, Level, Status};
use crate::notify::slack::card::{Card, Mark};
use crate::store::watched::{Closed, Resolution};

/// Its text, then a block a line.
fn lines(words: &Words) -> String {
    let blocks = words.blocks.iter().map(|block| serde_json::to_string(block).unwrap());
    std::iter::once(words.text.clone()).chain(blocks).collect::<Vec<_>>().join("\n")
}

fn check(name: &str, words: &Words) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, lines(words));
    });
}

/// The message of the story under a status, with a plan in a place.
fn told(status: Status, change: impl FnOnce(&mut Card<'_>)) -> Words {
    let (incident, names) = (crate::model::Incident { status, ..incident() }, names());
    let mut told = night::card(&incident, &names);
    // The lifetime of what a state adds ends with this call.
    change(&mut told);
    card(&told, &incident.id)
}

/// With a plan that waits or runs.
fn with(status: Status, plan: &Plan, planned: &Planned, people: u32) -> Words {
    let (incident, names) = (crate::model::Incident { status, ..incident() }, names());
    let mut told = night::card(&incident, &names);
    told.plan = Some(shown(plan, planned, people));
    told.can_undo = status == Status::Contained;
    card(&told, &incident.id)
}

/// With a plan that came to its end.
fn after(status: Status, plan: &Plan, planned: &Planned) -> Words {
    let (incident, names) = (crate::model::Incident { status, ..incident() }, names());
    let mut told = night::card(&incident, &names);
    told.last = Some(shown(plan, planned, 1));
    told.can_undo = status == Status::Contained || !planned.remains.is_empty();
    card(&told, &incident.id)
}

fn running() -> Stage {
    Stage::Running { holder: "serve".to_owned(), until: night::NOW + 400 }
}

#[test]
fn slack_says_what_waits_for_people() {
    check("planless", &told(Status::Open, |_| {}));
    check(
        "unplanned",
        &told(Status::Open, |card| card.unplanned = Some("AWS refused iam:GetUser <!channel>: throttled")),
    );
    let plan = containment();
    let pending = planned(&plan, Stage::Pending, Vec::new());
    check("pending", &with(Status::Open, &plan, &pending, 1));
    check(
        "pending-one-of-two",
        &with(Status::Open, &plan, &planned(&plan, Stage::Pending, vec![vote("U0ANN00001")]), 2),
    );
    check("expired", &with(Status::Open, &plan, &planned(&plan, Stage::Expired, Vec::new()), 1));
    let (back, delete) = (taking_back(), deletion());
    let asked = Planned {
        requested_by: night::person("U0BOB00002", Some("U0BOB00002")),
        ..planned(&back, Stage::Pending, Vec::new())
    };
    check("pending-undo", &with(Status::Contained, &back, &asked, 1));
    let (incident, names) = (incident(), names());
    let mut barred = night::card(&incident, &names);
    (barred.plan, barred.self_approval) = (Some(shown(&back, &asked, 1)), false);
    let told = serde_json::to_string(&card(&barred, &incident.id).blocks).unwrap();
    assert!(told.contains("<@U0BOB00002> asked for it, so somebody else must approve it."), "{told}");
    check(
        "pending-delete",
        &with(Status::Contained, &delete, &planned(&delete, Stage::Pending, vec![vote("U0ANN00001")]), 2),
    );
}

#[test]
fn slack_says_what_is_being_done() {
    let plan = containment();
    check("approved", &with(Status::Open, &plan, &planned(&plan, Stage::Approved, vec![vote("U0ANN00001")]), 1));
    let mut by_name = vote("U0ANN00001");
    by_name.person = night::person("ann `*<@U1>*`", None);
    check("approved-outside", &with(Status::Open, &plan, &planned(&plan, Stage::Approved, vec![by_name]), 1));
    let (incident, names, pending) = (incident(), names(), planned(&plan, Stage::Approved, vec![vote("U0ANN00001")]));
    let mut stuck = night::card(&incident, &names);
    stuck.plan = Some(shown(&plan, &pending, 1));
    stuck.stuck = Some("role stakeout-responder cannot be assumed <!channel>: AccessDenied");
    check("stuck", &card(&stuck, &incident.id));
    let run = Planned { done: 71, ..planned(&plan, running(), vec![vote("U0ANN00001"), vote("U0BOB00002")]) };
    check("running", &with(Status::Open, &plan, &run, 1));
}

#[test]
fn slack_says_what_came_of_it() {
    let plan = containment();
    let votes = || vec![vote("U0ANN00001")];
    check("contained", &after(Status::Contained, &plan, &planned(&plan, Stage::Ended { holds: true }, votes())));
    let remains = vec!["function worker-3 in sa-east-1 is still running: throttled".to_owned()];
    let part = Planned { remains, done: 90, ..planned(&plan, Stage::Ended { holds: false }, votes()) };
    check("failed-in-part", &after(Status::Open, &plan, &part));
    let remains = vec!["step 3, attach-deny of arn:aws:iam::111122223333:user/ci-deployer: it changed".to_owned()];
    let void = Planned { remains, ..planned(&plan, Stage::Ended { holds: false }, votes()) };
    check("void", &after(Status::Open, &plan, &void));
    let later = after(Status::Contained, &plan, &void);
    assert!(later.text.starts_with("Contained, critical: "), "it is as contained as before: {}", later.text);
    let denied_by = Some(night::person("U0ANN00001", Some("U0ANN00001")));
    let denied = crate::model::approval::Planned { denied_by, ..planned(&plan, Stage::Denied, Vec::new()) };
    check("denied", &after(Status::Open, &plan, &denied));
    let (back, delete) = (taking_back(), deletion());
    check("undone", &after(Status::Open, &back, &planned(&back, Stage::Ended { holds: true }, votes())));
    check("deleted", &after(Status::Contained, &delete, &planned(&delete, Stage::Ended { holds: true }, votes())));
}

#[test]
fn slack_says_that_it_is_over() {
    let closed = Closed {
        at: night::NOW + 700,
        resolution: Resolution::Benign,
        by: "U0ANN00001".to_owned(),
        why: "a load test *of ours*".to_owned(),
    };
    let (incident, names) = (crate::model::Incident { status: Status::Closed, ..incident() }, names());
    let mut told = night::card(&incident, &names);
    told.closed = Some(&closed);
    check("closed", &card(&told, &incident.id));
    let back = taking_back();
    let pending = planned(&back, Stage::Pending, Vec::new());
    (told.plan, told.can_undo) = (Some(shown(&back, &pending, 1)), true);
    check("closed-pending-undo", &card(&told, &incident.id));
    let plan = containment();
    let pending = planned(&plan, Stage::Pending, Vec::new());
    told.plan = Some(shown(&plan, &pending, 1));
    let text = serde_json::to_string(&card(&told, &incident.id).blocks).unwrap();
    assert!(!text.contains(&plan.digest), "nothing is contained after it was closed");
    let merged = crate::model::Incident { merged_into: Some("inc-000000000001".to_owned()), ..incident };
    check("merged", &card(&night::card(&merged, &names), &merged.id));
}

#[test]
fn slack_shows_a_drill_whose_buttons_do_nothing() {
    let (plan, incident, names) = (containment(), incident(), names());
    let pending = planned(&plan, Stage::Pending, Vec::new());
    let mut told = night::card(&incident, &names);
    told.plan = Some(shown(&plan, &pending, 1));
    told.mark = Mark::Drill;
    let words = card(&told, &incident.id);
    check("drill", &words);
    let text = serde_json::to_string(&words.blocks).unwrap();
    assert!(!text.contains(&plan.digest), "a drill's button names no plan");
}

#[test]
fn slack_replies_lists_and_answers() {
    let plan = containment();
    let pending = planned(&plan, Stage::Pending, Vec::new());
    check("steps", &steps(&shown(&plan, &pending, 1)));
    check("answer", &answer("You may not approve: <@U1> is not among the approvers."));
    check(
        "reply",
        &reply(&["12 more functions in sa-east-1".to_owned(), "the level rose to critical".to_owned()], "due-1"),
    );
    let lines: Vec<_> = (1..=200).map(|n| format!("notice {n}: a region was enabled by *somebody*")).collect();
    check("list", &list("Digest of 28 September", &lines, "due-2"));
    let finding: Finding = serde_json::from_value(serde_json::json!({
        "id": "fnd-1", "detector": "trail-stopped", "title": "A trail does not log", "level": "high", "notice": false,
        "time": "2026-09-29T01:20:57Z", "account": "111122223333", "region": "us-east-1", "principal": null,
        "credential": null, "source_ip": null, "event_ids": [], "attack": [], "reasons": ["logging was stopped"],
        "incident": null,
    }))
    .unwrap();
    assert_eq!(finding.level, Level::High);
    check("gap", &gap(&[finding], "gap-1"));
}
