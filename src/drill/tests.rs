//! What every drill promises, whatever its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use libdeflater::Decompressor;
use serde_json::Value;

use super::{Options, Scenario, Truth, generate};

type Files = BTreeMap<String, Vec<u8>>;

fn options(seed: u64) -> Options {
    Options { seed, days: 3, noise: 0.2, ..Options::default() }
}

fn run(scenario: Option<Scenario>, options: &Options) -> anyhow::Result<(Truth, Files)> {
    let mut files = Files::new();
    let (truth, _) = generate(scenario, options, &mut |file| {
        let path = file.path.clone();
        anyhow::ensure!(files.insert(file.path, file.gzip).is_none(), "{path} twice");
        Ok(())
    })?;
    Ok((truth, files))
}

fn records(files: &Files) -> anyhow::Result<Vec<Value>> {
    let mut records = Vec::new();
    for (path, gzip) in files.iter().filter(|(path, _)| path.contains("/CloudTrail/")) {
        let length = gzip.last_chunk().map_or(0, |size| u32::from_le_bytes(*size));
        let mut text = vec![0; length as usize];
        Decompressor::new().gzip_decompress(gzip, &mut text).with_context(|| path.clone())?;
        let mut log: Value = serde_json::from_slice(&text).with_context(|| path.clone())?;
        match log["Records"].take() {
            Value::Array(some) => records.extend(some),
            other => anyhow::bail!("{path} holds {other}"),
        }
    }
    Ok(records)
}

#[test]
fn equal_seeds_give_equal_bytes() -> anyhow::Result<()> {
    for scenario in Scenario::ALL {
        let (_, first) = run(Some(scenario), &options(7))?;
        let (_, second) = run(Some(scenario), &options(7))?;
        let (_, other) = run(Some(scenario), &options(8))?;
        assert_eq!(first, second);
        assert_ne!(first, other);
    }
    Ok(())
}

#[test]
fn truth_is_exactly_what_came_from_the_attacker() -> anyhow::Result<()> {
    for (scenario, twin) in Scenario::ALL.into_iter().flat_map(|s| [(s, false), (s, true)]) {
        let lossy = Options { twin, missing: 0.3, ..options(3) };
        let (truth, files) = run(Some(scenario), &lossy)?;
        let delivered = records(&files)?;
        let told: BTreeSet<&str> = truth.event_ids.iter().map(String::as_str).collect();
        let is_intruder = |record: &Value| {
            let text = |key: &str| record[key].as_str().unwrap_or_default();
            // What AWS does for the attacker comes from AWS. An insider calls from where everybody does.
            text("sourceIPAddress").starts_with("203.0.113.")
                || text("sourceIPAddress") == "AWS Internal" && told.contains(text("eventID"))
                || scenario == Scenario::InsiderDelete && told.contains(text("eventID"))
        };
        let attacker: BTreeSet<&str> = delivered
            .iter()
            .filter(|record| is_intruder(record))
            .filter_map(|record| record["eventID"].as_str())
            .collect();
        assert_eq!(attacker, told, "{scenario}");
        assert_eq!(attacker.is_empty(), twin, "{scenario}");
        assert_eq!(truth.incidents, u32::from(!twin), "{scenario}");
        let accounts: BTreeSet<&str> = delivered
            .iter()
            .filter(|record| is_intruder(record))
            .filter_map(|record| record["recipientAccountId"].as_str())
            .collect();
        assert!(truth.accounts.iter().map(String::as_str).collect::<BTreeSet<_>>().is_superset(&accounts));
    }
    Ok(())
}

#[test]
fn a_call_into_another_account_is_on_record_in_both() -> anyhow::Result<()> {
    let quiet = Options { noise: 0.0, duplicates: 0.0, ..options(2) };
    let (truth, files) = run(Some(Scenario::RoleChain), &quiet)?;
    assert_eq!(truth.accounts.iter().map(String::as_str).collect::<Vec<_>>(), ["111122223333", "444455556666"]);
    for (path, _) in files.iter().filter(|(path, _)| path.contains("/CloudTrail/")) {
        let account = path.split('/').nth(1).context("an account")?;
        let own: Files =
            files.iter().filter(|(other, _)| *other == path).map(|(p, g)| (p.clone(), g.clone())).collect();
        assert!(records(&own)?.iter().all(|record| record["recipientAccountId"] == account), "{path}");
    }
    let delivered = records(&files)?;
    let mut shared: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in delivered.iter().filter(|record| record.get("sharedEventID").is_some()) {
        shared.entry(record["sharedEventID"].to_string()).or_default().push(record);
    }
    assert_eq!(shared.len(), 1);
    for copies in shared.values() {
        let [one, other] = copies.as_slice() else { anyhow::bail!("{copies:?}") };
        assert_ne!(one["eventID"], other["eventID"]);
        assert_ne!(one["recipientAccountId"], other["recipientAccountId"]);
        assert_eq!(one["responseElements"], other["responseElements"]);
        let kinds = [one, other].map(|record| record["userIdentity"]["type"].as_str().unwrap_or_default());
        assert!(kinds.contains(&"AssumedRole") && kinds.contains(&"AWSAccount"), "{kinds:?}");
    }
    Ok(())
}

#[test]
fn the_library_of_noise_is_an_addition_and_no_attack() -> anyhow::Result<()> {
    let plain = Options { days: 5, ..options(4) };
    let (_, without) = run(None, &plain)?;
    let (truth, with) = run(None, &Options { library: true, ..plain })?;
    assert!(truth.event_ids.is_empty());
    let names = |files: &Files| -> anyhow::Result<BTreeSet<String>> {
        Ok(records(files)?.iter().map(|record| record["eventName"].to_string()).collect())
    };
    assert!(names(&with)?.is_superset(&names(&without)?));
    assert!(records(&with)?.len() > records(&without)?.len());
    Ok(())
}

#[test]
fn the_manner_of_an_attacker_changes_questions_alone() -> anyhow::Result<()> {
    for scenario in Scenario::ALL {
        let (noisy, _) = run(Some(scenario), &options(6))?;
        for options in [Options { quiet: true, ..options(6) }, Options { denied: 0.5, ..options(6) }] {
            let (other, files) = run(Some(scenario), &options)?;
            assert_eq!(noisy.resources, other.resources, "{scenario}");
            assert_eq!(noisy.principals, other.principals, "{scenario}");
            assert_eq!(noisy.credentials, other.credentials, "{scenario}");
            assert!(other.event_ids.len() <= noisy.event_ids.len(), "{scenario}");
            let told: BTreeSet<&str> = other.event_ids.iter().map(String::as_str).collect();
            let delivered = records(&files)?;
            assert!(delivered.iter().filter_map(|record| record["eventID"].as_str()).any(|id| told.contains(id)));
        }
    }
    Ok(())
}

#[test]
fn an_event_id_returns_only_with_the_same_record() -> anyhow::Result<()> {
    let twice = Options { duplicates: 0.5, batch: Duration::from_secs(300), ..options(1) };
    let (_, files) = run(None, &twice)?;
    let delivered = records(&files)?;
    let mut seen = BTreeMap::new();
    for record in &delivered {
        let former = seen.insert(record["eventID"].to_string(), record);
        assert!(former.is_none_or(|former| former == record));
    }
    assert!(seen.len() < delivered.len());
    Ok(())
}

/// Usage date, time of sight, region, usage type, record type and amount of each row.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

#[test]
fn a_bill_comes_late_grows_and_shows_the_attack_hours_after_the_log() -> anyhow::Result<()> {
    for seed in 0..8 {
        let options = Options { days: 6, noise: 0.01, ..options(seed) };
        let mut nowhere = |_| Ok(());
        let (truth, csv) = generate(Some(Scenario::LambdaDdosAllRegions), &options, &mut nowhere)?;
        let (_, again) = generate(Some(Scenario::LambdaDdosAllRegions), &options, &mut nowhere)?;
        assert_eq!(csv, again);
        let hourly = truth.bill_usd_per_hour.context("an attack has a bill")?;
        assert!((0.55 * 10_200.0..0.9 * 10_200.1).contains(&hourly), "{hourly}");
        let time = |text: &Option<String>| text.as_deref().and_then(crate::event::time::parse).context("a time");
        let (opened, seen) = (time(&truth.opened_by)?, time(&truth.costs_seen_at)?);
        assert!((9 * 3_600..21 * 3_600).contains(&(seen - opened)), "{} {:?}", truth.seed, truth.costs_seen_at);
        let mut known: BTreeMap<(&str, &str, &str, &str), (&str, f64)> = BTreeMap::new();
        for row in rows(&csv) {
            let [date, seen, _, service, region, usage_type, record_type, amount] = row.as_slice() else {
                anyhow::bail!("{row:?}");
            };
            assert!(*seen >= format!("{date}T09").as_str(), "{row:?}");
            let amount: f64 = amount.parse()?;
            if *record_type == "Usage" {
                let former = known.insert((date, service, region, usage_type), (seen, amount));
                assert!(former.is_none_or(|(at, former)| at < *seen && former <= amount), "{row:?}");
            }
        }
        let abroad =
            known.iter().filter(|((_, service, region, _), _)| *service == "AWS Lambda" && *region == "sa-east-1");
        assert!(abroad.clone().count() > 0 && abroad.clone().all(|(_, (_, amount))| *amount > 100.0));
    }
    Ok(())
}

#[test]
fn without_an_attack_the_bill_is_ordinary() -> anyhow::Result<()> {
    let options = Options { twin: true, noise: 0.01, days: 6, ..options(1) };
    for scenario in [None, Some(Scenario::LambdaDdosAllRegions), Some(Scenario::MissingKey)] {
        let (truth, csv) = generate(scenario, &options, &mut |_| Ok(()))?;
        assert_eq!((truth.bill_usd_per_hour, truth.costs_seen_at), (None, None));
        let usage = rows(&csv).into_iter().filter(|row| row[6] == "Usage");
        assert!(usage.clone().count() > 100);
        for row in usage {
            assert!(row[7].parse::<f64>()? < 30.0, "{row:?}");
        }
    }
    Ok(())
}
