//! The facade that flows use.
//!
//! All effects of a pass become true by one conditional write of the head. Blobs are written before, under new names, and
//! removed after, when nothing names them. New lines of the journal ride in the head; whoever writes the head next copies
//! them to items of their own first, which may be done twice without harm. So a death at any point loses and doubles nothing.

pub(super) mod blobs;
mod lease;
mod plans;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::head::{FILLED, HEAD, Head, JOURNAL, LARGEST, line_bytes, line_key, read_line};
use super::{StateError, Store};
use crate::event::Seconds;
use crate::journal::{Entry, Line, Tip};

pub(crate) use blobs::Remembered;
pub(crate) use lease::Acquired;

/// Writers that lose a race try again this many times, with pauses that grow.
const TRIES: u32 = 40;
/// From here on a loser waits before it tries again.
const PATIENT: u32 = 3;
/// Reading the whole journal while others write begins anew this many times.
const READS: usize = 8;

/// An open state.
pub(crate) struct State<S> {
    store: S,
    /// As it was read or written last.
    head: Head,
    /// The version of the head's item; 0 before its first write.
    version: u64,
    /// The fencing token, while we hold the lease.
    held: Option<u64>,
    /// The head may not be what is stored: an answer was lost.
    stale: bool,
    /// Lines up to this number are in items of their own.
    copied: u64,
    /// An earlier holder died, and the blobs that it may have left were not looked for yet.
    inherited: bool,
    /// Blobs that this holder of the lease wrote or saw named.
    known: RefCell<BTreeSet<String>>,
    /// Blobs that need not be read again.
    remembered: Option<Rc<RefCell<Remembered>>>,
}

impl<S: Store> State<S> {
    /// Reads the head, or begins with an empty one. Writes nothing.
    ///
    /// # Errors
    /// A store that fails, a state of a newer version, or one that an import left half done.
    pub(crate) async fn open(store: S) -> Result<Self, StateError> {
        let state = Self::open_any(store).await?;
        if state.head.importing { Err(StateError::HalfImported) } else { Ok(state) }
    }

    /// The same, also for what an import left half done.
    pub(super) async fn open_any(store: S) -> Result<Self, StateError> {
        let mut state = Self {
            store,
            head: Head::default(),
            version: 0,
            held: None,
            stale: false,
            copied: 0,
            inherited: false,
            known: RefCell::default(),
            remembered: None,
        };
        state.reload().await?;
        Ok(state)
    }

    /// The head as it was read or written last.
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Reads the head again: others may have written it.
    ///
    /// # Errors
    /// A store that fails, or a head that is damaged.
    pub(crate) async fn refresh(&mut self) -> Result<(), StateError> {
        self.reload().await
    }

    /// Calls to the store that read and that wrote.
    pub(crate) fn calls(&self) -> (u64, u64) {
        self.store.calls()
    }

    /// The store below.
    pub(super) fn store(&self) -> &S {
        &self.store
    }

    /// The version of the head's item.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Changes what the head keeps for the flow and adds lines to the journal, in one conditional write. On a fresh head
    /// again when somebody else was faster: `change` may run more than once, and only its change of `watch` counts.
    ///
    /// # Errors
    /// A lease that is lost or was never taken, a head that became too large, or a store that fails. When the store fails
    /// the write may have happened all the same; the next call finds out.
    pub(crate) async fn commit(
        &mut self,
        now: Seconds,
        mut change: impl FnMut(&mut Head) -> Vec<Entry>,
    ) -> Result<(), StateError> {
        let token = self.held.ok_or(StateError::LostLease)?;
        self.doubt(now);
        self.write(now, FILLED, |head| {
            fenced(head, token)?;
            let mut seen = head.clone();
            let entries = change(&mut seen);
            head.watch = seen.watch;
            Ok(entries)
        })
        .await
    }

    /// The same without a lease, for decisions of a person while a watch runs. The blobs that are named stay as they are.
    ///
    /// # Errors
    /// A head that became too large, or a store that fails.
    pub(crate) async fn append(
        &mut self,
        now: Seconds,
        mut change: impl FnMut(&mut Head) -> Vec<Entry>,
    ) -> Result<(), StateError> {
        self.stale = true;
        self.write(now, LARGEST, |head| {
            let mut seen = head.clone();
            let entries = change(&mut seen);
            seen.watch.blobs = std::mem::take(&mut head.watch.blobs);
            head.watch = seen.watch;
            Ok(entries)
        })
        .await
    }

    /// The whole journal and where it ends by the head, which belong together also while others write.
    pub(crate) async fn journal(&self) -> Result<(Vec<Line>, Tip), StateError> {
        for _ in 0..READS {
            let head = read_head(&self.store).await?.0;
            let items = self.store.range(JOURNAL).await?;
            // Lines that went from the head to items of their own meanwhile are in both.
            if read_head(&self.store).await?.0.tip == head.tip {
                return Ok((lines_of(&head, &items)?, head.tip));
            }
        }
        Err(StateError::Busy)
    }

    /// Replaces the head by what `change` makes of it, once, however often it has to be tried. It holds `most` bytes.
    async fn write(
        &mut self,
        now: Seconds,
        most: usize,
        mut change: impl FnMut(&mut Head) -> Result<Vec<Entry>, StateError>,
    ) -> Result<(), StateError> {
        let name = format!("{:016x}", fastrand::u64(..));
        for attempt in 0..TRIES {
            if self.stale {
                self.reload().await?;
            }
            let mut next = self.head.clone();
            let entries = change(&mut next)?;
            (next.lines, next.tip) = self.head.tip.extend(now, entries);
            next.note(&name);
            let bytes = next.bytes(most)?;
            self.copy_lines().await?;
            self.stale = true;
            let swapped = self.store.swap(HEAD, self.version, &bytes).await;
            if let Ok(true) = swapped {
                self.adopt(next, self.version + 1);
                return Ok(());
            }
            // The write may have happened and its answer been lost: by the store's own second try, or on the way.
            let read = self.reload().await;
            if read.is_ok() && self.head.recent.contains(&name) {
                return Ok(());
            }
            swapped?;
            read?;
            if attempt >= PATIENT {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=8 << attempt.min(5)))).await;
                self.stale = true;
            }
        }
        Err(StateError::Busy)
    }

    /// After the lease ran out the state may be another's, or another: it is looked at before anything is written.
    fn doubt(&mut self, now: Seconds) {
        self.stale |= self.head.lease.as_ref().is_none_or(|lease| lease.until <= now);
    }

    /// Copies the lines of the head, which are true since it was written, to items of their own.
    async fn copy_lines(&mut self) -> Result<(), StateError> {
        for line in self.head.lines.iter().filter(|line| line.seq > self.copied) {
            self.store.put(&line_key(line.seq), &line_bytes(line)?).await?;
        }
        self.copied = self.copied.max(self.head.lines.last().map_or(0, |line| line.seq));
        Ok(())
    }

    /// Reads the head as it is stored.
    async fn reload(&mut self) -> Result<(), StateError> {
        let (head, version) = read_head(&self.store).await?;
        self.adopt(head, version);
        Ok(())
    }

    fn adopt(&mut self, head: Head, version: u64) {
        if self.held.is_some() {
            self.known.borrow_mut().extend(head.watch.blobs.values().cloned());
        }
        (self.head, self.version, self.stale) = (head, version, false);
        self.forget_blobs();
    }
}

/// Refuses to write for who no longer holds the lease.
fn fenced(head: &Head, token: u64) -> Result<(), StateError> {
    if head.token == token && head.lease.is_some() { Ok(()) } else { Err(StateError::LostLease) }
}

/// The head and the version of its item; an empty one where there is none.
async fn read_head(store: &impl Store) -> Result<(Head, u64), StateError> {
    match store.get(HEAD).await? {
        Some(item) => Ok((Head::read(&item.value)?, item.version)),
        None => Ok((Head::default(), 0)),
    }
}

/// The journal from its items and from the head.
pub(super) fn lines_of(head: &Head, items: &[(String, Vec<u8>)]) -> Result<Vec<Line>, StateError> {
    let mut lines = items.iter().map(|(key, bytes)| read_line(key, bytes)).collect::<Result<Vec<_>, _>>()?;
    // Those of the head may be copied already, all or some; a copy that differs shows as a repeated line.
    let fresh: Vec<_> = head.lines.iter().filter(|line| !lines.contains(line)).cloned().collect();
    lines.extend(fresh);
    lines.sort_by_key(|line| line.seq);
    Ok(lines)
}
