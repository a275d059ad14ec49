//! Large parts of the state: immutable, named by the head, removed when it no longer names them.

use std::io::Read as _;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{State, fenced};
use crate::aws::{Work, side_by_side};
use crate::journal::digest;
use crate::store::Head;
use crate::store::StateError;
use crate::store::Store;

/// The keys of all blobs begin with it.
pub(in crate::store) const BLOB: &str = "blob/";
/// A name carries this much of the hash, in hex.
const HASH: usize = 20;
/// Level of compression: higher ones cost time and gain little.
const LEVEL: i32 = 3;
/// No blob unpacks to more bytes.
const LARGEST: u64 = 1 << 30;
/// Blobs that are removed at the same time.
const ABREAST: usize = 16;
/// Bytes of packed blobs that a process remembers.
const REMEMBERED: usize = 64 << 20;

/// The name of a blob: `KIND-HASH-TOKEN`. The fencing token of the writer lets a holder that lost its lease without knowing
/// it remove what is old, and never what its successor wrote.
pub(crate) type BlobName = String;

/// Packed blobs that a process read or wrote before, by name: a name is never given to other bytes.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    blobs: BTreeMap<BlobName, Rc<[u8]>>,
    bytes: usize,
}

impl Remembered {
    fn insert(&mut self, name: &str, packed: &[u8]) {
        if self.bytes + packed.len() <= REMEMBERED && !self.blobs.contains_key(name) {
            self.bytes += packed.len();
            self.blobs.insert(name.to_owned(), packed.into());
        }
    }

    /// Forgets what a head does not name.
    fn forget(&mut self, head: &Head) {
        let named: std::collections::BTreeSet<&String> = head.watch.blobs.values().collect();
        self.blobs.retain(|name, _| named.contains(name));
        self.bytes = self.blobs.values().map(|packed| packed.len()).sum();
    }
}

impl<S: Store> State<S> {
    /// The same state, which reads blobs from the store only where they are not remembered.
    pub(crate) fn with(self, remembered: &Rc<RefCell<Remembered>>) -> Self {
        Self { remembered: Some(Rc::clone(remembered)), ..self }
    }

    /// Keeps in memory what the head names, and nothing else.
    pub(super) fn forget_blobs(&self) {
        self.remembered.iter().for_each(|remembered| remembered.borrow_mut().forget(&self.head));
    }

    /// Stores bytes under a name made of their content. Nothing is written where the head names the same content.
    /// A commit has to name it before the next sweep. `kind` is a word.
    ///
    /// # Errors
    /// No lease, or a store that fails.
    pub(crate) async fn put_blob(&self, kind: &str, bytes: &[u8]) -> Result<BlobName, StateError> {
        let token = self.held.ok_or(StateError::LostLease)?;
        let content = format!("{kind}-{}", short_hash(bytes));
        if let Some(name) = self.head.watch.blobs.values().find(|name| content_of(name) == Some(&content)) {
            return Ok(name.clone());
        }
        let name = format!("{content}-{token}");
        let packed = zstd::encode_all(bytes, LEVEL)
            .map_err(|error| StateError::Damaged { key: name.clone(), why: error.to_string() })?;
        // Before the write: one that fails may have happened.
        self.known.borrow_mut().insert(name.clone());
        self.store.put(&format!("{BLOB}{name}"), &packed).await?;
        self.remembered.iter().for_each(|remembered| remembered.borrow_mut().insert(&name, &packed));
        Ok(name)
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// A blob that is missing or damaged, by its name, or a store that fails.
    pub(crate) async fn blob(&self, name: &str) -> Result<Vec<u8>, StateError> {
        let key = format!("{BLOB}{name}");
        let known = self.remembered.as_ref().and_then(|remembered| remembered.borrow().blobs.get(name).cloned());
        if let Some(packed) = known {
            return unpack(&key, &packed);
        }
        match self.store.get(&key).await? {
            Some(item) => {
                self.remembered.iter().for_each(|remembered| remembered.borrow_mut().insert(name, &item.value));
                unpack(&key, &item.value)
            }
            None => Err(StateError::Missing { key }),
        }
    }

    /// Removes blobs that the head does not name: those that this holder of the lease knows of, and all others where an
    /// earlier holder died. To be called after a commit: what was put and not committed is gone.
    ///
    /// # Errors
    /// A lease that is lost, or a store that fails.
    pub(crate) async fn sweep(&mut self) -> Result<(), StateError> {
        let token = self.held.ok_or(StateError::LostLease)?;
        if self.stale {
            self.reload().await?;
        }
        fenced(&self.head, token)?;
        let mut dead = self.known.borrow().clone();
        if self.inherited {
            let keys = self.store.keys(BLOB).await?;
            dead.extend(keys.iter().filter_map(|key| key.strip_prefix(BLOB)).map(str::to_owned));
            self.store.tidy(BLOB).await?;
        }
        let named = |name: &String| self.head.watch.blobs.values().any(|blob| blob == name);
        dead.retain(|name| !named(name) && token_of(name).is_some_and(|writer| writer <= token));
        let store = &self.store;
        let work = dead.into_iter().map(|name| -> Work<'_, _> {
            Box::pin(async move { store.delete(&format!("{BLOB}{name}")).await.map(|()| name) })
        });
        for name in side_by_side(ABREAST, work).await {
            self.known.borrow_mut().remove(&name?);
        }
        self.inherited = false;
        Ok(())
    }
}

/// Unpacks the value of a blob's key and checks it against its name.
pub(in crate::store) fn unpack(key: &str, value: &[u8]) -> Result<Vec<u8>, StateError> {
    let damaged = |why: String| StateError::Damaged { key: key.to_owned(), why };
    let mut bytes = Vec::new();
    let reader = zstd::Decoder::new(value).map_err(|error| damaged(error.to_string()))?;
    reader.take(LARGEST).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
    let content = content_of(key.strip_prefix(BLOB).unwrap_or(key));
    if content.and_then(|content| content.rsplit_once('-')).map(|(_, hash)| hash) != Some(short_hash(&bytes).as_str()) {
        return Err(damaged("its content does not give the hash in its name".to_owned()));
    }
    Ok(bytes)
}

fn short_hash(bytes: &[u8]) -> String {
    digest(&[bytes]).chars().take(HASH).collect()
}

/// Kind and hash of a blob, from its name.
fn content_of(name: &str) -> Option<&str> {
    name.rsplit_once('-').map(|(content, _)| content)
}

/// The token of who wrote a blob, from its name.
fn token_of(name: &str) -> Option<u64> {
    name.rsplit_once('-')?.1.parse().ok()
}
