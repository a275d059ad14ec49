//! What the engine remembers from pass to pass, as blobs of the state.
//!
//! Slots: `baseline/NNN` and `learned/N`, which is put to them now and then, `kept/N`, `door/TIME`, `incident/ID`, `published`, `noted`, `inventory`, `spoken`, `cursors`; and
//! `habits/DAY` and `costs`, which are not read here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::change::Told;
use super::life::may_go_on;
use super::regions::Spoken;
use super::tally::{self, Notes};
use crate::aws::{Work, side_by_side};
use crate::baseline::{Baseline, slice};
use crate::detect::Rules;
use crate::event::Seconds;
use crate::model::{Basis, Finding, Incident, Level, Member};
use crate::replay::door::Door;
use crate::replay::kept::{self, Kept};
use crate::source::inventory::Inventory;
use crate::source::live::Cursors;
use crate::store::{State, Store};

/// Blobs that are read at the same time: a table answers each of them in milliseconds, and there may be a hundred.
const ABREAST: usize = 16;
/// So many blobs of what is kept, or of what was learned beside the slices, and they are put together.
const MOST_BLOBS: usize = 12;
/// The slots of the baseline, and of what was learned since its slices were written.
const BASELINE: &str = "baseline/";
const LEARNED: &str = "learned/";

/// What was printed of a finding: what changes when it is worth printing again.
pub(super) type Printed = (Level, bool, Option<String>);

/// Everything that a judgement needs of the past.
#[derive(Default)]
pub(super) struct Memory {
    pub baseline: Baseline,
    /// The slices of what was learned since they were written.
    pub unfolded: BTreeSet<u8>,
    pub kept: Kept,
    pub door: Door,
    pub told: BTreeMap<String, Told>,
    pub published: BTreeMap<String, Printed>,
    /// What paged nobody, where that is told.
    pub notes: Option<Notes>,
    pub inventory: Option<Inventory>,
    pub spoken: Spoken,
    pub cursors: Cursors,
}

/// An incident as it is stored.
#[derive(Serialize, Deserialize)]
struct Record {
    incident: Incident,
    basis: Basis,
    #[serde(default)]
    callers: BTreeSet<Member>,
    findings: Vec<Finding>,
}

impl Memory {
    /// Reads everything.
    ///
    /// # Errors
    /// The store, or a blob that is missing, damaged or of a newer version.
    pub(super) async fn load<S: Store>(state: &State<S>, rules: &Rules, now: Seconds) -> Result<Self> {
        let mut memory = Self { door: Door::at(now), ..Self::default() };
        let watched = &state.head().watch;
        let is_over = |id: &str| watched.incidents.get(id).is_some_and(|known| !may_go_on(known, now));
        let is_needed = |slot: &str| {
            let is_elsewhere = slot.starts_with(super::habits::SLOT) || slot == super::COSTS;
            !is_elsewhere && !slot.strip_prefix("incident/").is_some_and(is_over)
        };
        let blobs = watched.blobs.iter().filter(|(slot, _)| is_needed(slot));
        let read = blobs.map(|(slot, name)| -> Work<'_, _> { Box::pin(async move { (slot, state.blob(name).await) }) });
        for (slot, bytes) in side_by_side(ABREAST, read).await {
            let bytes = bytes.with_context(|| slot.clone())?;
            let (kind, rest) = slot.split_once('/').unwrap_or((slot, ""));
            match kind {
                "baseline" => slice::decode(&bytes, slot, &mut memory.baseline)?,
                "learned" => {
                    let mut learned = Baseline::default();
                    slice::decode(&bytes, slot, &mut learned)?;
                    memory.unfolded.extend(slice::touched(&learned));
                    memory.baseline.merge(learned);
                }
                "kept" => memory.kept.merge(kept::decode(&bytes, rules).with_context(|| slot.clone())?),
                "door" => memory.door.recall(rest.parse().with_context(|| slot.clone())?, &bytes),
                "incident" => _ = memory.told.insert(rest.to_owned(), told(&bytes, slot)?),
                "cursors" => memory.cursors = value(&bytes, slot)?,
                "published" => memory.published = value(&bytes, slot)?,
                tally::SLOT => memory.notes = Some(value(&bytes, slot)?),
                "spoken" => memory.spoken = value(&bytes, slot)?,
                "inventory" => memory.inventory = value(&bytes, slot)?,
                _ => {}
            }
        }
        Ok(memory)
    }
}

/// The record of one incident.
///
/// # Errors
/// The store, or a damaged record.
pub(crate) async fn incident<S: Store>(state: &State<S>, id: &str) -> Result<Option<Told>> {
    let slot = format!("incident/{id}");
    let Some(name) = state.head().watch.blobs.get(&slot) else { return Ok(None) };
    told(&state.blob(name).await?, &slot).map(Some)
}

/// ARNs of whoever minted some credentials, and those with which they did, as far back as events are kept.
///
/// # Errors
/// The store, or a damaged blob.
pub(crate) async fn minters<S: Store>(state: &State<S>, mut credentials: BTreeSet<String>) -> Result<BTreeSet<String>> {
    let rules = Rules::load(&[])?;
    let mut kept = Kept::default();
    for (slot, name) in state.head().watch.blobs.iter().filter(|(slot, _)| slot.starts_with("kept/")) {
        kept.merge(kept::decode(&state.blob(name).await?, &rules).with_context(|| slot.clone())?);
    }
    let mut minters = BTreeSet::new();
    loop {
        let known = credentials.len();
        for event in kept.events() {
            let minted = event.facts.as_ref().and_then(|facts| facts.minted.as_ref()?.credential.as_ref());
            if minted.is_some_and(|key| credentials.contains(key)) {
                minters.insert(event.identity.arn.clone());
                credentials.extend(event.identity.credential.clone());
            }
        }
        if credentials.len() == known {
            return Ok(minters);
        }
    }
}

/// What [`Draft::value`] wrote.
fn value<T: DeserializeOwned>(bytes: &[u8], slot: &str) -> Result<T> {
    serde_json::from_slice(bytes).with_context(|| slot.to_owned())
}

fn told(bytes: &[u8], slot: &str) -> Result<Told> {
    let Record { mut incident, basis, callers, findings } = value(bytes, slot)?;
    incident.basis = basis;
    incident.members.callers = callers;
    Ok(Told { incident, findings })
}

/// Slots that change: a blob's name, or nothing where a slot goes.
pub(super) type Slots = BTreeMap<String, Option<String>>;

/// Blobs for the next commit to name.
pub(super) struct Draft<'s, S: Store> {
    pub(super) state: &'s State<S>,
    pub slots: Slots,
    /// What is to be written.
    blobs: Vec<(String, Vec<u8>)>,
}

impl<'s, S: Store> Draft<'s, S> {
    pub(super) fn new(state: &'s State<S>) -> Self {
        Self { state, slots: Slots::new(), blobs: Vec::new() }
    }

    /// Something of bytes.
    pub(super) fn put(&mut self, slot: String, bytes: Vec<u8>) {
        self.blobs.push((slot, bytes));
    }

    /// Writes everything, side by side. Gives the slots that change.
    ///
    /// # Errors
    /// No lease, or a store that fails.
    pub(super) async fn write(mut self) -> Result<Slots> {
        let state = self.state;
        let work = self.blobs.iter().map(|(slot, bytes)| -> Work<'_, _> {
            let kind = slot.split('/').next().unwrap_or(slot);
            Box::pin(async move { (slot.clone(), state.put_blob(kind, bytes).await) })
        });
        for (slot, name) in side_by_side(ABREAST, work).await {
            let name = name?;
            if state.head().watch.blobs.get(&slot) != Some(&name) {
                self.slots.insert(slot, Some(name));
            }
        }
        Ok(self.slots)
    }

    /// A whole baseline.
    pub(super) fn baseline(&mut self, baseline: &Baseline, now: Seconds) -> Result<()> {
        self.fold(baseline, slice::all(), now)
    }

    /// What a pass adds to a baseline: by itself, so that nothing else is written again. Where there are many additions,
    /// the slices of it that are `unfolded` are written with it.
    pub(super) fn learned(
        &mut self,
        baseline: &Baseline,
        new: &Baseline,
        unfolded: &BTreeSet<u8>,
        now: Seconds,
    ) -> Result<()> {
        let fresh = slice::touched(new);
        if self.has_other_slices() {
            return self.fold(baseline, slice::all(), now);
        }
        if self.taken(LEARNED).count() >= MOST_BLOBS {
            return self.fold(baseline, fresh.union(unfolded).copied().collect(), now);
        }
        if !fresh.is_empty() {
            let slot = self.next(LEARNED);
            self.put(slot, slice::habits(new)?);
        }
        self.slices(baseline, &BTreeSet::new(), now)
    }

    /// Writes slices with everything that was learned beside them.
    fn fold(&mut self, baseline: &Baseline, slices: BTreeSet<u8>, now: Seconds) -> Result<()> {
        let others = self.taken(BASELINE).filter(|slot| is_other(slot));
        let gone: Vec<String> = self.taken(LEARNED).chain(others).collect();
        self.slots.extend(gone.into_iter().map(|slot| (slot, None)));
        self.slices(baseline, &slices, now)
    }

    /// Writes slices, and what belongs to nobody's habits.
    fn slices(&mut self, baseline: &Baseline, slices: &BTreeSet<u8>, now: Seconds) -> Result<()> {
        let slices = slices.iter().copied().chain([slice::COMMON]).collect();
        for (slice, bytes) in slice::encode(baseline, &slices, now)? {
            self.put(format!("{BASELINE}{slice:03}"), bytes);
        }
        Ok(())
    }

    /// Whether there are slices of an earlier version, which cut otherwise.
    fn has_other_slices(&self) -> bool {
        self.taken(BASELINE).any(|slot| is_other(&slot))
    }

    /// The slot behind all that are numbered so.
    fn next(&self, start: &str) -> String {
        let number = |slot: String| slot.rsplit('/').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        format!("{start}{:06}", self.taken(start).map(number).max().map_or(0, |last| last + 1))
    }

    /// What a pass adds to what is kept. Where there are many additions, `all` replaces them.
    pub(super) fn kept(&mut self, new: &Kept, all: &Kept, rules: &Rules) -> Result<()> {
        let slots: Vec<String> = self.taken("kept/").collect();
        let next = self.next("kept/");
        if slots.len() < MOST_BLOBS {
            if !new.is_empty() {
                self.put(next, kept::encode(new, rules)?);
            }
            return Ok(());
        }
        self.put(next, kept::encode(all, rules)?);
        self.slots.extend(slots.into_iter().map(|slot| (slot, None)));
        Ok(())
    }

    /// What came in. What did not change is not written again.
    pub(super) fn door(&mut self, door: &Door) {
        let mut gone: BTreeSet<String> = self.taken("door/").collect();
        for (bucket, bytes) in door.buckets() {
            let slot = format!("door/{bucket}");
            gone.remove(&slot);
            self.put(slot, bytes);
        }
        self.slots.extend(gone.into_iter().map(|slot| (slot, None)));
    }

    /// Slots in use that begin so, in order.
    pub(super) fn taken(&self, start: &str) -> impl Iterator<Item = String> {
        let slots = self.state.head().watch.blobs.keys();
        slots.filter(move |slot| slot.starts_with(start)).cloned()
    }

    /// The record of an incident.
    pub(super) fn incident(&mut self, told: &Told) -> Result<()> {
        let Told { incident, findings } = told;
        let (basis, callers) = (incident.basis, incident.members.callers.clone());
        let record = Record { incident: incident.clone(), basis, callers, findings: findings.clone() };
        self.value(&format!("incident/{}", incident.id), &record)
    }

    /// Something that is one JSON value.
    pub(super) fn value(&mut self, slot: &str, value: &impl Serialize) -> Result<()> {
        self.put(slot.to_owned(), serde_json::to_vec(value)?);
        Ok(())
    }
}

/// Whether a slot of the baseline is one of an earlier version, which had fewer slices and shorter names.
fn is_other(slot: &str) -> bool {
    slot.len() != BASELINE.len() + 3
}
