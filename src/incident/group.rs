//! When the findings of one lineage are an incident: one critical, or within an hour three detectors or two tactics,
//! one of the findings high.

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
}

/// Why an incident opens.
pub(crate) struct Opening {
    /// The findings that weighed.
    pub findings: Vec<usize>,
    /// The finding that tipped it.
    pub tipped: usize,
    /// The earliest event of them.
    pub first: Seconds,
}

impl Groups {
    /// Whether a node has findings that weigh.
    pub(crate) fn weigh_on(&self, node: &Node, now: Seconds) -> bool {
        self.recent.get(node).is_some_and(|recent| recent.values().any(|weight| weight.at >= now - WINDOW))
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

    /// Adds findings of a root; says so when they are enough.
    pub(crate) fn add(
        &mut self,
        root: &Node,
        now: Seconds,
        touched: &[usize],
        findings: &[Finding],
    ) -> Option<Opening> {
        let recent = self.recent.entry(root.clone()).or_default();
        let mut tipped = None;
        for &finding in touched.iter().filter(|n| findings[**n].incident.is_none()) {
            let weight = recent.entry(Arc::clone(&findings[finding].detector)).or_insert(Weight { at: now, finding });
            let stale = weight.at < now - WINDOW || findings[weight.finding].incident.is_some();
            if stale || findings[weight.finding].level <= findings[finding].level {
                weight.finding = finding;
            }
            weight.at = now;
            tipped = Some(finding);
        }
        recent.retain(|_, weight| weight.at >= now - WINDOW && findings[weight.finding].incident.is_none());
        let mut weighed: Vec<usize> = recent.values().map(|weight| weight.finding).collect();
        weighed.sort_unstable();
        let highest = weighed.iter().map(|n| findings[*n].level).max()?;
        let tactics: BTreeSet<_> = weighed.iter().map(|n| &findings[*n].tactic).collect();
        let enough =
            highest == Level::Critical || (highest == Level::High && (weighed.len() >= 3 || tactics.len() >= 2));
        let tipped = tipped.filter(|_| enough)?;
        self.recent.remove(root);
        let first = weighed.iter().map(|n| findings[*n].first_event()).min().unwrap_or(now);
        Some(Opening { findings: weighed, tipped, first })
    }

    /// Forgets findings that no longer weigh.
    pub(crate) fn forget(&mut self, now: Seconds) {
        self.recent.retain(|_, recent| recent.values().any(|weight| weight.at >= now - WINDOW));
        self.roots.retain(|_, (at, _)| *at >= now - WINDOW);
    }
}
