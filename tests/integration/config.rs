//! Settings from outside: which file counts, what is said of it, and that no secret is shown.

use std::fs;
use std::path::Path;

use crate::harness::{Run, command, finish};

/// Runs `config` in a folder that is also the home of all settings.
fn config(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = command(["config"]);
    command.args(arguments).current_dir(folder).env("XDG_CONFIG_HOME", folder).envs(variables.iter().copied());
    finish(command, b"")
}

#[test]
fn the_settings_that_count_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |run: Run| (run.status, run.stdout, run.stderr);
    let nothing = said(config(folder.path(), &["validate"], &[]));
    assert_eq!(nothing, (0, "settings: no file, no variables\nok\n".to_owned(), String::new()));
    fs::create_dir(folder.path().join("stakeout")).unwrap();
    fs::write(folder.path().join("stakeout/stakeout.toml"), "").unwrap();
    assert!(config(folder.path(), &["validate"], &[]).stdout.contains("/stakeout/stakeout.toml, no variables"));
    fs::write(folder.path().join("stakeout.toml"), "[slack]\ntoken = \"env:STAKEOUT_TEST_UNSET\"\nchannel = \"C1\"\n")
        .unwrap();
    let run = config(folder.path(), &["validate"], &[("STAKEOUT_WATCH__INTERVAL", "10m")]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "settings: stakeout.toml, and STAKEOUT_WATCH__INTERVAL\nok\n"));
    assert!(run.stderr.contains("slack.token: the variable STAKEOUT_TEST_UNSET is not set"), "{}", run.stderr);
    fs::write(folder.path().join("other.toml"), "[watch]\nintervall = \"5m\"\n").unwrap();
    for (arguments, variables) in
        [(vec!["validate", "--config", "other.toml"], vec![]), (vec!["show"], vec![("STAKEOUT_CONFIG", "other.toml")])]
    {
        let run = config(folder.path(), &arguments, &variables);
        let expected =
            "stakeout: other.toml:2:1: watch.intervall: unknown field `intervall`, expected one of `first_lookback`";
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.starts_with(expected) && run.stderr.lines().count() == 1, "{}", run.stderr);
    }
    let nameless = config(folder.path(), &["validate"], &[("STAKEOUT_CONFIG", "s3://bucket")]);
    assert!(nameless.status == 2 && nameless.stderr.contains("names no object"), "{}", nameless.stderr);
    fs::write(folder.path().join("large.toml"), "#".repeat((1 << 20) + 1)).unwrap();
    let large = config(folder.path(), &["validate", "--config", "large.toml"], &[]);
    assert!(large.status == 2 && large.stderr.contains("large.toml: they have more than 1048576"), "{}", large.stderr);
}

#[test]
fn what_is_shown_is_no_secret_and_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[slack]\ntoken = \"env:BOT\"\nchannel = \"C1\"\n[[notify.webhook]]\nurl = \"https://hooks.example.com/T0/B0?key=hunter2\"\n\
                [[accounts]]\nid = \"111122223333\"\nname = \"a\\u202eb\\u001b[31m\"\n";
    fs::write(folder.path().join("stakeout.toml"), text).unwrap();
    let run = config(folder.path(), &["show"], &[("BOT", "xoxb-hunter2"), ("STAKEOUT_STATE__PATH", "/x/y.db")]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("token = \"env:BOT\"  # stakeout.toml:2:1\n"), "{}", run.stdout);
    assert!(run.stdout.contains("path = \"/x/y.db\"  # the variable STAKEOUT_STATE__PATH\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2") && !run.stdout.contains("T0/B0"), "{}", run.stdout);
    assert!(!run.stdout.contains(['\u{202e}', '\u{1b}']), "{}", run.stdout);
}
