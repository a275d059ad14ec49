//! What became of an incident between two tellings, in sentences.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Finding, Incident, Summary, counted, noun};
use crate::report::Report;

/// The detector of what is cut off and succeeds all the same.
const STILL_ACTS: &str = "contained-still-acts";
/// Names in one sentence.
const MOST_NAMES: usize = 6;

/// An incident as it was told, with its findings.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub incident: Incident,
    pub findings: Vec<Finding>,
}

impl Told {
    /// The report that shows it alone.
    pub(crate) fn report(self) -> Report {
        let Self { incident, findings } = self;
        let summary = Summary {
            first_event: Some(incident.first_event),
            last_event: Some(incident.last_event),
            accounts: incident.accounts.clone(),
            regions: incident.regions.clone(),
            findings: findings.len(),
            incidents: 1,
            ..Summary::default()
        };
        Report { findings, incidents: vec![incident], summary }
    }
}

/// What is new and worth waking somebody for again; nothing where the same goes on.
pub(crate) fn material(before: &Told, after: &Told) -> Vec<String> {
    let (old, new) = (&before.incident, &after.incident);
    let mut told = Vec::new();
    if new.level > old.level {
        told.push(format!("Its level rose from {} to {}.", old.level.as_str(), new.level.as_str()));
    }
    if new.root.credential != old.root.credential || new.root.principal != old.root.principal {
        told.push(format!("Its root is {}.", new.root.name()));
    }
    let titles = |told: &Told| -> BTreeSet<String> {
        told.findings.iter().filter(|f| !f.notice).map(|finding| finding.title.to_string()).collect()
    };
    told.extend(added("finding", &titles(before), &titles(after)));
    told.extend(still_acts(before, after));
    told.extend(added("account", &set(&old.accounts), &set(&new.accounts)));
    told.extend(added("principal", &set(&old.principals), &set(&new.principals)));
    told.extend(added("credential", &set(&old.credentials), &set(&new.credentials)));
    told.extend(added("region", &set(&old.regions), &set(&new.regions)));
    told.extend(made(old, new));
    told
}

/// What was cut off succeeds, and did so before: that it does again is news each time.
fn still_acts(before: &Told, after: &Told) -> Option<String> {
    let of = |told: &Told| -> BTreeSet<String> {
        told.findings.iter().filter(|f| &*f.detector == STILL_ACTS).map(|f| f.id.clone()).collect()
    };
    let (old, new) = (of(before), of(after));
    let is_again = !old.is_empty() && new.difference(&old).next().is_some();
    is_again.then(|| "What was contained succeeds again.".to_owned())
}

fn set(texts: &[String]) -> BTreeSet<String> {
    texts.iter().cloned().collect()
}

/// `3 more regions: a, b, c.`
fn added(what: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<String> {
    let new: Vec<&str> = after.difference(before).map(String::as_str).collect();
    let names = new.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    let rest = new.len().saturating_sub(MOST_NAMES);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    (!new.is_empty()).then(|| format!("{} more {}: {names}{rest}.", new.len(), noun(what, new.len())))
}

/// Kinds of things that are new, or of which there are twice as many.
fn made(before: &Incident, after: &Incident) -> Option<String> {
    let count = |incident: &Incident| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for resource in &incident.resources {
            *counts.entry(resource.kind.clone()).or_default() += 1;
        }
        counts
    };
    let before = count(before);
    let more = count(after).into_iter().filter_map(|(kind, now)| {
        let then = before.get(&kind).copied().unwrap_or(0);
        (now >= (2 * then).max(1) && now > then).then(|| counted(now - then, &kind))
    });
    let more: Vec<_> = more.collect();
    (!more.is_empty()).then(|| format!("It made {} more.", more.join(", ")))
}
