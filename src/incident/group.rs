//! When the findings of one lineage are an incident: one critical, or within an hour three detectors or two tactics,
//! one of the findings high.
//!
//! Findings of added rules weigh only beside something of Stakeout's own: a finding, or lineage that shows the caller to be
//! as new as the story. What such a rule says about the same calls as a finding of Stakeout's own adds nothing to that.

use std::collections::BTreeSet;
use std::sync::Arc;

use ahash::AHashMap;

use super::lineage::Node;
use crate::event::Seconds;
use crate::model::{Finding, Level};

/// Findings weigh together within this time.
const WINDOW: Seconds = 3_600;

/// The findings of each root that still weigh.
#[derive(Default)]
pub(crate) struct Groups {
    /// Per root, and per detector: one finding is enough to weigh.
    recent: AHashMap<Node, AHashMap<Arc<str>, Weight>>,
    /// The root of each node, as it was when its findings began to weigh.
    roots: AHashMap<Node, (Seconds, Vec<Node>)>,
}

/// What a detector adds.
struct Weight {
    at: Seconds,
    finding: usize,
    /// Whoever acted was made within the story.
    is_of_newcomer: bool,
}

/// Why an incident opens.
pub(crate) struct Opening {
    /// The findings that weighed, and those beside them that somebody answers for.
    pub findings: Vec<usize>,
    /// The finding that tipped it.
    pub tipped: usize,
    /// The earliest event of them.
    pub first: Seconds,
}

impl Groups {
    /// Whether a node has findings that weigh by themselves.
    pub(crate) fn weigh_on(&self, node: &Node, now: Seconds, findings: &[Finding]) -> bool {
        let weighs = |weight: &Weight| weight.at >= now - WINDOW && findings[weight.finding].counts();
        self.recent.get(node).is_some_and(|recent| recent.values().any(weighs))
    }

    /// The path of a node to its root. It stays what it was while findings of the node weigh.
    pub(crate) fn path(&mut self, node: &Node, now: Seconds, find: impl FnOnce(&Self) -> Vec<Node>) -> Vec<Node> {
        match self.roots.get_mut(node) {
            Some((at, path)) if *at >= now - WINDOW => {
                *at = now;
                path.clone()
            }
            _ => {
                let path = find(self);
                self.roots.insert(node.clone(), (now, path.clone()));
                path
            }
        }
    }

    /// Adds findings of a root; says so when they are enough. Their caller is a newcomer where it was made on the way from
    /// the root.
    pub(crate) fn add(
        &mut self,
        (root, is_of_newcomer): (&Node, bool),
        now: Seconds,
        touched: &[usize],
        findings: &[Finding],
    ) -> Option<Opening> {
        let recent = self.recent.entry(root.clone()).or_default();
        let mut tipped = None;
        for &finding in touched.iter().filter(|n| findings[**n].incident.is_none()) {
            let new = || Weight { at: now, finding, is_of_newcomer };
            let weight = recent.entry(Arc::clone(&findings[finding].detector)).or_insert_with(new);
            let stale = weight.at < now - WINDOW || findings[weight.finding].incident.is_some();
            if stale || findings[weight.finding].level <= findings[finding].level {
                weight.finding = finding;
            }
            weight.is_of_newcomer = is_of_newcomer || (weight.is_of_newcomer && !stale);
            weight.at = now;
            tipped = Some(finding).filter(|n| findings[*n].weighs()).or(tipped);
        }
        recent.retain(|_, weight| weight.at >= now - WINDOW && findings[weight.finding].incident.is_none());
        let weighed = weighed(recent.values(), findings);
        let highest = weighed.iter().map(|n| findings[*n].level).max()?;
        let tactics: BTreeSet<_> = weighed.iter().map(|n| &findings[*n].tactic).collect();
        let enough =
            highest == Level::Critical || (highest == Level::High && (weighed.len() >= 3 || tactics.len() >= 2));
        let tipped = tipped.filter(|_| enough)?;
        // What somebody answers for opens nothing, and is part of what opens all the same.
        let hidden = recent.values().map(|weight| weight.finding).filter(|n| findings[*n].allowed.is_some());
        let all: BTreeSet<usize> = hidden.chain(weighed).collect();
        self.recent.remove(root);
        let first = all.iter().map(|n| findings[*n].first_event()).min().unwrap_or(now);
        Some(Opening { findings: all.into_iter().collect(), tipped, first })
    }

    /// Forgets findings that no longer weigh.
    pub(crate) fn forget(&mut self, now: Seconds) {
        self.recent.retain(|_, recent| recent.values().any(|weight| weight.at >= now - WINDOW));
        self.roots.retain(|_, (at, _)| *at >= now - WINDOW);
    }
}

/// The findings that weigh: those of Stakeout's own, and those of added rules where something of its own is beside them.
fn weighed<'w>(recent: impl Iterator<Item = &'w Weight> + Clone, findings: &[Finding]) -> Vec<usize> {
    let weighs = recent.clone().map(|weight| weight.finding).filter(|n| findings[*n].weighs());
    let (added, mut weighed): (Vec<usize>, Vec<usize>) = weighs.partition(|n| findings[*n].external);
    if !weighed.is_empty() || recent.clone().any(|weight| weight.is_of_newcomer) {
        let own: BTreeSet<_> = weighed.iter().flat_map(|n| &findings[*n].event_ids).collect();
        let tells_more = |n: &usize| findings[*n].event_ids.iter().any(|event| !own.contains(event));
        let told: Vec<usize> = added.into_iter().filter(tells_more).collect();
        weighed.extend(told);
    }
    weighed.sort_unstable();
    weighed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A finding as `detector/tactic/level` with marks: `+` of an added rule, `a` allowed; its event is its number.
    fn finding(number: i64, text: &str) -> Finding {
        let (detector, rest) = text.split_once('/').unwrap();
        let (tactic, level) = rest.split_once('/').unwrap();
        let allowed =
            detector.ends_with('!').then(|| serde_json::json!({"owner": "a", "reason": "b", "expires": "2027-01-01"}));
        let mut value = serde_json::json!({
            "id": format!("fnd-{number}"), "detector": detector, "title": detector, "level": level, "notice": false,
            "time": "2026-09-17T02:00:00Z", "account": "111122223333", "region": null, "principal": null,
            "credential": null, "source_ip": null, "event_ids": [], "attack": [], "reasons": [], "incident": null,
        });
        if let Some(allowed) = allowed {
            value["allowed"] = allowed;
        }
        let mut finding: Finding = serde_json::from_value(value).unwrap();
        finding.tactic = tactic.into();
        finding.external = detector.starts_with('+');
        finding.event_ids = [(number, format!("e{number}").into())].into();
        finding
    }

    /// Which findings open an incident, one a minute of one root.
    fn opened(texts: &[&str], newcomer: Option<usize>) -> Option<Vec<usize>> {
        let findings: Vec<Finding> = texts.iter().zip(0..).map(|(text, n)| finding(n, text)).collect();
        opened_by(&findings, newcomer)
    }

    fn opened_by(findings: &[Finding], newcomer: Option<usize>) -> Option<Vec<usize>> {
        let (mut groups, root) = (Groups::default(), Node::Principal("p".to_owned()));
        (0..findings.len()).find_map(|n| {
            let opening = groups.add((&root, newcomer == Some(n)), n as i64 * 60, &[n], findings);
            opening.map(|opening| opening.findings)
        })
    }

    #[test]
    fn added_rules_open_nothing_alone() {
        assert_eq!(opened(&["+a/impact/critical"], None), None);
        assert_eq!(opened(&["+a/impact/high", "+b/persistence/high", "+c/discovery/high"], None), None);
        assert_eq!(opened(&["a/impact/low", "+b/persistence/high"], None), None, "low does not count");
    }

    #[test]
    fn added_rules_count_beside_something_of_our_own() {
        assert_eq!(opened(&["a/impact/medium", "+b/persistence/high"], None), Some(vec![0, 1]));
        assert_eq!(opened(&["+b/persistence/high", "a/impact/medium"], None), Some(vec![0, 1]), "in any order");
        assert_eq!(opened(&["+a/impact/critical"], Some(0)), Some(vec![0]), "a caller that the story made");
        assert_eq!(opened(&["+a/impact/medium", "+b/persistence/high"], Some(0)), Some(vec![0, 1]));
    }

    #[test]
    fn an_added_rule_about_the_same_call_tells_nothing_more() {
        let mut findings = [finding(0, "a/impact/high"), finding(1, "+b/persistence/medium")];
        assert_eq!(opened_by(&findings, None), Some(vec![0, 1]));
        findings[1].event_ids.clone_from(&findings[0].event_ids.clone());
        assert_eq!(opened_by(&findings, None), None);
    }

    #[test]
    fn what_is_allowed_opens_nothing_and_is_part_of_what_opens() {
        assert_eq!(opened(&["a!/impact/high", "b!/persistence/high", "c!/discovery/high"], None), None);
        assert_eq!(opened(&["a!/impact/high", "b/persistence/medium"], None), None);
        assert_eq!(opened(&["a!/impact/high", "b/persistence/critical"], None), Some(vec![0, 1]));
    }
}
