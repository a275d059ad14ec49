//! The use of a principal without the attacker's.

use std::collections::{BTreeMap, BTreeSet};

use crate::contain::arn;
use crate::event::{DAY, Place, Seconds};
use crate::habit::{Cell, Habits, KEPT, OTHER, Who};
use crate::model::Incident;

/// On so many days before the incident the owner must have called from a network for it to be theirs.
const OWN_DAYS: usize = 2;

/// What is counted of a principal, or of one credential of it.
pub(super) struct Legitimate<'h> {
    /// By day; everything in them is the owner's.
    pub cells: Vec<(i64, &'h Who, &'h Cell)>,
    /// What is counted begins and ends here.
    pub start: Seconds,
    pub end: Seconds,
    /// Networks from which both the owner and the attacker call.
    pub shared: BTreeSet<&'h str>,
    /// The incident made it, so that nobody else has a use for it.
    pub is_made: bool,
    /// Somebody who calls little may be missing.
    pub is_crowded: bool,
}

impl Legitimate<'_> {
    /// The length of what is counted, a day at least.
    pub(super) fn days(&self) -> f64 {
        ((self.end - self.start) as f64 / DAY as f64).max(1.0)
    }
}

/// Leaves out what the incident made and minted, and from the day of its first event on what came from its networks. Where
/// the owner calls from one of these too, that day and those after it are left out as a whole.
pub(super) fn select<'h>(
    habits: &'h Habits,
    incident: &Incident,
    principal: &str,
    credential: Option<&str>,
    now: Seconds,
) -> Legitimate<'h> {
    let today = now.div_euclid(DAY);
    let first_day = incident.first_event.div_euclid(DAY);
    let minted = minted(incident);
    let attack: BTreeSet<String> =
        incident.source_ips.iter().filter_map(|address| Place::new("", "", address).network).collect();
    let is_made = made(incident, principal) || credential.is_some_and(|key| minted.contains(key));
    // Credentials of sessions count together, under no name.
    let lasting = credential.map(|key| if is_lasting(key) { key } else { "" });
    let of_target = |who: &Who| is_same(&who.arn, principal) && lasting.is_none_or(|key| who.credential == key);
    let days = || habits.days().filter(|(day, _)| (today - KEPT + 1..=today).contains(day));
    let all = days().flat_map(|(day, daily)| daily.cells().map(move |(who, cell)| (day, who, cell)));
    let mut cells: Vec<_> =
        all.filter(|(_, who, _)| !is_made && of_target(who) && !minted.contains(who.credential.as_str())).collect();
    let mut own_days: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for (day, who, cell) in &cells {
        if *day < first_day && cell.calls() > 0 && attack.contains(&who.network) {
            own_days.entry(&who.network).or_default().insert(*day);
        }
    }
    let shared: BTreeSet<_> = own_days.into_iter().filter(|(_, days)| days.len() >= OWN_DAYS).map(|(n, _)| n).collect();
    let is_attack = |who: &Who| attack.contains(&who.network) || who.network == OTHER;
    cells.retain(|(day, who, _)| *day < first_day || (shared.is_empty() && !is_attack(who)));
    let end = if shared.is_empty() { now } else { now.min(first_day * DAY) };
    let known = days().next().map_or(today, |(day, _)| day);
    Legitimate {
        cells,
        start: known * DAY,
        end,
        shared,
        is_made,
        is_crowded: days().any(|(_, daily)| daily.is_crowded()),
    }
}

/// Credentials that the incident minted.
fn minted(incident: &Incident) -> BTreeSet<&str> {
    let keys = incident.resources.iter().filter_map(|made| arn::part(&made.arn));
    let members = incident.members.callers.iter().filter(|member| member.minted);
    keys.chain(members.filter_map(|member| member.credential.as_deref())).collect()
}

/// Whether the incident made a user or role.
fn made(incident: &Incident, principal: &str) -> bool {
    let principals = incident.resources.iter().filter(|made| matches!(made.kind.as_str(), "iam:user" | "iam:role"));
    principals.into_iter().any(|made| is_same(&made.arn, principal))
}

/// Whether an access key id is one of a long-term key.
pub(super) fn is_lasting(key: &str) -> bool {
    key.starts_with("AKIA") || key.starts_with("LKIA")
}

/// Whether two ARNs name one principal: a path is not in every record.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let plain = |arn: &str| {
        let (owner, thing) = arn.rsplit_once(':')?;
        let (kind, name) = thing.split_once('/')?;
        let account = owner.split(':').nth(4)?.to_owned();
        Some((account, kind.to_owned(), name.rsplit('/').next().unwrap_or(name).to_owned()))
    };
    one == other || plain(one).is_some_and(|one| plain(other) == Some(one))
}
