//! Findings, incidents and bills as people and pipes read them.

pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod next;
pub(crate) mod page;
pub(crate) mod plan;
pub(crate) mod spend;
pub(crate) mod table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};

use clap::ValueEnum;

use crate::model::{self, Finding, Incident, Level, Summary};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person at a terminal.
    Table,
    /// One JSON object a line, schema `stakeout/1`.
    Ndjson,
    /// One JSON document.
    Json,
    /// For a ticket or a chat.
    Markdown,
    /// One row a finding.
    Csv,
}

/// Everything that a run found.
#[derive(Debug)]
pub(crate) struct Report {
    pub findings: Vec<Finding>,
    pub incidents: Vec<Incident>,
    pub summary: Summary,
}

/// How a table may look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub columns: usize,
    pub color: bool,
}

impl Report {
    /// Leaves out what is below a level. The findings of an incident that is told stay with it.
    pub(crate) fn at_least(mut self, level: Level) -> Self {
        self.incidents.retain(|incident| incident.level >= level);
        let mut findings = std::mem::take(&mut self.findings);
        findings.retain(self.tells(level));
        Self { findings, ..self }
    }

    /// Which findings belong to a report that tells these incidents and, beside them, what is at a level or above.
    pub(crate) fn tells(&self, level: Level) -> impl Fn(&Finding) -> bool {
        let told: HashSet<&str> = self.incidents.iter().map(|incident| incident.id.as_str()).collect();
        move |finding| finding.level >= level || finding.incident.as_deref().is_some_and(|id| told.contains(id))
    }

    /// Writes the report.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub(crate) fn write(&self, format: Format, look: Look, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Table => table::write(self, look, out),
            Format::Ndjson => json::write_lines(self, out),
            Format::Json => json::write_document(self, out),
            Format::Markdown => markdown::write(self, out),
            Format::Csv => csv::write(self, out),
        }
    }

    /// The findings of an incident, in order of time.
    pub(crate) fn findings_of(&self, incident: &Incident) -> Vec<&Finding> {
        let by_id: HashMap<&str, &Finding> =
            self.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
        incident.findings.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect()
    }
}

/// How often each detector spoke, and who answers for it.
fn kinds<'f>(findings: &[&'f Finding]) -> BTreeMap<(&'f str, Option<&'f str>), usize> {
    let mut kinds = BTreeMap::new();
    for finding in findings {
        let owner = finding.allowed.as_ref().map(|allowed| allowed.owner.as_str());
        *kinds.entry((&*finding.detector, owner)).or_default() += 1;
    }
    kinds
}

/// What an incident costs by the hour, where that is known.
fn burn(incident: &Incident) -> Option<String> {
    incident.burn_usd_per_hour.map(model::burn)
}
