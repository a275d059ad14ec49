//! What a detector says about one row on one day.

use super::book::{Book, Key, PADDING};

/// One row that is unusual on one day.
pub(super) struct Alert {
    pub key: Key,
    /// Position of the day.
    pub day: usize,
    pub amount: f64,
    pub expected: f64,
    /// The arithmetic, for people.
    pub reasons: Vec<String>,
}

/// `2026-09-28`.
pub(super) fn date(book: &Book, day: usize) -> String {
    crate::cost::date(book.day(day))
}

/// `from 2026-08-01 to 2026-09-27`, for days from a position up to and without another, as far as the bill goes back.
pub(super) fn span(book: &Book, days: std::ops::Range<usize>) -> String {
    format!("from {} to {}", date(book, days.start.max(PADDING)), date(book, days.end.saturating_sub(1)))
}
