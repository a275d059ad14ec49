//! Slack's own library and framework, as judges.

use serde_json::{Value, json};

use crate::stand_in::python::{Recipe, interpreter};
use crate::stand_in::script::Script;

const RECIPE: Recipe = Recipe { name: "slack-sdk", requirements: include_str!("sdk.txt"), minor: 11 };
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/stand_in/slack/sdk.py");

/// A process with `slack_sdk` and `slack_bolt`. It ends with the test.
pub(crate) struct Sdk(Script);

impl Sdk {
    /// None where the machine has no Python for it.
    pub(crate) fn start() -> Option<Self> {
        Some(Self(Script::start(&interpreter(&RECIPE)?, &[SCRIPT])))
    }

    /// The signatures of bodies.
    pub(crate) fn sign(&self, secret: &str, timestamp: i64, bodies: &[String]) -> Vec<String> {
        let asked = json!({ "do": "sign", "secret": secret, "timestamp": timestamp.to_string(), "bodies": bodies });
        let signed = self.0.ask(&asked);
        signed.as_array().unwrap().iter().map(|signature| signature.as_str().unwrap().to_owned()).collect()
    }

    /// What is wrong with blocks.
    pub(crate) fn wrong(&self, blocks: &Value) -> Value {
        self.0.ask(&json!({ "do": "validate", "blocks": blocks }))
    }

    /// The status and what was `seen` of a request about an action.
    pub(crate) fn bolt(&self, secret: &str, action: &str, body: &str, headers: &Value) -> Value {
        self.0.ask(&json!({ "do": "bolt", "secret": secret, "action": action, "body": body, "headers": headers }))
    }
}
