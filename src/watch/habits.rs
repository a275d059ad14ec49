//! How often everybody calls, in the state: a blob for each day, and one more for what was learned of it.
//!
//! A pass adds to the days of its events, in the same write that says that they came in, so that each counts once. What
//! was learned ends where the passes begin; learned again, a day replaces what was learned of it before.

use anyhow::{Context as _, Result};

use super::memory::Draft;
use crate::detect::Rules;
use crate::event::{DAY, Seconds, time};
use crate::habit::{Calls, Daily, Habits, KEPT, decode, encode};
use crate::replay::map::{Mapper, Range};
use crate::replay::part::Part;
use crate::source::Object;
use crate::store::{State, Store};

/// The slots begin with it.
pub(super) const SLOT: &str = "habits/";
/// What was learned has slots that end with it.
const LEARNED: &str = "-learned";

/// Counts what a part holds.
pub(super) fn count(habits: &mut Habits, part: &Part) {
    for usage in &part.usage {
        let Some(hours) = usage.hours.as_deref() else { continue };
        let (identity, place, shape) = (&*usage.identity, &*usage.place, &*usage.plan.shape);
        habits.record(&Calls { identity, place, shape, hours, last: usage.last });
    }
}

/// How often everybody called, by objects alone, which hold at most so many bytes each.
pub(crate) fn habits_of(objects: &[Object], rules: &Rules, most_bytes: u64) -> Habits {
    let mut habits = Habits::default();
    let all = Range { start: Seconds::MAX - 1, end: Seconds::MAX };
    Mapper::of_past(rules, all, most_bytes).map(objects, &mut |part| count(&mut habits, &part));
    habits
}

/// How often everybody called in the last 31 days.
///
/// # Errors
/// The store, or a blob that is missing, damaged or of another version.
pub(crate) async fn habits<S: Store>(state: &State<S>, now: Seconds) -> Result<Habits> {
    let mut habits = Habits::default();
    for (slot, name) in state.head().watch.blobs.iter().filter(|(slot, _)| slot.starts_with(SLOT)) {
        let Some(day) = day_of(slot).filter(|day| is_kept(*day, now)) else { continue };
        let bytes = state.blob(name).await.with_context(|| slot.clone())?;
        habits.add(day, decode(&bytes).with_context(|| slot.clone())?);
    }
    Ok(habits)
}

impl<S: Store> Draft<'_, S> {
    /// What a pass adds to the days of its events, late ones too. Days that are over go.
    pub(super) async fn habits(&mut self, fresh: &Habits, now: Seconds) -> Result<()> {
        for (day, daily) in fresh.days().filter(|(day, _)| is_kept(*day, now)) {
            let slot = slot_of(day, "");
            let mut all = self.day(&slot).await?;
            all.merge(daily.clone());
            self.put_day(slot, all)?;
        }
        let over: Vec<_> = self.taken(SLOT).filter(|slot| day_of(slot).is_none_or(|day| !is_kept(day, now))).collect();
        self.slots.extend(over.into_iter().map(|slot| (slot, None)));
        Ok(())
    }

    /// What was learned of days. Where more was known of one, the reading was less complete, and it stays.
    pub(super) async fn habits_of_past(&mut self, learned: &Habits, now: Seconds) -> Result<()> {
        for (day, daily) in learned.days().filter(|(day, _)| is_kept(*day, now)) {
            let slot = slot_of(day, LEARNED);
            let known = self.day(&slot).await?;
            if daily.calls() >= known.calls() {
                self.put_day(slot, daily.clone())?;
            }
        }
        Ok(())
    }

    async fn day(&self, slot: &str) -> Result<Daily> {
        let Some(name) = self.state.head().watch.blobs.get(slot) else { return Ok(Daily::default()) };
        let bytes = self.state.blob(name).await.with_context(|| slot.to_owned())?;
        decode(&bytes).with_context(|| slot.to_owned())
    }

    fn put_day(&mut self, slot: String, mut daily: Daily) -> Result<()> {
        daily.bound();
        self.put(slot, encode(&daily)?);
        Ok(())
    }
}

/// Tomorrow is kept too: clocks differ.
fn is_kept(day: i64, now: Seconds) -> bool {
    let today = now.div_euclid(DAY);
    (today - KEPT + 1..=today + 1).contains(&day)
}

/// `habits/2026-03-10`, with an ending.
fn slot_of(day: i64, ending: &str) -> String {
    let text = time::format(day * DAY);
    format!("{SLOT}{}{ending}", text.split('T').next().unwrap_or(&text))
}

fn day_of(slot: &str) -> Option<i64> {
    let date = slot.strip_prefix(SLOT)?;
    let date = date.strip_suffix(LEARNED).unwrap_or(date);
    time::parse(&format!("{date}T00:00:00Z")).map(|at| at.div_euclid(DAY))
}
