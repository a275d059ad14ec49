//! A Python process that answers each line of JSON with another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

/// It ends with the test.
pub(super) struct Script {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Script {
    pub(super) fn start(python: &Path, arguments: &[&str]) -> Self {
        let mut script = Command::new(python);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
            script.env_remove(name);
        }
        // Nothing is written into the repository.
        script.env("PYTHONDONTWRITEBYTECODE", "1").args(arguments);
        let mut process = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pipes = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, pipes: Mutex::new(pipes) }
    }

    /// Has something done, and gives what came of it.
    pub(super) fn ask(&self, what: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{what}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let mut told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {error}: {line}"));
        assert!(told["error"].is_null(), "{what}: {}", told["error"].as_str().unwrap_or_default());
        told["ok"].take()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
