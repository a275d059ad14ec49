//! The memory of a watch: its export, its journal, and the same promises in a file and in a table.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::harness::{Run, command, finish, root};
use super::stand_in::{MiniStack, Moto};

/// Tests of the store that run once on each kind of it, at least.
const ON_EVERY_STORE: usize = 12;

/// A state of its own, without a personal environment.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut run = command(arguments);
        run.env("XDG_STATE_HOME", self.0.path()).env("HOME", self.0.path());
        finish(run, b"")
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.file(name), text).unwrap();
        self.file(name)
    }
}

fn hash(previous: &str, rest: &Value) -> String {
    let hash = Sha256::new().chain_update(previous).chain_update(rest.to_string()).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Journal lines made apart from the program, by the words of its documentation.
fn lines(count: u64) -> Vec<Value> {
    let mut previous = "0".repeat(64);
    let mut lines = Vec::new();
    for seq in 1..=count {
        let incident = (seq % 2 == 0).then_some("incident-1");
        let detail = json!({ "n": seq, "text": "\u{1b}[31m" });
        let at = format!("2026-11-22T08:00:{seq:02}Z");
        let mut line = json!({ "at": at, "detail": detail, "incident": incident, "kind": "pass", "seq": seq });
        let hash = hash(&previous, &line);
        line["previous"] = json!(previous);
        line["hash"] = json!(hash);
        previous = hash;
        lines.push(line);
    }
    lines
}

fn ndjson(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// An export with lines in items of their own and two more in the head.
fn export() -> String {
    let lines = lines(9);
    let (stored, fresh) = lines.split_at(7);
    let tip = json!({ "seq": 9, "hash": lines[8]["hash"] });
    let head = json!({ "version": 1, "token": 4, "tip": tip, "lines": fresh });
    let mut rows = vec![json!({ "key": "head", "text": head.to_string() })];
    for line in stored {
        let key = format!("journal/{:020}", line["seq"].as_u64().unwrap());
        rows.push(json!({ "key": key, "text": line.to_string() }));
    }
    rows.push(json!({ "key": "other", "base64": "/wA=" }));
    format!("{}\n{}", json!({ "kind": "stakeout-state", "version": 1, "items": rows.len() }), ndjson(&rows))
}

#[test]
fn a_state_is_imported_verified_shown_and_exported_the_same() {
    let desk = Desk::new();
    let export = desk.write("given.ndjson", &export());
    for reading in [&["state", "export"][..], &["journal", "verify"], &["journal", "show"]] {
        let none = desk.run(reading);
        assert_eq!((none.status, none.stdout.as_str()), (2, ""));
        assert!(none.stderr.contains("there is no state yet"), "{}", none.stderr);
    }
    let imported = desk.run(&["state", "import", &export]);
    assert_eq!((imported.status, imported.stdout.as_str()), (0, ""), "{}", imported.stderr);
    assert!(imported.stderr.contains("9 items, 9 journal lines"), "{}", imported.stderr);
    let again = desk.run(&["state", "import", &export]);
    assert_eq!(again.status, 2);
    assert!(again.stderr.contains("9 journal lines; --replace discards it"), "{}", again.stderr);

    let verified = desk.run(&["journal", "verify", "--quiet"]);
    let tip = lines(9)[8]["hash"].as_str().unwrap().to_owned();
    let told = format!("journal: 9 lines from 2026-11-22T08:00:01Z to 2026-11-22T08:00:09Z, unbroken; tip {tip}\n");
    assert_eq!((verified.status, verified.stdout, verified.stderr), (0, told, String::new()));
    let shown = desk.run(&["journal", "show"]);
    let shown: Vec<Value> = shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(shown, lines(9));
    assert_eq!(desk.run(&["journal", "show", "--incident", "incident-1"]).stdout.lines().count(), 4);

    let first = desk.run(&["state", "export", "--quiet"]);
    assert_eq!((first.status, first.stderr.as_str()), (0, ""));
    let other = Desk::new();
    let given = other.write("first.ndjson", &first.stdout);
    assert_eq!(other.run(&["state", "import", &given]).status, 0);
    assert_eq!(other.run(&["state", "import", "--replace", &given]).status, 0);
    let second = other.run(&["state", "export", "--output", &other.file("second.ndjson")]);
    assert_eq!(second.status, 0);
    let without_token = |text: &str| text.replace(r#"\"token\":4"#, "").replace(r#"\"token\":5"#, "");
    let second = std::fs::read_to_string(other.file("second.ndjson")).unwrap();
    let rows = |text: &str| text.lines().map(without_token).collect::<Vec<_>>();
    assert_eq!(rows(&second), rows(&first.stdout));
}

#[test]
fn a_journal_that_is_not_as_it_was_written_is_told_by_its_line() {
    let desk = Desk::new();
    let good = lines(5);
    let verify = |lines: &[Value], more: &[&str]| {
        let file = desk.write("journal.ndjson", &ndjson(lines));
        desk.run(&[&["journal", "verify", &file], more].concat())
    };
    assert_eq!(verify(&good, &[]).status, 0);
    let broken = |lines: &[Value], due: &str| {
        let run = verify(lines, &[]);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""));
        assert!(run.stderr.contains(due), "{due}: {}", run.stderr);
    };
    let mut changed = good.clone();
    changed[2]["detail"]["n"] = json!(4);
    broken(&changed, "journal line 3: was changed");
    let mut moved = good.clone();
    moved.swap(1, 3);
    broken(&moved, "journal line 2: is missing: line 4");
    broken(&[&good[..3], &good[2..]].concat(), "journal line 4: is out of order: line 3");
    broken(&[json!({ "seq": 1 }), good[1].clone()], "journal line 1: cannot be read");

    let hash = |line: &Value| line["hash"].as_str().unwrap().to_owned();
    assert_eq!(verify(&good[..4], &["--tip", &hash(&good[3])]).status, 0);
    let cut = verify(&good[..4], &["--tip", &hash(&good[4])]);
    assert_eq!(cut.status, 1);
    assert!(cut.stderr.contains("no line carries it"), "{}", cut.stderr);
    assert_eq!(verify(&good, &["--tip", "3f2a"]).status, 2);
    let nothing = desk.write("other.txt", "\u{1b}[31mhello\n");
    let run = desk.run(&["journal", "verify", &nothing]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("line 1 is none of a journal"), "{}", run.stderr);

    // An export knows where the journal ends, and nothing is imported when it does not.
    let cut: String = export().replace(r#""items":9"#, r#""items":8"#);
    let cut: Vec<_> = cut.lines().filter(|line| !line.contains("journal/00000000000000000007")).collect();
    let cut = desk.write("cut.ndjson", &cut.join("\n"));
    for command in [["journal", "verify"], ["state", "import"]] {
        let run = desk.run(&[&command[..], &[&cut]].concat());
        assert_eq!(run.status, if command[0] == "journal" { 1 } else { 2 });
        assert!(run.stderr.contains("journal line 7: is missing"), "{}", run.stderr);
    }
    assert_eq!(desk.run(&["journal", "verify"]).status, 2, "nothing was imported");
}

#[test]
fn a_table_of_moto_keeps_the_promises_of_a_file() {
    let Some(moto) = Moto::start() else { return };
    keeps_the_promises(&moto.url());
}

#[test]
fn a_table_of_mini_stack_keeps_the_promises_of_a_file() {
    let Some(mini_stack) = MiniStack::start() else { return };
    keeps_the_promises(&mini_stack.url());
}

/// Runs the unit tests of the store again, with a stand-in of DynamoDB beside the file.
fn keeps_the_promises(url: &str) {
    let mut tests = Command::new(unit_tests());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
        tests.env_remove(name);
    }
    let home = tempfile::tempdir().unwrap();
    tests.env("HOME", home.path()).env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
    tests.env("AWS_ENDPOINT_URL", url).env("STAKEOUT_TEST_DYNAMODB", url).env("AWS_REGION", "us-east-1");
    tests.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "EXAMPLEKEY");
    tests.args(["store::", "--show-output", "--test-threads", "4"]).current_dir(root());
    let run = finish(tests, b"");
    assert_eq!(run.status, 0, "{}\n{}", run.stdout, run.stderr);
    let met = run.stdout.matches("met DynamoDB table").count();
    assert!(met >= ON_EVERY_STORE, "met {met} tables\n{}", run.stdout);
}

/// The binary of the unit tests that belongs to this build, made where it is not there.
fn unit_tests() -> PathBuf {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
    build.args(["test", "--lib", "--no-run", "--locked", "--message-format", "json"]).current_dir(root());
    let profile = Path::new(env!("CARGO_BIN_EXE_stakeout")).parent().unwrap();
    build.arg("--target-dir").arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let built = finish(build, b"");
    assert_eq!(built.status, 0, "{}", built.stderr);
    let messages = built.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut executables = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next_back().unwrap()
}
