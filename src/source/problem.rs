//! What could not be read, in words.

/// What could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The feed, account or request.
    pub what: String,
    /// In AWS's words, with the right that is missing where one is.
    pub why: String,
    /// Whether events may be missing in this pass.
    pub blind: bool,
}

impl Problem {
    /// Events may be missing.
    pub(super) fn blind(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), blind: true }
    }

    /// No event is missing for it.
    pub(super) fn minor(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), blind: false }
    }
}
