//! `stakeout detectors coverage`: what of ATT&CK the detectors speak to, from their files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::list::sorted;
use crate::cli::Status;
use crate::detect::rule::TACTICS;
use crate::detect::{Detector, Rules};
use crate::model::escape::markdown;
use crate::model::{Level, counted};

/// What stands around what is written by this command.
const BEGIN: &str = "<!-- begin: stakeout detectors coverage --format markdown -->\n";
const END: &str = "<!-- end: stakeout detectors coverage --format markdown -->\n";

/// How coverage is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Tables, for a document.
    Markdown,
    /// A layer of ATT&CK Navigator (version 4.5 of their format).
    Navigator,
}

/// Writes coverage to standard output, or into a document.
///
/// # Errors
/// Rules that cannot be read, and a document that has no marks or cannot be written.
pub(super) fn coverage(folders: &[PathBuf], form: Form, into: Option<&Path>) -> Result<Status> {
    let rules = Rules::load(folders)?;
    let detectors = sorted(&rules);
    let text = match form {
        Form::Markdown => format!("{BEGIN}{}\n{}{END}", catalogue(&detectors), techniques(&detectors)),
        Form::Navigator => format!("{:#}\n", layer(&detectors)),
    };
    match into {
        Some(path) => replace(path, &text).with_context(|| path.display().to_string())?,
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(Status::Quiet)
}

/// Puts a section in the place of the one that is there.
fn replace(path: &Path, section: &str) -> Result<()> {
    let text = std::fs::read_to_string(path)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let marks = || format!("it has no line `{}` with `{}` after it", BEGIN.trim_end(), END.trim_end());
    let (before, after) = parts.with_context(marks)?;
    let new = format!("{before}{section}{after}");
    if new != text {
        std::fs::write(path, new)?;
    }
    Ok(())
}

/// A row a detector.
pub(super) fn catalogue(detectors: &[&Detector]) -> String {
    let mut text = "| name | level | tactic | ATT&CK | fires on |\n|---|---|---|---|---|\n".to_owned();
    for detector in detectors {
        let Detector { name, tactic, attack, title, .. } = detector;
        let (levels, attack, title) = (levels(detector), attack.join(" "), markdown(title));
        text.push_str(&format!("| `{name}` | {levels} | {tactic} | {attack} | {title} |\n"));
    }
    text
}

/// The levels that a detector can have, the one that it declares in bold.
fn levels(detector: &Detector) -> String {
    // A notice is below all levels.
    let declared = (!detector.notice).then_some(detector.level);
    let adjusted = detector.adjust.iter().map(|entry| match entry.notice {
        Some(true) => None,
        _ => Some(entry.level.unwrap_or(detector.level)),
    });
    let all: BTreeSet<Option<Level>> = adjusted.chain([declared]).collect();
    let name = |level: &Option<Level>| level.map_or("notice", Level::as_str);
    let is_alone = all.len() == 1;
    let told = all.iter().rev().map(|level| match name(level) {
        name if *level == declared && !is_alone => format!("**{name}**"),
        name => name.to_owned(),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Detectors by technique.
fn by_technique<'d>(detectors: &[&'d Detector]) -> BTreeMap<&'d str, Vec<&'d Detector>> {
    let mut techniques: BTreeMap<&str, Vec<&Detector>> = BTreeMap::new();
    for detector in detectors {
        for technique in &detector.attack {
            techniques.entry(technique).or_default().push(detector);
        }
    }
    techniques
}

/// The version of ATT&CK that the tags are from: the highest that any detector names.
fn version<'d>(detectors: &[&'d Detector]) -> &'d str {
    let versions = detectors.iter().filter_map(|detector| detector.attack_version.as_deref());
    versions
        .max_by_key(|version| version.split('.').map(|n| n.parse().unwrap_or(0)).collect::<Vec<u32>>())
        .unwrap_or("19")
}

/// A row a technique: how many detectors in each tactic, and which.
fn techniques(detectors: &[&Detector]) -> String {
    let techniques = by_technique(detectors);
    let is_used = |tactic: &&str| detectors.iter().any(|detector| detector.tactic == **tactic);
    let mut tactics: Vec<&str> = TACTICS.into_iter().filter(|tactic| is_used(tactic)).collect();
    let others: BTreeSet<&str> = detectors.iter().map(|detector| detector.tactic.as_str()).collect();
    tactics.extend(others.into_iter().filter(|tactic| !TACTICS.contains(tactic)));
    let mut text = format!(
        "{} speak to {} of ATT&CK {}. A number says how many of them lie in the folder of a tactic.\n\n| technique |",
        counted(detectors.len(), "detector"),
        counted(techniques.len(), "technique"),
        version(detectors)
    );
    tactics.iter().for_each(|tactic| text.push_str(&format!(" {tactic} |")));
    text.push_str(" detectors |\n|---|");
    text.push_str(&"---|".repeat(tactics.len() + 1));
    text.push('\n');
    for (technique, detectors) in techniques {
        let page = technique.replace('.', "/");
        text.push_str(&format!("| [{technique}](https://attack.mitre.org/techniques/{page}/) |"));
        for tactic in &tactics {
            match detectors.iter().filter(|detector| detector.tactic == **tactic).count() {
                0 => text.push_str(" |"),
                count => text.push_str(&format!(" {count} |")),
            }
        }
        let names: Vec<_> = detectors.iter().map(|detector| format!("`{}`", detector.name)).collect();
        text.push_str(&format!(" {} |\n", names.join(" ")));
    }
    text
}

/// A layer of ATT&CK Navigator. The score of a technique is how many detectors speak to it.
fn layer(detectors: &[&Detector]) -> Value {
    let techniques = by_technique(detectors);
    let most = techniques.values().map(Vec::len).max().unwrap_or(1);
    let has_parts: BTreeSet<&str> = techniques.keys().filter_map(|id| Some(id.split_once('.')?.0)).collect();
    let mut entries: Vec<Value> = Vec::new();
    for (technique, detectors) in &techniques {
        let names: Vec<_> = detectors.iter().map(|detector| detector.name.as_str()).collect();
        entries.push(json!({
            "techniqueID": technique,
            "score": detectors.len(),
            "comment": names.join(", "),
            "enabled": true,
            "metadata": [],
            "links": [],
            "showSubtechniques": has_parts.contains(technique),
        }));
    }
    // Parts are only seen where what they are part of is open.
    let closed = has_parts.iter().filter(|technique| !techniques.contains_key(*technique));
    entries.extend(
        closed.map(|technique| json!({ "techniqueID": technique, "enabled": true, "showSubtechniques": true })),
    );
    entries.sort_by_key(|entry| entry["techniqueID"].as_str().map(str::to_owned));
    json!({
        "name": "Stakeout",
        "versions": { "attack": version(detectors), "navigator": "5.1.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": format!("What the {} of Stakeout speak to.", counted(detectors.len(), "detector")),
        "sorting": 3,
        "hideDisabled": false,
        "techniques": entries,
        "gradient": { "colors": ["#cfe8ffff", "#08519cff"], "minValue": 0, "maxValue": most },
        "legendItems": [],
        "metadata": [],
        "links": [],
        "showTacticRowBackground": false,
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
        "selectVisibleTechniques": false,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn every_detector_lies_in_the_folder_of_a_tactic() {
        for detector in Rules::load(&[]).unwrap().detectors {
            assert!(TACTICS.contains(&&*detector.tactic), "{}: {} is no tactic", detector.name, detector.tactic);
        }
    }
}
