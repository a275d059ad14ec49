//! `stakeout drill NAME --live`: an intruder who makes real calls of a stand-in.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::contain::scene::{THREE, same};
use crate::harness::{Run, command, finish, set};
use crate::stand_in::slack::Slack;
use crate::stand_in::{LocalEmu, MiniStack, OWNER};
use crate::watch::desk::{Desk, Station};

/// Who owns the account of `MiniStack`.
const MINI_OWNER: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/// It makes no containers here. Where it believes that it could, a function of it can be deleted.
const CONTAINERS: [(&str, &str); 2] = [("DOCKER_CMD", "true"), ("LEGACY_DOCKER_CLIENT", "1")];

const STORY: &str = "lambda-ddos-all-regions";

/// A place to start drills from, and the folder of what is temporary there.
struct Yard {
    desk: Desk,
    station: Station,
    url: String,
    secret: &'static str,
}

impl Yard {
    fn at(url: String, (key, secret): (&str, &'static str), more: &str) -> Self {
        let desk = Desk::at(url.clone(), key);
        let settings = format!("[aws]\nregions = {}\n[contain]\nreassert = \"2s\"\n{more}", json!(THREE));
        let station = desk.station("desk", &settings);
        fs::create_dir(desk.path().join("tmp")).unwrap();
        Self { desk, station, url, secret }
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = self.station.command(&[&["drill", STORY, "--live"], more].concat());
        command.env("AWS_SECRET_ACCESS_KEY", self.secret).env("TMPDIR", self.desk.path().join("tmp"));
        command
    }

    /// At the stand-in, with passes that come quickly.
    fn here(&self, more: &[&str]) -> Command {
        self.command(&[&["--endpoint", &self.url, "--interval", "1s", "--format", "json"], more].concat())
    }

    /// Nothing is left on this machine, and the real state was not even made.
    fn is_tidy(&self) {
        let left: Vec<_> = fs::read_dir(self.desk.path().join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(!self.desk.path().join("desk.db").exists(), "the real state was touched");
    }
}

fn told(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn an_intruder_is_found_told_contained_and_refused() {
    let Some(cloud) = LocalEmu::start(&CONTAINERS) else { return };
    let Some(cast) = cloud.cast() else { return };
    let slack = Slack::start();
    // The account has a life of its own, which is in the log.
    cast.ask(&json!({ "do": "prepare", "trails": [] }));
    let before = cast.dump(&THREE);
    let more = slack.as_ref().map_or_else(String::new, |slack| slack.settings(false));
    let yard = Yard::at(cloud.url(), (OWNER, "test"), &format!("[approval]\napprovers = [\"Ada\"]\n{more}"));
    let mut command = yard.here(&["--approve-as", "Ada", "--regions", &THREE.join(",")]);
    Slack::secrets(&mut command);
    let run = finish(command, b"");
    assert_eq!(run.status, 0, "{run:?}");
    let told = told(&run);
    drop(writeln!(std::io::stderr(), "live drill, seconds after the first call: {}", told["seconds"]));
    assert_eq!((&told["missed"], &told["remained"]), (&json!([]), &json!([])), "{told:#}");
    assert_eq!(set(&told["regions"]), THREE.map(str::to_owned).into());
    assert_eq!(told["functions"].as_array().unwrap().len(), THREE.len());
    assert_eq!(told["removed"], 3 + THREE.len(), "two users, a role and the functions");
    let at = |part: &str| told["seconds"][part].as_f64().unwrap_or_else(|| panic!("{part}: {told:#}"));
    let parts = ["played", "detected", "notified", "approved", "contained"];
    assert!(parts.map(at).is_sorted() && at("played") > 0.0, "{told:#}");
    assert!((at("approved")..at("contained") + 61.0).contains(&at("refused")), "{told:#}");
    same(&before, &cast.dump(&THREE));
    yard.is_tidy();

    if let Some(slack) = &slack {
        let messages = slack.messages(&slack.channel);
        assert_eq!(messages.len(), 1, "{messages:#?}");
        let text = messages[0].to_string();
        assert!(text.contains("DRILL") && text.contains("ontained"), "{text}");
        let replies = slack.replies(&slack.channel, messages[0]["ts"].as_str().unwrap());
        assert!(replies.len() == 1 && replies[0].to_string().contains("is over"), "{replies:#?}");
    }
    only_planned(&yard, || cast.dump(&THREE), &before);
}

/// Without anybody to approve, the drill ends with the plan. Whoever may not decide does not.
fn only_planned(yard: &Yard, dump: impl Fn() -> Value, before: &Value) {
    let regions = ["--regions", THREE[0]];
    let mut quiet = yard.here(&regions);
    Slack::secrets(&mut quiet);
    let run = finish(quiet, b"");
    assert_eq!(run.status, 0, "{run:?}");
    let plan = told(&run);
    assert!(plan["commands"].to_string().contains("stakeout approve inc-"), "{plan:#}");
    assert_eq!(plan["seconds"]["contained"], Value::Null);
    let mut eve = yard.here(&[&regions[..], &["--approve-as", "Eve"]].concat());
    Slack::secrets(&mut eve);
    let run = finish(eve, b"");
    assert_eq!(run.status, 1, "{run:?}");
    let missed = &told(&run)["missed"];
    assert!(missed[0]["part"] == "approved" && missed.to_string().contains("not among the approvers"), "{missed:#}");
    same(before, &dump());
    yard.is_tidy();
}

#[test]
fn where_no_events_are_told_nothing_is_detected_and_all_of_it_goes_away() {
    let Some(cloud) = MiniStack::enforcing() else { return };
    let Some(cast) = cloud.cast() else { return };
    cast.ask(&json!({ "do": "prepare", "trails": [] }));
    let before = cast.dump(&THREE);
    let yard = Yard::at(cloud.url(), MINI_OWNER, "");
    let run = finish(yard.here(&["--patience", "3s", "--approve-as", "Ada"]), b"");
    assert_eq!(run.status, 1, "{run:?}");
    let made = told(&run);
    assert!(made["missed"][0]["part"] == "detected" && made["seconds"]["detected"].is_null(), "{made:#}");
    assert_eq!((&made["remained"], made["functions"].as_array().unwrap().len()), (&json!([]), THREE.len()), "{made:#}");
    same(&before, &cast.dump(&THREE));
    yard.is_tidy();

    // Somebody ends it while the engine looks.
    let mut command = yard.here(&["--patience", "5m"]);
    let mut drill = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(drill.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("looking for it") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended by itself");
    }
    let pid = drill.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = drill.wait().unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(status.code(), Some(2), "{rest}");
    assert!(rest.contains("stopped before its end") && rest.contains("everything that it made is removed"), "{rest}");
    same(&before, &cast.dump(&THREE));
    yard.is_tidy();
    killed(&yard);
    same(&before, &cast.dump(&THREE));
}

/// Somebody kills it, and removes by its id what it left.
fn killed(yard: &Yard) {
    let mut command = yard.here(&["--patience", "5m"]);
    let mut drill = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(drill.stderr.take().unwrap());
    let (mut line, mut id) = (String::new(), String::new());
    while !line.contains("looking for it") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended by itself");
        if let Some((_, rest)) = line.split_once("--clean ") {
            id = rest.chars().take_while(char::is_ascii_lowercase).collect();
        }
    }
    drill.kill().unwrap();
    drill.wait().unwrap();
    let folder = yard.desk.path().join("tmp").join(format!("stakeout-drill-{id}"));
    fs::remove_dir_all(folder).unwrap();
    let clean = |id: &str| finish(yard.command(&["--endpoint", &yard.url, "--clean", id]), b"");
    let run = clean("nobody");
    assert!(run.status == 0 && run.stderr.contains("removed 0 things of drill nobody"), "{run:?}");
    let run = clean(&id);
    let all = format!("removed {} things of drill {id}", 3 + THREE.len());
    assert!(run.status == 0 && run.stderr.contains(&all), "{run:?}");
    yard.is_tidy();
}

#[test]
fn options_of_both_ways_do_not_mix() {
    for (arguments, why) in [
        (["--interval", "5s"], "--live"),
        (["--patience", "5s"], "--live"),
        (["--clean", "abcdef"], "--live"),
        (["--live", "--days=3"], "cannot be used with"),
        (["--live", "--noise=2"], "cannot be used with"),
        (["--live", "--start=2026-09-01T00:00:00Z"], "cannot be used with"),
        (["--live", "--format=csv"], "possible values: table, json"),
        (["--live", "--clean=../etc"], "6 small letters"),
    ] {
        let run = finish(command([&["drill", STORY], &arguments[..]].concat()), b"");
        assert!(run.status == 2 && run.stderr.contains(why), "{arguments:?}: {run:?}");
    }
}

#[test]
fn it_goes_nowhere_but_where_it_may() {
    // Whoever calls here is heard.
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    door.set_nonblocking(true).unwrap();
    let here = format!("http://{}", door.local_addr().unwrap());
    let yard = Yard::at(here.clone(), (OWNER, "test"), "[drill]\nsandbox = [\"111122223333\"]\n");
    let refused = |command: Command, why: &str| {
        let run = finish(command, b"");
        assert_eq!(run.status, 2, "{run:?}");
        assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
        assert_eq!(run.stdout, "");
        std::thread::sleep(Duration::from_millis(50));
        assert!(door.accept().is_err(), "somebody called: {}", run.stderr);
        yard.is_tidy();
    };
    let aws = |more: &[&str]| {
        let mut command = yard.command(more);
        command.env_remove("AWS_ENDPOINT_URL");
        command
    };
    for (endpoint, why) in [
        ("https://127.0.0.1.example.com", "[drill] sandbox"),
        ("https://localhost.example.com", "[drill] sandbox"),
        ("https://iam.amazonaws.com", "[drill] sandbox"),
        ("https://[::ffff:127.0.0.1]", "[drill] sandbox"),
        ("http://127.0.0.1@example.com", "not a plain address"),
        ("http://127.0.0.1.example.com", "over http"),
        ("http://10.0.0.5:4566", "over http"),
        ("127.0.0.1:4566", "--endpoint"),
    ] {
        refused(aws(&["--endpoint", endpoint]), why);
    }
    refused(aws(&[]), "[drill] sandbox");
    refused(aws(&["--confirm", "123456789012"]), "is no sandbox");
    // A client that would go elsewhere.
    refused(yard.command(&["--confirm", "111122223333"]), "AWS_ENDPOINT_URL points elsewhere");
    let mut elsewhere = yard.here(&[]);
    elsewhere.env("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1");
    refused(elsewhere, "AWS_ENDPOINT_URL_IAM points elsewhere");
    let mut profile = aws(&["--confirm", "111122223333"]);
    let file = yard.desk.path().join("profiles");
    fs::write(&file, "[default]\nendpoint_url = http://127.0.0.1:1\n").unwrap();
    profile.env("AWS_CONFIG_FILE", &file);
    refused(profile, "has an endpoint_url");
    // No credentials are looked for elsewhere.
    let mut bare = yard.here(&[]);
    bare.env_remove("AWS_SECRET_ACCESS_KEY");
    refused(bare, "AWS_SECRET_ACCESS_KEY is not set");
    let mut blind = yard.station.command(&["drill", "missing-key", "--live", "--endpoint", &here]);
    blind.env("TMPDIR", yard.desk.path().join("tmp"));
    refused(blind, "cannot be played live");
}
