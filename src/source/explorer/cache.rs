//! Pages as they came, and the account of what was paid for them.
//!
//! ```text
//! FOLDER/20261122T044625Z-service-region-001.json     read by whoever reads the folder
//! FOLDER/.paid.jsonl                                  what was asked and paid
//! FOLDER/.detail/20261122T044625Z-account-service-001.json
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::history::{Done, History, Payment};
use super::query::stamp;
use super::{Query, What};
use crate::event::{Seconds, time};

pub(super) const PAID: &str = ".paid.jsonl";
pub(super) const DETAIL: &str = ".detail";

/// Why the cache cannot be used.
#[derive(Debug, Error)]
pub(crate) enum CacheError {
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    /// Two that ask at once would both pay.
    #[error("{0}: another stakeout is asking Cost Explorer for this folder")]
    Busy(String),
    /// Two scopes in one folder would count the same money twice.
    #[error("{folder}: holds the spend of {holds}; keep that of {wants} in another folder with --cache DIR")]
    OtherScope { folder: String, holds: String, wants: String },
}

/// A folder of pages, open for one process at a time.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    paid: File,
    history: History,
    account: Option<String>,
}

impl Cache {
    /// Opens or makes a cache for the spend of one account, or of all that the caller pays for.
    ///
    /// # Errors
    /// When the folder cannot be written, is in use, or holds the spend of another account.
    pub(crate) fn open(folder: &Path, account: Option<&str>) -> Result<Self, CacheError> {
        make_folder(folder)?;
        let path = folder.join(PAID);
        let mut paid =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).map_err(fail(&path))?;
        match paid.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(CacheError::Busy(folder.display().to_string())),
            Err(fs::TryLockError::Error(source)) => return Err(fail(&path)(source)),
        }
        let mut bytes = Vec::new();
        paid.seek(SeekFrom::Start(0)).and_then(|_| paid.read_to_end(&mut bytes)).map_err(fail(&path))?;
        // A crash can tear the last line: what follows it must begin its own.
        if bytes.last().is_some_and(|last| *last != b'\n') {
            paid.write_all(b"\n").map_err(fail(&path))?;
        }
        let history = History::parse(&String::from_utf8_lossy(&bytes));
        if let Some(holds) = history.scope().filter(|holds| *holds != account) {
            let name =
                |scope: Option<&str>| scope.map_or_else(|| "every account".to_owned(), |id| format!("account {id}"));
            return Err(CacheError::OtherScope {
                folder: folder.display().to_string(),
                holds: name(holds),
                wants: name(account),
            });
        }
        Ok(Self { folder: folder.to_owned(), paid, history, account: account.map(str::to_owned) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// The pages of the last answer by usage type of a service; none where it was never asked.
    pub(crate) fn usage_types(&self, service: &str) -> Vec<PathBuf> {
        let what = What::UsageTypes(service.to_owned());
        let done = self.history.payments.iter().rfind(|payment| payment.query == what.key() && payment.done.is_some());
        let Some((at, done)) = done.and_then(|payment| payment.done.map(|done| (payment.time, done))) else {
            return Vec::new();
        };
        (1..=done.pages).map(|number| self.folder.join(DETAIL).join(name(&what, at, number))).collect()
    }

    /// Whether any page of spend was read to its end or kept on the way.
    pub(crate) fn holds_spend(&self) -> bool {
        self.history.scope().is_some()
    }

    /// Writes down that a page is about to be asked for: before it is, so that no crash forgets it.
    pub(super) fn pay(&mut self, query: &Query, now: Seconds) -> Result<(), CacheError> {
        self.enter(Payment::new(query, now, 1, None))
    }

    /// Takes back a page that AWS refused: only successful requests are billed.
    pub(super) fn refund(&mut self, query: &Query, now: Seconds) -> Result<(), CacheError> {
        self.enter(Payment::new(query, now, -1, None))
    }

    /// Writes down that an answer was read to its end.
    pub(super) fn done(&mut self, query: &Query, now: Seconds, pages: u32, accounts: usize) -> Result<(), CacheError> {
        self.enter(Payment::new(query, now, 0, Some(Done { pages, accounts })))
    }

    fn enter(&mut self, payment: Payment) -> Result<(), CacheError> {
        let path = self.folder.join(PAID);
        let line = serde_json::to_string(&payment).map_err(|error| fail(&path)(error.into()))?;
        let written = self.paid.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.paid.sync_data());
        written.map_err(fail(&path))?;
        self.history.payments.push(payment);
        Ok(())
    }

    /// Keeps a page with the time of sight, which is that of the whole answer.
    pub(super) fn keep(&self, query: &Query, now: Seconds, number: u32, mut body: Value) -> Result<(), CacheError> {
        if let Some(fields) = body.as_object_mut() {
            fields.insert("SeenAt".to_owned(), time::format(now).into());
            if let Some(account) = &self.account {
                fields.insert("Account".to_owned(), account.as_str().into());
            }
        }
        let folder = if query.what.is_detail() { self.folder.join(DETAIL) } else { self.folder.clone() };
        make_folder(&folder)?;
        let path = folder.join(name(&query.what, now, number));
        // Hidden, so that a reader of the folder never meets half a page.
        let half = folder.join(format!(".{}.{}.tmp", name(&query.what, now, number), std::process::id()));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
            file.write_all(body.to_string().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&half, &path)
        };
        write().map_err(fail(&path))
    }
}

/// The name of a page's file; names sort by time.
fn name(what: &What, now: Seconds, number: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let what: String = what.key().chars().map(plain).take(80).collect();
    format!("{}-{what}-{number:03}.json", stamp(now))
}

pub(super) fn make_folder(folder: &Path) -> Result<(), CacheError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail(folder))
}

pub(super) fn fail(path: &Path) -> impl Fn(io::Error) -> CacheError + use<'_> {
    move |source| CacheError::Io { path: path.display().to_string(), source }
}
