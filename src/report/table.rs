//! The face of the product: what an engineer reads at 3 a.m.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use console::Style;

use super::page::{Page, stamp, wrap};
use super::{Look, Report, next};
use crate::event::{DAY, Seconds};
use crate::model::escape::terminal;
use crate::model::{Finding, Incident, Level, Summary, counted, money, noun};

/// Findings outside of incidents that are listed; the rest is counted.
const LISTED: usize = 20;
/// Reasons of a finding that are shown; ndjson has all.
const SHOWN_REASONS: usize = 3;
/// The column in which titles of findings begin.
const TITLES: usize = 37;

pub(super) fn write(report: &Report, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(look, out);
    for incident in &report.incidents {
        page.incident(report, incident)?;
    }
    if report.incidents.is_empty() {
        page.line(&Style::new().green().bold(), "No incident.")?;
    }
    page.others(report)?;
    page.summary(&report.summary)
}

impl Page<'_> {
    fn incident(&mut self, report: &Report, incident: &Incident) -> io::Result<()> {
        let title = format!("{}  {}", incident.level.as_str().to_uppercase(), terminal(&incident.title));
        self.line(&level_style(incident.level), &title)?;
        let root = incident
            .root
            .credential
            .as_deref()
            .map_or_else(|| "no credential on record".to_owned(), |key| format!("key {key}"));
        self.field("who", &format!("{}, {root} ({})", incident.root.name(), incident.root.confidence.as_str()))?;
        self.field("where", &self.place(incident))?;
        let opened = lasted(incident.opened_at - incident.first_event);
        self.field(
            "since",
            &format!(
                "{} until {}; an incident after {opened}",
                stamp(incident.first_event),
                stamp(incident.last_event)
            ),
        )?;
        self.field("made", &made(incident))?;
        if let Some(burn) = super::burn(incident) {
            self.field("burn", &burn)?;
        }
        for (number, step) in next::steps(incident).iter().enumerate() {
            self.field(if number == 0 { "next" } else { "" }, &format!("{}. {step}", number + 1))?;
        }
        self.field("incident", &format!("{}, opened {}", incident.id, stamp(incident.opened_at)))?;
        writeln!(self.out)?;
        self.line(&Style::new().bold(), "What happened")?;
        for sentence in &incident.narrative {
            self.wrapped("  - ", "    ", &terminal(sentence))?;
        }
        writeln!(self.out)?;
        let findings = report.findings_of(incident);
        let notices = findings.iter().filter(|finding| finding.notice).count();
        let notices = match notices {
            0 => String::new(),
            notices => format!(" and {}", counted(notices, "notice")),
        };
        let pages = findings.iter().filter(|finding| !finding.notice).count();
        self.line(&Style::new().bold(), &format!("Findings ({pages}{notices})"))?;
        self.findings(&findings, usize::MAX)?;
        writeln!(self.out)
    }

    fn place(&self, incident: &Incident) -> String {
        let accounts = format!("{} {}", noun("account", incident.accounts.len()), incident.accounts.join(", "));
        let regions = match incident.regions.as_slice() {
            [] => String::new(),
            [one] => format!(", region {one}"),
            many => format!(", {} regions", many.len()),
        };
        let from = if incident.source_ips.is_empty() {
            String::new()
        } else {
            format!(", from {}", incident.source_ips.join(", "))
        };
        format!("{accounts}{regions}{from}")
    }

    fn others(&mut self, report: &Report) -> io::Result<()> {
        let alone: Vec<_> = report.findings.iter().filter(|finding| finding.incident.is_none()).collect();
        let (notices, findings): (Vec<_>, Vec<_>) = alone.into_iter().partition(|finding| finding.notice);
        let (allowed, findings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.allowed.is_some());
        let (added, findings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.external);
        if !report.incidents.is_empty() {
            self.counts("Findings outside of incidents", &findings)?;
        } else if !findings.is_empty() {
            self.line(&Style::new().bold(), &format!("Findings ({})", findings.len()))?;
            let mut shown = findings;
            shown.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.time));
            self.findings(&shown, LISTED)?;
            writeln!(self.out)?;
        }
        self.counts("Matches of added rules", &added)?;
        self.counts("Allowed", &allowed)?;
        self.counts("Notices", &notices)
    }

    /// How often each detector spoke, and who answers for it.
    fn counts(&mut self, title: &str, findings: &[&Finding]) -> io::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        let kind = |((detector, owner), count): ((&str, Option<&str>), usize)| match owner {
            Some(owner) => format!("{count} {detector} (owner {owner})"),
            None => format!("{count} {detector}"),
        };
        let kinds: Vec<_> = super::kinds(findings).into_iter().map(kind).collect();
        self.line(&Style::new().bold(), &format!("{title} ({})", findings.len()))?;
        self.wrapped("  ", "  ", &terminal(&kinds.join(", ")))?;
        writeln!(self.out)
    }

    /// Findings of one detector about one principal, told once.
    fn findings(&mut self, findings: &[&Finding], most: usize) -> io::Result<()> {
        let mut groups: Vec<Vec<&Finding>> = Vec::new();
        for finding in findings {
            let alike = |group: &&mut Vec<&Finding>| {
                let first = group[0];
                (&first.detector, &first.principal, first.level, first.notice)
                    == (&finding.detector, &finding.principal, finding.level, finding.notice)
            };
            match groups.iter_mut().find(alike) {
                Some(group) => group.push(finding),
                None => groups.push(vec![finding]),
            }
        }
        for group in groups.iter().take(most) {
            self.group(group)?;
        }
        let left: usize = groups.iter().skip(most).map(Vec::len).sum();
        if left > 0 {
            self.wrapped("  ", "  ", &format!("and {left} more; --format ndjson lists all"))?;
        }
        Ok(())
    }

    fn group(&mut self, group: &[&Finding]) -> io::Result<()> {
        let first = group[0];
        let level = if first.notice { "notice" } else { first.level.as_str() };
        let style = if first.notice { Style::new().dim() } else { level_style(first.level) };
        let level = style.force_styling(self.color).apply_to(format!("{level:<13}"));
        let times = if group.len() > 1 { format!(" ({} times)", group.len()) } else { String::new() };
        let title = format!("{}{times}", terminal(&first.title));
        for (number, line) in wrap(&title, self.width.saturating_sub(TITLES)).iter().enumerate() {
            match number {
                0 => writeln!(self.out, "  {}  {level}{line}", stamp(first.time))?,
                _ => writeln!(self.out, "{:TITLES$}{line}", "")?,
            }
        }
        let who = match first.principal.rsplit(['/', ':']).next() {
            Some(name) if !name.is_empty() => name,
            _ => "nobody known",
        };
        let regions: BTreeSet<&str> = group.iter().map(|finding| finding.region.as_str()).collect();
        let place = match regions.len() {
            1 if first.region.is_empty() => "no region".to_owned(),
            1 => first.region.clone(),
            many => format!("{many} regions"),
        };
        let events: usize = group.iter().map(|finding| finding.event_ids.len()).sum();
        let spent: f64 = group.iter().filter_map(|finding| Some(finding.cost.as_ref()?.amount)).sum();
        let size = match &first.cost {
            Some(spend) => money(spent, &spend.currency),
            None => counted(events, "event"),
        };
        let mut reasons = first.reasons.clone();
        reasons.truncate(SHOWN_REASONS);
        let why = if reasons.is_empty() { String::new() } else { format!("; {}", reasons.join("; ")) };
        let indent = " ".repeat(25);
        let text = format!("{who} in {place}, {size}{why}");
        self.wrapped(&indent, &indent, &terminal(&text))
    }

    fn summary(&mut self, s: &Summary) -> io::Result<()> {
        let span = match (s.first_event, s.last_event) {
            (Some(first), Some(last)) => format!(" from {} to {}", stamp(first), stamp(last)),
            _ => String::new(),
        };
        let read = format!(
            "Read {}: {} kept, {} duplicate, {} malformed, {} not logs. {}, {}, {} of history{span}.",
            counted(s.read, "record"),
            s.kept,
            s.duplicate,
            s.malformed,
            s.not_a_log,
            counted(s.accounts.len(), "account"),
            counted(s.regions.len(), "region"),
            counted(s.history_days, "day")
        );
        if s.read > 0 || s.cost.is_none() {
            self.wrapped("", "", &read)?;
        }
        if let Some(cost) = &s.cost {
            self.wrapped("", "", &terminal(&cost.to_string()))?;
        }
        for skipped in &s.skipped {
            self.wrapped("  ", "    ", &terminal(&format!("could not read {}: {}", skipped.path, skipped.why)))?;
        }
        Ok(())
    }
}

fn made(incident: &Incident) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in &incident.resources {
        *kinds.entry(&resource.kind).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    let made: Vec<_> = kinds.iter().map(|(kind, count)| counted(*count, kind)).collect();
    if made.is_empty() { "nothing on record".to_owned() } else { made.join(", ") }
}

pub(super) fn level_style(level: Level) -> Style {
    match level {
        Level::Critical => Style::new().red().bold(),
        Level::High => Style::new().red(),
        Level::Medium => Style::new().yellow(),
        Level::Low | Level::Informational => Style::new(),
    }
}

/// `45 min`, `36 h`, `4 days`: as precise as matters.
fn lasted(seconds: Seconds) -> String {
    let minutes = seconds / 60;
    match minutes {
        ..=180 => format!("{minutes} min"),
        _ if seconds <= 3 * DAY => format!("{} h", minutes / 60),
        _ => counted(seconds / DAY, "day"),
    }
}
