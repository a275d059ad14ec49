//! `stakeout init`, from its flags to a file that the other commands take.

use std::fs;

use crate::harness::{Run, command, finish};

fn init(folder: &std::path::Path, arguments: &[&str]) -> Run {
    let mut run = command([&["init"], arguments].concat());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        run.env_remove(name);
    }
    run.current_dir(folder).env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true");
    finish(run, b"")
}

#[test]
fn what_flags_say_is_written_and_taken() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [
        "--account",
        "111122223333",
        "--role",
        "arn:aws:iam::111122223333:role/stakeout-detector",
        "--regions",
        "eu-west-1,us-east-1",
        "--trail-bucket",
        "trails",
        "--queue",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/q",
        "--state",
        "dynamodb:stakeout",
        "--slack-channel",
        "C0123ABCD",
        "--approver",
        "U0123ABCD",
        "--approver",
        "S0123ABCD",
        "--heartbeat-url",
        "https://hc.example.com/x",
        "--offline",
    ];
    let run = init(folder.path(), &flags);
    assert_eq!(run.status, 0, "{run:?}");
    for next in ["stakeout doctor", "stakeout slack test", "stakeout watch --learn 30d --once"] {
        assert!(run.stdout.contains(next), "{run:?}");
    }
    assert!(run.stdout.contains("export SLACK_BOT_TOKEN="), "{run:?}");
    let path = folder.path().join("stakeout.toml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut validate = command(["config", "validate", "--config", path.to_str().unwrap()]);
    validate.env("SLACK_BOT_TOKEN", "x").env("SLACK_APP_TOKEN", "x");
    let validated = finish(validate, b"");
    assert_eq!(validated.status, 0, "{validated:?}");
    let shown = finish(command(["config", "show", "--config", path.to_str().unwrap()]), b"");
    for value in [
        "s3://trails",
        "role/stakeout-detector",
        "dynamodb = \"stakeout\"",
        "C0123ABCD",
        "S0123ABCD",
        "env:SLACK_APP_TOKEN",
    ] {
        assert!(shown.stdout.contains(value), "{value}: {}", shown.stdout);
    }

    let before = fs::read_to_string(&path).unwrap();
    let refused = init(folder.path(), &["--yes", "--offline"]);
    assert!(refused.status == 2 && refused.stderr.contains("is there already; --force replaces it"), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let forced = init(folder.path(), &["--yes", "--offline", "--force", "--lambda", "--account", "111122223333"]);
    assert_eq!(forced.status, 0, "{forced:?}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("\n[state]") && !text.contains("\npath = ") && !text.contains("\nemf"), "{text}");
    for said in
        ["put-parameter --name /stakeout/settings", "cloudformation deploy", "stakeout doctor --function stakeout"]
    {
        assert!(forced.stdout.contains(said), "{forced:?}");
    }
    assert!(!forced.stdout.contains("--learn"), "{forced:?}");
    let file = ["--yes", "--offline", "--force", "--lambda", "--state", "x.db"];
    assert!(init(folder.path(), &file).stderr.contains("a function keeps no file"));
}

#[test]
fn a_flag_that_is_wrong_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (flag, value, said) in [
        ("--account", "12", "is not an account id of 12 digits"),
        ("--regions", "Ireland", "is not a region"),
        ("--slack-channel", "#incidents", "is not the id of a channel"),
        ("--heartbeat-url", "ftp://x", "no http or https URL"),
    ] {
        let run = init(folder.path(), &["--offline", flag, value]);
        assert!(run.status == 2 && run.stderr.contains(flag) && run.stderr.contains(said), "{run:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
