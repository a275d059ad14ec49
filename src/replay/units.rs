//! The map on all cores: objects cut into units, and the workers that make parts of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};

use super::Settings;
use super::map::Mapper;
use super::part::Part;
use crate::detect::Rules;
use crate::source::{Object, remote};

/// One unit of work holds at most this many packed bytes of objects of one day.
const UNIT_BYTES: u64 = 2 << 20;
/// Parts that wait to be taken: enough to keep the workers going, few enough to keep memory flat.
const WAITING: usize = 4;

/// Objects of one delivery day, small enough that workers share the load.
pub(super) struct Unit<'o> {
    pub day: Option<i64>,
    pub objects: &'o [Object],
}

/// What a worker says about a unit: a part of it, or that there are no more.
pub(super) type Message = (usize, Option<Box<Part>>);

/// How far the workers may run ahead of whoever takes their parts in order.
pub(super) struct Pace {
    /// Units that are taken already.
    taken: Mutex<usize>,
    moved: Condvar,
    ahead: usize,
}

impl Pace {
    /// As far as they like.
    pub(super) fn free() -> Self {
        Self::at_most(usize::MAX)
    }

    /// Only so many units ahead, so that what waits stays small.
    pub(super) fn at_most(ahead: usize) -> Self {
        Self { taken: Mutex::new(0), moved: Condvar::new(), ahead }
    }

    /// So many units are taken; all of them where nobody takes any more.
    fn go(&self, taken: usize) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        self.moved.notify_all();
    }

    fn wait(&self, position: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while position >= taken.saturating_add(self.ahead) {
            taken = self.moved.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Cuts objects, which are in order of their days, into units.
pub(super) fn units(objects: &[Object]) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut bytes = 0;
    let same_unit = |one: &Object, other: &Object| {
        bytes += one.bytes();
        let full = bytes >= UNIT_BYTES || one.delivered_day() != other.delivered_day();
        if full {
            bytes = 0;
        }
        !full
    };
    for objects in objects.chunk_by(same_unit) {
        units.push(Unit { day: objects.first().and_then(Object::delivered_day), objects });
    }
    units
}

/// Maps units on as many threads as the settings say. `take` gets what the workers say, in any order. `progress` hears of
/// packed bytes that were read.
///
/// # Errors
/// What `take` says, or a worker that died.
pub(super) fn work<T>(
    units: &[Unit<'_>],
    rules: &Rules,
    settings: Settings<'_>,
    pace: &Pace,
    progress: &(dyn Fn(u64) + Sync),
    take: impl FnOnce(Receiver<Message>) -> Result<T>,
) -> Result<T> {
    let next = AtomicUsize::new(0);
    let threads = remote::workers(settings.threads.max(1), units.iter().flat_map(|unit| unit.objects));
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    let mapper = Mapper::new(rules, settings.range, settings.max_object_bytes);
                    let mut mapper = mapper.only(settings.accounts);
                    while let Some((position, unit)) = claim(units, next) {
                        pace.wait(position);
                        // Nobody takes parts any more only when the run has failed, and then nothing is owed.
                        let send = |message| _ = sender.send((position, message));
                        mapper.map(&remote::bring(unit.objects), &mut |part| send(Some(Box::new(part))));
                        send(None);
                        progress(unit.objects.iter().map(Object::bytes).sum());
                    }
                })
            })
            .collect();
        drop(sender);
        let taken = take(receiver);
        pace.go(units.len());
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a reader thread panicked"))?;
        }
        taken
    })
}

fn claim<'u, 'o>(units: &'u [Unit<'o>], next: &AtomicUsize) -> Option<(usize, &'u Unit<'o>)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    units.get(position).map(|unit| (position, unit))
}

/// Gives the parts of units in the order of the units, whichever worker is first.
///
/// # Errors
/// What `give` says.
pub(super) fn in_order(
    units: &[Unit<'_>],
    messages: &Receiver<Message>,
    pace: &Pace,
    mut give: impl FnMut(&Unit<'_>, Vec<Part>) -> Result<()>,
) -> Result<()> {
    let mut open: HashMap<usize, Vec<Part>> = HashMap::new();
    let mut ended: HashMap<usize, Vec<Part>> = HashMap::new();
    let mut current = 0;
    for (position, message) in messages {
        match message {
            Some(part) => open.entry(position).or_default().push(*part),
            None => _ = ended.insert(position, open.remove(&position).unwrap_or_default()),
        }
        while let Some((parts, unit)) = ended.remove(&current).zip(units.get(current)) {
            give(unit, parts)?;
            current += 1;
            pace.go(current);
        }
    }
    Ok(())
}
