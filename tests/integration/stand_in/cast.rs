//! Owner, production and intruder, who act in a stand-in.

use std::path::Path;

use serde_json::{Value, json};

use super::localemu::{LocalEmu, OWNER};
use super::ministack::{MINI_ACCOUNT, MINI_OWNER, MiniStack};
use super::moto::{self, MOTO_ACCOUNT, Moto};
use super::script::Script;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/stand_in/cast");

/// A process that does what it is asked to, as whoever it is asked to be. It ends with the test.
pub(crate) struct Cast(Script);

impl Cast {
    fn start(python: &Path, endpoint: &str, account: &str, owner: (&str, &str)) -> Self {
        Self(Script::start(python, &[SCRIPT, endpoint, account, owner.0, owner.1]))
    }

    /// Has something done, and gives what came of it.
    pub(crate) fn ask(&self, what: &Value) -> Value {
        self.0.ask(what)
    }

    /// Everything that containment may change, as text.
    pub(crate) fn dump(&self, regions: &[&str]) -> Value {
        self.ask(&json!({ "do": "dump", "regions": regions }))
    }
}

impl LocalEmu {
    pub(crate) fn cast(&self) -> Option<Cast> {
        Some(Cast::start(&self.python, &self.url(), OWNER, (OWNER, "test")))
    }
}

impl Moto {
    pub(crate) fn cast(&self) -> Option<Cast> {
        Some(Cast::start(&moto::boto()?, &self.url(), MOTO_ACCOUNT, MINI_OWNER))
    }
}

impl MiniStack {
    pub(crate) fn cast(&self) -> Option<Cast> {
        Some(Cast::start(&moto::boto()?, &self.url(), MINI_ACCOUNT, MINI_OWNER))
    }
}
