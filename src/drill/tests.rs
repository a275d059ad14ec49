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
    let truth = generate(scenario, options, &mut |file| {
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
        let attacker: BTreeSet<&str> = delivered
            .iter()
            .filter(|record| {
                let address = record["sourceIPAddress"].as_str();
                address.is_some_and(|address| address.starts_with("203.0.113."))
            })
            .filter_map(|record| record["eventID"].as_str())
            .collect();
        assert_eq!(attacker, truth.event_ids.iter().map(String::as_str).collect());
        assert_eq!(attacker.is_empty(), twin);
        assert_eq!(truth.incidents, u32::from(!twin));
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
