//! Bills as people and pipes read them.

mod chart;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, Write};

use clap::ValueEnum;

use super::Look;
use crate::cost::{Day, Ledger};
use crate::model::{Cost, Finding, Skipped};

pub(crate) use view::View;

/// How bills are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SpendFormat {
    /// For a person at a terminal.
    Table,
    /// Findings and a summary, one JSON object a line, schema `stakeout/1`.
    Ndjson,
    /// One JSON document with the days of every series.
    Json,
    /// One row a day and series; `stakeout cost` reads it again.
    Csv,
}

/// What series are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Service,
    Region,
    UsageType,
    ServiceRegion,
}

/// What to show of a ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub by: By,
    /// Days up to the last of a bill.
    pub days: Day,
    /// Series of a bill, those with a finding apart.
    pub most: usize,
}

/// What reading came to.
#[derive(Debug, Default)]
pub(crate) struct Accounting {
    pub cost: Cost,
    pub skipped: Vec<Skipped>,
}

/// Bills, what is unusual about them, and how well they could be read.
#[derive(Debug)]
pub(crate) struct SpendReport {
    pub view: View,
    /// One service by usage type: money that the bills tell too.
    pub usage_types: Option<(String, View)>,
    /// In order of time.
    pub findings: Vec<Finding>,
    pub accounting: Accounting,
}

impl SpendReport {
    pub(crate) fn new(ledger: &Ledger, findings: Vec<Finding>, accounting: Accounting, choice: Choice) -> Self {
        Self { view: View::of(ledger, &findings, choice), usage_types: None, findings, accounting }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub(crate) fn write(&self, format: SpendFormat, look: Look, out: &mut dyn Write) -> io::Result<()> {
        match format {
            SpendFormat::Table => table::write(self, look, out),
            SpendFormat::Ndjson => rows::write_lines(self, out),
            SpendFormat::Json => rows::write_document(self, out),
            SpendFormat::Csv => rows::write_csv(self, out),
        }
    }
}
