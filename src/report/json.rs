//! JSON, a line an object or in one document. Schema `stakeout/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;

/// Says what a line is.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    value: &'a T,
}

/// One object a line: findings, incidents, then the summary.
pub(super) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        line(out, "finding", finding)?;
    }
    for incident in &report.incidents {
        line(out, "incident", incident)?;
    }
    line(out, "summary", &report.summary)
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
