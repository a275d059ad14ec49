//! `deploy/measure` measures, whatever it comes to for a build that nobody deploys.

use std::process::{Command, Stdio};

use crate::harness::root;
use crate::stand_in::MiniStack;

#[test]
fn a_function_can_be_measured() {
    let Some(cloud) = MiniStack::start() else { return };
    let mut measure = Command::new("python3");
    measure.env("PYTHONDONTWRITEBYTECODE", "1").arg(root().join("deploy/measure"));
    measure.args(["--starts", "2", "--events", "100", "--noise", "0.3", "--endpoint", &cloud.url()]);
    let measured = measure.arg(env!("CARGO_BIN_EXE_stakeout")).stdin(Stdio::null()).output().unwrap();
    let table = String::from_utf8_lossy(&measured.stdout);
    let wrong = String::from_utf8_lossy(&measured.stderr);
    assert!([Some(0), Some(1)].contains(&measured.status.code()), "{table}{wrong}");
    for line in ["cold start until /next, median of 2", "a pass with nothing new", "a batch of 100 events, warm"] {
        assert!(table.contains(line), "{table}");
    }
    let elsewhere = Command::new("python3")
        .arg(root().join("deploy/measure"))
        .args(["--endpoint", "https://dynamodb.us-east-1.amazonaws.com", env!("CARGO_BIN_EXE_stakeout")])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(2), "only a stand-in on this machine is asked");
}
