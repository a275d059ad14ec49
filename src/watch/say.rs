//! Printing what is new, and what an earlier pass died before printing.

use std::collections::BTreeSet;

use anyhow::Result;

use super::commit::name_blobs;
use super::conclude::Conclusion;
use super::memory::{self, Draft};
use super::post::PRINTED;
use crate::event::Seconds;
use crate::model::{Incident, Summary};
use crate::report::Report;
use crate::store::{Head, State, Store};

/// Prints, and remembers that it did: what is printed and not remembered is printed again. Returns whether any incident was.
///
/// # Errors
/// The state, or what `print` says.
pub(super) async fn say<S: Store>(
    state: &mut State<S>,
    concluded: &Conclusion,
    print: &mut dyn FnMut(&Report) -> Result<()>,
    begun: Seconds,
) -> Result<bool> {
    let due: BTreeSet<String> =
        state.head().watch.due.iter().filter(|due| due.channel == PRINTED).map(|due| due.incident.clone()).collect();
    let mut incidents: Vec<Incident> = Vec::new();
    for id in &due {
        incidents.extend(memory::incident(state, id).await?.map(|told| told.incident));
    }
    incidents.sort_by_key(|incident| incident.opened_at);
    let findings = &concluded.findings;
    // What hid nothing in the few days that are judged is told when it did so for long.
    let summary = Summary {
        findings: findings.len(),
        incidents: incidents.len(),
        allow_unused: Vec::new(),
        ..concluded.summary.clone()
    };
    print(&Report { findings: findings.clone(), incidents, summary })?;
    let has_news = !due.is_empty();
    if !has_news && findings.is_empty() {
        return Ok(false);
    }
    let mut draft = Draft::new(state);
    draft.value("published", &concluded.printed)?;
    let slots = draft.write().await?;
    let change = |head: &mut Head| {
        name_blobs(head, &slots);
        head.watch.due.retain(|due| due.channel != PRINTED);
        Vec::new()
    };
    state.commit(begun, change).await?;
    Ok(has_news)
}
