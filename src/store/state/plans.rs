//! Plans, which are too large for the head: immutable, by their digest.

use std::io::Read as _;

use super::State;
use crate::store::{StateError, Store};

const PLAN: &str = "plan/";
const LEVEL: i32 = 3;
/// No plan unpacks to more bytes.
const LARGEST: u64 = 64 << 20;

impl<S: Store> State<S> {
    /// Stores a plan. Twice is once.
    ///
    /// # Errors
    /// A store that fails.
    pub(crate) async fn put_plan(&self, digest: &str, bytes: &[u8]) -> Result<(), StateError> {
        let key = format!("{PLAN}{digest}");
        let packed = zstd::encode_all(bytes, LEVEL)
            .map_err(|error| StateError::Damaged { key: key.clone(), why: error.to_string() })?;
        Ok(self.store.put(&key, &packed).await?)
    }

    /// The bytes of a plan, where there is one.
    ///
    /// # Errors
    /// A plan that is damaged, or a store that fails.
    pub(crate) async fn plan(&self, digest: &str) -> Result<Option<Vec<u8>>, StateError> {
        let key = format!("{PLAN}{digest}");
        let Some(item) = self.store.get(&key).await? else { return Ok(None) };
        let damaged = |error: std::io::Error| StateError::Damaged { key: key.clone(), why: error.to_string() };
        let mut bytes = Vec::new();
        let reader = zstd::Decoder::new(item.value.as_slice()).map_err(damaged)?;
        reader.take(LARGEST).read_to_end(&mut bytes).map_err(damaged)?;
        Ok(Some(bytes))
    }

    /// Forgets those of some plans that the head no longer names.
    ///
    /// # Errors
    /// A store that fails.
    pub(crate) async fn drop_plans(&self, digests: &[String]) -> Result<(), StateError> {
        for digest in digests.iter().filter(|digest| !self.head.watch.plans.contains_key(*digest)) {
            self.store.delete(&format!("{PLAN}{digest}")).await?;
        }
        Ok(())
    }
}
