//! Which store it is: a file or a table, behind one type.

use std::fmt;
use std::path::PathBuf;

use super::dynamodb::DynamoDb;
use super::sqlite::Sqlite;
use super::{Item, Lock, Store, StoreError};

/// Where a state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A DynamoDB table; without a region that of the environment.
    Table { name: String, region: Option<String> },
}

impl Place {
    /// Whether it can be known without a call that there is no state yet.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::File(path) if !path.exists())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Table { name, region: None } => write!(f, "DynamoDB table {name}"),
            Self::Table { name, region: Some(region) } => write!(f, "DynamoDB table {name} in {region}"),
        }
    }
}

/// A store of either kind.
pub(crate) enum AnyStore {
    Sqlite(Sqlite),
    DynamoDb(DynamoDb),
}

impl AnyStore {
    /// Opens a store. A file that is not there is made; a table has to exist, which its first use shows.
    ///
    /// # Errors
    /// A file that cannot be opened or made, is no state, or was written by a newer version.
    pub(crate) async fn open(place: &Place) -> Result<Self, StoreError> {
        Ok(match place {
            Place::File(path) => Self::Sqlite(Sqlite::open(path)?),
            Place::Table { name, region } => Self::DynamoDb(DynamoDb::open(name, region.clone()).await),
        })
    }
}

impl AnyStore {
    /// The same store once more, over the same connections where it has any.
    ///
    /// # Errors
    /// As [`AnyStore::open`].
    pub(crate) fn another(&self) -> Result<Self, StoreError> {
        Ok(match self {
            Self::Sqlite(store) => Self::Sqlite(store.another()?),
            Self::DynamoDb(store) => Self::DynamoDb(store.another()),
        })
    }
}

/// The same call on whichever store it is.
macro_rules! either {
    ($store:ident, $inner:ident => $call:expr) => {
        match $store {
            Self::Sqlite($inner) => $call,
            Self::DynamoDb($inner) => $call,
        }
    };
}

impl Store for AnyStore {
    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        either!(self, store => store.get(key).await)
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        either!(self, store => store.put(key, value).await)
    }

    async fn swap(&self, key: &str, seen: u64, value: &[u8]) -> Result<bool, StoreError> {
        either!(self, store => store.swap(key, seen, value).await)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        either!(self, store => store.delete(key).await)
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        either!(self, store => store.keys(prefix).await)
    }

    async fn range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        either!(self, store => store.range(prefix).await)
    }

    async fn tidy(&self, prefix: &str) -> Result<(), StoreError> {
        either!(self, store => store.tidy(prefix).await)
    }

    fn lock(&self) -> Result<Lock, StoreError> {
        either!(self, store => store.lock())
    }

    fn unlock(&self) {
        either!(self, store => store.unlock());
    }

    fn calls(&self) -> (u64, u64) {
        either!(self, store => store.calls())
    }
}
