//! A thousand presses at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::press::{Press, button, signed};
use super::room::{ACKNOWLEDGED, Room, tell};
use crate::watch::lookup::now;

const PRESSES: usize = 1_000;
/// People who may. They press several times; everybody else does once, because what one person repeats in a moment is one
/// refusal.
const PEOPLE: usize = 100;
/// Numbers above those of other presses.
const FIRST: usize = 10_000;
/// Presses that Slack sends once more.
const AGAIN: usize = 50;

#[test]
fn slack_end_to_end_clicks() {
    let approvers: Vec<_> = (0..PEOPLE).map(|number| format!("U1MAY{number:05}")).collect();
    let Some(room) = Room::mini(&["us-east-1"], false, &approvers) else { return };
    let mut serve = room.serve(&["2s", "--listen", "127.0.0.1:0"]);
    let port = serve.port();
    room.scene.attacked(&json!({}));
    room.scene.deliver();
    let message = room.shows("approve");
    let button = button(&message, "approve").unwrap();

    let user = |press: usize| match press % 2 {
        0 => approvers[press / 2 % PEOPLE].clone(),
        _ => format!("U0NOT{press:05}"),
    };
    let body = |press: usize| {
        let (user, channel) = (user(press), &room.slack.channel);
        Press { user: &user, channel, message: &message, button, number: FIRST + press }.body(&room.slack)
    };
    let all = signed(&room.sdk, (0..PRESSES).map(body).collect(), now());

    let begin = Barrier::new(all.len());
    let mut answers: Vec<(u16, String, Duration)> = thread::scope(|scope| {
        let send = |press| {
            let begin = &begin;
            let small = thread::Builder::new().stack_size(256 * 1024);
            let sent = small.spawn_scoped(scope, move || {
                begin.wait();
                super::press::Signed::send(press, port)
            });
            sent.unwrap()
        };
        let sent: Vec<_> = all.iter().map(send).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    // Slack sends again what it thinks unheard, under a signature of its own.
    let again = all.iter().take(AGAIN).map(|press| press.body.clone()).collect();
    for press in signed(&room.sdk, again, now()) {
        assert_eq!(press.send(port).0, 200);
    }
    answers.sort_by_key(|&(.., took)| took);
    let mut statuses = BTreeMap::new();
    for (status, said, _) in &answers {
        *statuses.entry((*status, said.as_str())).or_insert(0_usize) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([((200, ""), all.len())]));
    let (p99, most) = (answers[answers.len() * 99 / 100].2, answers[answers.len() - 1].2);
    let (count, seconds) = (answers.len(), most.as_secs_f64());
    tell(&format!("{count} presses: 99 of 100 within {:.3} s, the slowest {seconds:.3} s", p99.as_secs_f64()));
    assert!(most < ACKNOWLEDGED, "{most:?}");

    room.shows("plan-undo");
    let told = |number: usize| -> BTreeSet<usize> {
        room.slack.answers().into_iter().map(|answer| answer.to).filter(|to| (FIRST..number).contains(to)).collect()
    };
    room.until("everybody is answered", || (told(FIRST + PRESSES).len() == PRESSES).then_some(()));
    let journal = room.journal();
    let of = |kind: &str| journal.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((of("plan.started").len(), of("plan.ended").len()), (1, 1));
    let done: Vec<_> = of("step.done").into_iter().map(|line| line["detail"]["n"].to_string()).collect();
    let distinct: BTreeSet<_> = done.iter().collect();
    assert!(!done.is_empty() && distinct.len() == done.len(), "a step ran twice: {done:?}");
    let refused: Vec<_> = of("approval.refused").into_iter().map(ToString::to_string).collect();
    for press in (1..PRESSES).step_by(2) {
        let stranger = user(press);
        let lines = refused.iter().filter(|line| line.contains(&stranger)).count();
        assert_eq!(lines, 1, "{stranger} was refused once");
    }
    serve.stop();
}
