//! Slack is down for a while, in every way that it can be, while incidents open and go on.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::press::mark;
use super::room::{Room, tell};
use crate::stand_in::slack::{Call, Turn};

const REGIONS: [&str; 6] = ["us-east-1", "eu-north-1", "sa-east-1", "ap-south-1", "us-west-2", "ca-central-1"];
/// Whose keys are stolen, one after the other.
const ROBBED: [&str; 3] = ["ci-deployer", "shop-app", "backup-bot"];
/// How much of the outage the process may spend computing while nothing happens.
const BUSY: f64 = 0.05;
/// A pause between two attempts is never longer.
const PAUSE: Duration = Duration::from_secs(60);

/// How long Slack is down.
fn outage() -> Duration {
    let seconds = std::env::var("STAKEOUT_OUTAGE").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// The ways to fail.
const WAYS: usize = 6;

/// Another way to fail each time, for each method. What is unheard is done. Who the app is can be asked, and every other
/// look into the channel succeeds: both come before a post is tried again, which would never be tried otherwise.
fn failing() -> impl FnMut(&Call) -> Turn + Send {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    move |call| {
        if call.method == "auth.test" {
            return Turn::Pass;
        }
        let calls = calls.entry(call.method.clone()).or_default();
        *calls += 1;
        if call.method == "conversations.history" && calls.is_multiple_of(2) {
            return Turn::Pass;
        }
        match *calls % WAYS {
            1 => Turn::Unheard,
            2 => Turn::Silent(Duration::from_secs(30)),
            3 => Turn::Later(2),
            4 => Turn::Status(500),
            5 => Turn::Garbage,
            _ => Turn::Lost,
        }
    }
}

/// An intrusion, the how manieth of one key.
fn intrusion(room: &Room, robbed: usize, time: usize) {
    let made = json!({
        "by": ROBBED[robbed], "user": format!("svc.{robbed}{time}+7f3a"), "role": format!("svc-{robbed}{time}"),
        "regions": [REGIONS[robbed * 2 + time]], "address": format!("203.0.113.{}", 60 + robbed),
    });
    room.scene.attacked(&made);
    room.scene.deliver();
}

#[test]
fn slack_end_to_end_outage() {
    let Some(room) = Room::moto(&REGIONS) else { return };
    let lasts = outage();
    room.slack.rule(failing());
    let mut serve = room.serve(&["3s", "--listen", "127.0.0.1:0"]);
    serve.port();
    let begun = Instant::now();
    let opened = |count: usize| {
        let known = room.scene.well(&["incidents", "--format", "ndjson"]).stdout.lines().count();
        (known == count).then_some(())
    };
    for robbed in 0..ROBBED.len() {
        intrusion(&room, robbed, 0);
        room.until("an incident is known", || opened(robbed + 1));
    }
    for robbed in 0..ROBBED.len() {
        intrusion(&room, robbed, 1);
    }
    let changed = || room.journalled("incident.changed").len() >= ROBBED.len();
    room.until("every incident went on", || changed().then_some(()));
    // From here on nothing happens, and nothing is to be done but to wait.
    let (quiet, spent) = (Instant::now(), serve.cpu());
    thread::sleep(lasts.saturating_sub(begun.elapsed()).max(Duration::from_secs(15)));
    let (waited, spent) = (quiet.elapsed().as_secs_f64(), serve.cpu() - spent);
    let calls: Vec<_> = room.slack.calls().into_iter().map(|call| call.method).collect();
    let whole = begun.elapsed().as_secs_f64();
    tell(&format!(
        "an outage of {whole:.0} s: calls of Slack {calls:?}; in {waited:.0} s of waiting {spent:.2} s of processor"
    ));
    assert!((WAYS - 1..60).contains(&calls.len()), "it goes on, and not all the time: {calls:?}");
    for method in ["chat.postMessage", "conversations.history"] {
        assert!(calls.iter().filter(|call| *call == method).count() > 1, "{method} is tried: {calls:?}");
    }
    assert!(spent < BUSY * waited, "{spent} of {waited}");
    room.slack.open();

    let due = |room: &Room| -> BTreeSet<String> { sent(room, "notified") };
    room.within(PAUSE * 2, "everything arrives", || {
        let messages = room.incidents();
        let is_planned = |message: &Value| super::press::button(message, "show").is_some();
        (messages.len() == ROBBED.len() && messages.iter().all(is_planned) && due(&room).len() >= 2 * ROBBED.len())
            .then_some(())
    });
    all_is_told_once(&room);
    assert!(sent(&room, "notify.given-up").is_empty());
    serve.stop();
}

/// Keys of what the journal says of Slack, by a kind; none is there twice.
fn sent(room: &Room, kind: &str) -> BTreeSet<String> {
    let lines = room.journalled(kind);
    let is_slack = |line: &&Value| line["detail"]["channel"].as_str().is_some_and(|name| name.starts_with("slack:"));
    let keys: Vec<_> = lines.iter().filter(is_slack).map(|line| line["detail"]["key"].to_string()).collect();
    let all: BTreeSet<_> = keys.iter().cloned().collect();
    assert_eq!(all.len(), keys.len(), "{kind} twice: {keys:?}");
    all
}

/// Each incident has one message, in the order in which they opened, and each of its changes one reply, in order.
fn all_is_told_once(room: &Room) {
    let messages = room.incidents();
    let opened: Vec<_> = room.journalled("incident.opened").iter().map(|line| line["incident"].clone()).collect();
    let shown: Vec<_> = messages.iter().map(|message| Value::from(mark(message))).collect();
    assert_eq!(shown, opened, "once each, in order");
    for message in &messages {
        let all = room.slack.replies(&room.slack.channel, message["ts"].as_str().unwrap());
        let marks: Vec<_> = all.iter().map(|reply| mark(reply).to_owned()).collect();
        let revision = |mark: &String| mark.rsplit('-').next().unwrap().parse::<u32>().unwrap_or_default();
        assert!(!marks.is_empty(), "it went on: {message}");
        assert!(marks.windows(2).all(|two| revision(&two[0]) < revision(&two[1])), "in order, once: {marks:?}");
    }
}
