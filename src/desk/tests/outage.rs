//! Messages while Slack fails, processes die, and others do the same.

use super::fake::{BARE, Fault};
use super::*;
use crate::desk::next::{Next, next};
use crate::notify::{Refused, Undelivered};
use crate::store::board::{Board, Pause};
use crate::store::head::Lease;

/// Ten minutes of everything that goes wrong, while incidents open and change.
#[test]
fn slack_outage_loses_nothing_and_says_nothing_twice() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
        let bad = [Fault::Limited(7), Fault::Failed, Fault::Unheard, Fault::Silent];
        let mut replies: Vec<String> = Vec::new();
        let mut tick = 0;
        while clock() < NOW + 600 {
            if tick % 20 == 0 {
                let (id, revision) = (format!("inc-{}", tick / 20 % 3), 1 + tick / 60);
                let changes = if revision == 1 { vec![] } else { vec!["One more region: eu-west-1."] };
                incident(&mut state, &id, revision, &changes).await;
                replies.extend((revision > 1).then(|| format!("{id}-{revision}")));
            }
            fake.faults.borrow_mut().clear();
            fake.faults.borrow_mut().extend((0..4).map(|shift| bad[(tick as usize * 3 + shift) % bad.len()]));
            sync(&mut state, &desk).await.unwrap();
            wait(3).await;
            tick += 1;
        }
        let calls = fake.calls.borrow().len();
        assert!((5..120).contains(&calls), "{calls} calls in ten minutes of failures");
        fake.faults.borrow_mut().clear();
        let end = settle(&mut state, &desk, 300).await;
        assert!(end.problems.is_empty() && state.head().watch.due.is_empty(), "{end:?}");
        let parents: Vec<_> = (0..3).map(|n| fake.only(&format!("inc-{n}")).0).collect();
        let said: Vec<String> = fake.marks().into_iter().filter(|mark| mark.matches('-').count() == 2).collect();
        assert_eq!(said, replies, "each once, in order");
        for mark in &said {
            let number: usize = mark[4..5].parse().unwrap();
            assert_eq!(fake.only(mark).1.thread.as_ref(), Some(&parents[number]));
        }
        let before = fake.calls.borrow().len();
        settle(&mut state, &desk, 60).await;
        assert_eq!(fake.calls.borrow().len(), before, "nothing is left to do");
        let kinds = kinds(&state).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "notified").count(), 3 + replies.len());
        assert!(!kinds.iter().any(|kind| kind == "notify.given-up"), "{kinds:?}");
    });
}

#[test]
fn slack_message_is_found_again_after_a_crash() {
    for is_blind in [false, true] {
        play(async |path| {
            let fake = Fake { is_blind, ..Fake::default() };
            let config = config(&["U1"]);
            let mut state = open(path).await;
            incident(&mut state, "inc-1", 1, &[]).await;
            fake.faults.borrow_mut().push_back(Fault::Deadly);
            let dies = tokio::time::timeout(std::time::Duration::from_millis(100), async {
                sync(&mut open(path).await, &desk(&fake, &config, "one")).await
            });
            dies.await.unwrap_err();
            assert_eq!(fake.marks(), ["inc-1"]);
            let second = desk(&fake, &config, "two");
            let held = sync(&mut state, &second).await.unwrap();
            assert!(held.next.is_some_and(|at| at > clock()) && fake.calls.borrow().len() == 1, "{held:?}");
            settle(&mut state, &second, 120).await;
            let copies = if is_blind { 2 } else { 1 };
            assert_eq!(fake.marks().len(), copies, "lost is worse than twice");
            assert_eq!(kinds(&state).await.contains(&"notify.unseen".to_owned()), is_blind);
            assert!(state.head().watch.due.is_empty());
        });
    }
}

#[test]
fn two_desks_say_it_once() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let mut state = open(path).await;
        for n in 0..5 {
            incident(&mut state, &format!("inc-{n}"), 1, &[]).await;
            incident(&mut state, &format!("inc-{n}"), 2, &["More."]).await;
        }
        let (one, two) = (desk(&fake, &config, "one"), desk(&fake, &config, "two"));
        let (mut first, mut second) = (open(path).await, open(path).await);
        let until_done = async |state: &mut State<Sqlite>, desk: &Desk<'_, Fake>| {
            while sync(state, desk).await.unwrap().next.is_some() {
                wait(1).await;
            }
        };
        tokio::join!(until_done(&mut first, &one), until_done(&mut second, &two));
        assert_eq!(fake.marks().len(), 10, "{:?}", fake.marks());
        assert_eq!(fake.count("find"), 0);
        state.refresh().await.unwrap();
        assert!(state.head().watch.due.is_empty() && state.head().watch.slack.lease.is_none());
    });
}

#[test]
fn a_message_that_is_removed_comes_back_once() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
        incident(&mut state, "inc-1", 1, &[]).await;
        settle(&mut state, &desk, 10).await;
        for (revision, is_there) in [(2, true), (3, false)] {
            fake.messages.borrow_mut().clear();
            incident(&mut state, "inc-1", revision, &["More."]).await;
            settle(&mut state, &desk, 60).await;
            assert_eq!(fake.marks().contains(&"inc-1".to_owned()), is_there, "{:?}", fake.calls.borrow());
            assert!(state.head().watch.due.is_empty());
        }
        let posts = fake.count("post");
        settle(&mut state, &desk, 60).await;
        assert_eq!(fake.count("post"), posts);
    });
}

/// A channel that the app is not in holds up no other, and what is about no incident stands for itself.
#[test]
fn channels_fail_alone() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
        let notice = Due {
            changes: vec!["a key was made".to_owned()],
            ..Due::new("notices-1".to_owned(), NOTICES.to_owned(), What::Notices, clock())
        };
        let gap = Due::new("fnd-1".to_owned(), CHANNEL.to_owned(), What::Telemetry, clock());
        alter(&mut state, |head| head.watch.due.extend([notice.clone(), gap.clone()])).await;
        incident(&mut state, "inc-1", 1, &[]).await;
        fake.faults.borrow_mut().push_back(Fault::Failed);
        let synced = sync(&mut state, &desk).await.unwrap();
        assert_eq!(synced.problems.len(), 1);
        assert_eq!(fake.marks(), ["notices-1"], "the gap goes first, and fails");
        settle(&mut state, &desk, 60).await;
        assert_eq!(fake.marks(), ["notices-1", "fnd-1", "inc-1"]);
        assert_eq!(fake.only("notices-1").1.channel, "C0NOTICES");
        // What the record forgets is forgotten here, and nobody is asked.
        let calls = fake.calls.borrow().len();
        alter(&mut state, |head| head.watch.incidents.clear()).await;
        settle(&mut state, &desk, 60).await;
        assert!(state.head().watch.slack.posts.is_empty() && fake.calls.borrow().len() == calls);
    });
}

/// What Slack has something against holds up nobody else, and is tried as long as its incident goes on.
#[test]
fn slack_refuses_a_message_alone() {
    for is_closed in [false, true] {
        play(async |path| {
            let (fake, config) = (Fake::default(), config(&["U1"]));
            let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
            fake.refused.borrow_mut().insert("inc-0".to_owned(), Refused::Message);
            incident(&mut state, "inc-0", 1, &[]).await;
            incident(&mut state, "inc-0", 2, &["More."]).await;
            incident(&mut state, "inc-1", 1, &[]).await;
            settle(&mut state, &desk, 50).await;
            assert_eq!(fake.marks(), ["inc-1"], "{:?}", fake.calls.borrow());
            settle(&mut state, &desk, 60 * 3_600).await;
            assert_eq!(state.head().watch.due.len(), 2, "an incident that goes on is not given up");
            assert!((50..80).contains(&fake.count("post inc-0")), "{}", fake.count("post inc-0"));
            if is_closed {
                alter(&mut state, |head| head.watch.incidents.get_mut("inc-0").unwrap().status = Status::Closed).await;
                settle(&mut state, &desk, 30 * 3_600).await;
                assert_eq!(fake.marks(), ["inc-1"]);
            } else {
                fake.refused.borrow_mut().clear();
                settle(&mut state, &desk, 2 * 3_600).await;
                assert_eq!(fake.marks(), ["inc-1", "inc-0", "inc-0-2"], "in order");
            }
            assert!(state.head().watch.due.is_empty());
            assert_eq!(kinds(&state).await.contains(&"notify.given-up".to_owned()), is_closed);
        });
    }
}

#[test]
fn slack_gets_the_text_alone_where_it_does_not_take_the_blocks() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
        fake.refused.borrow_mut().insert("inc-0".to_owned(), Refused::Layout);
        incident(&mut state, "inc-0", 1, &[]).await;
        settle(&mut state, &desk, 50).await;
        let text = fake.only(BARE).1.text;
        assert!(text.contains("A key is abused") && text.contains("`stakeout show inc-0`"), "{text}");
        assert!(state.head().watch.due.is_empty());
        assert!(kinds(&state).await.contains(&"notify.bare".to_owned()));
    });
}

#[test]
fn the_worst_goes_first_and_a_clock_that_ran_ahead_holds_nobody_up() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
        for id in ["inc-0", "inc-1"] {
            incident(&mut state, id, 1, &[]).await;
        }
        alter(&mut state, |head| head.watch.incidents.get_mut("inc-0").unwrap().level = Level::Medium).await;
        settle(&mut state, &desk, 10).await;
        assert_eq!(fake.marks(), ["inc-1", "inc-0"]);
        assert_eq!(crate::desk::shown::unplanned(&state.head().watch)[0].0, "inc-1");
        let ahead = clock() + 1_000_000;
        alter(&mut state, |head| {
            let board = &mut head.watch.slack;
            board.lease = Some(Lease { holder: "two".to_owned(), until: ahead });
            board.pauses.insert("C0INCIDENT".to_owned(), Pause { until: ahead, failures: 9 });
        })
        .await;
        incident(&mut state, "inc-0", 2, &["More."]).await;
        settle(&mut state, &desk, 10).await;
        assert_eq!(fake.marks(), ["inc-1", "inc-0", "inc-0-2"]);
    });
}

#[test]
fn a_run_is_followed_at_its_pace_and_its_end_at_once() {
    play(async |path| {
        let (fake, config) = (Fake::default(), config(&["U1"]));
        let (mut state, desk) = (open(path).await, desk(&fake, &config, "one"));
        incident(&mut state, "inc-1", 1, &[]).await;
        settle(&mut state, &desk, 0).await;
        let running = Stage::Running { holder: "x".to_owned(), until: NOW + 900 };
        for done in 0..60 {
            alter(&mut state, |head| {
                let plan = Planned { done, ..planned("inc-1", NOW, running.clone()) };
                head.watch.plans.insert("p".to_owned(), plan);
            })
            .await;
            sync(&mut state, &desk).await.unwrap();
            wait(1).await;
        }
        assert!((15..25).contains(&fake.count("update")), "{}", fake.count("update"));
        let before = fake.count("update");
        sync(&mut state, &desk).await.unwrap();
        alter(&mut state, |head| {
            head.watch.plans.get_mut("p").unwrap().stage = Stage::Ended { holds: true };
        })
        .await;
        sync(&mut state, &desk).await.unwrap();
        assert!(fake.count("update") > before);
        let head = &state.head().watch;
        assert_eq!(next(head, &desk.names, clock()), Next::Rest(None), "the end is shown at once");
    });
}

#[test]
fn pauses_grow_and_end() {
    let mut board = Board::default();
    let failure = Undelivered::passing("x");
    let mut waits = Vec::new();
    for _ in 0..80 {
        let pause = crate::desk::hold::pause(&mut board, "C", &failure, 0.0, NOW);
        waits.push(pause.until - NOW);
    }
    assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(waits.iter().skip(6).all(|wait| *wait == 60));
    let asked = Undelivered { retry_after: Some(600), ..failure.clone() };
    assert_eq!(crate::desk::hold::pause(&mut board, "C", &asked, 1.0, NOW).until, NOW + 600);
    let mut one = Board::default();
    assert_eq!(crate::desk::hold::pause(&mut one, "C", &failure, 1.0, NOW).until, NOW + 2);
}
