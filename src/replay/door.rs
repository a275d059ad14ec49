//! Which events came in already: a feed that is read in turns gives some of them again.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use sha2::{Digest as _, Sha256};

use crate::event::{DAY, HOUR, Identity, Record, Seconds};

/// For how long it is known what came in.
const REMEMBERED: Seconds = 3 * DAY;
const MINUTE: Seconds = 60;

/// Fingerprints of events by when they came in. They are the same on every machine.
#[derive(Debug, Default)]
pub(crate) struct Door {
    known: HashSet<u64, ahash::RandomState>,
    /// By the minute, before this hour by the hour, and before today by the day: what is written again with each pass
    /// stays small, however much comes in.
    buckets: BTreeMap<Seconds, Vec<u64>>,
    now: Seconds,
}

impl Door {
    /// A door that is used at a time. It forgets what came in more than three days before.
    pub(crate) fn at(now: Seconds) -> Self {
        Self { now, ..Self::default() }
    }

    /// Takes in what a bucket was encoded as; the rest of bytes that were cut off is left out.
    pub(crate) fn recall(&mut self, bucket: Seconds, bytes: &[u8]) {
        if bucket < start(self.now, DAY) - REMEMBERED {
            return;
        }
        let (whole, _) = bytes.as_chunks::<8>();
        let prints: Vec<u64> = whole.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        self.known.extend(&prints);
        self.buckets.entry(self.bucket(bucket)).or_default().extend(prints);
    }

    /// Whether an event comes in for the first time; from then on it does not.
    pub(super) fn lets_in(&mut self, record: &Record<'_>, caller: &Identity) -> bool {
        let print = fingerprint(record, caller);
        let is_new = self.known.insert(print);
        if is_new {
            self.buckets.entry(start(self.now, MINUTE)).or_default().push(print);
        }
        is_new
    }

    /// Where what came in at a time belongs.
    fn bucket(&self, at: Seconds) -> Seconds {
        let is_of = |length: Seconds| start(at, length) >= start(self.now, length);
        if is_of(HOUR) { start(at, MINUTE) } else { start(at, if is_of(DAY) { HOUR } else { DAY }) }
    }

    /// The buckets, each with its bytes for [`Self::recall`].
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (Seconds, Vec<u8>)> {
        let bytes = |prints: &Vec<u64>| prints.iter().flat_map(|print| print.to_le_bytes()).collect();
        self.buckets.iter().map(move |(bucket, prints)| (*bucket, bytes(prints)))
    }
}

fn start(at: Seconds, of: Seconds) -> Seconds {
    at.div_euclid(of) * of
}

/// With what an id alone does not tell: a queue takes events from whoever may send, and a forged one must not keep the real
/// one out.
fn fingerprint(record: &Record<'_>, caller: &Identity) -> u64 {
    let mut hash = Sha256::new();
    if record.id.is_empty() {
        hash.update(record.raw.as_bytes());
    } else {
        let credential = caller.credential.as_deref().unwrap_or_default();
        let (whose, what) = ([caller.key.as_str(), credential], [&record.id, &record.source, &record.name]);
        let rest = [&record.recipient, &record.region, &record.error_code];
        for part in what.into_iter().chain(rest).map(AsRef::as_ref).chain(whose) {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(record.time.to_le_bytes());
    }
    hash.finalize().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_in_once_in_three_days() {
        let caller = Identity::parse("{}", "");
        let record = |id: &str| Record { id: id.to_owned().into(), ..Record::default() };
        let mut door = Door::at(10 * DAY);
        assert!(
            door.lets_in(&record("a"), &caller)
                && !door.lets_in(&record("a"), &caller)
                && door.lets_in(&record("b"), &caller)
        );
        let later = |day: i64| {
            let mut later = Door::at(day * DAY);
            door.buckets().for_each(|(bucket, bytes)| later.recall(bucket, &bytes));
            later
        };
        assert!(!later(13).lets_in(&record("b"), &caller));
        assert!(later(14).lets_in(&record("b"), &caller));
    }

    #[test]
    fn what_is_written_again_is_what_came_in_lately() {
        let caller = Identity::parse("{}", "");
        let mut known: BTreeMap<Seconds, Vec<u8>> = BTreeMap::new();
        let (mut written, mut all) = (0, 0);
        for pass in 0..3 * 1_440 {
            let mut door = Door::at(DAY + 20 * pass);
            known.iter().for_each(|(bucket, bytes)| door.recall(*bucket, bytes));
            let record = Record { id: pass.to_string().into(), ..Record::default() };
            assert!(door.lets_in(&record, &caller));
            let now: BTreeMap<_, _> = door.buckets().collect();
            written +=
                now.iter().filter(|(at, bytes)| known.get(*at) != Some(bytes)).map(|(_, b)| b.len()).sum::<usize>();
            (known, all) = (now, all + 8);
        }
        assert!(written < 6 * all, "{written} bytes for {all}");
        assert_eq!(known.values().map(Vec::len).sum::<usize>(), all);
        assert!(known.len() < 60 + 24 + 3, "{}", known.len());
    }
}
