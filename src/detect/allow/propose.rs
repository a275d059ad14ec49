//! Entries of `[[allow]]` that history would bear: for whom, for which detector, and no wider than what was seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::{AllowList, last, targets};
use crate::config::{Allow, Arn, MOST_DAYS, Network, PLACEHOLDER, Region, Words};
use crate::event::{Event, Seconds};
use crate::model::{Finding, Incident, Level};

/// Values of one kind in one entry; what has more is not narrow.
const MOST_VALUES: usize = 4;
/// Entries are proposed until they hide so much of what any could hide, in percent.
const ENOUGH: usize = 90;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub level: Level,
    /// Entries at most.
    pub most: usize,
    /// Findings that an entry hides at least.
    pub least: usize,
}

/// An entry, and what it would have hidden.
#[derive(Debug)]
pub(crate) struct Proposal<'f> {
    pub entry: Allow,
    /// In order of time, never empty.
    pub hides: Vec<&'f Finding>,
}

/// What history bears.
#[derive(Debug)]
pub(crate) struct Proposals<'f> {
    /// Those that hide most first.
    pub entries: Vec<Proposal<'f>>,
    /// Findings that page nobody and that somebody may answer for.
    pub findings: usize,
    /// Findings by principals of incidents, which nobody may answer for.
    pub of_incidents: usize,
    /// Detector, principal and number of findings that come from so many places that no entry is narrow.
    pub wide: Vec<(&'f str, &'f str, usize)>,
}

/// Proposes entries that end 90 days after a time: the fewest that hide most. Critical findings, notices, findings about
/// bills and all of principals in incidents are left alone.
pub(crate) fn propose<'f>(
    findings: &'f [Finding],
    incidents: &[Incident],
    events: &[Arc<Event>],
    now: Seconds,
    wanted: Wanted,
) -> Proposals<'f> {
    let by_id = by_id(events);
    let suspects: BTreeSet<&str> =
        incidents.iter().flat_map(|incident| &incident.principals).map(String::as_str).collect();
    let mut groups: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    let mut of_incidents = 0;
    for finding in findings.iter().filter(|finding| is_tunable(finding, wanted.level)) {
        if suspects.contains(finding.principal.as_str()) {
            of_incidents += 1;
        } else {
            groups.entry((&finding.detector, &finding.principal)).or_default().push(finding);
        }
    }
    let mut proposals = Proposals {
        entries: Vec::new(),
        findings: groups.values().map(Vec::len).sum(),
        of_incidents,
        wide: Vec::new(),
    };
    for ((detector, principal), found) in groups {
        let count = found.len();
        match proposal(detector, principal, found, &by_id, now) {
            Some(proposal) => proposals.entries.push(proposal),
            None => proposals.wide.push((detector, principal, count)),
        }
    }
    proposals.entries.retain(|proposal| proposal.hides.len() >= wanted.least);
    proposals.entries.sort_by_key(|proposal| std::cmp::Reverse(weight(proposal)));
    proposals.entries.truncate(fewest(&proposals.entries).min(wanted.most));
    proposals
}

/// Whether somebody may answer for a finding.
fn is_tunable(finding: &Finding, level: Level) -> bool {
    let is_loud = !finding.notice && finding.level >= level && finding.level < Level::Critical;
    is_loud && finding.allowed.is_none() && finding.incident.is_none() && finding.cost.is_none()
}

/// How much an entry hides: findings, and then how bad they are.
fn weight(proposal: &Proposal<'_>) -> (usize, Option<Level>) {
    (proposal.hides.len(), proposal.hides.iter().map(|finding| finding.level).max())
}

/// How many entries hide enough of what all of them hide.
fn fewest(entries: &[Proposal<'_>]) -> usize {
    let all: usize = entries.iter().map(|proposal| proposal.hides.len()).sum();
    let mut hidden = 0;
    let short = entries.iter().take_while(|proposal| {
        let is_short = hidden * 100 < all * ENOUGH;
        hidden += proposal.hides.len();
        is_short
    });
    short.count()
}

type ById<'e> = HashMap<&'e str, Vec<&'e Event>>;

fn by_id(events: &[Arc<Event>]) -> ById<'_> {
    let mut by_id = ById::new();
    events.iter().for_each(|event| by_id.entry(&*event.id).or_default().push(event));
    by_id
}

/// What findings rest on, of the values by which an entry can be narrow. None where some event does not tell.
#[derive(Default)]
struct Seen<'e> {
    addresses: Option<BTreeSet<&'e str>>,
    networks: Option<BTreeSet<&'e str>>,
    regions: BTreeSet<&'e str>,
    targets: Option<BTreeSet<String>>,
}

impl<'e> Seen<'e> {
    fn new(events: &[&'e Event]) -> Self {
        let place = |event: &&'e Event| &*event.place;
        let of_event = |event: &&'e Event| Some(targets(event)).filter(|targets| !targets.is_empty());
        let all: Option<Vec<BTreeSet<String>>> = events.iter().map(of_event).collect();
        Self {
            addresses: events.iter().map(|event| place(event).address()).collect(),
            networks: events.iter().map(|event| place(event).network.as_deref()).collect(),
            regions: events.iter().map(|event| place(event).region.as_str()).collect(),
            targets: all.map(|all| all.iter().flatten().map(|target| last(target).to_owned()).collect()),
        }
    }

    fn networks(&self) -> Vec<Network> {
        let few = |set: &Option<BTreeSet<&str>>| -> Option<Vec<Network>> {
            let set = set.as_ref().filter(|set| set.len() <= MOST_VALUES)?;
            set.iter().map(|text| Network::try_from((*text).to_owned()).ok()).collect()
        };
        few(&self.addresses).or_else(|| few(&self.networks)).unwrap_or_default()
    }

    fn regions(&self) -> Vec<Region> {
        let few = Some(&self.regions).filter(|regions| regions.len() <= MOST_VALUES);
        let regions: Option<Vec<Region>> =
            few.and_then(|few| few.iter().map(|region| Region::try_from((*region).to_owned()).ok()).collect());
        regions.unwrap_or_default()
    }

    fn targets(&self) -> Vec<Words> {
        let is_plain = |target: &String| !target.contains(|c: char| c == '*' || c.is_control());
        let few = self.targets.as_ref().filter(|few| few.len() <= MOST_VALUES && few.iter().all(is_plain));
        few.into_iter().flatten().filter_map(|target| Words::try_from(target.clone()).ok()).collect()
    }
}

/// The entry for one detector and principal, and what of the findings it would have hidden.
fn proposal<'f>(
    detector: &str,
    principal: &str,
    mut found: Vec<&'f Finding>,
    by_id: &ById<'_>,
    now: Seconds,
) -> Option<Proposal<'f>> {
    let events_of = |finding: &Finding| -> Option<Vec<&Event>> {
        let of_id = |(_, id): &(Seconds, Arc<str>)| by_id.get(&**id).cloned();
        let all: Option<Vec<Vec<&Event>>> = finding.event_ids.iter().map(of_id).collect();
        Some(all?.concat()).filter(|all| !all.is_empty())
    };
    let all: Vec<&Event> = found.iter().filter_map(|finding| events_of(finding)).flatten().collect();
    let seen = Seen::new(&all);
    let (network, region) = (seen.networks(), seen.regions());
    let target = if network.is_empty() && region.is_empty() { seen.targets() } else { Vec::new() };
    if network.is_empty() && region.is_empty() && target.is_empty() {
        return None;
    }
    let plain = |text: &str| !text.contains(char::is_control);
    let principal = Arn::try_from(principal.to_owned()).ok();
    let today = Timestamp::from_second(now).ok()?.to_zoned(TimeZone::UTC).date();
    let entry = Allow {
        principal: principal.filter(|arn| plain(arn.as_str()) && !arn.as_str().contains(['*', '?']))?,
        detector: Words::try_from(detector.to_owned()).ok().filter(|name| plain(name.as_str()))?,
        network,
        region,
        target,
        change: None,
        owner: Words::try_from(PLACEHOLDER.to_owned()).ok()?,
        reason: Words::try_from(PLACEHOLDER.to_owned()).ok()?,
        expires: today.checked_add(MOST_DAYS.days()).ok()?,
    };
    let list = AllowList::new(std::slice::from_ref(&entry));
    let covers = |event: &&Event| !list.covering(std::iter::once(detector), event).is_empty();
    found.retain(|finding| events_of(finding).is_some_and(|events| events.iter().all(covers)));
    found.sort_by_key(|finding| (finding.time, &finding.id));
    (!found.is_empty()).then_some(Proposal { entry, hides: found })
}
