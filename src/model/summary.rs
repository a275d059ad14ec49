//! What a run read and found.

use serde::{Serialize, Serializer};

use crate::event::{Seconds, time};

/// An input that could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Skipped {
    pub path: String,
    pub why: String,
}

/// The accounting of a run: `read = kept + duplicate + malformed + not_a_log`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Summary {
    pub read: u64,
    pub kept: u64,
    pub duplicate: u64,
    pub malformed: u64,
    pub not_a_log: u64,
    pub skipped: Vec<Skipped>,
    #[serde(serialize_with = "optional_rfc3339")]
    pub first_event: Option<Seconds>,
    #[serde(serialize_with = "optional_rfc3339")]
    pub last_event: Option<Seconds>,
    pub accounts: Vec<String>,
    pub regions: Vec<String>,
    pub findings: usize,
    pub incidents: usize,
    /// Days from the first event known of any account to the last.
    pub history_days: i64,
}

pub(crate) fn rfc3339<S: Serializer>(at: &Seconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time::format(*at))
}

fn optional_rfc3339<S: Serializer>(at: &Option<Seconds>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}
