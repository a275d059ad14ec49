//! A message as JSON, schema `stakeout/1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Message, What};
use crate::model::{Finding, Incident};

/// Findings that are sent whole; the incident has the ids of all.
const FINDINGS: usize = 200;

#[derive(Serialize)]
struct Body<'a> {
    schema: &'static str,
    kind: &'static str,
    key: &'a str,
    what: What,
    headline: String,
    incident: Option<&'a Incident>,
    findings: &'a [Finding],
    /// Findings that would make the message too large.
    findings_left_out: usize,
    account_names: &'a BTreeMap<String, String>,
    changes: &'a [String],
    journal: &'a str,
}

/// The message on one line. Key and news are those of every attempt, the record is the latest.
///
/// # Errors
/// What serde says; plain data gives no reason to.
pub(super) fn json(message: &Message) -> serde_json::Result<String> {
    let findings = message.findings.get(..FINDINGS.min(message.findings.len())).unwrap_or_default();
    serde_json::to_string(&Body {
        schema: "stakeout/1",
        kind: "notification",
        key: &message.key,
        what: message.what,
        headline: super::text::headline(message),
        incident: message.incident.as_ref(),
        findings,
        findings_left_out: message.findings.len() - findings.len(),
        account_names: &message.account_names,
        changes: &message.changes,
        journal: &message.journal,
    })
}
