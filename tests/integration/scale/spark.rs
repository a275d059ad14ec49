//! The job on a real Spark gives the bytes of a replay.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::organisation::organisation;
use crate::harness::{Drill, Run, command, files, finish, log_files, replay, root};
use crate::stand_in::MiniStack;
use crate::stand_in::spark::{Cluster, Engine};

/// Patience with a job that starts on a busy machine.
const START: Duration = Duration::from_secs(180);

/// A job whose third map waits for `go`, and tells in `held` where it runs. A copy that nobody waits for any more may go on
/// too, beside the second attempt.
const HELD: &str = r#"#!/bin/sh
if [ "$1" = map ]; then
    for n in 1 2 3; do mkdir "$GATE/$n" 2>/dev/null && break; n=0; done
    if [ "$n" = 3 ]; then
        pwd >"$GATE/held.draft"
        mv "$GATE/held.draft" "$GATE/held"
        while [ -d "$GATE" ] && [ ! -e "$GATE/go" ]; do sleep 0.1; done
    fi
fi
exec "$BINARY" "$@"
"#;

fn job() -> PathBuf {
    root().join("deploy/spark/stakeout_job.py")
}

/// A job over logs, with its work and its results in a folder.
fn submitted(mut submit: Command, binary: &Path, folder: &Path, logs: &[&Path]) -> Command {
    submit.args(["--binary".as_ref(), binary.as_os_str(), "--work".as_ref(), folder.join("work").as_os_str()]);
    submit.arg("--out").arg(folder.join("out"));
    for path in logs {
        submit.arg("--logs").arg(path);
    }
    submit
}

/// What the job says at its end.
fn told(run: &Run) -> Value {
    assert_eq!(run.status, 0, "{}\n{}", run.stderr, run.stdout);
    serde_json::from_str(run.stdout.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{run:?}"))
}

/// Waits until a job holds, and says where. Whoever has waited too long hears what there is to hear.
fn wait_for(path: &Path, ended: impl Fn() -> bool) -> String {
    let begun = Instant::now();
    while !path.exists() && !ended() {
        assert!(begun.elapsed() < START, "there is no {}", path.display());
        thread::sleep(Duration::from_millis(50));
    }
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_job_that_loses_a_machine_prints_what_replay_prints() {
    let Some(mut cluster) = Cluster::start(2) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (gate, binary) = (folder.path().join("gate"), folder.path().join("stakeout"));
    fs::create_dir(&gate).unwrap();
    let held = HELD.replace("$GATE", gate.to_str().unwrap()).replace("$BINARY", env!("CARGO_BIN_EXE_stakeout"));
    fs::write(&binary, held).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let logs = ["AWSLogs", "exports", "damaged"].map(|name| organisation().join(name));
    let [first, second, third] = &logs;

    let mut submit = submitted(cluster.submit(&job()), &binary, folder.path(), &[first, second, third]);
    submit.args(["--task-mib", "1", "--judges", "3"]);
    let (run, want) = thread::scope(|scope| {
        let run = scope.spawn(|| finish(submit, b""));
        let want = scope.spawn(|| replay(&logs));
        let place = wait_for(&gate.join("held"), || run.is_finished());
        if !place.is_empty() {
            cluster.lose(Path::new(place.trim()));
        }
        fs::write(gate.join("go"), "").unwrap();
        (run.join().unwrap(), want.join().unwrap())
    });

    let told = told(&run);
    assert!(gate.join("held").exists(), "no machine was lost");
    assert_eq!(told["status"], want.status);
    assert!(told["parts"].as_u64().unwrap() > 5, "{told}");
    let results = folder.path().join("out/results.ndjson");
    assert!(fs::read_to_string(&results).unwrap() == want.stdout, "{}", run.stderr);
    assert!(!want.incidents().is_empty());
    assert!(files(&folder.path().join("work")).is_empty());

    let mut tables = cluster.alone(&root().join("tests/integration/stand_in/spark/tables.py"));
    tables.arg(&results).arg(folder.path().join("out"));
    let run = finish(tables, b"");
    assert_eq!(run.status, 0, "{}", run.stderr);
}

#[test]
fn a_job_reads_and_works_in_s3() {
    let (Some(engine), Some(aws)) = (Engine::installed(), MiniStack::start()) else { return };
    let drill = Drill::small("lambda-ddos-all-regions", &[]);
    for bucket in ["logs", "results"] {
        aws.bucket(bucket);
    }
    for file in log_files(&drill.path()) {
        let key = file.strip_prefix(drill.path()).unwrap().to_str().unwrap();
        aws.object("logs", key, &fs::read(&file).unwrap());
    }
    // What lies beside the layout is read too, where twelve digits are a name like any other, and other accounts are not.
    let again = fs::read(log_files(&drill.path()).last().unwrap()).unwrap();
    aws.object("logs", "exports/444455556666/again.json.gz", &again);
    aws.object("logs", "AWSLogs/note.json", b"{}");
    aws.object("logs", "AWSLogs/o-other12345/444455556666/CloudTrail/us-east-1/2026/09/01/broken.json.gz", b"broken");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("note.json"), b"{}").unwrap();
    fs::write(folder.path().join("again.json.gz"), again).unwrap();
    let options = ["--accounts", "111122223333", "--start", "2026-09-20T00:00:00Z", "--history", "10d"];

    let mut submit = engine.alone(&job());
    submit.args([
        "--binary",
        env!("CARGO_BIN_EXE_stakeout"),
        "--logs",
        "s3://logs/AWSLogs/",
        "--logs",
        "s3://logs/exports/",
        "--work",
        "s3://results/work",
    ]);
    submit.args(["--task-mib", "0.2", "--judges", "2", "--keep-work"]).args(options).arg("--out").arg(folder.path());
    submit.env("AWS_ENDPOINT_URL", aws.url()).env("AWS_REGION", "us-east-1");
    submit.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    let run = finish(submit, b"");

    let mut local = command(["replay", "--quiet", "--format", "ndjson"]);
    local.args(options).arg(drill.path().join("AWSLogs"));
    local.args(["note.json", "again.json.gz"].map(|name| folder.path().join(name)));
    let want = finish(local, b"");
    assert_eq!(told(&run)["status"], want.status);
    assert!(fs::read_to_string(folder.path().join("results.ndjson")).unwrap() == want.stdout, "{}", run.stderr);
    assert!(!want.incidents().is_empty());
}
