//! What a pass of a watch saw and did.

use crate::event::Seconds;

/// What a pass saw and did.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassFacts {
    /// When it began.
    pub at: Seconds,
    /// Wall time that it took.
    pub seconds: f64,
    /// It read what was handed in, and asked no feed.
    pub is_handed: bool,
    /// Events may be missing, whether of a feed or of what no feed stands for.
    pub is_blind: bool,
    pub feeds: Vec<FeedFacts>,
    /// Incidents that this pass opened.
    pub opened: usize,
    /// Incidents that this pass changed.
    pub changed: usize,
    /// Incidents that are open.
    pub open_incidents: usize,
    /// Findings of this pass.
    pub findings: usize,
    /// Messages that wait for a channel.
    pub undelivered: usize,
    /// Calls to the store.
    pub state_reads: u64,
    pub state_writes: u64,
}

/// What one feed gave. A feed is told by account, region and kind, which together are unique.
#[derive(Debug, Clone, Default)]
pub(crate) struct FeedFacts {
    /// Empty where a feed carries several.
    pub account: String,
    /// Empty where a feed carries several.
    pub region: String,
    /// `lookup`, `s3 bucket/prefix`, `sqs name`.
    pub feed: String,
    pub requests: u32,
    pub events: usize,
    /// Age of the newest event, where one was seen.
    pub lag_seconds: Option<i64>,
    pub errors: u32,
    /// Events may be missing.
    pub blind: bool,
}
