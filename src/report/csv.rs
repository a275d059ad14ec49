//! One row a finding, for spreadsheets.

use std::io::{self, Write};

use super::Report;
use crate::event::time;
use crate::model::escape::cell;

const HEADER: [&str; 14] = [
    "time",
    "level",
    "notice",
    "detector",
    "title",
    "account",
    "region",
    "principal",
    "credential",
    "source_ip",
    "incident",
    "events",
    "reasons",
    "allowed",
];

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(HEADER).map_err(cause)?;
    for finding in &report.findings {
        let optional = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
        rows.write_record([
            time::format(finding.time),
            finding.level.to_string(),
            finding.notice.to_string(),
            cell(&finding.detector),
            cell(&finding.title),
            cell(&finding.account),
            cell(&finding.region),
            cell(&finding.principal),
            optional(&finding.credential),
            optional(&finding.source_ip),
            optional(&finding.incident),
            finding.event_ids.len().to_string(),
            cell(&finding.reasons.join("; ")),
            cell(finding.allowed.as_ref().map_or("", |allowed| allowed.owner.as_str())),
        ])
        .map_err(cause)?;
    }
    rows.flush()
}

/// What the writer below said.
pub(super) fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::other("csv: a row that cannot be written"),
    }
}
