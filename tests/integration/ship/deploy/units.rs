//! The units of systemd, where the machine has what judges them.

use std::fs;
use std::process::Command;

use crate::harness::{command, finish, root};

/// Of ten; systemd calls what is below 2 fine.
const MOST_EXPOSED: f64 = 1.5;

#[test]
fn the_units_are_right_and_little_exposed() {
    let offline = |arguments: &[&str]| {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(arguments).current_dir(root().join("deploy/systemd"));
        analyze
    };
    if !offline(&["security", "--offline=true", "stakeout.service"]).output().is_ok_and(|it| it.status.success()) {
        return;
    }
    for unit in ["stakeout.service", "stakeout-serve.service"] {
        let run = finish(offline(&["security", "--no-pager", "--offline=true", unit]), b"");
        let (_, level) = run.stdout.rsplit_once("exposure level for ").unwrap();
        let level: f64 = level.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(level <= MOST_EXPOSED, "{unit}: {level}");
    }
    // With the binary where the units look for it, there is nothing to say about them.
    let folder = tempfile::tempdir().unwrap();
    for unit in ["stakeout.service", "stakeout-serve.service", "stakeout.timer"] {
        let text = fs::read_to_string(root().join("deploy/systemd").join(unit)).unwrap();
        let text = text.replace("/usr/local/bin/stakeout", env!("CARGO_BIN_EXE_stakeout"));
        fs::write(folder.path().join(unit), text).unwrap();
    }
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no", "stakeout.service", "stakeout-serve.service", "stakeout.timer"]);
    verify.current_dir(folder.path());
    let run = finish(verify, b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

/// Whatever starts the program gives it words that it knows.
#[test]
fn commands_are_those_that_exist() {
    let unit = |name: &str| fs::read_to_string(root().join("deploy").join(name)).unwrap();
    let texts = ["systemd/stakeout.service", "systemd/stakeout-serve.service", "cron/stakeout.crontab"].map(unit);
    let mut seen = 0;
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some((before, words)) = line.split_once("/usr/local/bin/stakeout ") else { continue };
        if before.starts_with('#') {
            continue;
        }
        let words: Vec<_> = words.split_whitespace().take_while(|word| !word.starts_with("2>")).collect();
        let run = finish(command(words.iter().chain(&["--help"])), b"");
        assert_eq!(run.status, 0, "{line}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}
