//! What somebody answers for, as findings and summaries name it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a finding is not told by itself: an entry of `[[allow]]` covers all of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Allowed {
    /// Who answers for it.
    pub owner: String,
    pub reason: String,
    /// The day from which on the entry no longer holds: `2027-01-31`.
    pub expires: String,
}

/// An entry of `[[allow]]` in a summary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AllowEntry {
    pub principal: String,
    pub detector: String,
    pub owner: String,
    pub expires: String,
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, detector, owner, .. } = self;
        write!(f, "{detector} by {principal} (owner {owner})")
    }
}
