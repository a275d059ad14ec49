//! When the findings of one lineage are an incident: one critical, or within an hour three detectors or two tactics,
//! one of the findings high.

use std::collections::{BTreeSet, VecDeque};

use ahash::AHashMap;

use super::lineage::Node;
use crate::event::Seconds;
use crate::model::{Finding, Level};

/// Findings weigh together within this time.
const WINDOW: Seconds = 3_600;

/// The findings of each root that still weigh.
#[derive(Default)]
pub(crate) struct Groups {
    recent: AHashMap<Node, VecDeque<(Seconds, usize)>>,
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
    /// Adds findings of a root; says so when they are enough.
    pub(crate) fn add(
        &mut self,
        root: &Node,
        now: Seconds,
        touched: &[usize],
        findings: &[Finding],
    ) -> Option<Opening> {
        let recent = self.recent.entry(root.clone()).or_default();
        for &finding in touched {
            recent.retain(|(_, known)| *known != finding);
            recent.push_back((now, finding));
        }
        while recent.front().is_some_and(|(at, _)| *at < now - WINDOW) {
            recent.pop_front();
        }
        let weighed: Vec<usize> =
            recent.iter().map(|(_, finding)| *finding).filter(|n| findings[*n].incident.is_none()).collect();
        let highest = weighed.iter().map(|n| findings[*n].level).max()?;
        let detectors: BTreeSet<_> = weighed.iter().map(|n| &findings[*n].detector).collect();
        let tactics: BTreeSet<_> = weighed.iter().map(|n| &findings[*n].tactic).collect();
        let enough =
            highest == Level::Critical || (highest == Level::High && (detectors.len() >= 3 || tactics.len() >= 2));
        if !enough {
            return None;
        }
        self.recent.remove(root);
        let first = weighed.iter().map(|n| findings[*n].first_event()).min().unwrap_or(now);
        let tipped = touched.last().copied()?;
        Some(Opening { findings: weighed, tipped, first })
    }

    /// Forgets findings that no longer weigh.
    pub(crate) fn forget(&mut self, now: Seconds) {
        self.recent.retain(|_, recent| recent.back().is_some_and(|(at, _)| *at >= now - WINDOW));
    }
}
