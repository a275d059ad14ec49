//! Cost findings meet what caused them: the incident whose members work there, else whoever began to, else nobody known.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::burn::{Burn, Estimate};
use super::case::Case;
use super::work::{Work, Works, bill_name};
use crate::baseline::Baseline;
use crate::cost::{Day, is_regional, start_of};
use crate::event::{DAY, Seconds};
use crate::model::{Basis, Confidence, Created, Finding, Incident, Level, Members, Root, Spend, Status, dollars, noun};
use crate::price::Prices;

/// An incident this long without an event is over, and costs after it are another story.
const LASTING: Seconds = 30 * DAY;
/// Unusual costs of one account are one incident until there were none for this many days.
const GAP: Day = 3;

/// Unusual costs of one account that belong to no other incident.
#[derive(Debug, Clone)]
pub(crate) struct Overspend {
    id: String,
    account: String,
    currency: String,
    /// Who is behind them; empty where nobody is known.
    principal: String,
    opened_at: Seconds,
    /// The last day on which something was unusual.
    until: Day,
    works: Vec<Work>,
    findings: BTreeSet<usize>,
}

/// Gives each cost finding its incident and, where calls tell, the principal behind it. Returns the incidents that
/// rest on costs first of all.
pub(crate) fn join(
    cases: &mut [Case],
    works: &Works,
    findings: &mut [Finding],
    past: &Baseline,
    prices: &Prices,
) -> Vec<Overspend> {
    let mut due: Vec<usize> = (0..findings.len()).filter(|n| findings[*n].cost.is_some()).collect();
    due.sort_by_key(|n| (findings[*n].time, findings[*n].id.clone()));
    let mut overspends: Vec<Overspend> = Vec::new();
    for position in due {
        let finding = &mut findings[position];
        let Some(spend) = finding.cost.clone() else {
            continue;
        };
        // Where the bill itself names somebody, calls need not.
        let unnamed = finding.principal.is_empty();
        let work = if unnamed { works.behind(&spend, finding.time, past, prices) } else { None };
        work.iter().for_each(|work| name(finding, work));
        match case_behind(cases, finding, &spend) {
            Some(case) => {
                finding.incident = Some(cases[case].id.clone());
                cases[case].take_spend(position, &findings[position]);
            }
            None if finding.notice || finding.external => {}
            None => overspend(&mut overspends, position, work, &spend, findings),
        }
    }
    overspends
}

/// The incident with a member who is behind an amount; where nobody is, the one whose things are still there.
fn case_behind(cases: &[Case], finding: &Finding, spend: &Spend) -> Option<usize> {
    let day = start_of(spend.usage_date);
    let is_meant = |case: &Case| {
        if case.merged_into.is_some() || case.first >= day + DAY || case.first > finding.time {
            return false;
        }
        match finding.principal.as_str() {
            "" => runs_there(case, spend),
            principal => case.principals.contains(principal) && case.last >= day - LASTING,
        }
    };
    let candidates = cases.iter().enumerate().filter(|(_, case)| is_meant(case));
    candidates.max_by_key(|(_, case)| case.first).map(|(position, _)| position)
}

/// Whether something that an incident's members made of that service in that region is still there.
fn runs_there(case: &Case, spend: &Spend) -> bool {
    let same = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let service = spend.service.as_deref().map(bill_name);
    let regional = spend.region.clone().filter(|region| is_regional(region));
    let meant = |thing: &Created| {
        let own = thing.kind.split(':').next().unwrap_or_default();
        own != "iam" && thing.exists && same(&service, &bill_name(own)) && same(&regional, &thing.region)
    };
    spend.account.as_ref().is_none_or(|account| case.accounts.contains(account)) && case.resources.values().any(meant)
}

/// Says who is behind a cost finding.
fn name(finding: &mut Finding, work: &Work) {
    finding.reasons.push(told(work));
    finding.principal.clone_from(&work.arn);
    finding.credential.clone_from(&work.credential);
    finding.source_ip.clone_from(&work.source_ip);
    finding.event_ids.extend(work.calls.iter().cloned());
}

/// What calls tell about somebody.
fn told(work: &Work) -> String {
    let at = work.calls.first().map_or_else(String::new, |(at, _)| format!(" at {}", super::tell::stamp(*at)));
    match (work.is_new, work.usd_per_hour > 0.0) {
        (true, false) => format!("{} began to work there{at}", work.arn),
        (true, true) => {
            format!("{} began to work there{at}, with {} an hour at list prices", work.arn, dollars(work.usd_per_hour))
        }
        (false, _) => {
            format!(
                "of all who work there {} started most{at}: {} an hour at list prices",
                work.arn,
                dollars(work.usd_per_hour)
            )
        }
    }
}

/// Adds a finding to the open incident of the account and of who is behind it, or opens one. What else was found about
/// them belongs there.
fn overspend(
    overspends: &mut Vec<Overspend>,
    position: usize,
    work: Option<Work>,
    spend: &Spend,
    findings: &mut [Finding],
) {
    let finding = &findings[position];
    let open = |known: &Overspend| {
        (&known.account, &known.currency, &known.principal) == (&finding.account, &spend.currency, &finding.principal)
            && spend.usage_date <= known.until + GAP
    };
    let number = overspends.iter().rposition(open).unwrap_or_else(|| {
        overspends.push(Overspend {
            id: crate::model::id("inc", &[&finding.account, &finding.id]),
            account: finding.account.clone(),
            currency: spend.currency.clone(),
            principal: finding.principal.clone(),
            opened_at: finding.time,
            until: spend.until,
            works: Vec::new(),
            findings: BTreeSet::new(),
        });
        overspends.len() - 1
    });
    let case = &mut overspends[number];
    case.until = case.until.max(spend.until);
    case.findings.insert(position);
    findings[position].incident = Some(case.id.clone());
    let Some(work) = work else {
        return;
    };
    let since = work.calls.first().map_or(Seconds::MAX, |(at, _)| at - DAY);
    for (n, finding) in findings.iter_mut().enumerate() {
        let own = finding.cost.is_none() && finding.principal == work.arn && finding.account == case.account;
        if own && finding.counts() && finding.incident.is_none() && finding.time >= since {
            finding.incident = Some(case.id.clone());
            case.findings.insert(n);
        }
    }
    case.works.push(work);
}

impl Overspend {
    /// The incident in words.
    pub(crate) fn incident(&self, all: &[Finding], prices: &Prices, now: Seconds) -> Incident {
        let mut own: Vec<&Finding> = self.findings.iter().map(|n| &all[*n]).collect();
        own.sort_by_key(|finding| (finding.time, finding.id.clone()));
        let spends: Vec<&Spend> = own.iter().filter_map(|finding| finding.cost.as_ref()).collect();
        let first_day = spends.iter().map(|spend| start_of(spend.usage_date)).min().unwrap_or_default();
        let texts = |of: &dyn Fn(&Finding) -> Option<String>| -> Vec<String> {
            own.iter().filter_map(|finding| of(finding)).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let named = known(&self.principal);
        let made: BTreeMap<&str, &Created> =
            self.works.iter().flat_map(|work| &work.made).map(|thing| (&*thing.arn, thing)).collect();
        let mut burn = Burn::default();
        self.works.iter().for_each(|work| burn.merge(work.burn.clone()));
        let burn = burn.estimate(prices, now);
        let calls = self.works.iter().flat_map(|work| work.calls.first()).map(|(at, _)| *at).min();
        let level = own.iter().map(|finding| finding.level).max().unwrap_or(Level::High);
        Incident {
            id: self.id.clone(),
            title: title(&spends, named.as_deref()),
            level: level.max(Level::High),
            status: Status::Open,
            accounts: known(&self.account).into_iter().collect(),
            opened_at: self.opened_at,
            first_event: calls.map_or(first_day, |at| at.min(first_day)),
            last_event: own.iter().map(|finding| finding.time).max().unwrap_or(self.opened_at),
            root: Root {
                confidence: if named.is_some() { Confidence::Probable } else { Confidence::Unknown },
                principal: named,
                credential: self.works.iter().find_map(|work| work.credential.clone()),
            },
            principals: known(&self.principal).into_iter().collect(),
            credentials: texts(&|finding| finding.credential.clone()),
            resources: made.into_values().cloned().collect(),
            regions: texts(&|finding| known(&finding.region)),
            source_ips: texts(&|finding| finding.source_ip.clone()),
            attack: own
                .iter()
                .flat_map(|finding| finding.attack.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            findings: own.iter().map(|finding| finding.id.clone()).collect(),
            merged_into: None,
            burn_usd_per_hour: burn.as_ref().map(|burn| burn.usd_per_hour),
            narrative: self.narrative(&own, &spends, burn),
            basis: Basis::Bill,
            members: Members::default(),
        }
    }

    fn narrative(&self, own: &[&Finding], spends: &[&Spend], burn: Option<Estimate>) -> Vec<String> {
        let mut sentences = words::told(spends);
        sentences.extend(burn.map(|burn| burn.told));
        match self.works.first() {
            Some(work) => sentences.push(format!("{}; whether that is what costs, the bill does not say.", told(work))),
            None if self.principal.is_empty() => sentences.push(
                "No call that is on record began this: ask who runs it, or give the logs of these days.".to_owned(),
            ),
            None => sentences.push(format!("The bill itself names {}.", self.principal)),
        }
        let events = own.iter().filter(|finding| finding.cost.is_none()).count();
        if events > 0 {
            sentences.push(format!("Beside the bill, {events} {} about the same principal.", noun("finding", events)));
        }
        sentences
    }
}

/// Who began it, where known, and the largest amount.
fn title(spends: &[&Spend], named: Option<&str>) -> String {
    let who = named.map_or_else(String::new, |arn| format!("{}: ", super::tell::short(arn)));
    let sums = words::sums(spends);
    let first = sums.first().map_or_else(|| "unusual costs".to_owned(), words::Sum::title);
    let more = if sums.len() > 1 { format!("; and {} more", sums.len() - 1) } else { String::new() };
    format!("{who}{first}{more}")
}

/// What the bill says about an incident that opened on calls.
pub(super) fn told_of(findings: &[&Finding]) -> Option<String> {
    let spends: Vec<&Spend> =
        findings.iter().filter(|finding| !finding.notice).filter_map(|finding| finding.cost.as_ref()).collect();
    words::told(&spends).into_iter().next()
}
