//! `stakeout slack`, drills that are told, and passes without `serve`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::press::{button, buttons, mark, texts};
use super::room::{ADA, GROUP, Room};
use crate::harness::{Run, finish, set, stakeout};
use crate::stand_in::LookupFake;
use crate::stand_in::slack::{Slack, WRITER};
use crate::watch::desk::Desk;

/// A run with Slack and other settings, and the variables that it needs.
fn run(slack: &Slack, settings: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let cloud = LookupFake::start("111122223333", Vec::new(), 1);
    let desk = Desk::at(cloud.url(), "AKIAIOSFODNN7EXAMPLE");
    let mut command = desk.station("slack", settings).command(arguments);
    Slack::secrets(&mut command);
    command.envs(variables.iter().copied());
    let run = finish(command, b"");
    assert!(!desk.path().join("slack.db").exists(), "no state is touched");
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(!said.contains("xoxb-") && !said.contains("xapp-"), "a secret is told: {said}");
    assert!(!slack.calls().is_empty(), "Slack was asked: {said}");
    run
}

#[test]
fn slack_manifest_is_what_the_app_needs() {
    let read = |arguments: &[&str]| -> Value {
        let run = stakeout(arguments);
        assert_eq!(run.status, 0, "{run:?}");
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    };
    let socket = read(&["slack", "manifest"]);
    let scopes = set(&socket["oauth_config"]["scopes"]["bot"]);
    let needed = ["chat:write", "channels:history", "groups:history", "usergroups:read"];
    assert_eq!(scopes, BTreeSet::from(needed.map(str::to_owned)), "no more, no less");
    assert_eq!(socket["settings"]["socket_mode_enabled"], true);
    assert_eq!(socket["settings"]["interactivity"]["is_enabled"], true);
    let url = "https://stakeout.example.com/slack";
    let http = read(&["slack", "manifest", "--url", url]);
    assert_eq!(http["settings"]["socket_mode_enabled"], false);
    assert_eq!(http["settings"]["interactivity"]["request_url"], url);
    assert_eq!(http["features"]["bot_user"]["display_name"], socket["features"]["bot_user"]["display_name"]);
}

#[test]
fn slack_test_says_what_works_and_what_does_not() {
    let Some(slack) = Slack::start() else { return };
    slack.group(GROUP, &["W0BOB00001"]);
    let settings = format!("{}\n[approval]\napprovers = [\"{ADA}\", \"{GROUP}\"]\n", slack.settings(true));
    let good = run(&slack, &settings, &[], &["slack", "test"]);
    assert_eq!(good.status, 0, "{good:?}");
    let messages = slack.messages(&slack.channel);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(texts(&messages[0]["blocks"]).contains("TEST"), "{}", texts(&messages[0]["blocks"]));
    assert!(!slack.replies(&slack.channel, messages[0]["ts"].as_str().unwrap()).is_empty());
    let all = buttons(&messages[0]);
    assert!(all.iter().all(|button| button["action_id"].as_str().unwrap().starts_with("rehearse")), "{all:?}");

    let writer = run(&slack, &settings, &[("SLACK_BOT_TOKEN", WRITER)], &["slack", "test"]);
    assert_eq!(writer.status, 1, "{writer:?}");
    let said = format!("{}{}", writer.stdout, writer.stderr);
    assert!(said.contains("channels:history") && said.contains("usergroups:read"), "{said}");
    let elsewhere = settings.replace(&slack.channel, "C0NOWHERE1");
    let lost = run(&slack, &elsewhere, &[], &["slack", "test"]);
    assert_ne!(lost.status, 0, "{lost:?}");
    let said = format!("{}{}", lost.stdout, lost.stderr);
    assert!(said.contains("C0NOWHERE1") && said.contains("channel_not_found"), "{said}");
    let nobody = run(&slack, &settings, &[("SLACK_BOT_TOKEN", "xoxb-of-nobody")], &["slack", "test"]);
    assert_eq!(nobody.status, 2, "{nobody:?}");
    assert!(format!("{}{}", nobody.stdout, nobody.stderr).contains("invalid_auth"), "{nobody:?}");
}

#[test]
fn slack_shows_a_drill_as_a_drill() {
    let Some(slack) = Slack::start() else { return };
    let settings = slack.settings(false);
    let drill = run(&slack, &settings, &[], &["drill", "lambda-ddos-all-regions", "--notify"]);
    assert_eq!(drill.status, 0, "{drill:?}");
    let messages = slack.messages(&slack.channel);
    assert_eq!(messages.len(), 1, "{messages:?}");
    let header = &messages[0]["blocks"][0]["text"]["text"];
    assert!(header.as_str().unwrap().starts_with("DRILL"), "{header}");
    let all = buttons(&messages[0]);
    assert!(!all.is_empty());
    assert!(all.iter().all(|button| button["action_id"].as_str().unwrap().starts_with("rehearse")), "{all:?}");
}

#[test]
fn slack_is_told_by_a_cron_job_too() {
    let Some(room) = Room::mini(&["us-east-1"], false, &[]) else { return };
    room.scene.attacked(&json!({}));
    room.scene.deliver();
    let pass = || finish(room.command(&["watch", "--once", "--format", "ndjson"]), b"");
    let opened = pass();
    assert_eq!(opened.status, 1, "{opened:?}");
    let message = room.shows("approve");
    assert_eq!(opened.incidents()[0]["id"], mark(&message));
    let calls = room.slack.calls().len();
    let quiet = pass();
    assert_eq!((quiet.status, room.slack.calls().len()), (0, calls), "nothing new, nothing said: {quiet:?}");

    // What is decided at the terminal shows with the next pass.
    let value = button(&message, "approve").unwrap()["value"].as_str().unwrap().to_owned();
    let (id, digest) = value.split_once(' ').unwrap();
    room.scene.well(&["deny", id, "--plan", digest, "--as", ADA, "--why", "a test"]);
    pass();
    room.until("it is denied", || {
        let message = room.incidents().pop()?;
        texts(&message["blocks"]).to_lowercase().contains("denied").then_some(())
    });
}
