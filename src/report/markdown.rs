//! Markdown, for a ticket.

use std::io::{self, Write};

use super::{Report, next};
use crate::event::time;
use crate::model::escape::markdown;
use crate::model::{Finding, Incident, counted};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.incidents.is_empty() {
        writeln!(out, "# No incident\n")?;
    }
    for incident in &report.incidents {
        write_incident(report, incident, out)?;
    }
    let alone = report.findings.iter().filter(|finding| finding.incident.is_none());
    let (notices, findings): (Vec<&Finding>, Vec<&Finding>) = alone.partition(|finding| finding.notice);
    let (allowed, findings): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| finding.allowed.is_some());
    if !findings.is_empty() {
        writeln!(out, "## Findings outside of incidents\n")?;
        write_findings(&findings, out)?;
    }
    write_counts("Allowed", &allowed, out)?;
    write_counts("Notices", &notices, out)?;
    let s = &report.summary;
    writeln!(
        out,
        "Read {}: {} kept, {} duplicate, {} malformed, {} not logs. {} of history.",
        counted(s.read, "record"),
        s.kept,
        s.duplicate,
        s.malformed,
        s.not_a_log,
        counted(s.history_days, "day")
    )?;
    if let Some(cost) = &s.cost {
        writeln!(out, "{}", markdown(&cost.to_string()))?;
    }
    for skipped in &s.skipped {
        writeln!(out, "- could not read {}: {}", markdown(&skipped.path), markdown(&skipped.why))?;
    }
    Ok(())
}

fn write_incident(report: &Report, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}: {}\n", incident.level.as_str().to_uppercase(), markdown(&incident.title))?;
    let root = incident.root.credential.as_deref().unwrap_or("no credential on record");
    let rows = [
        ("Incident", format!("{}, account {}", incident.id, incident.accounts.join(", "))),
        ("Way in", format!("{} ({root}), {}", incident.root.name(), incident.root.confidence.as_str())),
        ("Since", format!("{} until {}", time::format(incident.first_event), time::format(incident.last_event))),
        ("Opened", time::format(incident.opened_at)),
        ("From", incident.source_ips.join(", ")),
        ("Regions", incident.regions.join(", ")),
        ("Burn", super::burn(incident).unwrap_or_default()),
        ("Credentials", incident.credentials.join(", ")),
        ("ATT&CK", incident.attack.join(", ")),
    ];
    writeln!(out, "| | |\n|---|---|")?;
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "| {name} | {} |", markdown(&value))?;
    }
    writeln!(out, "\n## What happened\n")?;
    for sentence in &incident.narrative {
        writeln!(out, "- {}", markdown(sentence))?;
    }
    writeln!(out, "\n## Next\n")?;
    for (number, step) in next::steps(incident).iter().enumerate() {
        writeln!(out, "{}. {}", number + 1, markdown(step))?;
    }
    writeln!(out, "\n## Made\n")?;
    for resource in &incident.resources {
        let gone = if resource.exists { "" } else { " (deleted)" };
        writeln!(out, "- {} by {}{gone}", markdown(&resource.arn), markdown(&resource.action))?;
    }
    writeln!(out, "\n## Findings\n")?;
    write_findings(&report.findings_of(incident), out)
}

/// How often each detector spoke.
fn write_counts(title: &str, findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "## {title} ({})\n", findings.len())?;
    for ((detector, owner), count) in super::kinds(findings) {
        let owner = owner.map_or_else(String::new, |owner| format!(", owner {}", markdown(owner)));
        writeln!(out, "- {count} {}{owner}", markdown(detector))?;
    }
    writeln!(out)
}

fn write_findings(findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| time | level | detector | who | region | why |\n|---|---|---|---|---|---|")?;
    for finding in findings {
        let level = if finding.notice { "notice" } else { finding.level.as_str() };
        let why = markdown(&finding.reasons.join("; "));
        writeln!(
            out,
            "| {} | {level} | {} | {} | {} | {why} |",
            time::format(finding.time),
            markdown(&finding.detector),
            markdown(&finding.principal),
            markdown(&finding.region)
        )?;
    }
    writeln!(out)
}
