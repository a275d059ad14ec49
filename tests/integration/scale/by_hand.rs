//! What docs/scale.md says: the commands without an engine do what replay does, and the arithmetic is up to date.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::harness::{Drill, Run, finish, replay, root};

/// The first block of a language in the document that has some text in it.
fn block(language: &str, with: &str) -> String {
    let document = fs::read_to_string(root().join("docs/scale.md")).unwrap();
    let fence = format!("```{language}\n");
    let blocks = document.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .into_iter()
        .find(|block| block.contains(with))
        .unwrap_or_else(|| panic!("no {language} with {with}"))
        .to_owned()
}

/// Runs a command in a folder with the binary on the path.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Run {
    let binary = Path::new(env!("CARGO_BIN_EXE_stakeout")).parent().unwrap().display().to_string();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.env("PATH", format!("{binary}:{}", std::env::var("PATH").unwrap()));
    finish(command, b"")
}

#[test]
fn the_commands_without_an_engine_do_what_replay_does() {
    let drill = Drill::small("lambda-ddos-all-regions", &[]);
    let want = replay([drill.path().join("AWSLogs")]);
    let folder = tempfile::tempdir().unwrap();
    let (shell, make) = (folder.path().join("shell"), folder.path().join("make"));
    for folder in [&shell, &make] {
        fs::create_dir(folder).unwrap();
        symlink(drill.path().join("AWSLogs"), folder.join("logs")).unwrap();
    }

    let ran = run(&shell, "sh", &["-c", &block("sh", "xargs")]);
    assert_eq!(ran.status, want.status, "{}", ran.stderr);
    fs::write(make.join("Makefile"), block("make", "parts/%.part")).unwrap();
    // What is there is not made again, and what is lost is.
    for (lost, maps) in [("", 64), ("parts/7.part", 1), ("incidents.ndjson", 0)] {
        if !lost.is_empty() {
            fs::remove_file(make.join(lost)).unwrap();
        }
        let ran = run(&make, "make", &["-j2"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(ran.stdout.matches("stakeout map").count(), maps, "{}", ran.stdout);
    }
    for folder in [&shell, &make] {
        assert!(fs::read_to_string(folder.join("incidents.ndjson")).unwrap() == want.stdout);
    }
}

#[test]
fn the_arithmetic_is_up_to_date() {
    let mut check = Command::new("python3");
    check.arg(root().join("deploy/history-cost")).arg("--check").arg(root().join("docs/scale.md"));
    let run = finish(check, b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}
