//! What clicks come to.

use super::*;
use crate::approve;
use crate::desk::clicks::{Decided, Job, MOST, Task, decide};
use crate::desk::shown::{fingerprint, runnable, view};
use crate::desk::work::{self, Outcome};
use crate::model::click::{Aim, Button, Click, SlackUser};
use crate::model::plan::Plan;
use crate::store::board::Post;

const DIGEST: &str = "0123456789abcdef";

fn click(n: usize, user: &str, button: Button) -> Click {
    Click {
        id: format!("click-{n}"),
        user: SlackUser { team: "T1".to_owned(), id: user.to_owned() },
        button,
        channel: Some("C0INCIDENT".to_owned()),
        message: Some("1.0".to_owned()),
        response_url: Some(format!("http://127.0.0.1:1/respond/{n}")),
    }
}

fn approval(digest: &str) -> Button {
    Button::Approve { incident: "inc-1".to_owned(), digest: digest.to_owned() }
}

/// The message that clicks are in.
fn post() -> Post {
    Post { channel: "C0INCIDENT".to_owned(), ts: Some("1.0".to_owned()), ..Post::default() }
}

/// An incident with a plan that waits.
async fn scene(path: &std::path::Path, class: Class) -> State<Sqlite> {
    let mut state = open(path).await;
    incident(&mut state, "inc-1", 1, &[]).await;
    alter(&mut state, |head| {
        head.watch.plans.insert(DIGEST.to_owned(), Planned { class, ..planned("inc-1", NOW, Stage::Pending) });
        head.watch.slack.posts.insert("inc-1".to_owned(), post());
    })
    .await;
    state.put_plan(DIGEST, b"{}").await.unwrap();
    state
}

/// What one person is told.
async fn press(state: &mut State<Sqlite>, desk: &Desk<'_, Fake>, user: &str, button: Button) -> (String, Vec<Job>) {
    static PRESSES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1_000_000);
    let number = PRESSES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let Decided { answers, jobs } = decide(state, desk, &[click(number, user, button)]).await;
    assert_eq!(answers.len(), 1);
    (answers[0].words.text.clone(), jobs)
}

#[test]
fn a_thousand_slack_clicks_run_one_plan_and_are_all_answered() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1", "U2"]));
        let (mut state, desk) = (scene(path, Class::R2).await, desk(&fake, &config, "one"));
        let clicks: Vec<Click> = (0..1_000).map(|n| click(n, &format!("U{}", n % 50), approval(DIGEST))).collect();
        let mut answers = Vec::new();
        for batch in clicks.chunks(MOST) {
            answers.extend(decide(&mut state, &desk, batch).await.answers);
        }
        let urls: std::collections::BTreeSet<_> = answers.iter().map(|answer| answer.response_url.clone()).collect();
        assert_eq!((answers.len(), urls.len()), (1_000, 1_000), "each is answered");
        let yes = answers.iter().filter(|answer| answer.words.text.contains("It runs now")).count();
        assert_eq!(yes, 4, "two people, each told the same twice in one go");
        let waiting = runnable(&state.head().watch, clock());
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].digest.as_str(), waiting[0].is_undo), (DIGEST, false));
        let lines = state.journal().await.unwrap().0;
        let of = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
        assert_eq!(of("plan.approved"), 2, "agreeing to what is approved changes nothing");
        assert_eq!(of("approval.refused"), 50 * 10 - 2, "every refused person is journalled, once for each write");
        let presses = |line: &&crate::journal::Line| line.detail["presses"].as_u64() == Some(2);
        assert_eq!(lines.iter().filter(presses).count(), 50 * 10 - 2, "and how often they pressed");
        let told = lines.iter().find(|line| line.kind == "plan.approved").unwrap();
        assert_eq!(told.detail["by"]["slack"]["id"], "U1");
        // Whoever comes first has it; a second one finds that it runs.
        let first = alter_begin(&mut state, "one").await;
        let second = alter_begin(&mut state, "two").await;
        assert!(first.is_ok() && second.is_err());
        assert!(runnable(&state.head().watch, clock()).is_empty());
        assert_eq!(runnable(&state.head().watch, clock() + 60).len(), 1, "its runner died");
    });
}

async fn alter_begin(state: &mut State<Sqlite>, holder: &str) -> Result<approve::Permit, String> {
    let mut said = None;
    alter(state, |head| said = Some(approve::begin(&mut head.watch.plans, DIGEST, holder, 15, clock()).said)).await;
    said.unwrap()
}

#[test]
fn two_people_delete_for_good() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1", "S0TEAM"]));
        fake.groups.borrow_mut().insert("S0TEAM".to_owned(), vec!["U2".to_owned()]);
        let (mut state, desk) = (scene(path, Class::R3).await, desk(&fake, &config, "one"));
        assert!(press(&mut state, &desk, "U1", approval(DIGEST)).await.0.contains("One more person"));
        assert!(press(&mut state, &desk, "U1", approval(DIGEST)).await.0.contains("already"));
        assert!(runnable(&state.head().watch, clock()).is_empty());
        assert!(press(&mut state, &desk, "U2", approval(DIGEST)).await.0.contains("It runs now"));
        assert_eq!(runnable(&state.head().watch, clock()).len(), 1);
        assert_eq!(fake.count("members"), 1, "it is kept who is in a group");
        assert!(press(&mut state, &desk, "U9", approval(DIGEST)).await.0.contains("not among"));
    });
}

#[test]
fn a_group_that_cannot_be_read_lets_nobody_in() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["S0TEAM"]));
        let (mut state, desk) = (scene(path, Class::R1).await, desk(&fake, &config, "one"));
        for button in [approval(DIGEST), Button::Rehearse] {
            let said = press(&mut state, &desk, "U2", button).await.0;
            assert!(said.contains("not among") && said.contains("User group S0TEAM could not be read"), "{said}");
        }
        assert_eq!(fake.count("members"), 1, "a group that failed is left alone for a moment");
        fake.groups.borrow_mut().insert("S0TEAM".to_owned(), vec!["U2".to_owned()]);
        wait(6).await;
        assert!(press(&mut state, &desk, "U2", approval(DIGEST)).await.0.contains("runs"));
    });
}

#[test]
fn clicks_that_are_refused_change_nothing_and_are_journalled() {
    play(async |path| {
        let (fake, nobody, config) = (Fake::default(), config(&[]), config(&["U1"]));
        let (mut state, closed) = (scene(path, Class::R1).await, desk(&fake, &nobody, "one"));
        let desk = desk(&fake, &config, "one");
        let id = || "inc-1".to_owned();
        assert!(press(&mut state, &closed, "U1", approval(DIGEST)).await.0.contains("name no approvers"));
        let buttons = [
            (approval("ffff"), "U1", "no such plan"),
            (Button::Approve { incident: "inc-9".to_owned(), digest: DIGEST.to_owned() }, "U1", "no incident"),
            (Button::Deny { incident: id(), digest: DIGEST.to_owned() }, "U9", "not among"),
            (Button::Plan { incident: id(), aim: Aim::Undo }, "U9", "not among"),
            (Button::Close { incident: id(), revision: 1 }, "U9", "not among"),
            (Button::Close { incident: id(), revision: 7 }, "U1", "changed since"),
        ];
        let before = (state.head().watch.incidents.clone(), state.head().watch.plans.clone());
        for (button, user, why) in buttons {
            let refused = kinds(&state).await.iter().filter(|kind| *kind == "approval.refused").count();
            let (said, jobs) = press(&mut state, &desk, user, button.clone()).await;
            assert!(said.contains(why) && jobs.is_empty(), "{button:?}: {said}");
            let kinds = kinds(&state).await;
            assert_eq!(kinds.iter().filter(|kind| *kind == "approval.refused").count(), refused + 1, "{button:?}");
        }
        assert_eq!(before, (state.head().watch.incidents.clone(), state.head().watch.plans.clone()));
        let lines = state.journal().await.unwrap().0.len();
        assert!(press(&mut state, &desk, "U9", Button::Rehearse).await.0.contains("You may not"));
        assert!(press(&mut state, &desk, "U1", Button::Rehearse).await.0.contains("You may approve"));
        let show = Button::Show { incident: id(), digest: DIGEST.to_owned() };
        assert!(press(&mut state, &desk, "U9", show).await.0.contains("no such plan"), "it is not stored");
        assert_eq!(state.journal().await.unwrap().0.len(), lines);
    });
}

#[test]
fn what_approvers_press_is_done() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1", "U2"]));
        let (mut state, desk) = (scene(path, Class::R1).await, desk(&fake, &config, "one"));
        let id = || "inc-1".to_owned();
        let (_, jobs) = press(&mut state, &desk, "U1", Button::Plan { incident: id(), aim: Aim::Undo }).await;
        assert!(matches!(&jobs[..], [Job { task: Task::Plan { aim: Aim::Undo, .. }, .. }]));
        let asked = state.journal().await.unwrap().0.into_iter().find(|line| line.kind == "plan.asked").unwrap();
        assert_eq!((&asked.detail["aim"], &asked.detail["by"]["slack"]["id"]), (&json!("undo"), &json!("U1")));
        // An expired plan is made anew, for whoever may approve it.
        wait(1_201).await;
        let (said, jobs) = press(&mut state, &desk, "U2", approval(DIGEST)).await;
        assert!(said.contains("expired") && matches!(&jobs[..], [Job { task: Task::Renew { .. }, .. }]), "{said}");
        assert!(press(&mut state, &desk, "U9", approval(DIGEST)).await.1.is_empty());
        alter(&mut state, |head| {
            head.watch.plans.insert("aaaa".to_owned(), planned("inc-1", NOW + 1_300, Stage::Pending));
        })
        .await;
        let shown = fingerprint(&state.head().watch, "inc-1");
        let deny = Button::Deny { incident: id(), digest: "aaaa".to_owned() };
        assert!(press(&mut state, &desk, "U2", deny).await.0.contains("denied"));
        let head = &state.head().watch;
        let last = view(head, "inc-1").last.unwrap();
        assert_eq!((last.0, last.1.denied_by.clone()), ("aaaa", Some(person("U2"))));
        assert_ne!(fingerprint(head, "inc-1"), shown);
        let close = Button::Close { incident: id(), revision: 1 };
        assert!(press(&mut state, &desk, "U1", close.clone()).await.0.contains("closed inc-1"));
        assert!(press(&mut state, &desk, "U1", close).await.0.contains("closed already"));
        let head = &state.head().watch;
        assert_eq!(head.incidents["inc-1"].status, Status::Closed);
        assert!(head.due.is_empty(), "nobody is told any more");
        assert_eq!(head.incidents["inc-1"].closed.as_ref().unwrap().by, "U1");
    });
}

/// A plan as it is stored.
async fn stored(state: &State<Sqlite>, attempt: u32, playbook: &str) -> Plan {
    let plan = Plan {
        incident: "inc-1".to_owned(),
        way: Way::Contain,
        digest: String::new(),
        attempt,
        made_at: clock(),
        expires_at: clock() + 1_200,
        playbooks: vec![playbook.to_owned()],
        scope: String::new(),
        principals: Vec::new(),
        steps: Vec::new(),
        blast_radius: Vec::new(),
        credentials: Vec::new(),
        refused: Vec::new(),
        people: Vec::new(),
        remarks: Vec::new(),
        estimate_seconds: 1,
    };
    let plan = plan.sealed();
    state.put_plan(&plan.digest, &serde_json::to_vec(&plan).unwrap()).await.unwrap();
    plan
}

#[test]
fn clicks_on_an_expired_plan_count_together_for_the_one_new_plan() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1", "U2"]));
        let (mut state, desk) = (scene(path, Class::R3).await, desk(&fake, &config, "one"));
        let old = stored(&state, 0, "cut-off").await;
        alter(&mut state, |head| {
            _ = head.watch.plans.insert(old.digest.clone(), planned("inc-1", NOW, Stage::Pending))
        })
        .await;
        wait(1_201).await;
        let clicks: Vec<Click> = (0..90).map(|n| click(n, &format!("U{}", n % 3), approval(&old.digest))).collect();
        let Decided { answers, jobs } = decide(&mut state, &desk, &clicks).await;
        assert_eq!((answers.len(), jobs.len()), (90, 1), "one plan is made for all of them");
        assert_eq!(jobs[0].clicks.len(), 60, "U0 decides nothing");
        assert_eq!(work::successor(&state, &old, clock()).await, None, "nobody made it yet");
        let new = stored(&state, 1, "cut-off").await;
        let waits = || Planned { class: Class::R3, ..planned("inc-1", clock(), Stage::Pending) };
        alter(&mut state, |head| _ = head.watch.plans.insert(new.digest.clone(), waits())).await;
        let next = work::successor(&state, &old, clock()).await;
        assert_eq!(next, Some((new.digest.clone(), true)), "whoever comes later makes none");
        let counts = Outcome::Counts(new.digest.clone());
        let told = work::tell(&mut state, &desk, jobs[0].clicks.clone(), counts).await;
        let yes = told.iter().filter(|answer| answer.words.text.contains("It runs now")).count();
        assert_eq!((told.len(), yes), (60, 30), "two people agreed, in one write");
        assert_eq!(runnable(&state.head().watch, clock()).len(), 1);
        let lines = state.journal().await.unwrap().0;
        assert_eq!(lines.iter().filter(|line| line.kind == "plan.approved").count(), 2);
        // Another one that waits is to be looked at; what ended and did something else took nobody's place.
        let other = stored(&state, 2, "eradicate").await;
        for (stage, expected) in [(Stage::Pending, Some(false)), (Stage::Ended { holds: true }, None)] {
            let other_one = || planned("inc-1", clock() + 1, stage.clone());
            alter(&mut state, |head| _ = head.watch.plans.insert(other.digest.clone(), other_one())).await;
            let next = work::successor(&state, &old, clock()).await;
            assert_eq!(next.map(|(_, is_same)| is_same), expected, "{stage:?}");
        }
    });
}

#[test]
fn why_a_plan_did_not_begin_is_shown_until_it_does() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (scene(path, Class::R1).await, desk(&fake, &config, "one"));
        assert!(press(&mut state, &desk, "U1", approval(DIGEST)).await.0.contains("runs"));
        let plan = runnable(&state.head().watch, clock()).remove(0);
        let stuck = |state: &State<Sqlite>| state.head().watch.slack.posts["inc-1"].stuck.clone();
        let shown = fingerprint(&state.head().watch, "inc-1");
        for why in ["the role cannot be assumed", &"x".repeat(9_000)] {
            work::hinder(&mut state, &desk, &plan, why).await.unwrap();
            work::tidy(&mut state, &desk).await.unwrap();
            state.refresh().await.unwrap();
            assert_eq!(stuck(&state), Some(why.chars().take(500).collect()));
        }
        assert_ne!(fingerprint(&state.head().watch, "inc-1"), shown);
        // It may begin no more, and the message says so: why stays until another plan takes its place.
        wait(1_201).await;
        work::tidy(&mut state, &desk).await.unwrap();
        state.refresh().await.unwrap();
        assert_eq!((&state.head().watch.plans[DIGEST].stage, stuck(&state).is_some()), (&Stage::Expired, true));
        for stage in [Stage::Pending, Stage::Running { holder: "one".to_owned(), until: clock() + 15 }] {
            alter(&mut state, |head| {
                head.watch.slack.posts.get_mut("inc-1").unwrap().stuck = Some("why".to_owned());
                head.watch.plans.insert("aaaa".to_owned(), planned("inc-1", clock(), stage.clone()));
            })
            .await;
            work::tidy(&mut state, &desk).await.unwrap();
            state.refresh().await.unwrap();
            assert_eq!(stuck(&state), None, "{stage:?}");
            work::hinder(&mut state, &desk, &plan, "it ended badly").await.unwrap();
            state.refresh().await.unwrap();
            assert_eq!(stuck(&state), None, "it began");
        }
    });
}

#[test]
fn what_is_not_shown_or_cannot_be_seen_is_not_decided() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (scene(path, Class::R1).await, desk(&fake, &config, "one"));
        let close = || Button::Close { incident: "inc-1".to_owned(), revision: 1 };
        for button in [approval(DIGEST), close(), Button::Plan { incident: "inc-1".to_owned(), aim: Aim::Undo }] {
            for (channel, message) in [("C0INCIDENT", Some("2.0")), ("C0OTHER", Some("1.0")), ("C0INCIDENT", None)] {
                let message = message.map(str::to_owned);
                let click = Click { channel: Some(channel.to_owned()), message, ..click(0, "U1", button.clone()) };
                let Decided { answers, jobs } = decide(&mut state, &desk, &[click]).await;
                assert!(answers[0].words.text.contains("own message") && jobs.is_empty(), "{button:?}");
            }
        }
        let decided = async |state: &mut State<Sqlite>, button| press(state, &desk, "U1", button).await.0;
        alter(&mut state, |head| {
            head.watch.plans.insert("aaaa".to_owned(), planned("inc-1", NOW + 1, Stage::Pending));
        })
        .await;
        assert!(decided(&mut state, approval(DIGEST)).await.contains("newer plan is shown"));
        assert!(decided(&mut state, approval("aaaa")).await.contains("not stored"));
        state.put_plan("aaaa", b"{}").await.unwrap();
        assert!(decided(&mut state, approval("aaaa")).await.contains("It runs now"));
        assert!(decided(&mut state, close()).await.contains("approved or runs"));
        alter(&mut state, |head| {
            head.watch.plans.clear();
            head.watch.incidents.get_mut("inc-1").unwrap().status = Status::Contained;
        })
        .await;
        assert!(decided(&mut state, close()).await.contains("is contained"));
        assert_eq!(state.head().watch.incidents["inc-1"].status, Status::Contained);
    });
}

#[test]
fn a_press_that_is_delivered_again_is_decided_once() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1", "U2"]));
        let (mut state, desk) = (scene(path, Class::R2).await, desk(&fake, &config, "one"));
        let (first, stranger) = (click(1, "U1", approval(DIGEST)), click(2, "U9", approval(DIGEST)));
        decide(&mut state, &desk, &[first.clone(), stranger.clone()]).await;
        let known: Vec<&String> = state.head().watch.slack.decided.iter().collect();
        assert_eq!(known, ["click-1"], "a refusal changed nothing, and pushes nothing out");
        let again = Decided { ..decide(&mut state, &desk, &[stranger, first]).await };
        let told: Vec<&str> = again.answers.iter().map(|answer| answer.words.text.as_str()).collect();
        assert!(told[1].contains("decided before") && !told[0].contains("decided before"), "{told:?}");
        let lines = state.journal().await.unwrap().0;
        let of = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
        assert_eq!((of("plan.approved"), of("approval.refused")), (1, 2));
        let mut board = crate::store::board::Board::default();
        (0..300).for_each(|number| board.note_decided(&number.to_string()));
        assert!(board.decided.len() == 200 && board.is_decided("299") && !board.is_decided("99"));
    });
}

#[test]
fn a_run_that_nobody_can_go_on_with_is_over_after_an_hour() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (scene(path, Class::R2).await, desk(&fake, &config, "one"));
        let dead = |died: Seconds, stuck: Option<&str>| {
            let stage = Stage::Running { holder: "they".to_owned(), until: clock() - died };
            let stuck = stuck.map(str::to_owned);
            move |head: &mut Head| {
                head.watch.plans.insert(DIGEST.to_owned(), Planned { done: 1, ..planned("inc-1", NOW, stage.clone()) });
                head.watch.slack.posts.insert("inc-1".to_owned(), Post { stuck: stuck.clone(), ..post() });
            }
        };
        for (died, stuck, is_over) in
            [(3_599, Some("no role"), false), (90_000, None, false), (3_600, Some("no role"), true)]
        {
            alter(&mut state, dead(died, stuck)).await;
            work::tidy(&mut state, &desk).await.unwrap();
            let planned = &state.head().watch.plans[DIGEST];
            assert_eq!(planned.stage == Stage::Ended { holds: false }, is_over, "{died}");
            assert_eq!(
                planned.remains.iter().any(|why| why.contains("interrupted") && why.contains("no role")),
                is_over
            );
        }
        assert!(runnable(&state.head().watch, clock()).is_empty());
        assert_eq!(state.head().watch.slack.posts["inc-1"].stuck, None);
    });
}
