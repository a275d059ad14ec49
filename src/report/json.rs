//! JSON, a line an object or in one document. Schema `stakeout/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use crate::model::Finding;

/// Says what a line is.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    value: &'a T,
}

/// One object a line: findings, incidents, then the summary.
pub(super) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    report.findings.iter().try_for_each(|finding| write_finding(finding, out))?;
    for incident in &report.incidents {
        line(out, "incident", incident)?;
    }
    line(out, "summary", &report.summary)
}

/// The line of a finding, which comes before those of a report.
///
/// # Errors
/// Whatever the writer says.
pub(crate) fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    line(out, "finding", finding)
}

/// Writes an object with its kind before the rest, on a line of its own.
pub(super) fn line<T: Serialize>(out: &mut dyn Write, kind: &'static str, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { kind, value })?;
    out.write_all(b"\n")
}

/// One document with all of it.
pub(super) fn write_document(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::json!({
        "schema": "stakeout/1",
        "findings": report.findings,
        "incidents": report.incidents,
        "summary": report.summary,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}
