//! What Slack sends when somebody presses a button.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stand_in::slack::{SECRET, Sdk, Slack, TEAM};
use crate::stand_in::{content, status, tried};
use crate::watch::lookup::now;

/// Of the form that Slack sends.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// The press of a button of a message.
pub(super) struct Press<'p> {
    pub(super) user: &'p str,
    pub(super) channel: &'p str,
    pub(super) message: &'p Value,
    pub(super) button: &'p Value,
    /// No two presses have the same.
    pub(super) number: usize,
}

impl Press<'_> {
    /// As Slack tells it.
    pub(super) fn payload(&self, slack: &Slack) -> Value {
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
    pub(super) fn body(&self, slack: &Slack) -> String {
        form(&self.payload(slack).to_string())
    }
}

/// A payload in a form.
pub(super) fn form(payload: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://127.0.0.1/", [("payload", payload)]).unwrap();
    url.query().unwrap().to_owned()
}

/// A request with its signature.
pub(super) struct Signed {
    pub(super) body: String,
    pub(super) timestamp: i64,
    pub(super) signature: String,
}

/// Signs bodies as Slack's own library does, for a time.
pub(super) fn signed(sdk: &Sdk, bodies: Vec<String>, timestamp: i64) -> Vec<Signed> {
    let signatures = sdk.sign(SECRET, timestamp, &bodies);
    bodies.into_iter().zip(signatures).map(|(body, signature)| Signed { body, timestamp, signature }).collect()
}

impl Signed {
    /// Sends it. Gives the status, the answer's body, and how long that took; 0 and the reason where
    /// no answer came.
    pub(super) fn send(&self, port: u16) -> (u16, String, Duration) {
        let timestamp = self.timestamp.to_string();
        let headers = [
            ("Content-Type", FORM),
            ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)"),
            ("X-Slack-Request-Timestamp", &timestamp),
            ("X-Slack-Signature", &self.signature),
        ];
        let begun = Instant::now();
        let answer = tried(port, "POST", "/slack/interactions", &headers, self.body.as_bytes());
        match answer {
            Ok(answer) => (status(&answer), content(&answer).to_owned(), begun.elapsed()),
            Err(error) => (0, error.to_string(), begun.elapsed()),
        }
    }
}

/// The buttons of a message, in their order.
pub(super) fn buttons(message: &Value) -> Vec<&Value> {
    let blocks = message["blocks"].as_array().map_or(&[][..], Vec::as_slice);
    let elements = blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
    elements.filter(|element| element["type"] == "button" && element["url"].is_null()).collect()
}

/// The button with an action.
pub(super) fn button<'m>(message: &'m Value, action: &str) -> Option<&'m Value> {
    buttons(message).into_iter().find(|button| button["action_id"] == action)
}

/// Every text of a message's blocks, one in a line.
pub(super) fn texts(value: &Value) -> String {
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
pub(super) fn mark(message: &Value) -> &str {
    message["blocks"][0]["block_id"].as_str().unwrap_or_else(|| panic!("no mark: {message:#}"))
}
