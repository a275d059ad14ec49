//! `stakeout detectors list`.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::coverage;
use crate::cli::Status;
use crate::detect::{Detector, Rules};
use crate::model::escape::{cell, terminal};
use crate::report::Format;

/// One line a detector, by tactic and name.
///
/// # Errors
/// Rules that cannot be read.
pub(super) fn list(folders: &[PathBuf], format: Format) -> Result<Status> {
    let rules = Rules::load(folders)?;
    let detectors = sorted(&rules);
    let mut out = io::stdout().lock();
    match format {
        Format::Table => {
            for detector in detectors {
                let (level, attack) = (level(detector), detector.attack.join(" "));
                let line = format!("{level:<13}  {:<21}  {:<40}  {attack}", detector.tactic, detector.name);
                writeln!(out, "{}", terminal(line.trim_end()))?;
            }
        }
        Format::Ndjson => detectors.iter().try_for_each(|detector| writeln!(out, "{}", value(detector)))?,
        Format::Json => {
            let all: Vec<_> = detectors.iter().map(|detector| value(detector)).collect();
            writeln!(out, "{:#}", json!({ "schema": "stakeout/1", "detectors": all }))?;
        }
        Format::Markdown => out.write_all(coverage::catalogue(&detectors).as_bytes())?,
        Format::Csv => rows(&detectors, &mut out)?,
    }
    Ok(Status::Quiet)
}

/// All detectors, by tactic and name.
pub(super) fn sorted(rules: &Rules) -> Vec<&Detector> {
    let mut detectors: Vec<_> = rules.detectors.iter().collect();
    detectors.sort_by_key(|detector| (&detector.tactic, &detector.name));
    detectors
}

fn level(detector: &Detector) -> &'static str {
    if detector.notice { "notice" } else { detector.level.as_str() }
}

fn value(detector: &Detector) -> Value {
    json!({
        "name": detector.name,
        "title": detector.title,
        "level": detector.level.as_str(),
        "notice": detector.notice,
        "tactic": detector.tactic,
        "attack": detector.attack,
        "attack_version": detector.attack_version,
        "playbook": detector.playbook,
        "external": detector.external,
        "file": detector.file,
    })
}

fn rows(detectors: &[&Detector], out: &mut dyn Write) -> Result<()> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(["name", "level", "tactic", "attack", "title"])?;
    for detector in detectors {
        let attack = detector.attack.join(" ");
        let cells = [&detector.name, level(detector), &detector.tactic, &attack, &detector.title];
        rows.write_record(cells.map(cell))?;
    }
    Ok(out.write_all(&rows.into_inner()?)?)
}
