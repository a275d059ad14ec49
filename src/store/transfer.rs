//! A whole state out of one store and into another: the values of all keys, whatever the store is made of.

use std::collections::BTreeMap;

use super::head::{HEAD, Head, JOURNAL, LARGEST};
use super::state::{blobs, lines_of};
use super::{Acquired, Item, State, StateError, Store};
use crate::event::Seconds;
use crate::journal::{Broken, Line, Tip, Verified, verify};

/// Values by key.
pub(crate) type Items = BTreeMap<String, Vec<u8>>;

/// An import ends long before.
const LEASE: Seconds = 900;
/// Reading everything while others write begins anew this many times.
const READS: usize = 8;

/// Why a state cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal is not the one that was written.
    #[error(transparent)]
    Journal(#[from] Broken),
    #[error("there is a state already, with {0} journal lines; --replace discards it")]
    NotEmpty(u64),
}

/// Everything that a store holds, as it was at one time, without the lease: that is of a process, not of the state.
///
/// # Errors
/// A store that fails, or that others change all the time.
pub(crate) async fn export<S: Store>(store: &S) -> Result<Items, StateError> {
    for _ in 0..READS {
        let before = version(store.get(HEAD).await?);
        let mut items: Items = store.range("").await?.into_iter().collect();
        if version(store.get(HEAD).await?) != before {
            continue;
        }
        if let Some(bytes) = items.get(HEAD) {
            let mut head = Head::read(bytes)?;
            if head.importing {
                return Err(StateError::HalfImported);
            }
            head.unswept |= head.lease.take().is_some();
            items.insert(HEAD.to_owned(), head.bytes(LARGEST)?);
        }
        return Ok(items);
    }
    Err(StateError::Busy)
}

fn version(item: Option<Item>) -> u64 {
    item.map_or(0, |item| item.version)
}

/// The journal of exported items, and where it ends by their head.
///
/// # Errors
/// No head, or an item that is not what it should be.
pub(crate) fn journal(items: &Items) -> Result<(Vec<Line>, Tip), StateError> {
    let head = head(items)?;
    let below = items.range(JOURNAL.to_owned()..).take_while(|(key, _)| key.starts_with(JOURNAL));
    let stored: Vec<_> = below.map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok((lines_of(&head, &stored)?, head.tip))
}

fn head(items: &Items) -> Result<Head, StateError> {
    Head::read(items.get(HEAD).ok_or_else(|| StateError::Missing { key: HEAD.to_owned() })?)
}

/// Whether items are a state that can be used: an unbroken journal, and every blob that the head names.
///
/// # Errors
/// What is missing, damaged or broken.
pub(crate) fn check(items: &Items) -> Result<Verified, ImportError> {
    let head = head(items)?;
    if head.importing {
        return Err(StateError::HalfImported.into());
    }
    let (lines, tip) = journal(items)?;
    let verified = verify(&lines, Some(&tip))?;
    for name in head.watch.blobs.values() {
        let key = format!("{}{name}", blobs::BLOB);
        let value = items.get(&key).ok_or_else(|| StateError::Missing { key: key.clone() })?;
        blobs::unpack(&key, value)?;
    }
    Ok(verified)
}

/// Writes a state into a store. While it is written the head says so, and nobody can use it.
///
/// # Errors
/// Items that are no whole state; a store that is not empty, unless it is to be replaced and nobody works on it; a store
/// that fails, after which the import has to be run again.
pub(crate) async fn import<S: Store>(
    store: S,
    items: &Items,
    replace: bool,
    holder: &str,
    now: Seconds,
) -> Result<Verified, ImportError> {
    let verified = check(items)?;
    let mut head = head(items)?;
    let mut state = State::open_any(store).await?;
    let fresh = state.version() == 0 && state.store().keys("").await.map_err(StateError::from)?.is_empty();
    if !fresh && !replace {
        return Err(ImportError::NotEmpty(state.head().tip.seq));
    }
    if !fresh && let Acquired::HeldBy { holder, until } = state.acquire(holder, now, LEASE).await? {
        return Err(StateError::Held { holder, until }.into());
    }
    // Only then: taking the lease moves the last lines of the old journal.
    let mut old = state.store().keys("").await.map_err(StateError::from)?;
    old.retain(|key| key != HEAD);
    // Whoever held the lease of the old state stays behind the fence.
    head.token = head.token.max(state.head().token);
    let mark = Head { importing: true, lines: Vec::new(), ..state.head().clone() };
    let version = state.version();
    let store = state.store();
    swap(store, version, &mark).await?;
    write(store, &old, items).await.map_err(StateError::from)?;
    swap(store, version + 1, &head).await?;
    store.unlock();
    Ok(verified)
}

/// Removes what is not in the import and writes the rest, all but the head.
async fn write(store: &impl Store, old: &[String], items: &Items) -> Result<(), super::StoreError> {
    for key in old.iter().filter(|key| !items.contains_key(*key)) {
        store.delete(key).await?;
    }
    for (key, value) in items.iter().filter(|(key, _)| *key != HEAD) {
        store.put(key, value).await?;
    }
    Ok(())
}

async fn swap(store: &impl Store, seen: u64, head: &Head) -> Result<(), StateError> {
    if store.swap(HEAD, seen, &head.bytes(LARGEST)?).await? { Ok(()) } else { Err(StateError::LostLease) }
}
