//! A state in one SQLite file, for a machine of one's own.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{Calls, Item, Lock, Store, StoreError, check_key};

/// How long a call waits for the write of another process.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two attempts to open.
const PAUSE: Duration = Duration::from_millis(20);
/// One step for each schema version, the first from nothing. A step that was released never changes.
const MIGRATIONS: [&str; 1] =
    ["CREATE TABLE item (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID"];

/// An open SQLite file.
pub(crate) struct Sqlite {
    path: PathBuf,
    connection: Connection,
    /// The lock file, while it is locked by this process.
    locked: RefCell<Option<File>>,
    calls: Calls,
}

impl Sqlite {
    /// Opens a file, and makes it where there is none: readable by its owner only, like the folders above it.
    ///
    /// # Errors
    /// A file that cannot be opened, is something else, or has a schema that is newer than this program.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        make(path).map_err(|error| failed(path, "make the file of the state", error))?;
        let connection = connect(path).map_err(|error| failed(path, "open the state", error))?;
        let store = Self { path: path.to_owned(), connection, locked: RefCell::default(), calls: Calls::default() };
        store.migrate()?;
        Ok(store)
    }

    /// The same file once more.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub(crate) fn another(&self) -> Result<Self, StoreError> {
        Self::open(&self.path)
    }

    /// Brings the schema up to date, once, whoever else opens the file at the same time.
    fn migrate(&self) -> Result<(), StoreError> {
        let doing = "bring the schema of the state up to date";
        let version = || self.connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let seen = self.done(doing, version())?;
        if seen > known {
            let why = format!(
                "the state has schema version {seen}, this program knows up to {known}; a newer stakeout wrote it"
            );
            return Err(self.refused(why));
        }
        if seen == known {
            return Ok(());
        }
        let transaction =
            self.done(doing, rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate))?;
        let seen = usize::try_from(self.done(doing, version())?).unwrap_or(0);
        let tables = "SELECT count(*) FROM sqlite_schema";
        if seen == 0 && self.done(doing, transaction.query_row(tables, [], |row| row.get::<_, i64>(0)))? > 0 {
            return Err(self.refused("this is a database of another program, not a state of stakeout".to_owned()));
        }
        for step in MIGRATIONS.iter().skip(seen) {
            self.done(doing, transaction.execute_batch(step))?;
        }
        self.done(doing, transaction.pragma_update(None, "user_version", known))?;
        self.done(doing, transaction.commit())
    }

    fn done<T>(&self, doing: &str, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| failed(&self.path, doing, error))
    }

    fn refused(&self, why: String) -> StoreError {
        StoreError::Refused { place: self.path.display().to_string(), why }
    }

    fn checked(&self, key: &str) -> Result<(), StoreError> {
        check_key(&self.path.display().to_string(), key)
    }

    /// A column of all rows with a prefix, in the order of keys.
    fn rows<T: FromSql>(&self, column: &str, prefix: &str) -> rusqlite::Result<Vec<(String, T)>> {
        let sql = format!("SELECT key, {column} FROM item WHERE key >= ?1 ORDER BY key");
        let mut statement = self.connection.prepare(&sql)?;
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, T>(1)?));
        let rows = statement.query_map(params![prefix], pair)?;
        // Nothing behind the last key with the prefix has it.
        rows.take_while(|row| row.as_ref().map_or(true, |(key, _)| key.starts_with(prefix))).collect()
    }
}

impl Store for Sqlite {
    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        self.checked(key)?;
        self.calls.read();
        let item = |row: &Row<'_>| Ok(Item { version: row.get::<_, i64>(0)?.unsigned_abs(), value: row.get(1)? });
        let found = self
            .connection
            .prepare("SELECT version, value FROM item WHERE key = ?1")
            .and_then(|mut statement| statement.query_row(params![key], item).optional());
        self.done(&format!("read {key:?}"), found)
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.checked(key)?;
        self.calls.wrote();
        let sql = "INSERT INTO item VALUES (?1, 1, ?2) \
                   ON CONFLICT (key) DO UPDATE SET version = version + 1, value = excluded.value";
        self.done(&format!("write {key:?}"), self.connection.execute(sql, params![key, value])).map(drop)
    }

    async fn swap(&self, key: &str, seen: u64, value: &[u8]) -> Result<bool, StoreError> {
        self.checked(key)?;
        self.calls.wrote();
        let changed = if seen == 0 {
            let sql = "INSERT INTO item VALUES (?1, 1, ?2) ON CONFLICT (key) DO NOTHING";
            self.connection.execute(sql, params![key, value])
        } else {
            let sql = "UPDATE item SET version = version + 1, value = ?3 WHERE key = ?1 AND version = ?2";
            // No version is that large, so nothing is replaced.
            self.connection.execute(sql, params![key, i64::try_from(seen).unwrap_or(i64::MAX), value])
        };
        Ok(self.done(&format!("replace {key:?}"), changed)? == 1)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.checked(key)?;
        self.calls.wrote();
        let deleted = self.connection.execute("DELETE FROM item WHERE key = ?1", params![key]);
        self.done(&format!("delete {key:?}"), deleted).map(drop)
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.calls.read();
        let rows = self.done(&format!("list {prefix:?}"), self.rows::<i64>("version", prefix))?;
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }

    async fn range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.calls.read();
        self.done(&format!("read all of {prefix:?}"), self.rows("value", prefix))
    }

    async fn tidy(&self, _prefix: &str) -> Result<(), StoreError> {
        // A write is one transaction, which leaves nothing behind.
        Ok(())
    }

    fn lock(&self) -> Result<Lock, StoreError> {
        if self.locked.borrow().is_some() {
            return Ok(Lock::Ours);
        }
        let mut name = OsString::from(&self.path);
        name.push(".lock");
        let doing = "lock the state";
        let file = private().open(&name).map_err(|error| failed(Path::new(&name), doing, error))?;
        match file.try_lock() {
            Ok(()) => {
                *self.locked.borrow_mut() = Some(file);
                Ok(Lock::Ours)
            }
            Err(TryLockError::WouldBlock) => Ok(Lock::Others),
            // A file system without locks leaves the lease, which is enough, only slower after a crash.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(Lock::Absent),
            Err(TryLockError::Error(error)) => Err(failed(Path::new(&name), doing, error)),
        }
    }

    fn unlock(&self) {
        // Closing the file gives its lock back. The file stays: whoever removed it would split the lock in two.
        self.locked.borrow_mut().take();
    }

    fn calls(&self) -> (u64, u64) {
        self.calls.both()
    }
}

/// Makes the file and the folders above it, where they are not there. What is there keeps its mode.
fn make(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
        && !folder.exists()
    {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(folder)?;
    }
    if fs::exists(path)? { Ok(()) } else { private().open(path).map(drop) }
}

/// How files are opened that only their owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// Opens a connection. Whoever opens a new file at the same time is not waited for by SQLite itself.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let begun = Instant::now();
    loop {
        match connect_once(path) {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::DatabaseBusy && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(PAUSE);
            }
            connected => return connected,
        }
    }
}

fn connect_once(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With less, the last commits before a loss of power may be gone, and with them what was already told.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn failed(path: &Path, doing: &str, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Failed { place: path.display().to_string(), doing: doing.to_owned(), source: Box::new(source) }
}
