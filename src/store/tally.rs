//! What paged nobody and is not told yet: as much of it as the head keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Seconds;

/// The part of the head about notices and the digest of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tally {
    /// Up to when digests tell what there was; none: none is due before the next time of day.
    pub digested: Option<Seconds>,
    /// Notices that wait until the message before them is gone, by channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, Lines>,
    /// When an entry of `[[allow]]` hid something last, or was seen first, by its hash.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub allow_used: BTreeMap<String, Seconds>,
    /// When entries of `[[allow]]` that end or hide nothing were told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_told: Option<Seconds>,
}

/// Notices for one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lines {
    /// A line each.
    pub lines: Vec<String>,
    /// Those beyond these lines.
    pub more: usize,
}
