//! The whole way, through Slack: an intruder, a message, a press, containment, and back.

use serde_json::{Value, json};

use super::press::{button, mark, texts};
use super::room::{ADA, BOB, EVE, Room, Way};
use super::serve::Serve;
use crate::contain::scene::{same, without_keys};

const REGIONS: [&str; 2] = ["us-east-1", "eu-north-1"];

/// From the intruder to the state before containment, by presses alone.
fn tell(room: &Room, way: Way, serve: Serve) {
    let scene = &room.scene;
    let made = scene.attacked(&json!({}));
    let invoke = json!({ "do": "invoke", "functions": made["functions"] });
    let answers = scene.cast.ask(&invoke);
    assert!(answers.as_object().unwrap().values().all(|status| status == 200), "{answers}");
    scene.deliver();

    let message = room.shows("approve");
    let said = texts(&message["blocks"]);
    assert!(said.contains(scene.account), "the account is named: {said}");
    assert!(said.contains("ci-deployer"), "who: {said}");
    let id = mark(&message).to_owned();
    assert!(
        said.contains(&format!("stakeout plan {id}")) || said.contains(&format!("stakeout approve {id}")),
        "{said}"
    );
    let before = scene.dump();
    scene.proxy.open();

    // Somebody who is not named is told so, and changes nothing.
    let refused = room.answer(room.press(way, EVE, &message, "approve"));
    assert!(!refused.trim().is_empty());
    let lines = room.journalled("approval.refused");
    assert!(lines.iter().any(|line| line.to_string().contains(EVE)), "{lines:?}");
    assert!(!room.answer(room.press(way, EVE, &message, "show")).trim().is_empty(), "anybody may look");
    assert_eq!(scene.proxy.changes(), Vec::<String>::new());
    same(&before, &scene.dump());

    room.answer(room.press(way, ADA, &message, "approve"));
    let contained = room.shows("plan-undo");
    assert!(texts(&contained["blocks"]).to_lowercase().contains("contained"), "{}", texts(&contained["blocks"]));
    for (actor, code) in scene.tries(&["thief", "intruder", "session"]).as_object().unwrap() {
        assert_ne!(code, "OK", "{actor} still may");
    }
    let answers = scene.cast.ask(&invoke);
    assert!(answers.as_object().unwrap().values().all(|status| status == 429), "{answers}");
    assert_eq!(room.journalled("plan.started").len(), 1);
    let during = scene.dump();

    undone(room, way, &contained, &before, &during);
    let mut messages = room.incidents();
    assert_eq!((messages.len(), mark(&messages[0])), (1, id.as_str()), "one message from first to last");
    let ts = messages.remove(0)["ts"].as_str().unwrap().to_owned();
    let replies = room.slack.replies(&room.slack.channel, &ts);
    let mut marks: Vec<_> = replies.iter().map(mark).collect();
    marks.dedup();
    assert_eq!(marks.len(), replies.len(), "said twice: {marks:?}");
    let said = serve.stop();
    assert!(!said.contains("xoxb-") && !said.contains("/respond/"), "a secret is told: {said}");
    room.journal();
}

/// Takes it back: the plan is shown first, and whoever asked for it is not enough.
fn undone(room: &Room, way: Way, contained: &Value, before: &Value, during: &Value) {
    let first = button(contained, "approve").map(|button| button["value"].clone());
    room.answer(room.press(way, ADA, contained, "plan-undo"));
    let pending = room.shows_where("approve", |button| Some(&button["value"]) != first.as_ref());
    same(during, &room.scene.dump());
    // Whoever asked for it is not enough.
    let alone = room.answer(room.press(way, ADA, &pending, "approve"));
    assert!(alone.contains("somebody else must approve"), "{alone}");
    assert_eq!(room.journalled("plan.started").len(), 1);
    same(during, &room.scene.dump());
    room.answer(room.press(way, BOB, &pending, "approve"));
    room.until("undone", || {
        let ended = room.journalled("plan.ended").len() == 2;
        let message = room.incidents().pop()?;
        (ended && texts(&message["blocks"]).to_lowercase().contains("undone")).then_some(())
    });
    same(&without_keys(before), &without_keys(&room.scene.dump()));
}

#[test]
fn slack_end_to_end_http() {
    let Some(room) = Room::mini(&REGIONS, false, &[]) else { return };
    let mut serve = room.serve(&["2s", "--listen", "127.0.0.1:0"]);
    let port = serve.port();
    tell(&room, Way::Http(port), serve);
}

#[test]
fn slack_end_to_end_socket_mode() {
    let Some(room) = Room::mini(&REGIONS, true, &[]) else { return };
    let serve = room.serve(&["2s"]);
    room.until("a connection", || (room.slack.link.connections().1 == 1).then_some(()));
    // A connection ends now and then, politely or not, and another one is made.
    for (number, politely) in [(2, true), (3, false)] {
        room.slack.link.cut(politely);
        room.until("another connection", || (room.slack.link.connections() == (number, 1)).then_some(()));
    }
    tell(&room, Way::Socket, serve);
}
