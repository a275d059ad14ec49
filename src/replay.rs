//! Exported logs in, findings and incidents out: a map over files on all cores, and a reduce in order of time.

mod bursts;
pub(crate) mod map;
pub(crate) mod part;
pub(crate) mod reduce;
mod table;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::Result;

use crate::baseline::Baseline;
use crate::detect::Rules;
use crate::report::Report;
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

/// Replays objects, which are in order of delivery. `progress` hears of packed bytes that were read.
///
/// # Errors
/// A rule set whose correlations cannot be loaded, or a worker that died.
pub(crate) fn replay(
    objects: &[Object],
    rules: &Rules,
    baseline: Baseline,
    settings: Settings,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Report, Baseline)> {
    let units = units(objects);
    let next = AtomicUsize::new(0);
    let mut reducer = Reducer::new(rules, baseline)?;
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
                        let part = mapper.map(unit.objects);
                        progress(unit.objects.iter().map(Object::bytes).sum());
                        if sender.as_ref().is_none_or(|sender| sender.send((position, part)).is_err()) {
                            return;
                        }
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
    Ok(reducer.finish())
}

fn claim<'u, 'o>(units: &'u [Unit<'o>], next: &AtomicUsize) -> Option<(usize, &'u Unit<'o>)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    units.get(position).map(|unit| (position, unit))
}

/// Takes parts as they come; a day ends when all of its units and all before are in.
fn reduce(units: &[Unit<'_>], parts: &Receiver<(usize, Part)>, reducer: &mut Reducer<'_>) {
    let mut arrived: Vec<Option<Part>> = units.iter().map(|_| None).collect();
    let mut done = 0;
    for (position, part) in parts {
        arrived[position] = Some(part);
        while let Some(part) = arrived.get_mut(done).and_then(Option::take) {
            let day = units[done].day;
            reducer.add(part, day.is_some());
            done += 1;
            if let Some(day) = day.filter(|_| units.get(done).is_none_or(|next| next.day != units[done - 1].day)) {
                reducer.end_day(day);
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
