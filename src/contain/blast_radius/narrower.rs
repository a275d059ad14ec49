//! Ways to do less, with what each leaves open.

use std::collections::{BTreeMap, BTreeSet};

use super::legitimate::{Legitimate, is_lasting, is_same};
use super::{MOST_NAMED, MOST_NETWORKS, is_private};
use crate::contain::subject::name_of;
use crate::habit::OTHER;
use crate::model::Incident;
use crate::model::plan::Alternative;

/// A network is usual that was used on so many days.
const USUAL_DAYS: usize = 2;

/// The ways that fit, the one that breaks least first.
pub(super) fn ways(legitimate: &Legitimate<'_>, incident: &Incident, principal: &str) -> Vec<Alternative> {
    let name = name_of(principal);
    let is_user = crate::contain::arn::is_user(principal);
    let way = |way: &str, does: String, leaves_open: String| Alternative { way: way.to_owned(), does, leaves_open };
    let mut ways = Vec::new();
    let usual = networks(legitimate);
    if is_user && !usual.is_empty() {
        let networks = named(usual.iter().map(String::as_str));
        ways.push(way(
            "network",
            format!("Denies {name} everything that does not come from {networks}; its usual use goes on."),
            format!("Whoever calls from {networks}, and calls that AWS services make for it. Its keys stay known to the attacker."),
        ));
    }
    if is_user && let Some((keys, calls)) = keys(legitimate, incident, principal) {
        let used = match calls {
            0 => "usual use does not need it".to_owned(),
            calls => format!("usual use made {calls} calls with it in {:.0} days, and stops", legitimate.days()),
        };
        let keys = named(keys.iter().copied());
        ways.push(way(
            "key",
            format!("Switches off access key {keys} of {name} and nothing else of it; {used}."),
            "Sessions that were minted with it go on until they end, up to 36 hours.".to_owned(),
        ));
    }
    let sessions = if is_user {
        let left = "The long-term keys themselves, which can mint new sessions.";
        (format!("Denies every session of {name} that began before now, by aws:TokenIssueTime; its keys go on."), left)
    } else {
        let left = "Whoever can assume the role anew, and whatever hands out its credentials.";
        (format!("Denies every session of {name} that began before now, by aws:TokenIssueTime; new ones go on."), left)
    };
    ways.push(way("sessions", sessions.0, sessions.1.to_owned()));
    ways
}

/// See `usual_networks` above.
pub(super) fn networks(legitimate: &Legitimate<'_>) -> BTreeSet<String> {
    let mut days: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let used = legitimate.cells.iter().filter(|(_, who, cell)| !who.network.is_empty() && cell.calls() > 0);
    for (day, who, _) in used {
        days.entry(&who.network).or_default().insert(*day);
    }
    let is_blurred = days.keys().any(|network| *network == OTHER || is_private(network));
    let usual: BTreeSet<String> =
        days.into_iter().filter(|(_, days)| days.len() >= USUAL_DAYS).map(|(network, _)| network.to_owned()).collect();
    let fits = !is_blurred && legitimate.shared.is_empty() && usual.len() <= MOST_NETWORKS;
    if fits { usual } else { BTreeSet::new() }
}

/// Long-term keys of the principal that the incident names, and how often they were used as usual.
fn keys<'i>(legitimate: &Legitimate<'_>, incident: &'i Incident, principal: &str) -> Option<(BTreeSet<&'i str>, u64)> {
    let members = incident.members.callers.iter().filter(|member| is_same(&member.arn, principal));
    let of_members = members.filter_map(|member| member.credential.as_deref());
    let is_root = incident.root.principal.as_deref().is_some_and(|root| is_same(root, principal));
    let of_root = incident.root.credential.as_deref().filter(|_| is_root);
    let keys: BTreeSet<_> = of_members.chain(of_root).filter(|key| is_lasting(key)).collect();
    let cells = legitimate.cells.iter().filter(|(_, who, _)| keys.contains(who.credential.as_str()));
    let calls = cells.map(|(_, _, cell)| cell.calls()).sum();
    (!keys.is_empty()).then_some((keys, calls))
}

/// `a, b and 3 more`.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    let shown = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
