//! The life of incidents over passes: pure. What a judgement says, beside what is known, becomes what is news.
//!
//! A judgement sees what is kept of the past and what is new. It never takes back: an incident that it tells with less
//! than is known stays as it is known, and one that it tells under another id keeps the id that it opened with.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Told, material};
use crate::event::{DAY, Seconds};
use crate::model::What;
use crate::model::{Finding, Incident, Status};
use crate::store::watched::Known;

/// What a closed incident rests on is kept this long: late events may open it again.
const REOPENS: Seconds = 7 * DAY;

/// What happened to an incident in a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    Opened,
    /// Changed, and worth a message.
    Changed,
    /// Goes on as it did.
    Continued,
    /// A person had closed it, and it went on in a new way.
    Reopened,
    /// Part of another incident from now on.
    Merged,
}

/// An incident that a pass has news of.
#[derive(Debug)]
pub(crate) struct Update {
    pub became: Became,
    pub told: Told,
    pub known: Known,
    /// What is new, in sentences.
    pub changes: Vec<String>,
}

impl Became {
    /// The word of the journal.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Changed => "changed",
            Self::Continued => "continued",
            Self::Reopened => "reopened",
            Self::Merged => "merged",
        }
    }

    /// The same as channels are told.
    pub(crate) fn what(self) -> What {
        match self {
            Self::Opened => What::Opened,
            Self::Changed | Self::Continued => What::Changed,
            Self::Reopened => What::Reopened,
            Self::Merged => What::Closed,
        }
    }
}

impl Update {
    /// Whether channels are told.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.became, Became::Opened | Became::Changed | Became::Reopened)
    }

    /// Whether it is printed and journalled: what goes on as a person has judged it already is not.
    pub(crate) fn is_told(&self) -> bool {
        self.became != Became::Continued || self.known.status == Status::Open
    }
}

/// Whether an incident can still change.
pub(super) fn may_go_on(known: &Known, now: Seconds) -> bool {
    known.status != Status::Closed || known.closed.as_ref().is_some_and(|closed| closed.at > now - REOPENS)
}

/// Takes news into what is known. Where a person closed the incident meanwhile it stays closed, unless it changed in a
/// way that the person cannot have seen.
pub(crate) fn adopt(known: &mut BTreeMap<String, Known>, update: &Update) {
    let mut next = update.known.clone();
    let current = known.get(&update.told.incident.id).filter(|current| current.status != Status::Open);
    if let Some(current) = current
        && update.became == Became::Continued
    {
        (next.status, next.closed) = (current.status, current.closed.clone());
    }
    known.insert(update.told.incident.id.clone(), next);
}

/// What is known of incidents, and how to find their last telling.
pub(crate) struct Past<'p> {
    pub known: &'p BTreeMap<String, Known>,
    pub told: &'p BTreeMap<String, Told>,
}

/// Compares a judgement with what is known. Gives findings their incident's lasting id.
pub(crate) fn updates(
    past: &Past<'_>,
    incidents: &mut [Incident],
    findings: &mut [Finding],
    now: Seconds,
) -> Vec<Update> {
    keep_ids(past, incidents, findings);
    let mut updates: Vec<Update> = Vec::new();
    let here: BTreeSet<String> = incidents.iter().map(|incident| incident.id.clone()).collect();
    for incident in incidents.iter() {
        let ids: BTreeSet<&str> = incident.findings.iter().map(String::as_str).collect();
        let own = findings.iter().filter(|finding| ids.contains(finding.id.as_str())).cloned().collect();
        updates.extend(update(past, Told { incident: incident.clone(), findings: own }, now));
    }
    let missing = past.known.iter().filter(|(id, known)| !here.contains(*id) && known.status != Status::Closed);
    for (id, known) in missing {
        let Some(told) = past.told.get(id) else { continue };
        let shares = |incident: &&Incident| told.incident.findings.iter().any(|id| incident.findings.contains(id));
        let likens = |incident: &&Incident| is_like(told, incident, findings);
        let into = incidents.iter().find(shares).or_else(|| incidents.iter().find(likens));
        let Some(into) = into.map(|incident| incident.id.clone()) else { continue };
        let mut told = told.clone();
        told.incident.status = Status::Closed;
        told.incident.merged_into = Some(into.clone());
        let changes = vec![format!("It is part of {into}.")];
        let known = Known { status: Status::Closed, merged_into: Some(into), changed_at: now, ..known.clone() };
        updates.push(Update { became: Became::Merged, told, known, changes });
    }
    updates
}

/// An incident that is told under a new id, while one that it shares findings with is not told at all, is that one.
fn keep_ids(past: &Past<'_>, incidents: &mut [Incident], findings: &mut [Finding]) {
    let here: BTreeSet<String> = incidents.iter().map(|incident| incident.id.clone()).collect();
    let is_merged = |id: &String| past.known.get(id).is_some_and(|known| known.merged_into.is_some());
    let mut missing: Vec<_> = past.told.iter().filter(|(id, _)| !here.contains(*id) && !is_merged(id)).collect();
    missing.sort_by_key(|(id, told)| (told.incident.opened_at, *id));
    for incident in incidents.iter_mut().filter(|incident| !past.known.contains_key(&incident.id)) {
        let shares = |told: &Told| told.incident.findings.iter().any(|id| incident.findings.contains(id));
        let same = missing.iter().position(|(_, told)| shares(told));
        let same = same.or_else(|| missing.iter().position(|(_, told)| is_like(told, incident, findings)));
        let Some(same) = same else { continue };
        // An id is given once, also where what was one incident is told as two.
        let (id, _) = missing.remove(same);
        let new = std::mem::replace(&mut incident.id, id.clone());
        let own = findings.iter_mut().filter(|finding| finding.incident.as_ref() == Some(&new));
        own.for_each(|finding| finding.incident = Some(id.clone()));
    }
}

/// Whether an incident has a finding of the same detector, caller and time as what was told. Earlier events that come
/// late can make all of its findings begin with others, and be told under other ids.
fn is_like(told: &Told, incident: &Incident, findings: &[Finding]) -> bool {
    let who = |finding: &Finding| {
        (finding.detector.clone(), finding.account.clone(), finding.principal.clone(), finding.credential.clone())
    };
    let mut own = findings.iter().filter(|finding| incident.findings.contains(&finding.id));
    let is_one = |one: &Finding, other: &Finding| (one.time - other.time).abs() < DAY && who(one) == who(other);
    own.any(|finding| told.findings.iter().any(|known| is_one(known, finding)))
}

/// What one told incident is beside what is known of it; nothing where nothing is new.
fn update(past: &Past<'_>, mut told: Told, now: Seconds) -> Option<Update> {
    let events = told.incident.members.events.len();
    let (known, before) = (past.known.get(&told.incident.id), past.told.get(&told.incident.id));
    let Some((known, before)) = known.zip(before) else {
        let became = if known.is_some() { Became::Reopened } else { Became::Opened };
        let known = fresh(&told.incident, known.map_or(1, |known| known.revision + 1), now, events);
        return Some(Update { became, told, known, changes: Vec::new() });
    };
    if !is_more(known, before, &told, events) {
        return None;
    }
    let changes = material(before, &told);
    let settled = known.status != Status::Open;
    let became = match (changes.is_empty(), settled) {
        (true, _) => Became::Continued,
        (false, false) => Became::Changed,
        (false, true) => Became::Reopened,
    };
    let status = if became == Became::Reopened { Status::Open } else { known.status };
    told.incident.status = status;
    let revision = known.revision + u32::from(!changes.is_empty());
    let mut next = Known { status, ..fresh(&told.incident, revision, now, events.max(known.events)) };
    if became != Became::Reopened {
        next.closed.clone_from(&known.closed);
    }
    Some(Update { became, told, known: next, changes })
}

fn fresh(incident: &Incident, revision: u32, now: Seconds, events: usize) -> Known {
    Known {
        title: incident.title.clone(),
        level: incident.level,
        status: incident.status,
        opened_at: incident.opened_at,
        last_event: incident.last_event,
        revision,
        changed_at: now,
        events,
        closed: None,
        merged_into: None,
    }
}

/// Whether a telling says more than the last one: events, findings, or cost.
fn is_more(known: &Known, before: &Told, after: &Told, events: usize) -> bool {
    let had: BTreeSet<_> = before.findings.iter().map(|f| (&f.id, f.level, f.notice)).collect();
    let gained = after.findings.iter().any(|f| !had.contains(&(&f.id, f.level, f.notice)));
    let burn = |told: &Told| told.incident.burn_usd_per_hour.unwrap_or(0.0);
    events > known.events || gained || burn(after) > burn(before) * 1.1 + 0.01
}
