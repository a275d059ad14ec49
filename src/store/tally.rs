//! What paged nobody and is not told yet: as much of it as the head keeps.

use serde::{Deserialize, Serialize};

use crate::event::Seconds;

/// The part of the head about notices and the digest of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tally {
    /// Up to when digests tell what there was; none: none is due before the next time of day.
    pub digested: Option<Seconds>,
    /// Notices that wait until the message before them is gone, a line each.
    pub lines: Vec<String>,
    /// Notices beyond those lines.
    pub more: usize,
}
