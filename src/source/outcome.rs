//! What became of one object: the counts that let the accounting close.

/// The result of reading one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Records given to the callback.
    pub(crate) records: u64,
    /// Things that should have been records and cannot be read.
    pub(crate) malformed: u64,
    /// Things that were never meant to be records: digests, notifications, HTML, nothing at all.
    pub(crate) not_a_log: u64,
    /// Where the first malformed thing is and what is wrong, such as `byte 123: why`.
    pub(crate) first_malformed: Option<String>,
    /// Why all or the rest of the object could not be read.
    pub(crate) skipped: Option<String>,
    /// Unpacked size in bytes.
    pub(crate) bytes: u64,
}

impl Outcome {
    /// An object of which nothing can be read.
    pub(super) fn unreadable(why: String) -> Self {
        Self { skipped: Some(why), ..Self::default() }
    }

    /// Everything counted so far, whatever became of it.
    pub(super) fn counted(&self) -> u64 {
        self.records + self.malformed + self.not_a_log
    }
}

/// A size as people say it: `1 GiB`, `64 MiB`, `1500 bytes`.
pub(super) fn size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}

/// A failure of the file system in words that do not depend on the platform.
pub(super) fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string(),
    }
}
