//! What the owner of a stolen credential does meanwhile: detectors count over both, and an incident names the thief's
//! events alone where the two can be told apart.

use std::sync::Arc;

use super::Incidents;
use super::lineage::Node;
use crate::baseline::Baseline;
use crate::event::Event;
use crate::model::Finding;

impl Incidents {
    /// Takes out of a finding what the owner of a stolen credential did meanwhile, where the two can be told apart and the
    /// finding holds both.
    pub(super) fn set_apart(&self, case: usize, finding: &mut Finding, baseline: &Baseline) {
        let case = &self.cases[case];
        if !case.split || finding.event_ids.len() < 2 {
            return;
        }
        let since = finding.first_event();
        let events = self.recent.iter().map(|(event, _)| event).filter(|event| event.time >= since);
        let of_owner = events.filter(|event| {
            finding.event_ids.contains(&(event.time, Arc::clone(&event.id)))
                && case.is_usual_use(&self.lineage.actor(event), event, baseline)
        });
        let of_owner: Vec<_> = of_owner.map(|event| (event.time, Arc::clone(&event.id))).collect();
        if of_owner.len() < finding.event_ids.len() {
            of_owner.iter().for_each(|event| _ = finding.event_ids.remove(event));
        }
    }

    /// Takes what the owner of a stolen credential does out of findings that an incident has already.
    pub(super) fn leave_out(
        &self,
        actor: &Node,
        event: &Event,
        touched: &[usize],
        findings: &mut [Finding],
        baseline: &Baseline,
    ) {
        for &finding in touched {
            let finding = &mut findings[finding];
            let Some(id) = finding.incident.as_ref().filter(|_| finding.event_ids.len() > 1) else { continue };
            let case = self.cases.iter().find(|case| case.id == *id);
            if case.is_some_and(|case| case.is_usual_use(actor, event, baseline)) {
                finding.event_ids.remove(&(event.time, Arc::clone(&event.id)));
            }
        }
    }
}
