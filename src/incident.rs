//! Findings of one lineage become one incident. Pure: events in order of time in, incidents out.
//!
//! [`lineage`] knows who minted, created or assumed whom. [`group`] decides when findings of one root are an
//! incident. [`case`] is an open incident that takes in what its members do, [`burn`] what that costs by list prices.
//! [`models`] counts calls that are no events. [`owner`] keeps apart what the owner of a stolen credential does.
//! [`spend`] joins what the bill says. [`tell`] puts it into words.

pub(crate) mod burn;
pub(crate) mod case;
pub(crate) mod group;
pub(crate) mod lineage;
pub(crate) mod models;
mod owner;
mod spend;
pub(crate) mod tell;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;

use ahash::AHashMap;

use crate::baseline::Baseline;
use crate::event::{DAY, Event, Seconds};
use crate::model::{Allowed, Finding, Incident};
use crate::price::Prices;
use case::{Case, LOOK_BACK};
use group::Groups;
use lineage::{Lineage, Node, names_caller};
use models::{ModelCalls, hour};
use work::Works;

/// The incidents of a stream of events.
#[derive(Default)]
pub(crate) struct Incidents {
    lineage: Lineage,
    groups: Groups,
    cases: Vec<Case>,
    /// Which case a member belongs to.
    owner: AHashMap<Node, usize>,
    /// Events of the last hours, and the findings they made.
    recent: VecDeque<(Arc<Event>, Vec<usize>)>,
    /// Who made what, where: whoever is behind a cost may be in no incident.
    works: Works,
    /// Calls of models that no incident was asked about yet.
    pub models: ModelCalls,
    /// The hour and the day of event time up to which was forgotten.
    trimmed: Option<Seconds>,
    swept: Option<Seconds>,
}

impl Incidents {
    /// Takes one event and the findings that it made or changed.
    pub(crate) fn take(
        &mut self,
        event: Arc<Event>,
        touched: Vec<usize>,
        findings: &mut [Finding],
        baseline: &mut Baseline,
    ) {
        self.forget(event.time, baseline);
        let actor = self.lineage.actor(&event);
        if event.facts.as_ref().is_some_and(|facts| !facts.deleted.is_empty() || !facts.changed.is_empty()) {
            self.cases.iter_mut().for_each(|case| case.note_changes(&event));
        }
        if event.facts.as_ref().is_some_and(|facts| !facts.created.is_empty()) {
            self.works.note(&event, &event.identity.arn);
        }
        let case = self.case_of(&actor, &event, baseline);
        self.adopt(&event, findings);
        self.lineage.observe(&actor, &event, baseline);
        self.recent.push_back((Arc::clone(&event), touched.clone()));
        match case {
            Some(case) => self.absorb(case, &actor, &event, &touched, findings, baseline),
            None => {
                self.void(&event, &touched, findings);
                self.leave_out(&actor, &event, &touched, findings, baseline);
                self.weigh(&actor, &event, &touched, findings, baseline);
            }
        }
    }

    /// Nobody answers for what principals of an incident do from its first bad event on, also beside it.
    fn void(&self, event: &Event, touched: &[usize], findings: &mut [Finding]) {
        let is_allowed = touched.iter().any(|n| findings[*n].allowed.is_some());
        if is_allowed && self.is_inside(&event.identity.arn, event.time) {
            touched.iter().for_each(|n| voided(&mut findings[*n]));
        }
    }

    /// Whether a principal is in an incident that began before a time.
    fn is_inside(&self, principal: &str, at: Seconds) -> bool {
        let mut open = self.cases.iter().filter(|case| case.merged_into.is_none());
        open.any(|case| at >= case.first && case.principals.contains(principal))
    }

    /// The open case in which an event's caller is a member.
    fn case_of(&self, actor: &Node, event: &Event, baseline: &Baseline) -> Option<usize> {
        let owners = self.lineage.claims(actor, event, baseline);
        let mut found = owners.iter().filter_map(|node| self.owner.get(node)).map(|case| self.survivor(*case));
        found.find(|case| self.cases[*case].takes(actor, event, baseline))
    }

    fn survivor(&self, mut case: usize) -> usize {
        while let Some(into) = self.cases[case].merged_into {
            case = into;
        }
        case
    }

    fn absorb(
        &mut self,
        case: usize,
        actor: &Node,
        event: &Event,
        touched: &[usize],
        findings: &mut [Finding],
        baseline: &mut Baseline,
    ) {
        let id = self.cases[case].id.clone();
        for &finding in touched {
            if findings[finding].incident.is_none() {
                self.set_apart(case, &mut findings[finding], baseline);
            }
        }
        for &finding in touched {
            findings[finding].incident.get_or_insert_with(|| id.clone());
            voided(&mut findings[finding]);
        }
        let joined = touched.iter().map(|n| (*n, &findings[*n]));
        let nodes = self.cases[case].absorb(actor, event, joined);
        if !event.identity.is_common() && names_caller(actor, event) {
            baseline.taint(&event.identity.key, self.cases[case].first);
        }
        for node in nodes {
            self.claim(node, case, findings);
        }
    }

    /// Gives what AWS made for a group to the case that the group belongs to.
    fn adopt(&mut self, event: &Event, findings: &mut [Finding]) {
        let Some(group) = event.facts.as_ref().and_then(|facts| facts.made_for.clone()) else {
            return;
        };
        let Some(case) = self.owner.get(&Node::Workload(group)).map(|case| self.survivor(*case)) else {
            return;
        };
        for node in self.cases[case].adopt(event) {
            self.claim(node, case, findings);
        }
    }

    /// Makes a node a member; two cases that share one are one, and the earlier keeps its id.
    fn claim(&mut self, node: Node, case: usize, findings: &mut [Finding]) {
        let case = self.survivor(case);
        let other = self.owner.insert(node, case).map(|other| self.survivor(other));
        let Some(other) = other.filter(|other| *other != case) else {
            return;
        };
        let (kept, gone) = if (self.cases[other].opened_at, other) < (self.cases[case].opened_at, case) {
            (other, case)
        } else {
            (case, other)
        };
        let closed = self.cases[gone].close_into(kept);
        let id = self.cases[kept].id.clone();
        for &finding in &closed.findings {
            findings[finding].incident = Some(id.clone());
        }
        self.cases[kept].merge(closed);
    }

    /// Weighs findings that belong to no incident yet, and opens one when their lineage has enough.
    fn weigh(
        &mut self,
        actor: &Node,
        event: &Event,
        touched: &[usize],
        findings: &mut [Finding],
        baseline: &mut Baseline,
    ) {
        let counting: Vec<_> = touched.iter().copied().filter(|n| findings[*n].is_evidence()).collect();
        if counting.is_empty() || (event.identity.service_call && event.identity.credential.is_none()) {
            return;
        }
        let lineage = &self.lineage;
        let path = self.groups.path(actor, event.time, |groups| {
            lineage.path(actor, event.time, |maker| groups.weigh_on(maker, event.time, findings))
        });
        let root = path.last().unwrap_or(actor).clone();
        let Some(opening) = self.groups.add((&root, path.len() > 1), event.time, &counting, findings) else {
            return;
        };
        let first = opening.first.max(event.time - LOOK_BACK);
        let mut case = Case::open(&opening, &root, first, event, findings, &self.lineage, baseline);
        if self.cases.iter().any(|other| other.id == case.id) {
            // Two lineages can share the first event of a finding that counts over both.
            case.id = crate::model::id("inc", &[&case.id, root.text()]);
        }
        let position = self.cases.len();
        self.cases.push(case);
        for &finding in &opening.findings {
            self.set_apart(position, &mut findings[finding], baseline);
        }
        let bad = opening.findings.iter().map(|finding| findings[*finding].first_event());
        let first = bad.min().unwrap_or(first).max(event.time - LOOK_BACK);
        self.cases[position].first = first;
        for node in path {
            self.cases[position].admit(&node, &self.lineage);
            self.claim(node, position, findings);
        }
        self.look_back(position, first, findings, baseline);
        // What the owner of a stolen credential tipped by an ordinary call is nobody's event, and still a finding of it.
        let case = self.survivor(position);
        for &finding in &opening.findings {
            if findings[finding].incident.is_none() {
                self.set_apart(case, &mut findings[finding], baseline);
                findings[finding].incident = Some(self.cases[case].id.clone());
                self.cases[case].join(finding, &findings[finding]);
            }
        }
    }

    /// Takes in what members did between the first bad event and now.
    fn look_back(&mut self, case: usize, first: Seconds, findings: &mut [Finding], baseline: &mut Baseline) {
        let recent: Vec<_> = self.recent.iter().filter(|(event, _)| event.time >= first).cloned().collect();
        for (event, touched) in recent {
            let actor = self.lineage.actor(&event);
            let case = self.survivor(case);
            if self.case_of(&actor, &event, baseline) == Some(case) {
                self.absorb(case, &actor, &event, &touched, findings, baseline);
            }
            self.adopt(&event, findings);
            self.cases[case].note_changes(&event);
        }
    }

    /// Gives the counted calls of hours that ended by a time to the incidents whose members made them. An hour counts
    /// as its last call does.
    fn count_calls(&mut self, end: Seconds, baseline: &Baseline) {
        for counted in self.models.before(end) {
            let event = Arc::new(counted.event());
            self.works.note(&event, &event.identity.arn);
            let actor = self.lineage.actor(&event);
            if let Some(case) = self.case_of(&actor, &event, baseline) {
                self.cases[case].take_calls(&counted);
            }
        }
    }

    /// All events before a time were taken, but for late ones.
    pub(crate) fn settle(&mut self, end: Seconds, baseline: &Baseline) {
        self.forget(end, baseline);
    }

    /// Forgets on every full hour and day of event time, so that what is known at an event depends on its time and on
    /// nobody else's events.
    fn forget(&mut self, now: Seconds, baseline: &Baseline) {
        let hour = Some(hour(now));
        if hour > self.trimmed {
            self.trimmed = hour;
            let since = hour.map_or(now, |hour| hour.saturating_sub(LOOK_BACK));
            self.recent.retain(|(event, _)| event.time >= since);
        }
        self.sweep(now.div_euclid(DAY).saturating_mul(DAY), baseline);
    }

    /// Forgets what is over at the start of a day. Calls of models are counted at the first start of a day for which
    /// they are old enough, by what was known then.
    fn sweep(&mut self, day: Seconds, baseline: &Baseline) {
        if Some(day) <= self.swept {
            return;
        }
        while let Some(first) = self.models.first() {
            let old_enough = (first.saturating_add(LOOK_BACK).div_euclid(DAY) + 1).saturating_mul(DAY);
            let next = self.swept.map_or(old_enough, |swept| old_enough.max(swept.saturating_add(DAY)));
            if next >= day {
                break;
            }
            self.begin_day(next, baseline);
        }
        self.begin_day(day, baseline);
    }

    fn begin_day(&mut self, day: Seconds, baseline: &Baseline) {
        self.swept = Some(day);
        // Before lineage forgets who these callers were.
        self.count_calls(day.saturating_sub(LOOK_BACK), baseline);
        let owner = &self.owner;
        self.lineage.forget(day, |node| owner.contains_key(node));
        self.groups.forget(day);
    }

    /// Every incident that was not merged into another, in order of opening, with what it costs at a time, after cost
    /// findings have found theirs.
    pub(crate) fn finish(
        &mut self,
        findings: &mut [Finding],
        baseline: &Baseline,
        prices: &Prices,
        now: Seconds,
    ) -> Vec<Incident> {
        if let Some(last) = self.models.last() {
            self.sweep(last.saturating_add(LOOK_BACK + 2 * DAY).div_euclid(DAY).saturating_mul(DAY), baseline);
        }
        self.count_calls(Seconds::MAX, baseline);
        for finding in findings.iter_mut().filter(|finding| finding.allowed.is_some()) {
            let last = finding.event_ids.last().map_or(finding.time, |(at, _)| *at);
            if finding.incident.is_some() || self.is_inside(&finding.principal, last) {
                voided(finding);
            }
        }
        let overspends = spend::join(&mut self.cases, &self.works, findings, baseline, prices);
        let open = self.cases.iter().filter(|case| case.merged_into.is_none());
        let mut incidents: Vec<_> =
            open.map(|case| tell::incident(case, findings, case.burn.estimate(prices, now))).collect();
        incidents.extend(overspends.iter().map(|overspend| overspend.incident(findings, prices, now)));
        incidents.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        incidents
    }
}

/// Takes the word of whoever answers for a finding away, and says so.
fn voided(finding: &mut Finding) {
    if let Some(Allowed { owner, .. }) = finding.allowed.take() {
        let why = format!("what {owner} allows does not count here: the principal is in an incident");
        if !finding.reasons.contains(&why) {
            finding.reasons.push(why);
        }
    }
}
