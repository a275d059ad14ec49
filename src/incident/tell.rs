//! An incident in words: a title and at most eight plain sentences.

use std::collections::{BTreeMap, BTreeSet};

use super::burn::Estimate;
use super::case::Case;
use super::lineage::Node;
use crate::event::{DAY, Seconds, time};
use crate::model::{Basis, Confidence, Created, Finding, Incident, Root, Status, noun};

/// The narrative has room for what so many identities made.
const MOST_MAKERS: usize = 3;
/// Sentences of a narrative. The way in, its maker, what was made and what that costs are always among them.
const MOST_SENTENCES: usize = 8;
/// Observations that are told one by one.
const MOST_SEEN: usize = 3;
/// A title has room for this many kinds of things made.
const KINDS_IN_TITLE: usize = 2;

/// The incident of a case, with what its things cost.
pub(crate) fn incident(case: &Case, findings: &[Finding], burn: Option<Estimate>) -> Incident {
    let mut own: Vec<&Finding> = case.findings.iter().map(|n| &findings[*n]).collect();
    own.sort_by_key(|finding| (finding.time, finding.id.clone()));
    Incident {
        id: case.id.clone(),
        title: title(case, &own),
        level: case.level,
        status: Status::Open,
        accounts: case.accounts.iter().cloned().collect(),
        opened_at: case.opened_at,
        first_event: case.first,
        last_event: case.last,
        root: Root {
            principal: Some(case.root_identity.arn.clone()),
            credential: root_credential(case),
            confidence: if case.is_observed_only() { Confidence::Unknown } else { case.confidence },
        },
        principals: case.principals.iter().cloned().collect(),
        credentials: case.credentials.iter().cloned().collect(),
        resources: case.resources.values().cloned().collect(),
        regions: case.regions.iter().cloned().collect(),
        source_ips: case.source_ips.iter().cloned().collect(),
        attack: case.attack.iter().cloned().collect(),
        findings: own.iter().map(|finding| finding.id.clone()).collect(),
        merged_into: None,
        burn_usd_per_hour: burn.as_ref().map(|burn| burn.usd_per_hour),
        narrative: narrative(case, &own, burn),
        basis: if case.is_observed_only() { Basis::Observation } else { Basis::Calls },
        members: case.members.clone(),
    }
}

fn root_credential(case: &Case) -> Option<String> {
    match &case.root {
        Node::Credential(key) => Some(key.clone()),
        _ => case.root_identity.credential.clone(),
    }
}

/// Who, the worst that was found, and what was made most of or what else was found.
fn title(case: &Case, findings: &[&Finding]) -> String {
    let mut pages: Vec<_> = findings.iter().filter(|finding| !finding.notice).collect();
    pages.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.time));
    let worst = pages.first().map_or_else(String::new, |finding| decapitalised(&finding.title));
    let identity = |kind: &str| matches!(kind, "iam:access-key" | "iam:user" | "iam:role");
    let mut made: Vec<_> =
        by_kind(case.resources.values().filter(|resource| !identity(&resource.kind))).into_iter().collect();
    made.sort_by_key(|(kind, resources)| (std::cmp::Reverse(resources.len()), *kind));
    let regions: BTreeSet<_> = made.iter().flat_map(|(_, made)| made.iter().map(|resource| &resource.region)).collect();
    let things: Vec<_> = made.iter().take(KINDS_IN_TITLE).map(|(kind, made)| number_of(kind, made.len())).collect();
    let rest = match (things.is_empty(), regions.len()) {
        (true, _) => {
            let other = pages.iter().find(|finding| finding.tactic != pages[0].tactic && finding.counts());
            other.map_or_else(String::new, |finding| format!("; {}", decapitalised(&finding.title)))
        }
        (false, 1) => format!("; made {}", things.join(" and ")),
        (false, regions) => format!("; made {} in {regions} regions", things.join(" and ")),
    };
    format!("{}: {worst}{rest}", case.root_identity.name)
}

fn narrative(case: &Case, findings: &[&Finding], burn: Option<Estimate>) -> Vec<String> {
    let mut told = Vec::new();
    if case.is_observed_only() {
        told.push(format!("Nobody is on record; it is about {}.", case.root_identity.arn));
    } else {
        told.push(way_in(case));
        told.extend(maker(case));
    }
    told.extend(observed(case));
    told.extend(made(case));
    told.extend(burn.map(|burn| burn.told));
    told.extend(super::spend::told_of(findings));
    if !case.assumed.is_empty() {
        let roles: Vec<_> = case.assumed.iter().map(String::as_str).collect();
        told.push(format!("It assumed {} {}.", noun("role", roles.len()), listed(&roles, 6)));
    }
    told.extend(worst(findings));
    told.extend(refused(case));
    told.push(still_there(case));
    told.truncate(MOST_SENTENCES);
    told
}

fn way_in(case: &Case) -> String {
    let who = match root_credential(case) {
        Some(key) => format!("credential {key} of {}", case.root_identity.arn),
        None => case.root_identity.arn.clone(),
    };
    let from = listed(&case.source_ips.iter().map(String::as_str).collect::<Vec<_>>(), 4);
    let from = if from.is_empty() { String::new() } else { format!(" from {from}") };
    let sure = match (case.confidence, case.split) {
        (Confidence::Confirmed, true) => {
            ", where it was never used from; its usual use goes on beside this and is left out"
        }
        (Confidence::Confirmed, false) => ", a session that began with this story",
        (Confidence::Probable, _) => "; its usual use, if any, cannot be told apart",
        (Confidence::Unknown, _) => "; no credential is recorded",
    };
    format!("The way in is {who}, first used for this at {}{from}{sure}.", stamp(case.first))
}

/// What no call tells.
fn observed(case: &Case) -> Option<String> {
    let seen: Vec<_> = case.observed.iter().map(String::as_str).collect();
    (!seen.is_empty()).then(|| format!("Seen without a call that did it: {}.", seen_of(&seen)))
}

fn seen_of(seen: &[&str]) -> String {
    let (shown, rest) = seen.split_at(seen.len().min(MOST_SEEN));
    let rest = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
    format!("{}{rest}", shown.join("; "))
}

fn maker(case: &Case) -> Option<String> {
    let (at, maker) = case.maker.as_ref()?;
    let part = if *at < case.first - DAY {
        "long before, and not part of this"
    } else {
        "without a credential of its own on record"
    };
    Some(format!("It was made at {} by {}, {part}.", stamp(*at), maker.arn))
}

/// Who made what, in order of the first thing that each made.
fn made(case: &Case) -> Vec<String> {
    let mut makers: BTreeMap<&str, Vec<&Created>> = BTreeMap::new();
    for resource in case.resources.values() {
        makers.entry(&resource.by).or_default().push(resource);
    }
    let mut makers: Vec<_> = makers.into_iter().collect();
    makers.sort_by_key(|(maker, made)| (made.iter().map(|resource| resource.at).min(), *maker));
    let tell = |(maker, made): (&str, Vec<&Created>)| {
        let kinds = by_kind(made.iter().copied());
        let things: Vec<_> = kinds.iter().map(|(kind, made)| thing(kind, made)).collect();
        let regional = made.iter().filter(|resource| !resource.kind.starts_with("iam:"));
        let regions: BTreeSet<_> = regional.map(|resource| resource.region.as_str()).collect();
        let things = listed(&things.iter().map(String::as_str).collect::<Vec<_>>(), 6);
        match regions.len() {
            0 => format!("{maker} made {things}."),
            _ => format!("{maker} made {things}: {}.", listed(&regions.into_iter().collect::<Vec<_>>(), 20)),
        }
    };
    makers.into_iter().take(MOST_MAKERS).map(tell).collect()
}

/// Things of one kind: by name where there are few, else by number.
fn thing(kind: &str, made: &[&Created]) -> String {
    if made.len() > 2 {
        return counted(kind, made);
    }
    let names: Vec<_> = made.iter().map(|resource| short(&resource.arn)).collect();
    format!("{} {}", noun(kind, made.len()), listed(&names, 2))
}

fn worst(findings: &[&Finding]) -> Option<String> {
    let mut pages: Vec<_> = findings.iter().filter(|finding| !finding.notice).collect();
    pages.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.time));
    let mut titles: Vec<String> = Vec::new();
    for finding in &pages {
        let title = decapitalised(&finding.title);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let shown = listed(&titles.iter().map(String::as_str).collect::<Vec<_>>(), 5);
    (!titles.is_empty()).then(|| format!("{} {}, the worst first: {shown}.", pages.len(), noun("finding", pages.len())))
}

fn refused(case: &Case) -> Option<String> {
    let mut refused: Vec<_> = case.actions.iter().filter(|(_, (_, refused))| *refused > 0).collect();
    refused.sort_by_key(|(action, (_, refused))| (std::cmp::Reverse(*refused), (*action).clone()));
    let total: u64 = refused.iter().map(|(_, (_, refused))| refused).sum();
    let actions = listed(&refused.iter().map(|(action, _)| action.as_str()).collect::<Vec<_>>(), 4);
    (total > 0).then(|| format!("{total} of the calls looked at failed or were refused: {actions}."))
}

fn still_there(case: &Case) -> String {
    let exist = case.resources.values().filter(|resource| resource.exists).count();
    let gone = case.resources.len() - exist;
    let there = match (exist, gone) {
        (0, 0) => "nothing was made that is on record".to_owned(),
        (0, _) => "everything that was made is deleted".to_owned(),
        (1, 0) => "the one thing made is still there as far as the log says".to_owned(),
        (exist, 0) => format!("all {exist} things made are still there as far as the log says"),
        (exist, gone) => {
            format!("of the things made {exist} are still there and {gone} deleted, as far as the log says")
        }
    };
    format!("The last event is at {}; {there}.", stamp(case.last))
}

fn by_kind<'a>(made: impl Iterator<Item = &'a Created>) -> BTreeMap<&'a str, Vec<&'a Created>> {
    let mut kinds: BTreeMap<&str, Vec<&Created>> = BTreeMap::new();
    for resource in made {
        kinds.entry(&resource.kind).or_default().push(resource);
    }
    kinds
}

/// `85 functions in 17 regions`, `1 user`.
fn counted(kind: &str, resources: &[&Created]) -> String {
    let regions: BTreeSet<_> = resources.iter().map(|resource| &resource.region).collect();
    let places = if regions.len() > 1 { format!(" in {} regions", regions.len()) } else { String::new() };
    format!("{}{places}", number_of(kind, resources.len()))
}

fn number_of(kind: &str, count: usize) -> String {
    format!("{count} {}", noun(kind, count))
}

/// The last part of an ARN.
pub(super) fn short(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

/// `a, b and c`, or `a, b and 3 more`.
fn listed(items: &[&str], most: usize) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        _ if items.len() > most => format!("{} and {} more", items[..most].join(", "), items.len() - most),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

fn decapitalised(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !word.chars().skip(1).any(char::is_uppercase) => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

pub(super) fn stamp(at: Seconds) -> String {
    time::format(at).replace('T', " ").replace('Z', " UTC")
}
