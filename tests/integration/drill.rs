//! The stories that the product must win, and their benign twins.

mod alert;
mod far;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Drill, Run, files, replay, root, set, stakeout};

const FOUNDING: &str = "lambda-ddos-all-regions";
const SEEDS: [&str; 3] = ["1", "2", "5"];

/// The ids of all events that the findings of an incident name.
fn named(run: &Run, incident: &Value) -> BTreeSet<String> {
    let own = set(&incident["findings"]);
    let findings = run.findings().into_iter().filter(|finding| own.contains(finding["id"].as_str().unwrap()));
    findings.flat_map(|finding| set(&finding["event_ids"])).collect()
}

/// One incident, and it says what is true.
fn tells_the_truth(drill: &Drill) {
    let run = replay([drill.path()]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let [incident] = &*run.incidents() else { panic!("not one incident: {:?}", run.incidents()) };
    let truth = &drill.truth;
    assert_eq!(incident["root"]["credential"], truth["root"]["credential"]);
    assert_eq!(incident["root"]["principal"], truth["root"]["principal"]);
    for closure in ["principals", "credentials", "regions"] {
        assert_eq!(set(&incident[closure]), set(&truth[closure]), "{closure}");
    }
    let resources: BTreeSet<_> = incident["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["arn"].clone())
        .collect::<Vec<_>>()
        .iter()
        .map(|arn| arn.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(resources, set(&truth["resources"]));
    let opened = incident["opened_at"].as_str().unwrap();
    assert!(opened <= truth["opened_by"].as_str().unwrap(), "opened {opened}, wanted by {}", truth["opened_by"]);
    let strangers: Vec<_> = named(&run, incident).difference(&set(&truth["event_ids"])).cloned().collect();
    assert!(strangers.is_empty(), "not of the attack: {strangers:?}");
    assert!(incident["narrative"].as_array().unwrap().len() <= 8);
    assert_eq!(run.summary()["incidents"], 1);
}

fn stays_quiet(name: &str, more: &[&str]) {
    let drill = Drill::small(name, more);
    let run = replay([drill.path()]);
    let titles: Vec<_> = run.incidents().iter().map(|incident| incident["title"].clone()).collect();
    assert_eq!((run.status, titles), (0, Vec::new()), "{name} {more:?}");
}

#[test]
fn the_founding_story_is_one_critical_incident() {
    for seed in SEEDS {
        let drill = Drill::small(FOUNDING, &["--seed", seed]);
        tells_the_truth(&drill);
        let incident = replay([drill.path()]).incidents().remove(0);
        assert_eq!(incident["level"], "critical");
        let functions = incident["resources"].as_array().unwrap().iter().filter(|r| r["type"] == "lambda:function");
        let places: BTreeSet<_> = functions.map(|function| function["region"].as_str().unwrap().to_owned()).collect();
        assert_eq!(places.len(), 17, "a region with a function is missing: {places:?}");
    }
}

#[test]
fn a_deployment_to_every_region_is_no_incident() {
    for seed in SEEDS {
        stays_quiet(FOUNDING, &["--twin", "--seed", seed]);
    }
}

#[test]
fn ordinary_life_is_no_incident() {
    for seed in SEEDS {
        stays_quiet("ordinary", &["--seed", seed]);
    }
}

/// One after the other over every seed, so that each scenario has a test of its own to fail.
macro_rules! scenarios {
    ($($attack:ident, $twin:ident: $name:literal;)*) => {$(
        #[test]
        fn $attack() {
            for seed in SEEDS {
                tells_the_truth(&Drill::small($name, &["--seed", seed]));
            }
        }

        #[test]
        fn $twin() {
            for seed in SEEDS {
                stays_quiet($name, &["--twin", "--seed", seed]);
            }
        }
    )*};
}

scenarios! {
    a_missing_key_is_one_incident, a_key_that_is_replaced_in_time_is_no_incident: "missing-key";
    mining_is_one_incident, training_on_the_same_machines_is_none: "gpu-mining-unused-regions";
    stolen_models_are_one_incident, a_model_that_is_unlocked_in_the_console_is_none: "llmjacking";
    spam_is_one_incident, marketing_in_one_region_is_none: "ses-spam";
    ways_back_in_are_one_incident, onboarding_is_none: "admin-persistence";
}

#[test]
fn a_seed_is_a_drill() {
    let contents = |seed: &str| -> Vec<_> {
        let drill = Drill::small(FOUNDING, &["--seed", seed, "--days", "5"]);
        let top = drill.path();
        files(&top)
            .iter()
            .map(|file| (file.strip_prefix(&top).unwrap().to_owned(), std::fs::read(file).unwrap()))
            .collect()
    };
    assert_eq!(contents("7"), contents("7"));
    assert_ne!(contents("7"), contents("8"));
}

/// How `fixtures/night` is made; its README says the same.
const NIGHT: [&str; 9] = ["drill", FOUNDING, "--seed", "1", "--noise", "0.05", "--days", "18", "--batch=24h"];

#[test]
fn the_committed_night_is_what_the_drill_writes() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("night");
    let out = format!("--out={}", fresh.display());
    assert_eq!(stakeout(NIGHT.iter().copied().chain([out.as_str(), "-q"])).status, 0);
    let committed = root().join("fixtures/night");
    let names = |top: &std::path::Path| -> Vec<_> {
        files(top).iter().map(|file| file.strip_prefix(top).unwrap().to_owned()).collect()
    };
    assert_eq!(names(&committed), names(&fresh));
    for name in names(&fresh) {
        let same = std::fs::read(committed.join(&name)).unwrap() == std::fs::read(fresh.join(&name)).unwrap();
        assert!(same, "fixtures/night/{} is not what `stakeout {}` writes", name.display(), NIGHT.join(" "));
    }
}

#[test]
fn fixtures_stay_small() {
    let bytes: u64 = files(&root().join("fixtures")).iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < 10_000_000, "fixtures hold {bytes} bytes");
}
