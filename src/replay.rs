//! Exported logs in, findings and incidents out: a map over files on all cores, and a reduce in order of time.
//!
//! Both in one process is `replay`. Where a history outgrows a machine, `history` does the same in two commands, with files
//! (`parts`) between them.

mod bursts;
mod causal;
pub(crate) mod door;
mod fingerprint;
pub(crate) mod history;
mod hours;
pub(crate) mod kept;
pub(crate) mod links;
pub(crate) mod map;
pub(crate) mod part;
pub(crate) mod parts;
pub(crate) mod reduce;
pub(crate) mod silence;
pub(crate) mod spool;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod told;
mod units;
pub(crate) mod verdict;

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Result;

use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::Rules;
use crate::event::Event;
use crate::report::Report;
use crate::source::Bills;
use crate::source::Object;
use map::Range;
use part::Part;
use reduce::{Outcome, Reducer};
use units::{Message, Pace, Unit};

/// How to replay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub range: Range,
    /// Only records of these accounts; of all where there are none.
    pub accounts: &'a [String],
    /// So many can be busy; there are more where they wait for S3.
    pub threads: usize,
    /// Bound on the unpacked size of one object.
    pub max_object_bytes: u64,
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
    settings: Settings<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Report, Baseline)> {
    let outcome = run(objects, bills, rules, baseline, settings, (progress, false))?;
    Ok((outcome.report, outcome.baseline))
}

/// The same, with the events that rules match, in the order in which they were judged, for whoever asks what findings rest on.
///
/// # Errors
/// As [`replay`].
pub(crate) fn replay_events(
    objects: &[Object],
    bills: &Bills,
    rules: &Rules,
    baseline: Baseline,
    settings: Settings<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Report, Vec<Arc<Event>>)> {
    let outcome = run(objects, bills, rules, baseline, settings, (progress, true))?;
    Ok((outcome.report, outcome.judged))
}

fn run(
    objects: &[Object],
    bills: &Bills,
    rules: &Rules,
    baseline: Baseline,
    settings: Settings<'_>,
    (progress, remembers): (&(dyn Fn(u64) + Sync), bool),
) -> Result<Outcome> {
    let units = units::units(objects);
    let mut reducer = Reducer::new(rules, baseline, Usual::of(&bills.ledger))?;
    reducer.begin(settings.range.start);
    if remembers {
        reducer.remember();
    }
    units::work(&units, rules, settings, &Pace::free(), progress, |messages| {
        reduce(&units, &messages, &mut reducer);
        Ok(())
    })?;
    Ok(reducer.finish(bills, settings.range))
}

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
