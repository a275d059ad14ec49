//! `stakeout detectors explain`: everything about one detector.

use std::io;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cli::{Status, Voice};
use crate::detect::{Detector, Rules};
use crate::report::page;

pub(super) fn explain(name: &str, folders: &[PathBuf], voice: Voice) -> Result<Status> {
    let rules = Rules::load(folders)?;
    let Some(detector) = rules.detectors.iter().find(|detector| detector.name == name) else {
        bail!("no detector is named {name:?}; `stakeout detectors list` shows all");
    };
    let mut out = io::stdout().lock();
    for line in explanation(detector).lines() {
        let rest = if line.starts_with("  - ") { "    " } else { "" };
        page::write_wrapped(&mut out, voice.look().columns, line, rest)?;
    }
    Ok(Status::Quiet)
}

fn explanation(detector: &Detector) -> String {
    let mut text = format!("{}\n{}, {}", detector.title, detector.name, detector.level);
    text.push_str(if detector.notice { ", a notice that never pages\n" } else { "\n" });
    text.push_str(&format!("\n{}\n", detector.description));
    if let Some(first_seen) = &detector.first_seen {
        let days = first_seen.history / crate::event::DAY;
        text.push_str(&format!("\nFires on what was not seen in the {days} days before; a notice while the history is shorter than {} days.\n", first_seen.learn / crate::event::DAY));
    }
    if let Some(dormant) = &detector.dormant {
        let days = dormant.silent / crate::event::DAY;
        text.push_str(&format!("\nFires on what was seen before, and then not for {days} days.\n"));
    }
    if let Some(beyond) = &detector.beyond_usual {
        let (times, usd) = (beyond.times, crate::model::dollars(beyond.usd));
        text.push_str(&format!("\nFires on more than {times} times what the account usually spends in an hour, and at least {usd}; silent without a bill.\n"));
    }
    if let Some(own) = &detector.beyond_own {
        let (times, least, days) = (own.times, own.least, own.history / crate::event::DAY);
        text.push_str(&format!("\nMeasures whether there are {least} or more, and more than {times} times as many as the same principal ever had in {days} days.\n"));
    }
    if let Some(silence) = &detector.silence {
        let (spoke, silent) = (silence.spoke / crate::event::DAY, silence.silent / crate::event::DAY);
        text.push_str(&format!(
            "\nAsks each day what spoke on each of {spoke} days and was silent for {silent} since.\n"
        ));
    }
    let adjusted = detector.adjust.iter().map(|entry| {
        let to = match (entry.level, entry.notice) {
            (_, Some(true)) => "notice".to_owned(),
            (Some(level), _) => level.to_string(),
            (None, _) => detector.level.to_string(),
        };
        format!("{to}: {}", entry.because)
    });
    section(&mut text, "Level", adjusted);
    section(&mut text, "Benign causes", detector.falsepositives.iter().cloned());
    section(&mut text, "Blind spots", detector.blind_spots.iter().cloned());
    let version = detector.attack_version.as_deref().unwrap_or("of unknown version");
    section(&mut text, &format!("ATT&CK {version}"), detector.attack.iter().cloned());
    section(&mut text, "Playbook", detector.playbook.iter().cloned());
    section(&mut text, "References", detector.references.iter().cloned());
    text.push_str(&format!("\nFile: {}\n", detector.file));
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.map(|line| format!("  - {line}\n")).collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n{title}\n{}", lines.concat()));
    }
}
