//! What Slack sends when somebody presses a button.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stand_in::slack::{SECRET, Sdk, Slack, TEAM};
use crate::stand_in::{content, status, tried};
use crate::watch::lookup::now;

/// Of the form that Slack sends.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The press of a button of a message.
pub(crate) struct Press<'p> {
    pub(crate) user: &'p str,
    pub(crate) channel: &'p str,
    pub(crate) message: &'p Value,
    pub(crate) button: &'p Value,
    /// No two presses have the same.
    pub(crate) number: usize,
}

impl Press<'_> {
    /// As Slack tells it.
    pub(crate) fn payload(&self, slack: &Slack) -> Value {
        let (ts, channel) = (&self.message["ts"], self.channel);
        let mut action = self.button.clone();
        let action_ts = format!("{}.{:06}", now(), self.number);
        let more = json!({ "block_id": "buttons", "action_ts": action_ts });
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let blocks = &self.message["blocks"];
        json!({
            "type": "block_actions",
            "user": { "id": self.user, "username": "somebody", "name": "somebody", "team_id": TEAM },
            "api_app_id": "A0STAKEOUT",
            "token": "a-token-that-means-nothing",
            "container": { "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false },
            "trigger_id": format!("{}.{TEAM}.{:032x}", self.number, self.number),
            "team": { "id": TEAM, "domain": "example" },
            "enterprise": null,
            "is_enterprise_install": false,
            "channel": { "id": channel, "name": "incidents" },
            "message": { "type": "message", "ts": ts, "text": "fallback", "bot_id": "B0STAKEOUT", "blocks": blocks },
            "state": { "values": {} },
            "response_url": slack.response_url(self.number),
            "actions": [action],
        })
    }

    /// The body of the request.
    pub(crate) fn body(&self, slack: &Slack) -> String {
        form(&self.payload(slack).to_string())
    }
}

/// A payload in a form.
pub(crate) fn form(payload: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://127.0.0.1/", [("payload", payload)]).unwrap();
    url.query().unwrap().to_owned()
}

/// A request with its signature.
pub(crate) struct Signed {
    pub(crate) body: String,
    pub(crate) timestamp: i64,
    pub(crate) signature: String,
}

/// Signs bodies as Slack's own library does, for a time.
pub(crate) fn signed(sdk: &Sdk, bodies: Vec<String>, timestamp: i64) -> Vec<Signed> {
    let signatures = sdk.sign(SECRET, timestamp, &bodies);
    bodies.into_iter().zip(signatures).map(|(body, signature)| Signed { body, timestamp, signature }).collect()
}

impl Signed {
    /// Sends it. Gives the status, the answer's body, and how long that took; 0 and the reason where
    /// no answer came.
    pub(crate) fn send(&self, port: u16) -> (u16, String, Duration) {
        self.send_to(port, "/slack/interactions")
    }

    /// The same to another path.
    pub(crate) fn send_to(&self, port: u16, path: &str) -> (u16, String, Duration) {
        let timestamp = self.timestamp.to_string();
        let headers = [
            ("Content-Type", FORM),
            ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)"),
            ("X-Slack-Request-Timestamp", &timestamp),
            ("X-Slack-Signature", &self.signature),
        ];
        let begun = Instant::now();
        let answer = tried(port, "POST", path, &headers, self.body.as_bytes());
        match answer {
            Ok(answer) => (status(&answer), content(&answer).to_owned(), begun.elapsed()),
            Err(error) => (0, error.to_string(), begun.elapsed()),
        }
    }
}

/// The buttons of a message, in their order.
pub(crate) fn buttons(message: &Value) -> Vec<&Value> {
    let blocks = message["blocks"].as_array().map_or(&[][..], Vec::as_slice);
    let elements = blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
    elements.filter(|element| element["type"] == "button" && element["url"].is_null()).collect()
}

/// The button with an action.
pub(crate) fn button<'m>(message: &'m Value, action: &str) -> Option<&'m Value> {
    buttons(message).into_iter().find(|button| button["action_id"] == action)
}

/// Every text of a message's blocks, one in a line.
pub(crate) fn texts(value: &Value) -> String {
    match value {
        Value::Array(all) => all.iter().map(texts).collect(),
        Value::Object(map) => {
            let of = |(name, value): (&String, &Value)| match value {
                Value::String(text) if name == "text" => format!("{text}\n"),
                _ => texts(value),
            };
            map.iter().map(of).collect()
        }
        _ => String::new(),
    }
}

/// The mark of a message: the id of its first block.
pub(crate) fn mark(message: &Value) -> &str {
    message["blocks"][0]["block_id"].as_str().unwrap_or_else(|| panic!("no mark: {message:#}"))
}
