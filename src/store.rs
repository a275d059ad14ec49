//! Where a watch keeps its memory: a narrow trait with conditional writes, in one SQLite file or one DynamoDB table.
//!
//! - `state`: the facade that flows use; a head that is replaced by compare-and-swap, a lease, blobs, the journal
//! - `head`, `watched`, `board`, `tally`: what the head holds
//! - `sqlite`, `dynamodb`: the two stores
//! - `transfer`: a whole state out of one store and into another

pub(crate) mod board;
pub(crate) mod dynamodb;
mod error;
pub(crate) mod head;
mod lease;
mod place;
pub(crate) mod sqlite;
pub(crate) mod state;
pub(crate) mod tally;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;
pub(crate) mod watched;

use std::cell::Cell;

pub(crate) use error::{StateError, StoreError};
pub(crate) use head::Head;
pub(crate) use place::{AnyStore, Place};
pub(crate) use state::{Acquired, Remembered, State};

/// The longest key in bytes: DynamoDB holds 1,024 in a sort key, of which a part is ours.
const LONGEST_KEY: usize = 512;

/// A value and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Grows by one with every write, from 1.
    pub version: u64,
    pub value: Vec<u8>,
}

/// Whose the lock of the operating system on a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// No other process of this machine can hold a lease.
    Ours,
    /// Somebody else is about to take a lease, holds one, or gives one back.
    Others,
    /// There is no such lock.
    Absent,
}

/// Keys and values that outlive the process. Several processes may use one at the same time.
pub(crate) trait Store {
    /// A value and the version that a later swap must name.
    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError>;

    /// Writes a value whole or not at all, whatever was there.
    async fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Replaces a value only if it still has the version that was seen (0: it must not exist); the new one has the
    /// next version. False: somebody else was faster, or an earlier try of the same call got through unnoticed.
    async fn swap(&self, key: &str, seen: u64, value: &[u8]) -> Result<bool, StoreError>;

    /// Removes a value, if it is there.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Keys with a prefix, sorted by their bytes.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Keys with a prefix and their values, sorted by key.
    async fn range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Removes what writes that never came to their end left behind, below a prefix that ends in a slash.
    async fn tidy(&self, prefix: &str) -> Result<(), StoreError>;

    /// Takes the lock of the operating system on the store, where there is one.
    fn lock(&self) -> Result<Lock, StoreError>;

    /// Gives the lock back.
    fn unlock(&self);

    /// Calls that read and that wrote, since this was opened.
    fn calls(&self) -> (u64, u64);
}

/// Counts calls.
#[derive(Debug, Default)]
struct Calls {
    reads: Cell<u64>,
    writes: Cell<u64>,
}

impl Calls {
    fn read(&self) {
        self.reads.set(self.reads.get() + 1);
    }

    fn wrote(&self) {
        self.writes.set(self.writes.get() + 1);
    }

    fn both(&self) -> (u64, u64) {
        (self.reads.get(), self.writes.get())
    }
}

/// Refuses a key that not every store can hold.
fn check_key(place: &str, key: &str) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        let why = format!("a key has 1 to {LONGEST_KEY} bytes, not {}", key.len());
        return Err(StoreError::Refused { place: place.to_owned(), why });
    }
    Ok(())
}
