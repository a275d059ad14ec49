//! A process that dies between what it says and its note of that says it once all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::press::{button, mark};
use super::room::Room;
use super::serve::Serve;
use crate::stand_in::slack::{Call, Turn};

/// Kills the process when Slack has done what it asked for, and did not hear of that.
fn kill_after(room: &Room, serve: &mut Serve, is_it: impl Fn(&Call) -> bool + Send + 'static) {
    let (id, done) = (serve.id(), Arc::new(AtomicBool::new(false)));
    room.slack.rule(move |call| {
        if !is_it(call) || done.swap(true, Ordering::SeqCst) {
            return Turn::Pass;
        }
        Turn::Then(Box::new(move || {
            drop(std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status());
        }))
    });
}

#[test]
fn slack_is_told_once_by_a_process_that_dies() {
    let Some(room) = Room::mini(&["us-east-1", "eu-north-1"], false, &[]) else { return };
    let listen = ["2s", "--listen", "127.0.0.1:0"];
    let mut serve = room.serve(&listen);
    serve.port();
    let is_post = |call: &Call| {
        let mark = call.with["blocks"][0]["block_id"].as_str().unwrap_or_default();
        call.method == "chat.postMessage" && call.with["thread_ts"].is_null() && mark.starts_with("inc-")
    };
    kill_after(&room, &mut serve, is_post);
    room.scene.attacked(&json!({ "regions": ["us-east-1"] }));
    room.scene.deliver();
    assert!(!serve.ended().success());
    assert_eq!(room.incidents().len(), 1, "it is there, and nobody knows");

    let mut serve = room.serve(&listen);
    serve.port();
    let message = room.shows("approve");
    assert_eq!(room.slack.calls().iter().filter(|call| is_post(call)).count(), 1, "found, and not posted again");

    // The same for what is new.
    kill_after(&room, &mut serve, |call| call.method == "chat.postMessage" && call.with["thread_ts"].is_string());
    room.scene.attacked(&json!({ "regions": ["eu-north-1"], "user": "svc.two+7f3a", "role": "svc-two" }));
    room.scene.deliver();
    assert!(!serve.ended().success());
    let mut serve = room.serve(&listen);
    serve.port();
    let first = button(&message, "approve").unwrap()["value"].clone();
    let message = room.shows_where("approve", |button| button["value"] != first);
    let notified = room.until("the reply is noted", || {
        let lines = room.journalled("notified");
        let keys: Vec<_> = lines
            .iter()
            .filter(|line| line["detail"]["channel"].as_str().is_some_and(|name| name.starts_with("slack:")))
            .map(|line| line["detail"]["key"].as_str().unwrap().to_owned())
            .collect();
        (keys.len() >= 2).then_some(keys)
    });
    let replies = room.slack.replies(&room.slack.channel, message["ts"].as_str().unwrap());
    let marks: Vec<_> = replies.iter().map(mark).collect();
    assert_eq!(marks.len(), 1, "once: {marks:?}, {notified:?}");
    serve.stop();
    room.journal();
}
