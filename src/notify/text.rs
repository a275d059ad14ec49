//! The words of a message, for people.
//!
//! Every line is harmless on a terminal and in a mail: what a log says is escaped here, once.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Message, What};
use crate::event::told::OBSERVER;
use crate::event::{Seconds, time};
use crate::model::escape::terminal;
use crate::model::{Finding, Incident, Level, burn, counted, noun};

/// Regions that are named; more are counted.
const REGIONS: usize = 6;
/// Addresses that are named.
const ADDRESSES: usize = 5;
/// Things that were made and are listed.
const MADE: usize = 20;
/// Findings outside of an incident that are listed.
const FINDINGS: usize = 10;

/// `critical incident opened: TITLE`, on one line.
pub(super) fn headline(message: &Message) -> String {
    let level = level(message).as_str();
    let title = match &message.incident {
        Some(incident) => incident.title.clone(),
        None => worst(&message.findings),
    };
    terminal(&match message.what {
        What::Telemetry => format!("{level}, a gap in what is seen: {title}"),
        What::Notices => format!("notices: {}", first_of(&message.changes)),
        What::Digest => format!("digest of the day: {}", first_of(&message.changes)),
        what => format!("{level} incident {}: {title}", what.as_str()),
    })
}

/// The first line, and how many there are beside it.
fn first_of(lines: &[String]) -> String {
    match lines {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first}, and {} more", counted(others.len(), "line")),
    }
}

/// The title of the first of the highest level, and how many there are beside it.
pub(super) fn worst(findings: &[Finding]) -> String {
    let Some(worst) = findings.iter().rev().max_by_key(|finding| finding.level) else {
        return "nothing more is known".to_owned();
    };
    match findings.len() - 1 {
        0 => worst.title.to_string(),
        left => format!("{} and {left} more", worst.title),
    }
}

/// The incident's level, or the highest of the findings.
pub(super) fn level(message: &Message) -> Level {
    let of_findings = || message.findings.iter().map(|finding| finding.level).max();
    message.incident.as_ref().map(|incident| incident.level).or_else(of_findings).unwrap_or(Level::Informational)
}

/// The accounts that a message is about, by id.
pub(super) fn accounts(message: &Message) -> BTreeSet<&str> {
    let of_findings = message.findings.iter().map(|finding| finding.account.as_str());
    match &message.incident {
        Some(incident) => incident.accounts.iter().map(String::as_str).collect(),
        None => of_findings.filter(|account| !account.is_empty()).collect(),
    }
}

/// What is known at a glance, by labels of at most five letters.
pub(super) fn facts(message: &Message) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(incident) = &message.incident {
        let key = incident.root.credential.as_deref();
        let key = key.map_or_else(|| "no credential on record".to_owned(), |key| format!("key {key}"));
        facts.push(("who", format!("{}, {key} ({})", incident.root.name(), incident.root.confidence.as_str())));
        facts.push(("where", places(message, &incident.regions, &incident.source_ips)));
        facts.push(("since", format!("{} until {}", stamp(incident.first_event), stamp(incident.last_event))));
        facts.extend(incident.burn_usd_per_hour.map(|usd| ("cost", burn(usd))));
    } else if !message.findings.is_empty() {
        let regions: BTreeSet<_> = message.findings.iter().map(|finding| finding.region.clone()).collect();
        let regions: Vec<_> = regions.into_iter().filter(|region| !region.is_empty()).collect();
        facts.push(("where", places(message, &regions, &[])));
        facts.extend(message.findings.iter().map(|finding| finding.time).min().map(|at| ("since", stamp(at))));
    }
    facts.extend(message.changes.iter().map(|change| ("new", change.clone())));
    facts.into_iter().map(|(label, fact)| (label, terminal(&fact))).collect()
}

/// The story in sentences, the first `most` of them; without an incident its findings, the worst first.
pub(super) fn story(message: &Message, most: usize) -> Vec<String> {
    if let Some(incident) = &message.incident {
        return incident.narrative.iter().take(most).map(|sentence| terminal(sentence)).collect();
    }
    let mut findings: Vec<_> = message.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.level));
    let most = most.min(FINDINGS);
    let mut story: Vec<_> = findings.iter().take(most).map(|finding| terminal(&told(finding))).collect();
    let left = findings.len().saturating_sub(most);
    if left > 0 {
        story.push(format!("and {left} more"));
    }
    story
}

/// The command that shows more.
pub(super) fn more(message: &Message) -> Option<String> {
    message.incident.as_ref().map(|incident| format!("stakeout show {}", terminal(&incident.id)))
}

/// All of it, for a mail.
pub(super) fn plain(message: &Message) -> String {
    let mut lines = vec![headline(message), String::new()];
    lines.extend(facts(message).into_iter().map(|(label, fact)| format!("{label:<6} {fact}")));
    let story = story(message, usize::MAX);
    if !story.is_empty() {
        lines.extend([String::new(), "What happened".to_owned()]);
        lines.extend(story.into_iter().map(|sentence| format!("- {sentence}")));
    }
    lines.extend(message.incident.as_ref().into_iter().flat_map(made));
    lines.push(String::new());
    lines.extend(more(message).map(|command| format!("More: {command}")));
    lines.push(format!("Journal: {}", terminal(&message.journal)));
    lines.push(format!("Message: {}", terminal(&message.key)));
    lines.join("\n") + "\n"
}

fn places(message: &Message, regions: &[String], addresses: &[String]) -> String {
    let accounts = accounts(message);
    let named = |id: &&str| match message.account_names.get(*id) {
        Some(name) => format!("{name} ({id})"),
        None => (*id).to_owned(),
    };
    let names: Vec<_> = accounts.iter().map(named).collect();
    let mut parts = Vec::new();
    if !names.is_empty() {
        parts.push(format!("{} {}", noun("account", names.len()), names.join(", ")));
    }
    match regions {
        [] => {}
        [one] => parts.push(format!("region {one}")),
        few if few.len() <= REGIONS => parts.push(format!("regions {}", few.join(", "))),
        many => parts.push(format!("{} regions", many.len())),
    }
    if let Some(first) = addresses.get(..ADDRESSES.min(addresses.len())).filter(|first| !first.is_empty()) {
        let left = addresses.len() - first.len();
        let left = if left > 0 { format!(" and {left} more") } else { String::new() };
        parts.push(format!("from {}{left}", first.join(", ")));
    }
    if parts.is_empty() { "no account is named".to_owned() } else { parts.join(", ") }
}

/// What the incident's identities made, and whether it is still there.
fn made(incident: &Incident) -> Vec<String> {
    if incident.resources.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Made".to_owned()];
    for resource in incident.resources.iter().take(MADE) {
        let gone = if resource.exists { "" } else { " (deleted)" };
        lines.push(terminal(&format!("- {} in {}{gone}", resource.arn, resource.region)));
    }
    let left = incident.resources.len().saturating_sub(MADE);
    if left > 0 {
        lines.push(format!("- and {} more", counted(left, "resource")));
    }
    lines
}

/// A finding in one sentence, as the log has it.
pub(super) fn told(finding: &Finding) -> String {
    // What Stakeout itself observed is nobody's deed.
    let is_deed = !["", OBSERVER].contains(&finding.principal.as_str());
    let who = if is_deed { format!(" by {}", finding.principal) } else { String::new() };
    let place = if finding.region.is_empty() { String::new() } else { format!(" in {}", finding.region) };
    let why = if finding.reasons.is_empty() { String::new() } else { format!(": {}", finding.reasons.join("; ")) };
    format!("{} {}{who}{place}{why}", stamp(finding.time), finding.title)
}

fn stamp(at: Seconds) -> String {
    time::format(at).replace('T', " ")
}
