//! Exported logs in, findings and incidents out: a map over files on all cores, and a reduce in order of time.

mod bursts;
mod causal;
pub(crate) mod door;
mod hours;
pub(crate) mod kept;
pub(crate) mod map;
pub(crate) mod part;
pub(crate) mod reduce;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::Result;

use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::Rules;
use crate::report::Report;
use crate::source::Bills;
use crate::source::Object;
use map::{Mapper, Range};
use part::Part;
use reduce::Reducer;

/// One unit of work holds at most this many packed bytes of objects of one day.
const UNIT_BYTES: u64 = 2 << 20;
/// Parts that wait to be reduced: enough to keep the workers going, few enough to keep memory flat.
const WAITING: usize = 4;

/// How to replay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub range: Range,
    pub threads: usize,
    /// Bound on the unpacked size of one object.
    pub max_object_bytes: u64,
}

/// Objects of one delivery day, small enough that workers share the load.
struct Unit<'o> {
    day: Option<i64>,
    objects: &'o [Object],
}

/// Replays objects, which are in order of delivery, and judges the bills of the same accounts. `progress` hears of packed
/// bytes that were read.
///
/// # Errors
/// A rule set whose correlations cannot be loaded, or a worker that died.
pub(crate) fn replay(
    objects: &[Object],
    bills: &Bills,
    rules: &Rules,
    baseline: Baseline,
    settings: Settings,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Report, Baseline)> {
    let units = units(objects);
    let next = AtomicUsize::new(0);
    let mut reducer = Reducer::new(rules, baseline, Usual::of(&bills.ledger))?;
    thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = sync_channel(WAITING);
        let sender = Mutex::new(Some(sender));
        let workers: Vec<_> = (0..settings.threads.max(1))
            .map(|_| {
                let sender = sender.lock().map_or(None, |sender| sender.clone());
                let (units, next) = (&units, &next);
                scope.spawn(move || {
                    let mut mapper = Mapper::new(rules, settings.range, settings.max_object_bytes);
                    while let Some((position, unit)) = claim(units, next) {
                        // Nobody takes parts any more only when the reducer is gone, and then nothing is owed.
                        let send = |message| _ = sender.as_ref().map(|sender| sender.send((position, message)));
                        mapper.map(unit.objects, &mut |part| send(Some(Box::new(part))));
                        send(None);
                        progress(unit.objects.iter().map(Object::bytes).sum());
                    }
                })
            })
            .collect();
        if let Ok(mut sender) = sender.lock() {
            sender.take();
        }
        reduce(&units, &receiver, &mut reducer);
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a reader thread panicked"))?;
        }
        Ok(())
    })?;
    let outcome = reducer.finish(bills, settings.range);
    Ok((outcome.report, outcome.baseline))
}

fn claim<'u, 'o>(units: &'u [Unit<'o>], next: &AtomicUsize) -> Option<(usize, &'u Unit<'o>)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    units.get(position).map(|unit| (position, unit))
}

/// What a worker says about a unit: a part of it, or that there are no more.
type Message = (usize, Option<Box<Part>>);

/// Takes parts as they come; a day ends when all of its units and all before are in.
fn reduce(units: &[Unit<'_>], messages: &Receiver<Message>, reducer: &mut Reducer<'_>) {
    let mut early: Vec<Vec<Box<Part>>> = units.iter().map(|_| Vec::new()).collect();
    let mut ended = vec![false; units.len()];
    let mut current = 0;
    for (position, message) in messages {
        match message {
            Some(part) if units[position].day == units[current].day => {
                reducer.add(*part, units[position].day.is_some())
            }
            Some(part) => early[position].push(part),
            None => ended[position] = true,
        }
        while ended.get(current).is_some_and(|ended| *ended) {
            let day = units[current].day;
            current += 1;
            let Some(next) = units.get(current) else { break };
            if next.day != day {
                day.into_iter().for_each(|day| reducer.end_day(day));
                let of_that_day = (current..units.len()).take_while(|n| units[*n].day == next.day);
                for part in of_that_day.flat_map(|n| std::mem::take(&mut early[n])) {
                    reducer.add(*part, next.day.is_some());
                }
            }
        }
    }
}

/// Cuts the objects, in their order, into units.
fn units(objects: &[Object]) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut from = 0;
    let mut bytes = 0;
    for (at, object) in objects.iter().enumerate() {
        let other_day = object.delivered_day() != objects[from].delivered_day();
        if at > from && (other_day || bytes >= UNIT_BYTES) {
            units.push(Unit { day: objects[from].delivered_day(), objects: &objects[from..at] });
            (from, bytes) = (at, 0);
        }
        bytes += object.bytes();
    }
    if from < objects.len() {
        units.push(Unit { day: objects[from].delivered_day(), objects: &objects[from..] });
    }
    units
}
