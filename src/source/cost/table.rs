//! Tables with one amount in each row: Cost and Usage Reports, FOCUS, plain dated rows.

use super::fold::{Fold, Key};
use super::folded::Counts;
use super::frame::Frame;
use super::layout::{Format, Layout, Role};
use super::value::{amount, early, kind, quoted, region, region_of, seconds};
use crate::cost::ledger::Entry;
use crate::cost::{Day, RecordType, usually_seen};
use crate::event::Seconds;

/// Amounts of rows without a currency.
const DOLLARS: &str = "USD";

/// What the rows of one file came to.
pub(super) struct Table {
    layout: Layout,
    pub(super) fold: Fold,
    /// Rows that are not blank.
    pub(super) rows: u64,
    malformed: u64,
    /// The number of the first row or line that cannot be read, and what is wrong with it.
    first_malformed: Option<(u64, String)>,
    /// The last date and what it means: rows come in runs of one day.
    date: (String, Option<Seconds>),
    seen: (String, Option<Seconds>),
}

impl Table {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            fold: Fold::default(),
            rows: 0,
            malformed: 0,
            first_malformed: None,
            date: (String::new(), None),
            seen: (String::new(), None),
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How its days stand to those of other files: reports come in parts that add up, and a plain table says all that
    /// was seen at a time.
    pub(super) fn entry(&self) -> Entry {
        match self.layout.format {
            Format::Cur | Format::Focus => Entry::LineItem,
            Format::Plain => Entry::Statement,
        }
    }

    /// Takes in all rows; `place` numbers a row of the frame.
    pub(super) fn take(&mut self, frame: &Frame, place: impl Fn(usize) -> u64) {
        for row in 0..frame.rows {
            if self.is_blank(frame, row) {
                continue;
            }
            self.rows += 1;
            if let Err(why) = self.row(frame, row) {
                self.malformed += 1;
                // Places are costly to find, and those in one frame only grow.
                if self.first_malformed.is_none() {
                    self.first_malformed = Some((place(row), why));
                }
            }
        }
    }

    /// Counts lines that never came as far as a frame, the first of them at `place`.
    pub(super) fn broken(&mut self, count: u64, place: u64, why: impl Into<String>) {
        self.rows += count;
        self.malformed += count;
        if count > 0 && self.first_malformed.as_ref().is_none_or(|(first, _)| place < *first) {
            self.first_malformed = Some((place, why.into()));
        }
    }

    /// How many rows there were and what was wrong with some; `unit` is what their places number.
    pub(super) fn counts(&mut self, unit: &str, notes: Vec<String>) -> Counts {
        let first = self.first_malformed.take();
        Counts {
            rows: self.rows,
            duplicate: self.fold.duplicate,
            malformed: self.malformed,
            first_malformed: first.map(|(place, why)| format!("{unit} {place}: {why}")),
            notes,
        }
    }

    fn is_blank(&self, frame: &Frame, row: usize) -> bool {
        (0..self.layout.columns.len()).all(|column| frame.cell(column, row).is_none())
    }

    fn row(&mut self, frame: &Frame, row: usize) -> Result<(), String> {
        let layout = &self.layout;
        let find = |role| layout.slots(role).iter().find_map(|slot| frame.cell(*slot, row));
        let text = |role| find(role).unwrap_or_default();
        let (usage, seen) = times(&mut self.date, &mut self.seen, text(Role::Date), find(Role::Seen))?;
        let service = text(Role::Service);
        let mut record_type = kind(text(Role::RecordType), service);
        if record_type == RecordType::Usage && text(Role::Class).eq_ignore_ascii_case("correction") {
            record_type = RecordType::Credit;
        }
        let money = if record_type == RecordType::Usage { Role::Amount } else { Role::Charge };
        let cell = find(money).ok_or("no amount")?;
        let money = amount(cell).ok_or_else(|| format!("amount {} is no number", quoted(cell)))?;
        let key = Key {
            account: text(Role::Account),
            currency: find(Role::Currency).unwrap_or(DOLLARS),
            service,
            region: find(Role::Region).map_or_else(|| region_of(text(Role::Zone)), region),
            usage_type: text(Role::UsageType),
            record_type,
            principal: text(Role::Principal),
        };
        // Hours and resources of one day are rows of their own, in tables of every kind.
        self.fold.enter(&key, usage, seen, money, Entry::LineItem);
        Ok(())
    }
}

/// The day of a row and when it was seen.
fn times(
    last_date: &mut (String, Option<Seconds>),
    last_seen: &mut (String, Option<Seconds>),
    date: &str,
    seen: Option<&str>,
) -> Result<(Day, Seconds), String> {
    let usage = remembered(last_date, date).ok_or_else(|| match date {
        "" => "no date".to_owned(),
        _ => format!("date {} is none", quoted(date)),
    })?;
    let usage = crate::cost::day_of(usage);
    match seen {
        None => Ok((usage, usually_seen(usage))),
        Some(text) => {
            let seen = remembered(last_seen, text).ok_or_else(|| format!("time of sight {} is none", quoted(text)))?;
            early(usage, seen).map_or(Ok((usage, seen)), Err)
        }
    }
}

fn remembered(last: &mut (String, Option<Seconds>), text: &str) -> Option<Seconds> {
    if last.0 != text {
        text.clone_into(&mut last.0);
        last.1 = seconds(text);
    }
    last.1
}
