//! How `replay` and `reduce` tell what was found.

use std::io;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Status, Voice};
use crate::model::{Level, Skipped, Summary};
use crate::replay::spool::Spool;
use crate::report::json::write_finding;
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
        aside: Option<Spool>,
        superseded: &[Skipped],
        is_complete: bool,
        voice: Voice,
    ) -> Result<Status> {
        let is_complete = report.summary.skipped.is_empty() && is_complete;
        voice.name(report.summary.skipped.iter().chain(superseded));
        let found = !report.incidents.is_empty();
        let Summary { allow_unused, allow_expired, .. } = &report.summary;
        allow_unused.iter().for_each(|entry| voice.remark(&format!("[[allow]] hid nothing: {entry}")));
        allow_expired.iter().for_each(|entry| {
            voice.remark(&format!("[[allow]] no longer holds since {}: {entry}", entry.expires));
        });
        match self.write(report.at_least(self.min_level), aside, voice) {
            Err(error) if super::is_broken_pipe(&error) => {}
            written => written?,
        }
        Ok(Status::of(is_complete, found && !self.exit_zero))
    }

    /// Lines are written as they come; every other format needs all findings at once.
    fn write(&self, mut report: Report, aside: Option<Spool>, voice: Voice) -> Result<()> {
        let told = aside.map(Spool::in_order).transpose()?;
        super::output::to(self.output.as_deref(), voice, |look, is_terminal, out| {
            let usual = if is_terminal { Format::Table } else { Format::Ndjson };
            let format = self.format.unwrap_or(usual);
            let mut findings = Vec::new();
            let is_told = report.tells(self.min_level);
            for finding in told.into_iter().flatten() {
                let finding = finding.map_err(io::Error::other)?;
                match format {
                    _ if !is_told(&finding) => {}
                    Format::Ndjson => write_finding(&finding, out)?,
                    _ => findings.push(finding),
                }
            }
            drop(is_told);
            report.findings.extend(findings);
            report.write(format, look, out)
        })
    }
}
