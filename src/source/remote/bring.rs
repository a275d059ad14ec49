//! The objects of a unit of work, brought here before they are read.

use std::borrow::Cow;

use super::address::split;
use super::store::{Bytes, Store, wait};
use crate::aws::{Refusal, Work, side_by_side};
use crate::source::object::Object;

/// Requests of one thread at the same time. An answer takes some tens of milliseconds whatever its size.
const ABREAST: usize = 32;
/// What is larger is read piece by piece while it is unpacked.
const LARGEST: u64 = 8 << 20;
/// Bytes that one thread holds; what is beyond is read piece by piece.
const MOST: u64 = 32 << 20;
/// Threads for each that can be busy: one waits for S3 while the other one reads.
const PER_CORE: usize = 2;

/// Brings objects here that are elsewhere, so that they can be read; those that are here stay as they are, and so do large
/// ones, which a reader asks for itself. What cannot be brought becomes an object whose reading says so.
pub(crate) fn bring(objects: &[Object]) -> Cow<'_, [Object]> {
    if !objects.iter().any(Object::is_remote) {
        return Cow::Borrowed(objects);
    }
    let mut held = 0;
    let mut is_due = |object: &Object| {
        let fits = object.is_remote() && object.bytes() <= LARGEST && held + object.bytes() <= MOST;
        held += if fits { object.bytes() } else { 0 };
        fits
    };
    let due: Vec<_> = objects.iter().map(|object| (object, is_due(object))).collect();
    let brought = wait(async |store| {
        let work = due.iter().map(|(object, is_due)| -> Work<'_, _> {
            Box::pin(async move { if *is_due { one(store, object).await } else { (*object).clone() } })
        });
        side_by_side(store.abreast(ABREAST), work).await
    });
    Cow::Owned(brought.unwrap_or_else(|refusal| {
        let why = refusal.to_string();
        let refused = |object: &Object| Object::refused(object.name().to_owned(), why.clone());
        objects.iter().map(|object| if object.is_remote() { refused(object) } else { object.clone() }).collect()
    }))
}

async fn one(store: &Store, object: &Object) -> Object {
    let Some(address) = split(object.name()) else { return object.clone() };
    let refused = |refusal: Refusal| Object::refused(object.name().to_owned(), refusal.to_string());
    match store.bytes(address, Bytes::All, None, LARGEST).await {
        Ok(Some(piece)) => object.fetched(piece.bytes),
        // It has grown since it was listed.
        Ok(None) => object.clone(),
        Err(refusal) => refused(refusal),
    }
}

/// How many threads are to read objects, of which `threads` can be busy: more where they wait for S3.
pub(crate) fn workers<'o>(threads: usize, objects: impl IntoIterator<Item = &'o Object>) -> usize {
    if objects.into_iter().any(Object::is_remote) { threads.saturating_mul(PER_CORE) } else { threads }
}
