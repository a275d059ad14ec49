//! How `replay` and `reduce` tell what was found.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Status, Voice};
use crate::model::{Level, Skipped};
use crate::report::{Format, Report};

#[derive(Args)]
pub(super) struct Findings {
    /// How to write the results [default: table on a terminal, else ndjson].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write the results to a file, or to s3://bucket/key.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out findings below this level.
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "informational")]
    pub min_level: Level,
    /// Exit with 0 where incidents were found.
    #[arg(long)]
    pub exit_zero: bool,
}

impl Findings {
    /// Writes a report and names what is not in it: what was skipped, and bills that others replace.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn tell(
        &self,
        report: Report,
        superseded: &[Skipped],
        is_complete: bool,
        voice: Voice,
    ) -> Result<Status> {
        let is_complete = report.summary.skipped.is_empty() && is_complete;
        voice.name(report.summary.skipped.iter().chain(superseded));
        let found = !report.incidents.is_empty();
        match self.write(&report.at_least(self.min_level), voice) {
            Err(error) if super::is_broken_pipe(&error) => {}
            written => written?,
        }
        Ok(Status::of(is_complete, found && !self.exit_zero))
    }

    fn write(&self, report: &Report, voice: Voice) -> Result<()> {
        super::output::to(self.output.as_deref(), voice, |look, is_terminal, out| {
            let usual = if is_terminal { Format::Table } else { Format::Ndjson };
            report.write(self.format.unwrap_or(usual), look, out)
        })
    }
}
