//! Stories over accounts, of data, of blindness and of an insider; and a life full of what looks like an attack.

use super::{SEEDS, stays_quiet, tells_the_truth};
use crate::harness::{Drill, replay, set};

#[test]
fn a_chain_of_roles_is_one_incident_over_both_accounts() {
    for seed in SEEDS {
        let drill = Drill::small("role-chain-cross-account", &["--seed", seed]);
        tells_the_truth(&drill);
        let incident = replay([drill.path()]).incidents().remove(0);
        assert_eq!(set(&incident["accounts"]), set(&drill.truth["accounts"]));
    }
}

#[test]
fn a_pipeline_that_steps_into_every_account_is_no_incident() {
    for seed in SEEDS {
        stays_quiet("role-chain-cross-account", &["--twin", "--seed", seed]);
    }
}

#[test]
fn a_ransom_is_told_before_an_object_is_touched() {
    for seed in SEEDS {
        tells_the_truth(&Drill::small("s3-ransom", &["--seed", seed]));
    }
}

#[test]
fn a_migration_with_the_own_key_is_no_incident() {
    for seed in SEEDS {
        stays_quiet("s3-ransom", &["--twin", "--seed", seed]);
    }
}

#[test]
fn whoever_switches_off_what_watches_is_one_incident() {
    for seed in SEEDS {
        tells_the_truth(&Drill::small("defence-evasion", &["--seed", seed]));
    }
}

#[test]
fn an_update_of_the_landing_zone_is_no_incident() {
    for seed in SEEDS {
        stays_quiet("defence-evasion", &["--twin", "--seed", seed]);
    }
}

#[test]
fn an_insider_is_told_by_rates_alone() {
    for seed in SEEDS {
        tells_the_truth(&Drill::small("insider-delete", &["--seed", seed]));
    }
}

#[test]
fn the_end_of_a_test_environment_is_no_incident() {
    for seed in SEEDS {
        stays_quiet("insider-delete", &["--twin", "--seed", seed]);
    }
}

#[test]
fn sixty_days_of_everything_that_looks_like_an_attack_are_no_incident() {
    for seed in SEEDS {
        let drill = Drill::small("ordinary", &["--seed", seed, "--days", "60", "--noise-library"]);
        let run = replay([drill.path()]);
        assert_eq!((run.status, run.incidents().len()), (0, 0), "{:?}", run.incidents());
        let is_loud = |finding: &serde_json::Value| {
            finding["notice"] == false && ["medium", "high", "critical"].iter().any(|level| finding["level"] == *level)
        };
        let loud = run.findings().iter().filter(|finding| is_loud(finding)).count();
        assert!(loud < 60, "{loud} findings of medium or above in sixty days");
    }
}

/// An attacker who asks little, with the tools of the house, or who is refused half of what it asks.
#[test]
fn a_careful_attacker_is_one_incident() {
    for manner in [["--skill", "quiet"], ["--denied", "0.5"]] {
        for name in ["role-chain-cross-account", "s3-ransom", "defence-evasion", "lambda-ddos-all-regions"] {
            tells_the_truth(&Drill::small(name, &["--disorder", "0.9", manner[0], manner[1]]));
        }
    }
}
