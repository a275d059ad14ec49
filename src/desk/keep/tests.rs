//! Clicks that come in while a process goes on, and at its end.

use tokio::sync::mpsc::{UnboundedReceiver, channel};
use tokio::time::timeout;

use super::*;
use crate::desk::clicks::{Answered, Task};
use crate::desk::people::person;
use crate::desk::tests::fake::{Fake, Fault};
use crate::desk::tests::{NOW, alter, config, desk, incident, open, pass, planned, play};
use crate::model::approval::Stage;
use crate::model::click::{Button, SlackUser};
use crate::store::board::Post;

/// The plan that is shown; it expired.
const DIGEST: &str = "0123456789abcdef";

fn click(number: usize, user: &str, button: Button) -> Click {
    let user = SlackUser { team: "T1".to_owned(), id: user.to_owned() };
    Click {
        id: number.to_string(),
        user,
        button,
        channel: Some("C1".to_owned()),
        message: Some("1.0".to_owned()),
        response_url: Some(number.to_string()),
    }
}

fn approval() -> Button {
    Button::Approve { incident: "inc-1".to_owned(), digest: DIGEST.to_owned() }
}

/// What one who answers is told by the others, and tells them.
struct Wires<'w> {
    lines: Lines<'w>,
    phase: watch::Sender<Phase>,
    to_do: UnboundedReceiver<Job>,
    answers: UnboundedSender<Answered>,
    to_say: UnboundedReceiver<Answered>,
}

fn wires(stir: &Notify) -> Wires<'_> {
    let (phase, seen) = watch::channel(Phase::Open);
    let (jobs, to_do) = unbounded_channel();
    let (answers, to_say) = unbounded_channel();
    let rounds = Rounds::default();
    let lines = Lines { phase: seen, work: Notify::new(), jobs, rounds, last: LAST, pauses: false, stir, say: |_| {} };
    Wires { lines, phase, to_do, answers, to_say }
}

fn said(fake: &Fake, text: &str) -> Vec<String> {
    let answers = fake.answers.borrow();
    answers.iter().filter(|(_, said)| said.contains(text)).map(|(url, _)| url.clone()).collect()
}

#[test]
fn whoever_presses_while_it_ends_is_told_to_press_again() {
    play(async |path| {
        let (fake, config, stir) = (Fake::default(), config(&["U1"]), Notify::new());
        let Wires { lines, phase, mut to_do, answers, to_say } = wires(&stir);
        let desk = desk(&fake, &config, "one");
        incident(&mut open(path).await, "inc-1", 1, &[]).await;
        let (pressed, clicks) = channel(100);
        (0..40).for_each(|number| pressed.try_send(click(number, "U1", approval())).unwrap());
        phase.send_replace(Phase::Closing);
        // Who plans is asked for something as it ends, too.
        to_do.close();
        answers.send(answering::stopping(&click(40, "U1", approval())).unwrap()).unwrap();
        drop(answers);
        fake.faults.borrow_mut().extend([Fault::Failed; 3]);
        let open = async || Ok(open(path).await);
        let time = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                pass(1);
            }
        };
        tokio::select! {
            ended = timeout(LAST * 2, answering(&desk, &open, &lines, clicks, to_say)) => ended.unwrap().unwrap(),
            () = time => {}
        }
        assert_eq!(said(&fake, "press again").len(), 41, "{:?}", fake.answers.borrow());
        assert_eq!(fake.count("answer"), 44, "what failed is tried again");
        assert!(pressed.try_send(click(41, "U1", approval())).is_err(), "Slack tells whoever presses from here on");
    });
}

#[test]
fn slow_groups_hold_up_nobody_who_is_named() {
    play(async |path| {
        let (fake, config, stir) = (Fake::default(), config(&["U1", "S0TEAM"]), Notify::new());
        let Wires { lines, phase, mut to_do, answers, to_say } = wires(&stir);
        let desk = desk(&fake, &config, "one");
        let mut state = open(path).await;
        incident(&mut state, "inc-1", 1, &[]).await;
        alter(&mut state, |head| {
            let expired = planned("inc-1", NOW - 5_000, Stage::Pending);
            head.watch.plans.insert(DIGEST.to_owned(), expired);
            let post = Post { channel: "C1".to_owned(), ts: Some("1.0".to_owned()), ..Post::default() };
            head.watch.slack.posts.insert("inc-1".to_owned(), post);
        })
        .await;
        // Nobody says who is in the group, at all.
        fake.faults.borrow_mut().push_back(Fault::Deadly);
        let (pressed, clicks) = channel(100);
        pressed.try_send(click(0, "U2", approval())).unwrap();
        let open = async || Ok(open(path).await);
        let going = answering(&desk, &open, &lines, clicks, to_say);
        let pressing = async {
            while fake.count("members") == 0 {
                tokio::task::yield_now().await;
            }
            (1..=20).for_each(|number| pressed.try_send(click(number, "U1", approval())).unwrap());
            while said(&fake, "expired").len() < 20 {
                tokio::task::yield_now().await;
            }
            assert_eq!(fake.answers.borrow().len(), 20, "who may be in the group waits");
            phase.send_replace(Phase::Closing);
            drop(answers);
        };
        let both = async { tokio::join!(going, pressing) };
        timeout(LAST * 2, both).await.unwrap().0.unwrap();
        assert_eq!(said(&fake, "press again"), ["0"]);
        let mut jobs = Vec::new();
        while let Ok(job) = to_do.try_recv() {
            jobs.push(job);
        }
        assert!(jobs.iter().all(|job| job.task == jobs[0].task && matches!(job.task, Task::Renew { .. })));
        let waiting: Vec<Click> = jobs.into_iter().flat_map(|job| job.clicks).collect();
        assert_eq!(waiting.len(), 20);
        assert!(waiting.iter().all(|click| person(&click.user).name == "U1"));
    });
}

/// A shift over the state at a path, which ends after so many milliseconds at the latest.
async fn work_on(path: &std::path::Path, fake: &Fake, clicks: Vec<Click>, milliseconds: u64) -> (bool, Duration) {
    let (config, stir, live) = (config(&["U1"]), Notify::new(), Live::nowhere());
    let desk = desk(fake, &config, "one");
    let office = Office { desk: &desk, live: &live, open: async || Ok(open(path).await), stir: &stir, say: |_| {} };
    let begun = Instant::now();
    let closing = begun + Duration::from_millis(milliseconds);
    let done = shift(&office, clicks, Hours { closing, last: Duration::from_millis(200) }).await.unwrap();
    (done, begun.elapsed())
}

#[test]
fn a_shift_ends_when_nothing_is_left_to_do() {
    play(async |path| {
        let fake = Fake::default();
        let (is_over, took) = work_on(path, &fake, Vec::new(), 20_000).await;
        assert!(is_over && took < Duration::from_secs(2), "{took:?}");
        assert!(fake.calls.borrow().is_empty(), "nobody is asked for nothing");
        incident(&mut open(path).await, "inc-1", 1, &[]).await;
        let (is_over, took) = work_on(path, &fake, Vec::new(), 20_000).await;
        assert!(is_over && took < Duration::from_secs(10), "{took:?}");
        let state = open(path).await;
        let post = &state.head().watch.slack.posts["inc-1"];
        assert_eq!(
            (post.planned, post.unplanned.is_some()),
            (Some(1), true),
            "no account is reached, and that is shown"
        );
        assert_eq!(fake.messages.borrow().values().filter(|message| message.thread.is_none()).count(), 1);
        assert!(fake.count("update") >= 1);
        let calls = fake.calls.borrow().len();
        let clicks = vec![click(0, "U9", approval()), click(1, "U1", approval())];
        let (is_over, took) = work_on(path, &fake, clicks, 20_000).await;
        assert!(is_over && took < Duration::from_secs(10), "{took:?}");
        assert_eq!(fake.answers.borrow().len(), 2, "everybody is answered: {:?}", fake.answers.borrow());
        assert_eq!(fake.calls.borrow().len(), calls + 2, "the message is as it was");
    });
}

#[test]
fn a_shift_ends_with_its_hours_whatever_does_not_answer() {
    play(async |path| {
        let fake = Fake::default();
        incident(&mut open(path).await, "inc-1", 1, &[]).await;
        fake.faults.borrow_mut().push_back(Fault::Deadly);
        let (is_over, took) = work_on(path, &fake, Vec::new(), 400).await;
        assert!(!is_over && took < Duration::from_secs(3), "{took:?}");
        // Whoever comes next finds what was begun, once nobody else may be at it.
        pass(60);
        let (is_over, _) = work_on(path, &fake, Vec::new(), 20_000).await;
        assert!(is_over);
        assert_eq!(fake.messages.borrow().values().filter(|message| message.thread.is_none()).count(), 1);
    });
}
