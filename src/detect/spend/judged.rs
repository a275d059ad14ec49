//! One row on one day, with what is usual for it.

use super::alert::{Alert, span};
use super::book::{Book, Key};
use super::usual::{COMPARED, Usual};
use crate::cost::day_of_month;

/// The newest day, and the one before again, because late data makes it grow.
pub(super) const JUDGED: [usize; 2] = [1, 2];
/// A day this near to the turn of the month may hold what the last turn held.
const TURN: (i8, i8) = (27, 3);
/// So much of the amount at the last turn of the month explains this one.
const LAST_TURN: f64 = 0.75;

/// A row and a day with what is usual for it.
pub(super) struct Judged<'b> {
    pub key: &'b Key,
    pub days: &'b [f64],
    /// Position of the judged day.
    pub day: usize,
    pub usual: Usual,
    pub level: f64,
    pub expected: f64,
}

impl<'b> Judged<'b> {
    pub(super) fn new(key: &'b Key, days: &'b [f64], day: usize, book: &Book) -> Option<Self> {
        let usual = Usual::new(&days[day - COMPARED..day], book.day(day))?;
        let level = usual.level(0);
        let expected = usual.on(level, 0);
        Some(Self { key, days, day, usual, level, expected })
    }

    pub(super) fn amount(&self) -> f64 {
        self.days[self.day]
    }

    pub(super) fn excess(&self) -> f64 {
        self.amount() - self.expected
    }

    /// The last turn of the month was as high.
    pub(super) fn is_turn_of_month(&self, book: &Book) -> bool {
        let day = day_of_month(book.day(self.day));
        let near = day >= TURN.0 || day <= TURN.1;
        let last = self.days[self.day - 33..self.day - 26].iter().copied().fold(0.0, f64::max);
        near && self.usual.median > 0.0 && last > LAST_TURN * self.amount()
    }

    pub(super) fn alert(&self, book: &Book, amount: f64, expected: f64, mut reasons: Vec<String>) -> Alert {
        let compared = span(book, self.day - COMPARED..self.day);
        reasons.push(format!("compared with its own days {compared}, the same weekdays among them"));
        Alert { key: self.key.clone(), day: self.day, amount, expected, reasons }
    }
}
