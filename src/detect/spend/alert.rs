//! What a detector says about one row on one day.

use super::book::{Book, Key, PADDING, Row};

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

impl Alert {
    /// A day that is so many times above the largest of two months.
    pub(super) fn above_largest(row: &Row, day: usize, times: f64, largest: f64, book: &Book) -> Self {
        let amount = row.days[day];
        let reasons = vec![format!(
            "{} on {}, more than {times} times the {} that was the most in two months",
            book.money(amount),
            date(book, day),
            book.money(largest)
        )];
        Self { key: row.key.clone(), day, amount, expected: largest, reasons }
    }
}

/// `2026-09-28`.
pub(super) fn date(book: &Book, day: usize) -> String {
    crate::cost::date(book.day(day))
}

/// `from 2026-08-01 to 2026-09-27`, for days from a position up to and without another, as far as the bill goes back.
pub(super) fn span(book: &Book, days: std::ops::Range<usize>) -> String {
    format!("from {} to {}", date(book, days.start.max(PADDING)), date(book, days.end.saturating_sub(1)))
}
