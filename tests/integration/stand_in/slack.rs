//! Slack on this machine: npm's `emulate` behind a relay, Socket Mode, and Slack's own library as a judge.

mod limits;
mod link;
mod relay;
mod sdk;

use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::node::Emulate;
use super::server::Server;
pub(crate) use limits::{characters, wrong};
pub(crate) use link::Link;
pub(crate) use relay::{Answer, Call, Turn};
use relay::{Shared, ask, listen};
pub(crate) use sdk::Sdk;

/// The workspace's id in `emulate`.
pub(crate) const TEAM: &str = "T000000001";
/// A bot with everything that the manifest asks for.
pub(crate) const BOT: &str = "xoxb-local-bot";
/// One that may only write.
pub(crate) const WRITER: &str = "xoxb-local-writer";
pub(crate) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const APP: &str = "xapp-local-app";
/// The test's own eyes.
const READER: &str = "xoxb-local-reader";
const TOKENS: [(&str, &str); 3] = [
    (BOT, "chat:write,channels:history,groups:history,usergroups:read"),
    (WRITER, "chat:write"),
    (READER, "channels:read,channels:history"),
];

/// A workspace of its own for a test, with a channel for incidents and one for notices.
pub(crate) struct Slack {
    server: Server,
    port: u16,
    shared: Arc<Mutex<Shared>>,
    pub(crate) link: Link,
    /// Ids of the channels.
    pub(crate) channel: String,
    pub(crate) notices: String,
}

impl Slack {
    /// None where the machine has no Node.js for it.
    pub(crate) fn start() -> Option<Self> {
        let emulate = Emulate::installed()?;
        let server = Server::start("/api/api.test", |port, home| {
            let tokens = TOKENS.map(|(token, scopes)| {
                let scopes: Vec<_> = scopes.split(',').collect();
                json!({ "token": token, "user": "stakeout", "scopes": scopes })
            });
            let seed = json!({ "slack": {
                "team": { "name": "Example", "domain": "example" }, "users": [{ "name": "stakeout" }],
                "channels": [{ "name": "incidents" }, { "name": "notices" }],
                "tokens": tokens, "strict_scopes": true,
            } });
            let file = home.join("seed.json");
            std::fs::write(&file, seed.to_string()).unwrap();
            emulate.serve("slack", port, &file)
        });
        let listed = ask(server.port, "conversations.list", READER, &json!({})).unwrap();
        let listed: Value = serde_json::from_str(&listed).unwrap_or_else(|error| panic!("{error}: {listed}"));
        let id = |name: &str| {
            let mut all = listed["channels"].as_array().unwrap().iter();
            all.find(|channel| channel["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let link = Link::start();
        let tokens = TOKENS.into_iter().map(|(token, scopes)| (token.to_owned(), scopes)).collect();
        let shared = Shared { tokens, link: (link.url(1), APP.to_owned()), ..Shared::default() };
        let shared = Arc::new(Mutex::new(shared));
        let port = listen(server.port, &shared);
        let (channel, notices) = (id("incidents"), id("notices"));
        Some(Self { server, port, shared, link, channel, notices })
    }

    /// The section of the settings, for Socket Mode or not.
    pub(crate) fn settings(&self, socket: bool) -> String {
        let app = if socket { "app_token = \"env:SLACK_APP_TOKEN\"\n" } else { "" };
        format!(
            "[slack]\ntoken = \"env:SLACK_BOT_TOKEN\"\n{app}signing_secret = \"env:SLACK_SIGNING_SECRET\"\n\
             channel = \"{}\"\nnotices = \"{}\"\napi_url = \"{}\"\n",
            self.channel,
            self.notices,
            self.api_url()
        )
    }

    /// Where its API is.
    pub(crate) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    /// The secrets that the settings name.
    pub(crate) fn secrets(command: &mut Command) {
        command.env("SLACK_BOT_TOKEN", BOT).env("SLACK_APP_TOKEN", APP).env("SLACK_SIGNING_SECRET", SECRET);
    }

    /// Where the answer to a press may be sent.
    pub(crate) fn response_url(&self, press: usize) -> String {
        format!("http://127.0.0.1:{}/respond/{press}", self.port)
    }

    /// From here on, calls end as `rule` says.
    pub(crate) fn rule(&self, rule: impl FnMut(&Call) -> Turn + Send + 'static) {
        self.shared.lock().unwrap().rule = Some(Box::new(rule));
    }

    /// From here on, all pass.
    pub(crate) fn open(&self) {
        self.shared.lock().unwrap().rule = None;
    }

    /// Makes a user group.
    pub(crate) fn group(&self, id: &str, members: &[&str]) {
        let members = members.iter().map(|&member| member.to_owned()).collect();
        self.shared.lock().unwrap().groups.insert(id.to_owned(), members);
    }

    /// Calls the API as the bot, as the program does.
    pub(crate) fn call(&self, method: &str, with: &Value) -> Value {
        let answer = ask(self.port, method, BOT, with).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.lock().unwrap().calls.clone()
    }

    /// Every answer so far that only whoever pressed sees.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.shared.lock().unwrap().answers.clone()
    }

    /// The messages of a channel, oldest first, without those in threads.
    pub(crate) fn messages(&self, channel: &str) -> Vec<Value> {
        let mut messages = self.listed("conversations.history", &json!({ "channel": channel, "limit": 1_000 }));
        messages.reverse();
        messages
    }

    /// The replies to a message, oldest first.
    pub(crate) fn replies(&self, channel: &str, ts: &str) -> Vec<Value> {
        let mut all = self.listed("conversations.replies", &json!({ "channel": channel, "ts": ts, "limit": 1_000 }));
        all.retain(|message| message["ts"] != ts);
        all
    }

    fn listed(&self, method: &str, with: &Value) -> Vec<Value> {
        let answer = ask(self.server.port, method, READER, with).unwrap();
        let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        match answer["messages"].take() {
            Value::Array(messages) => messages,
            _ => panic!("{method}: {answer}"),
        }
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        let wrong = std::mem::take(&mut self.shared.lock().unwrap().wrong);
        if !std::thread::panicking() {
            assert!(wrong.is_empty(), "Slack would have refused: {wrong:#?}");
        }
    }
}
