//! One thing to read, and the day AWS delivered it as its name tells.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::Member;
use super::delivery::{base_name, delivered_minute};

const MINUTES_PER_DAY: i64 = 24 * 60;

/// One thing to read: a file, a zip member, an object of S3, standard input or what AWS sent.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    name: String,
    place: Place,
    /// Minutes since 1970-01-01T00:00Z.
    delivered: Option<i64>,
    bytes: u64,
}

/// Where the bytes of an object are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The file whose path is the object's name.
    Named,
    /// A file whose path is not text, so the name is only an approximation.
    Path(PathBuf),
    /// A member of a zip archive.
    Member(Arc<Path>, Box<Member>),
    /// Standard input.
    Stdin,
    /// What came over the network and is held in memory.
    Memory(Arc<[u8]>),
    /// The object of S3 whose address is the object's name, not yet here.
    Remote,
    /// The same, held in memory.
    Fetched(Arc<[u8]>),
    /// A zip archive without any file in it.
    EmptyArchive,
    /// Something that exists and cannot be opened, and why.
    Unreadable(String),
}

impl Object {
    pub(super) fn stdin() -> Self {
        Self::new("-".to_owned(), Place::Stdin, 0)
    }

    pub(super) fn file(path: PathBuf, bytes: u64) -> Self {
        match path.into_os_string().into_string() {
            Ok(name) => Self::new(name, Place::Named, bytes),
            Err(raw) => {
                let name = raw.to_string_lossy().into_owned();
                Self::new(name, Place::Path(PathBuf::from(raw)), bytes)
            }
        }
    }

    pub(super) fn member(archive: &Arc<Path>, member: Member) -> Self {
        let name = format!("{}!{}", archive.display(), member.name);
        let bytes = member.packed;
        Self::new(name, Place::Member(Arc::clone(archive), Box::new(member)), bytes)
    }

    /// What AWS sent, under a name by which a person finds it again.
    pub(crate) fn memory(name: String, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        Self::new(name, Place::Memory(bytes), length)
    }

    pub(super) fn empty_archive(path: &Path, bytes: u64) -> Self {
        Self::new(path.display().to_string(), Place::EmptyArchive, bytes)
    }

    pub(super) fn unreadable(path: &Path, why: String) -> Self {
        Self::new(path.display().to_string(), Place::Unreadable(why), 0)
    }

    /// An object of S3 by its address, `s3://bucket/key`.
    pub(super) fn remote(address: String, bytes: u64) -> Self {
        Self::new(address, Place::Remote, bytes)
    }

    /// What is in S3 under an address and cannot be read.
    pub(super) fn refused(address: String, why: String) -> Self {
        Self::new(address, Place::Unreadable(why), 0)
    }

    /// What somebody listed under a name and is not there any more.
    pub(super) fn gone(name: String) -> Self {
        Self::refused(name, "it is gone since it was listed".to_owned())
    }

    /// The same object with its bytes.
    pub(super) fn fetched(&self, bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self { name: self.name.clone(), place: Place::Fetched(bytes.into()), delivered: self.delivered, bytes: length }
    }

    /// Whether it is in S3 and not yet here.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.place, Place::Remote)
    }

    /// Whether only the reason is known for which it cannot be read.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self.place, Place::Unreadable(_))
    }

    fn new(name: String, place: Place, bytes: u64) -> Self {
        let delivered = delivered_minute(base_name(&name));
        Self { name, place, delivered, bytes }
    }

    /// The object as shown to people: a path, `archive.zip!member` or `-`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The day AWS delivered this file, in days since 1970-01-01, when its file name is one that
    /// AWS gives (`<account>_CloudTrail_<region>_YYYYMMDDTHHMMZ_<id>.json.gz`).
    pub(crate) fn delivered_day(&self) -> Option<i64> {
        self.delivered.map(|minute| minute.div_euclid(MINUTES_PER_DAY))
    }

    /// Size on disk in bytes; 0 where that is unknown.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Order of delivery; what has no delivery time comes first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.delivered
            .cmp(&other.delivered)
            .then_with(|| base_name(&self.name).cmp(base_name(&other.name)))
            .then_with(|| self.name.cmp(&other.name))
    }
}
