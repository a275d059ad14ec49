//! Owner, production and intruder, who act in a stand-in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::localemu::{LocalEmu, OWNER};
use super::ministack::{MINI_ACCOUNT, MINI_OWNER, MiniStack};
use super::moto::{self, MOTO_ACCOUNT, Moto};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/stand_in/cast");

/// A process that does what it is asked to, as whoever it is asked to be. It ends with the test.
pub(crate) struct Cast {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Cast {
    fn start(python: &Path, endpoint: &str, account: &str, owner: (&str, &str)) -> Self {
        let mut script = Command::new(python);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
            script.env_remove(name);
        }
        // Nothing is written into the repository.
        script.env("PYTHONDONTWRITEBYTECODE", "1");
        script.args([SCRIPT, endpoint, account, owner.0, owner.1]);
        let mut process = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pipes = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, pipes: Mutex::new(pipes) }
    }

    /// Has something done, and gives what came of it.
    pub(crate) fn ask(&self, what: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{what}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let mut told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {error}: {line}"));
        assert!(told["error"].is_null(), "{what}: {}", told["error"].as_str().unwrap_or_default());
        told["ok"].take()
    }

    /// Everything that containment may change, as text.
    pub(crate) fn dump(&self, regions: &[&str]) -> Value {
        self.ask(&json!({ "do": "dump", "regions": regions }))
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
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
