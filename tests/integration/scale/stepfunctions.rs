//! A state machine that maps and reduces with the Lambda function.

mod direct;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{command, finish, packed, replay, root};
use crate::stand_in::{MiniStack, boto};

const RUN: &str = include_str!("stepfunctions/run.py");

/// Logs of two accounts of an organisation: an attack in one, ordinary life in the other.
fn organisation() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed, account) in [("lambda-ddos-all-regions", "1", "111122223333"), ("ordinary", "2", "444455556666")] {
        let out = folder.path().join(name);
        let mut drill = command(["drill", name, "--days", "12", "--noise", "0.2", "--seed", seed, "--quiet", "--out"]);
        drill.arg(&out);
        assert_eq!(finish(drill, b"").status, 0);
        let to = folder.path().join("logs/AWSLogs/o-a1b2c3d4e5").join(account);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(out.join("AWSLogs/111122223333"), &to).unwrap();
    }
    folder
}

#[test]
fn a_state_machine_says_what_a_replay_says() {
    let (Some(python), Some(cloud)) = (boto(), MiniStack::enforcing()) else { return };
    let organisation = organisation();
    let logs = organisation.path().join("logs");
    let wanted = json!({
        "input": { "from": "2026-08-01", "until": "2026-12-31", "days": 120 },
        // Small parts, so that some items have several.
        "more": { "AWS_ENDPOINT_URL": cloud.url(), "NO_PROXY": "127.0.0.1", "STAKEOUT_HISTORY__PART_MIB": "8" },
    });
    let mut run = Command::new(python);
    run.args(["-c", RUN, &cloud.url()]).arg(packed(organisation.path()));
    run.arg(root().join("deploy/stepfunctions/stakeout-history.yaml")).arg(&logs).arg(wanted.to_string());
    let run = finish(run, b"");
    assert_eq!(run.status, 0, "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    let log = told["log"].as_str().unwrap_or_default();
    assert_eq!(told["status"], "SUCCEEDED", "{}: {}\n{log}", told["error"], told["cause"]);
    assert!(!log.contains("AccessDenied"), "the role's rights are enough: {log}");
    // Two accounts in two spans of days, then the shares of the parameter.
    assert_eq!(told["items"], json!([[4, 4], [3, 3]]));
    let expected = replay([&logs]);
    assert!(!expected.incidents().is_empty());
    assert_eq!(told["incidents"].as_str().unwrap_or_default(), expected.stdout);
    let output: Value = serde_json::from_str(told["output"].as_str().unwrap()).unwrap();
    assert_eq!((&output["status"], &output["incidents"]), (&json!(1), &json!(expected.incidents().len())));
    assert_eq!(output["results"], "s3://results/stakeout-history/night-1/incidents.ndjson");
    let results = told["results"].as_array().unwrap();
    let below = |key: &Value| key.as_str().unwrap().starts_with("stakeout-history/night-1/");
    assert!(results.iter().all(below), "{results:?}");
    let parts = results.iter().filter(|key| key.as_str().unwrap().contains("/parts/"));
    assert!(parts.count() > 4, "one item at least was mapped piece by piece: {results:?}");
    assert_eq!(told["function"], json!({ "Timeout": 900, "MemorySize": 3538, "EphemeralStorage": { "Size": 1024 } }));
    let definition: Value = serde_json::from_str(told["definition"].as_str().unwrap()).unwrap();
    assert_eq!(definition["States"]["Map"]["MaxConcurrency"], 2);
}
