//! The function without a state machine: what it is asked, it may be asked twice, and by anybody.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::organisation;
use crate::harness::{command, replay};
use crate::stand_in::{Function, MiniStack};

const WITHIN: Duration = Duration::from_secs(120);

/// A function with a bucket of logs below `trail/`, and one for results.
fn function(cloud: &MiniStack, settings: &[(&str, &str)]) -> Function {
    let mut command = command([""; 0]);
    let foreign =
        |name: &str| ["AWS_", "STAKEOUT_"].iter().any(|begin| name.starts_with(begin)) || name.ends_with("_proxy");
    for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
        command.env_remove(name);
    }
    command.env("AWS_ENDPOINT_URL", cloud.url()).env("AWS_REGION", "us-east-1").env("NO_PROXY", "127.0.0.1");
    command.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.envs(settings.iter().copied());
    Function::start(command)
}

const PLACES: [(&str, &str); 3] = [
    ("STAKEOUT_HISTORY__LOGS", "s3://logs/trail"),
    ("STAKEOUT_HISTORY__OUT", "s3://results/history"),
    ("STAKEOUT_HISTORY__SHARES", "2"),
];

/// Puts all files of a folder below `trail/`.
fn upload(cloud: &MiniStack, folder: &Path, top: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            upload(cloud, &path, top);
        } else {
            let key = format!("trail/{}", path.strip_prefix(top).unwrap().display());
            cloud.object("logs", &key, &fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_function_that_nobody_made_for_it_reads_no_history() {
    let Some(cloud) = MiniStack::start() else { return };
    let mut watch = function(&cloud, &[]);
    for stage in [
        json!({ "stakeout": "plan", "run": "a", "input": {} }),
        json!({ "stakeout": "reduce", "run": "a", "share": "1/1" }),
        json!({ "stakeout": "merge", "run": "a" }),
    ] {
        let error = watch.invoke(&stage, WITHIN).error();
        assert!(error.contains("[history] logs and out are not set"), "{error}");
    }
    assert!(watch.lives());
}

#[test]
fn stages_may_come_twice_and_nothing_may_be_missing() {
    let Some(cloud) = MiniStack::start() else { return };
    let organisation = organisation();
    let logs = organisation.path().join("logs");
    for bucket in ["logs", "results"] {
        cloud.bucket(bucket);
    }
    upload(&cloud, &logs, &logs);
    let mut function = function(&cloud, &PLACES);
    let input = json!({ "from": "2026-08-01", "until": "2026-12-31", "days": 120 });
    let plan = function.invoke(&json!({ "stakeout": "plan", "run": "a", "input": input }), WITHIN).well();
    assert_eq!((&plan["items"], &plan["shares"]), (&json!(4), &json!(["1/2", "2/2"])));
    assert_eq!((&plan["bucket"], &plan["plan"]), (&json!("results"), &json!("history/a/plan.json")));
    let items: Value = serde_json::from_slice(&cloud.get("results", "history/a/plan.json")).unwrap();
    let items = items.as_array().unwrap();
    assert_eq!(items.len(), 4);
    for item in &items[1..] {
        map(&mut function, item);
    }
    let reduce = |function: &mut Function, share: &str| {
        function.invoke(&json!({ "stakeout": "reduce", "run": "a", "share": share }), WITHIN)
    };
    let error = reduce(&mut function, "1/2").error();
    assert!(error.contains("1 of 4 items have not all of their parts"), "{error}");
    map(&mut function, &items[0]);
    // A piece of another division of the same item changes nothing.
    let halves = json!({ "stakeout": "map", "run": "a", "item": items[0], "share": 1, "of": 2 });
    let next = function.invoke(&halves, WITHIN).well();
    assert_eq!((&next["share"], &next["more"]), (&json!(2), &json!(true)));
    let part = cloud.get("results", "history/a/parts/000001-000001-000001.part");
    map(&mut function, &items[0]);
    assert!(part == cloud.get("results", "history/a/parts/000001-000001-000001.part"), "a retry writes the same");
    reduce(&mut function, "1/2").well();
    let merge = json!({ "stakeout": "merge", "run": "a" });
    let error = function.invoke(&merge, WITHIN).error();
    assert!(error.contains("1 shares of the groups were not judged"), "{error}");
    reduce(&mut function, "2/2").well();
    reduce(&mut function, "1/2").well();
    let merged = function.invoke(&merge, WITHIN).well();
    let expected = replay([&logs]);
    let written = String::from_utf8(cloud.get("results", "history/a/incidents.ndjson")).unwrap();
    assert_eq!(written, expected.stdout);
    assert_eq!((&merged["status"], &merged["summary"]["skipped"]), (&json!(1), &json!(0)), "{merged}");
    assert!(merged.to_string().len() < 1_000, "{merged}");
    let said = function.said();
    assert!(!said.contains("secret"), "{said}");
}

/// Maps an item to its end.
fn map(function: &mut Function, item: &Value) {
    let mut payload = json!({ "stakeout": "map", "run": "a", "item": item });
    loop {
        payload = function.invoke(&payload, WITHIN).well();
        if payload["more"] != true {
            return;
        }
    }
}
