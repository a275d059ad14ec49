//! What breaks when a principal or credential is cut off: its use in the last 30 days without the attacker's.
//!
//! Pure. `legitimate` leaves the attacker out, `verdict` says what kind of use it is, `narrower` what could be done less.

mod legitimate;
mod narrower;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{DAY, HOUR, Seconds};
use crate::habit::{Habits, OTHER, REST};
use crate::model::Incident;
use crate::model::plan::{Blast, Verdict};
use legitimate::{Legitimate, select};

/// Names in a list.
const MOST_NAMED: usize = 10;
/// Networks that a policy names.
const MOST_NETWORKS: usize = 40;

/// What cutting off a principal, or one credential of it, breaks. `history_days` is what the account is known for; where
/// less was counted, that counts.
pub(crate) fn blast(
    habits: &Habits,
    incident: &Incident,
    principal: &str,
    credential: Option<&str>,
    history_days: i64,
    now: Seconds,
) -> Blast {
    let legitimate = select(habits, incident, principal, credential, now);
    let history_days = history_days.min(habits.history_days(legitimate.end)).max(0);
    let verdict = verdict::of(&legitimate, history_days);
    let (would_have_refused, refused_callers) = last_day(&legitimate);
    let is_automation = matches!(verdict, Verdict::AutomationLow | Verdict::AutomationHigh);
    let alternatives = if is_automation { narrower::ways(&legitimate, incident, principal) } else { Vec::new() };
    let sums = Sums::of(&legitimate);
    Blast {
        principal: principal.to_owned(),
        credential: credential.map(str::to_owned),
        verdict,
        calls_per_day: (sums.calls as f64 / legitimate.days() * 10.0).round() / 10.0,
        last_legitimate_use: legitimate.cells.iter().filter_map(|(_, _, cell)| cell.last).max(),
        services: most_used(&sums.services),
        actions: most_used(&sums.actions),
        networks: most_used(&sums.networks),
        user_agents: most_used(&sums.agents),
        regions: most_used(&sums.regions),
        hours_of_week: sums.hours_of_week,
        history_days,
        would_have_refused,
        refused_callers,
        alternatives,
    }
}

/// What whoever approves should know of how the numbers came to be.
pub(crate) fn remarks(
    habits: &Habits,
    incident: &Incident,
    principal: &str,
    credential: Option<&str>,
    now: Seconds,
) -> Vec<String> {
    let legitimate = select(habits, incident, principal, credential, now);
    let name = super::subject::name_of(principal);
    let mut told = Vec::new();
    if !legitimate.shared.is_empty() {
        told.push(format!(
            "The attacker calls as {name} from networks of its usual use ({}): nobody can tell them apart there, and only the days before are counted.",
            legitimate.shared.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ")
        ));
    }
    if legitimate.cells.iter().any(|(_, who, _)| is_private(&who.network)) {
        told.push(format!(
            "{name} is also used from private networks, through VPC endpoints: a denial by network would refuse that use, so it is not proposed."
        ));
    }
    if legitimate.is_crowded {
        told.push(format!(
            "On some days more principals called than are counted: little use of {name} may be missing."
        ));
    }
    told
}

/// Whether others than the incident used a principal in the last 30 days.
pub(crate) fn is_used_by_others(habits: &Habits, incident: &Incident, arn: &str, now: Seconds) -> bool {
    let legitimate = select(habits, incident, arn, None, now);
    !legitimate.is_made && legitimate.cells.iter().any(|(_, _, cell)| cell.calls() > 0)
}

/// Networks from which a principal is used on two days at least, as CIDR, without the attacker's. None where a denial of
/// all others would refuse usual use: through VPC endpoints, from networks that are not known, or from too many.
pub(crate) fn usual_networks(
    habits: &Habits,
    incident: &Incident,
    principal: &str,
    credential: Option<&str>,
    now: Seconds,
) -> BTreeSet<String> {
    narrower::networks(&select(habits, incident, principal, credential, now))
}

/// Sums over all cells.
#[derive(Default)]
struct Sums {
    calls: u64,
    services: BTreeMap<String, u64>,
    actions: BTreeMap<String, u64>,
    networks: BTreeMap<String, u64>,
    agents: BTreeMap<String, u64>,
    regions: BTreeMap<String, u64>,
    hours_of_week: Vec<u64>,
}

impl Sums {
    fn of(legitimate: &Legitimate<'_>) -> Self {
        let mut sums = Self::default();
        let add = |counts: &mut BTreeMap<String, u64>, name: &str, calls: u64| {
            if !name.is_empty() && calls > 0 {
                *counts.entry(name.to_owned()).or_default() += calls;
            }
        };
        for (day, who, cell) in &legitimate.cells {
            let calls = cell.calls();
            sums.calls += calls;
            add(&mut sums.networks, &who.network, calls);
            add(&mut sums.agents, &who.agent, calls);
            cell.regions.iter().for_each(|(region, calls)| add(&mut sums.regions, region, *calls));
            for (action, calls) in &cell.actions {
                let (service, name) = action.split_once(':').unwrap_or((action, REST));
                add(&mut sums.services, if service == REST { OTHER } else { service }, *calls);
                if name != REST {
                    add(&mut sums.actions, action, *calls);
                }
            }
            // 1970-01-01 was a Thursday.
            let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
            if calls > 0 {
                sums.hours_of_week.resize(7 * 24, 0);
            }
            let week = sums.hours_of_week.iter_mut().skip(weekday * 24);
            week.zip(&cell.hours).for_each(|(sum, calls)| *sum += calls);
        }
        sums
    }
}

fn most_used(counts: &BTreeMap<String, u64>) -> Vec<String> {
    let mut names: Vec<_> = counts.iter().map(|(name, calls)| (std::cmp::Reverse(*calls), name.clone())).collect();
    names.sort_unstable();
    names.into_iter().take(MOST_NAMED).map(|(_, name)| name).collect()
}

/// Legitimate calls of the last 24 hours, to the hour, and whose they were.
fn last_day(legitimate: &Legitimate<'_>) -> (u64, Vec<String>) {
    let from = (legitimate.end - DAY).div_euclid(HOUR) + 1;
    let mut callers: BTreeMap<String, u64> = BTreeMap::new();
    let mut refused = 0;
    for (day, who, cell) in &legitimate.cells {
        let hours = (day * 24..).zip(&cell.hours).filter(|(hour, _)| *hour >= from);
        let calls: u64 = hours.map(|(_, calls)| calls).sum();
        refused += calls;
        if calls > 0 {
            let network = if who.network.is_empty() { "AWS services" } else { &who.network };
            *callers.entry(format!("{network} ({})", who.agent)).or_default() += calls;
        }
    }
    let mut callers: Vec<_> = callers.into_iter().map(|(caller, calls)| (std::cmp::Reverse(calls), caller)).collect();
    callers.sort_unstable();
    let told = callers.into_iter().take(MOST_NAMED).map(|(calls, caller)| format!("{caller}: {}", calls.0));
    (refused, told.collect())
}

/// Whether a network is one of those that only a VPC endpoint or an appliance shows.
fn is_private(network: &str) -> bool {
    match network.split('/').next().and_then(|address| address.parse().ok()) {
        Some(IpAddr::V4(address)) => {
            let is_shared = matches!(address.octets(), [100, 64..=127, ..]);
            address.is_private() || address.is_loopback() || address.is_link_local() || is_shared
        }
        Some(IpAddr::V6(address)) => address.is_unique_local() || address.is_loopback(),
        None => false,
    }
}
