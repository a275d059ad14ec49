//! Runs the binary in an environment that does not depend on who runs the tests.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Variables that change what the program writes.
const PERSONAL: [&str; 7] =
    ["NO_COLOR", "COLUMNS", "LINES", "CLICOLOR", "CLICOLOR_FORCE", "RUST_BACKTRACE", "STAKEOUT_CONFIG"];

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with arguments, in the repository and without a personal environment.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
    command.args(arguments).current_dir(root());
    for variable in PERSONAL {
        command.env_remove(variable);
    }
    command
}

/// Runs the binary to its end.
pub(crate) fn stakeout<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    finish(command(arguments), b"")
}

/// Runs a command with bytes on its standard input.
pub(crate) fn finish(mut command: Command, stdin: &[u8]) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A program that reads no input closes the pipe, which is no failure here.
        scope.spawn(move || drop(pipe.write_all(stdin)));
        let output = child.wait_with_output().unwrap();
        Run {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    })
}

/// Replays paths to NDJSON.
pub(crate) fn replay<A: AsRef<OsStr>>(paths: impl IntoIterator<Item = A>) -> Run {
    let mut replay = command(["replay", "--quiet", "--format", "ndjson"]);
    replay.args(paths);
    finish(replay, b"")
}

impl Run {
    /// All objects of one kind.
    pub(crate) fn objects(&self, kind: &str) -> Vec<Value> {
        let all = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|object| object["kind"] == kind).collect()
    }

    pub(crate) fn incidents(&self) -> Vec<Value> {
        self.objects("incident")
    }

    pub(crate) fn findings(&self) -> Vec<Value> {
        self.objects("finding")
    }

    /// The last line. Its accounting has to close.
    pub(crate) fn summary(&self) -> Value {
        let summary = self.objects("summary").pop().unwrap_or_else(|| panic!("no summary: {self:?}"));
        let count = |name: &str| summary[name].as_u64().unwrap();
        let accounted = count("kept") + count("duplicate") + count("malformed") + count("not_a_log");
        assert_eq!(count("read"), accounted, "{summary}");
        summary
    }

    /// The lines of findings and incidents, without the summary.
    pub(crate) fn results(&self) -> String {
        self.summary();
        self.stdout.lines().filter(|line| !line.starts_with(r#"{"kind":"summary""#)).collect::<Vec<_>>().join("\n")
    }

    /// Paths that could not be read completely, and why.
    pub(crate) fn skipped(&self) -> Vec<(String, String)> {
        let summary = self.summary();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        summary["skipped"].as_array().unwrap().iter().map(|s| (text(&s["path"]), text(&s["why"]))).collect()
    }
}

/// A drill on disk.
pub(crate) struct Drill {
    folder: TempDir,
    pub(crate) truth: Value,
}

impl Drill {
    /// A small drill: little ordinary life, delivered once a day.
    pub(crate) fn small(name: &str, more: &[&str]) -> Self {
        Self::noisy(name, "0.3", more)
    }

    /// A drill with as much of ordinary life, delivered once a day.
    pub(crate) fn noisy(name: &str, noise: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut drill = command(["drill", name, "--quiet", "--noise", noise, "--batch", "24h"]);
        drill.args(more).arg("--out").arg(folder.path().join("drill"));
        let run = finish(drill, b"");
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        let truth = std::fs::read_to_string(folder.path().join("drill/truth.json")).unwrap();
        Self { folder, truth: serde_json::from_str(&truth).unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("drill")
    }
}

/// Every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut due = vec![folder.to_owned()];
    while let Some(folder) = due.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { due.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The log files of a delivery tree, without digests and other things that lie beside them.
pub(crate) fn log_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = files(folder);
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("_CloudTrail_")));
    files
}

/// A list of strings in a JSON value, as a set.
pub(crate) fn set(value: &Value) -> BTreeSet<String> {
    let values = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// The binary of the tests in a zip, as `deploy/build` packs what is deployed.
pub(crate) fn packed(folder: &Path) -> PathBuf {
    let mut build = Command::new(root().join("deploy/build"));
    build.args(["--no-sbom", "--binary", env!("CARGO_BIN_EXE_stakeout"), "--out"]).arg(folder);
    let built = build.stdin(Stdio::null()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.join("bootstrap.zip")
}
