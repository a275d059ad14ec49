//! What makes a pass true: blobs first, then the one write that names them.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use super::conclude::Conclusion;
use super::contained;
use super::memory::{Draft, Slots};
use super::read::Read;
use super::{Watch, life, post, tally};
use crate::approve;
use crate::event::{DAY, Seconds};
use crate::journal::Entry;
use crate::model::{Status, What};
use crate::source::live::Aside;
use crate::store::watched::{Due, Known};
use crate::store::{Head, State, Store};

/// A closed incident is forgotten after this.
const FORGOTTEN: Seconds = 90 * DAY;
/// Feeds that went blind, messages that went aside, and objects that are damaged, which the journal names one by one in a
/// pass.
const MOST_NAMED: usize = 20;

/// Writes everything and makes it true. Returns what is to be said of entries of `[[allow]]`, at most once a day.
///
/// # Errors
/// The state.
pub(super) async fn commit<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    concluded: &Conclusion,
    read: &Read,
    (begun, since): (Seconds, Seconds),
) -> Result<Vec<String>> {
    let mut slots = draft(state, watch, concluded, read, begun).await?;
    let (news, notes) = tally::news(concluded, watch, &state.head().watch.tally, begun);
    slots.extend(tally::draft(state, notes.as_ref()).await?);
    let mut due: Vec<Due> = concluded.updates.iter().flat_map(|update| post::due(update, watch, begun)).collect();
    due.extend(post::telemetry(&concluded.findings, watch, begun));
    let blind = blind(read, watch, &state.head().watch.blind);
    let entries = entries(concluded, read, &state.head().watch.blind, &blind);
    let places = tally::Places::of(watch);
    let change = |head: &mut Head| {
        name_blobs(head, &slots);
        let watched = &mut head.watch;
        watched.since = Some(since);
        watched.created.get_or_insert(begun);
        if watch.handed.is_none() {
            watched.last_pass = Some(begun);
        }
        watched.regions.extend(read.regions.clone());
        watched.blind.clone_from(&blind);
        contained::adopt(&mut watched.contained, &concluded.refused);
        concluded.updates.iter().for_each(|update| life::adopt(&mut watched.incidents, update));
        watched.incidents.retain(|_, known| !is_forgotten(known, begun));
        approve::forget(&mut watched.plans, |id| watched.incidents.contains_key(id));
        // Nobody is told what a person has judged meanwhile.
        let is_over = |due: &&Due| {
            let known = watched.incidents.get(&due.incident);
            known.is_some_and(|known| known.status == Status::Closed) && due.what != What::Closed
        };
        let due: Vec<Due> = due.iter().filter(|due| !is_over(due)).cloned().collect();
        watched.due.extend(due);
        tally::tell(watched, &news, &places, begun);
        let expired = approve::expire(&mut watched.plans, begun);
        entries.iter().cloned().chain(expired).collect()
    };
    let plans: Vec<String> = state.head().watch.plans.keys().cloned().collect();
    state.commit((watch.clock)(), change).await?;
    state.drop_plans(&plans).await?;
    Ok(news.allow)
}

/// Feeds that are blind. Of those that were not read it is as it was.
fn blind(read: &Read, watch: &Watch<'_>, was: &BTreeSet<String>) -> BTreeSet<String> {
    let still = was.iter().filter(|feed| !read.is_read(feed, watch.handed.is_some())).cloned();
    read.blind().map(|(feed, _)| feed.to_owned()).chain(still).collect()
}

/// Writes everything that is large, for a commit to name.
async fn draft<S: Store>(
    state: &State<S>,
    watch: &Watch<'_>,
    concluded: &Conclusion,
    read: &Read,
    begun: Seconds,
) -> Result<Slots> {
    let mut draft = Draft::new(state);
    if concluded.has_events {
        draft.learned(&concluded.baseline, &concluded.learned, &concluded.unfolded, begun)?;
        draft.door(&concluded.door);
        draft.habits(&concluded.habits, begun).await?;
        draft.kept(&concluded.fresh, &concluded.kept, watch.rules)?;
        draft.value("spoken", &concluded.spoken)?;
    }
    for update in &concluded.updates {
        draft.incident(&update.told)?;
    }
    draft.value("inventory", &concluded.inventory)?;
    draft.value("cursors", &read.cursors)?;
    if let Some((slot, bytes)) = watch.kept {
        draft.put(slot.to_owned(), bytes.to_owned());
    }
    let forgotten = state.head().watch.incidents.iter().filter(|(_, known)| is_forgotten(known, begun));
    draft.slots.extend(forgotten.map(|(id, _)| (format!("incident/{id}"), None)));
    draft.write().await
}

fn is_forgotten(known: &Known, now: Seconds) -> bool {
    known.status == Status::Closed && known.changed_at < now - FORGOTTEN
}

/// The lines of the journal: news of incidents, feeds that went blind or see again, and what could not be read.
fn entries(concluded: &Conclusion, read: &Read, was: &BTreeSet<String>, blind: &BTreeSet<String>) -> Vec<Entry> {
    let told = concluded.updates.iter().filter(|update| update.is_told()).map(|update| {
        let incident = &update.told.incident;
        let detail = json!({
            "title": incident.title,
            "level": incident.level.as_str(),
            "revision": update.known.revision,
            "changes": update.changes,
            "merged_into": incident.merged_into,
        });
        Entry::new(format!("incident.{}", update.became.as_str()), Some(&incident.id), detail)
    });
    let blinded: Vec<_> = read.blind().filter(|(feed, _)| !was.contains(*feed)).collect();
    let went_blind = blinded.len();
    let blinded = blinded.into_iter().take(MOST_NAMED);
    let blinded = blinded.map(|(feed, why)| Entry::new("feed.blind", None, json!({ "feed": feed, "why": why })));
    let seeing = was.difference(blind).filter(|feed| !read.forgotten.contains(*feed));
    let seeing = seeing.map(|feed| Entry::new("feed.sees", None, json!({ "feed": feed })));
    let aside: Vec<&Aside> = read.batches.iter().flat_map(|batch| &batch.aside).collect();
    let more = |count: usize| count.saturating_sub(MOST_NAMED);
    let named = aside.iter().take(MOST_NAMED).map(|aside| {
        let Aside { queue, message_id, tries, why, bytes, digest } = aside;
        let detail = json!({
            "queue": queue, "message": message_id, "tries": tries, "why": why, "bytes": bytes, "sha256": digest
        });
        Entry::new("feed.aside", None, detail)
    });
    let skipped = &concluded.summary.skipped;
    let damaged = skipped.iter().take(MOST_NAMED);
    let damaged = damaged.map(|s| Entry::new("feed.damaged", None, json!({ "object": s.path, "why": s.why })));
    let rest = [("feed.blind", went_blind), ("feed.aside", aside.len()), ("feed.damaged", skipped.len())];
    let rest = rest.map(|(kind, count)| (kind, more(count)));
    let rest = rest.into_iter().filter(|(_, more)| *more > 0);
    let rest = rest.map(|(kind, more)| Entry::new(kind, None, json!({ "more": more })));
    told.chain(blinded).chain(seeing).chain(named).chain(damaged).chain(rest).collect()
}

/// Names new blobs and lets go of old ones.
pub(super) fn name_blobs(head: &mut Head, slots: &Slots) {
    for (slot, name) in slots {
        match name {
            Some(name) => _ = head.watch.blobs.insert(slot.clone(), name.clone()),
            None => _ = head.watch.blobs.remove(slot),
        }
    }
}
