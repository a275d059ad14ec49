//! What Slack and its library say of every message in every state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::press::{buttons, texts};
use super::room::tell;
use crate::harness::stakeout;
use crate::stand_in::slack::{Sdk, Slack, characters, wrong};

/// What is no message of an incident.
const BESIDE: [&str; 8] = ["reply", "steps", "answer", "gap", "notices", "digest", "drill", "test"];

/// Every message of every scenario, one after the other: the scenario, the state, and the message.
fn previewed() -> Vec<(String, String, Value)> {
    let run = stakeout(["slack", "preview"]);
    assert_eq!(run.status, 0, "{run:?}");
    let read = |line: &str| {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let word = |name: &str| message[name].as_str().unwrap_or_else(|| panic!("no {name}: {line}")).to_owned();
        (word("scenario"), word("state"), message)
    };
    run.stdout.lines().map(read).collect()
}

#[test]
fn slack_shows_every_state_in_one_message() {
    let Some(slack) = Slack::start() else { return };
    let words = |message: &Value, more: Value| {
        let mut words = json!({ "channel": slack.channel, "text": message["text"], "blocks": message["blocks"] });
        words.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        words
    };
    let all = previewed();
    let first = slack.call("chat.postMessage", &words(&all[0].2, json!({})));
    assert_eq!(first["ok"], true, "{first}");
    for (scenario, state, message) in &all {
        let update = slack.call("chat.update", &words(message, json!({ "ts": first["ts"] })));
        assert_eq!(update["ok"], true, "{scenario} {state}: {update}");
        let reply = slack.call("chat.postMessage", &words(message, json!({ "thread_ts": first["ts"] })));
        assert_eq!(reply["ok"], true, "{scenario} {state}: {reply}");
        let shown = slack.messages(&slack.channel);
        assert_eq!((shown.len(), &shown[0]["blocks"]), (1, &message["blocks"]), "{scenario} {state}");
    }
    let replies = slack.replies(&slack.channel, first["ts"].as_str().unwrap());
    assert_eq!(replies.len(), all.len());
}

#[test]
fn slack_takes_every_block_of_every_state_of_every_scenario() {
    let all = previewed();
    let sdk = Sdk::start();
    let mut states: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut most = 0;
    for (scenario, state, message) in &all {
        let word = |name: &str| message[name].as_str().unwrap_or_default();
        let blocks = &message["blocks"];
        assert_eq!(wrong(blocks), Vec::<String>::new(), "{scenario} {state}");
        if let Some(sdk) = &sdk {
            assert_eq!(sdk.wrong(blocks), Value::Array(Vec::new()), "{scenario} {state}");
        }
        assert!(!word("text").is_empty() && !word("text").contains('\n'), "{scenario} {state}: {}", word("text"));
        let has_line = BESIDE.contains(&state.as_str()) || texts(blocks).contains("stakeout ");
        assert!(has_line, "a line for the terminal: {scenario} {state}");
        let is_whole = |button: &&Value| button["action_id"].is_string() && button["value"].is_string();
        assert!(buttons(message).iter().all(is_whole), "{scenario} {state}");
        most = most.max(characters(blocks));
        states.entry(scenario).or_default().push(state);
    }
    let per_scenario: Vec<_> = states.values().map(Vec::len).collect();
    tell(&format!(
        "{} messages of {} scenarios; the longest has {most} characters",
        per_scenario.iter().sum::<usize>(),
        states.len()
    ));
    assert!(states.len() >= 2 && per_scenario.iter().all(|&count| count >= 8), "{states:?}");
    assert_eq!(previewed(), all, "the same each time");
}
