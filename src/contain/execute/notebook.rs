//! The journal of a run. Steps that wait to write at the same time are written together.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::contain::scribe::Scribe;
use crate::journal::Entry;

/// Entries and bytes of one write: the head of the state holds 350,000 bytes in all.
const MOST: usize = 100;
const MOST_BYTES: usize = 100_000;

/// Nothing can be written any more, so nothing may be done any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Halted;

/// Entries on their way.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Entry>,
    /// Entries that ever came in, and that were written.
    came: u64,
    written: u64,
    failure: Option<String>,
}

pub(super) struct Notebook<'a, S> {
    scribe: &'a S,
    queue: RefCell<Queue>,
    /// Whose turn it is to write for all.
    turn: Mutex<()>,
}

impl<'a, S: Scribe> Notebook<'a, S> {
    pub(super) fn new(scribe: &'a S) -> Self {
        Self { scribe, queue: RefCell::default(), turn: Mutex::new(()) }
    }

    /// How often the run must show that it is alive.
    pub(super) fn beat(&self) -> Option<Duration> {
        self.scribe.beat()
    }

    /// Writes entries; they are durable when it returns. None: only finds out whether the run is still ours.
    pub(super) async fn note(&self, entries: Vec<Entry>) -> Result<(), Halted> {
        let is_sign = entries.is_empty();
        let mine = {
            let mut queue = self.queue.borrow_mut();
            queue.came += entries.len() as u64;
            queue.waiting.extend(entries);
            queue.came
        };
        // Others that are ready at the same time come in first.
        tokio::task::yield_now().await;
        let _turn = self.turn.lock().await;
        if is_sign && self.queue.borrow().failure.is_none() {
            self.write(Vec::new()).await;
        }
        loop {
            let batch = {
                let mut queue = self.queue.borrow_mut();
                if queue.failure.is_some() {
                    return Err(Halted);
                }
                if queue.written >= mine {
                    return Ok(());
                }
                queue.batch()
            };
            self.write(batch).await;
        }
    }

    async fn write(&self, batch: Vec<Entry>) {
        let count = batch.len() as u64;
        let written = self.scribe.write(batch).await;
        let mut queue = self.queue.borrow_mut();
        match written {
            Ok(()) => queue.written += count,
            Err(why) => queue.failure = Some(why),
        }
    }

    /// Whether nothing may be done any more.
    pub(super) fn is_halted(&self) -> bool {
        self.queue.borrow().failure.is_some()
    }

    /// Why not.
    pub(super) fn failure(&self) -> String {
        self.queue.borrow().failure.clone().unwrap_or_default()
    }
}

impl Queue {
    /// What is written next: the oldest entries, as many as one write takes.
    fn batch(&mut self) -> Vec<Entry> {
        let mut bytes = 0;
        let mut batch = Vec::new();
        while let Some(entry) = self.waiting.front() {
            bytes += entry.detail.to_string().len();
            if batch.len() >= MOST || !batch.is_empty() && bytes > MOST_BYTES {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }
}
