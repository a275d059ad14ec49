//! Alike calls of one day, counted together as they are read.

use super::super::fingerprint::written;
use super::super::part::Noted;
use crate::event::{DAY, EventId, HOUR, Record, Seconds};
use crate::habit::Hours;

/// Calls of one kind, caller, place and day.
pub(super) struct Day {
    pub key: [u32; 3],
    pub day: i64,
    /// The fingerprint of a call that stands by itself: which of the late ones are new shows only when they are reduced.
    pub alone: Option<u64>,
    pub first: Seconds,
    pub last: Seconds,
    /// The first of them, where a rule wants to know.
    pub noted: Option<Noted>,
    /// The first of each stretch of time, where a rule counts, with the length of the stretch.
    pub bursts: Vec<(Seconds, Noted)>,
    /// For each length, the position of the last of them.
    latest: Vec<(Seconds, usize)>,
    /// How many in each hour, where somebody counts.
    pub hours: Option<Box<Hours>>,
}

impl Day {
    pub(super) fn new(key: [u32; 3], day: i64, alone: Option<u64>) -> Self {
        let (first, last) = (Seconds::MAX, Seconds::MIN);
        Self { key, day, alone, first, last, noted: None, bursts: Vec::new(), latest: Vec::new(), hours: None }
    }

    /// Counts a call in its hour.
    pub(super) fn count(&mut self, time: Seconds) {
        let hour = time.rem_euclid(DAY) / HOUR;
        let hours = self.hours.get_or_insert_default();
        if let Some(count) = usize::try_from(hour).ok().and_then(|hour| hours.get_mut(hour)) {
            *count = count.saturating_add(1);
        }
    }

    /// Notes the first call of each stretch. Records come nearly in order, so only the last stretch is looked at; a
    /// stretch that is noted twice does no harm.
    pub(super) fn burst(&mut self, length: Seconds, record: &Record<'_>, fingerprint: u64) {
        let time = record.time;
        let is_of = |at: Seconds| at.div_euclid(length) == time.div_euclid(length);
        let latest = self.latest.iter_mut().find(|(of, _)| *of == length);
        let known = latest.as_ref().and_then(|(_, position)| self.bursts.get_mut(*position));
        match known.filter(|(_, known)| is_of(known.at)) {
            Some((_, known)) if known.at < time => {}
            Some((_, known)) => *known = known.clone().min(call(record, fingerprint)),
            None => {
                match latest {
                    Some((_, position)) => *position = self.bursts.len(),
                    None => self.latest.push((length, self.bursts.len())),
                }
                self.bursts.push((length, call(record, fingerprint)));
            }
        }
    }
}

/// A call by its record.
pub(super) fn call(record: &Record<'_>, fingerprint: u64) -> Noted {
    Noted { at: record.time, id: event_id(record, fingerprint), fingerprint }
}

/// The id of an event; one without gets its fingerprint.
pub(super) fn event_id(record: &Record<'_>, fingerprint: u64) -> EventId {
    if record.id.is_empty() { EventId::new(&written(fingerprint)) } else { EventId::new(&record.id) }
}
