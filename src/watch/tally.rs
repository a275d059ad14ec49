//! What pages nobody and is told all the same: notices as they come, and once a day a digest.
//!
//! Each finding is counted once, over passes and crashes: what was counted is written by the commit that counts it. A
//! message of notices that is not delivered yet is not added to, and no second one joins it; what comes meanwhile waits.

mod lines;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Watch;
use super::conclude::Conclusion;
use super::memory::{Draft, Slots};
use crate::config::{Allow, Daily};
use crate::detect::allow::Entries;
use crate::event::told::OBSERVER;
use crate::event::{DAY, Seconds, time};
use crate::model::{Finding, Level, What, id};
use crate::notify::Channel;
use crate::notify::slack::Names;
use crate::store::tally::{Lines, Tally};
use crate::store::watched::{Due, Watched};
use crate::store::{State, Store};

/// The slot of what was counted.
pub(super) const SLOT: &str = "noted";
/// Notices in one message; more are counted.
const MOST_LINES: usize = 20;

/// What became of the findings that are judged, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Notes(BTreeMap<String, Note>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Note {
    /// Too little to tell, so far.
    Silent,
    /// A digest told it, or an incident has it.
    Told,
    /// The next digest tells it.
    Waiting(Quiet),
}

/// A finding that paged nobody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Quiet {
    is_notice: bool,
    /// Somebody answers for it.
    #[serde(default)]
    is_allowed: bool,
    level: Level,
    title: String,
    who: String,
}

/// Why a finding paged nobody, in the order in which that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Finding,
    Allowed,
    Notice,
}

impl Quiet {
    fn kind(&self) -> Kind {
        match (self.is_notice, self.is_allowed) {
            (true, _) => Kind::Notice,
            (false, true) => Kind::Allowed,
            (false, false) => Kind::Finding,
        }
    }
}

impl Note {
    fn of(finding: &Finding) -> Self {
        let is_gap = finding.principal == OBSERVER;
        let is_told = finding.notice || finding.allowed.is_some() || finding.level >= Level::Medium && !is_gap;
        match (&finding.incident, is_told) {
            (Some(_), _) => Self::Told,
            (None, false) => Self::Silent,
            (None, true) => Self::Waiting(Quiet {
                is_notice: finding.notice,
                is_allowed: finding.allowed.is_some(),
                level: finding.level,
                title: lines::cut(&finding.title),
                who: lines::who(&finding.principal),
            }),
        }
    }

    fn is_notice(&self) -> bool {
        matches!(self, Self::Waiting(quiet) if quiet.is_notice)
    }
}

impl Notes {
    /// Findings that nobody is to be told of.
    pub(super) fn told<'i>(ids: impl Iterator<Item = &'i String>) -> Self {
        Self(ids.map(|id| (id.clone(), Note::Told)).collect())
    }

    /// Takes a judgement in, and returns the notices that are new in it. What was told stays told, and what waits is
    /// known as it is by now.
    pub(super) fn take(&mut self, findings: &[Finding]) -> Vec<Finding> {
        let mut new = Vec::new();
        let mut known = std::mem::take(&mut self.0);
        for finding in findings {
            let before = known.remove(&finding.id);
            let note = if before == Some(Note::Told) { Note::Told } else { Note::of(finding) };
            if note.is_notice() && !before.is_some_and(|before| before.is_notice()) {
                new.push(finding.clone());
            }
            self.0.insert(finding.id.clone(), note);
        }
        // What is judged no longer waits for the digest all the same.
        self.0.extend(known.into_iter().filter(|(_, note)| matches!(note, Note::Waiting(_))));
        new
    }

    /// What waits for a digest.
    fn waiting(&self) -> impl Iterator<Item = &Quiet> {
        self.0.values().filter_map(|note| match note {
            Note::Waiting(quiet) => Some(quiet),
            Note::Silent | Note::Told => None,
        })
    }

    /// Nothing waits any more.
    fn settle(&mut self) {
        let waiting = self.0.values_mut().filter(|note| matches!(note, Note::Waiting(_)));
        waiting.for_each(|note| *note = Note::Told);
    }
}

/// What a pass has to tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// A line for each new notice.
    notices: Vec<String>,
    digest: Option<Digest>,
    /// Up to when digests tell what there was, where that changes.
    digested: Option<Seconds>,
    /// Entries of `[[allow]]` that end or hide nothing, at most once a day.
    pub allow: Vec<String>,
    /// When each entry hid something last.
    allow_used: BTreeMap<String, Seconds>,
}

/// A digest as far as it is no matter of the record.
#[derive(Debug, PartialEq, Eq)]
struct Digest {
    key: String,
    lines: Vec<String>,
}

/// What a pass has to tell, and what was counted as it is then.
pub(super) fn news(concluded: &Conclusion, watch: &Watch<'_>, tally: &Tally, begun: Seconds) -> (News, Option<Notes>) {
    let mut notes = concluded.notes.clone();
    let mut notices: Vec<String> =
        concluded.notices.iter().map(|finding| lines::notice(finding, &watch.account_names)).collect();
    let allow_used = used(watch.allow, &concluded.allow_used, &tally.allow_used, begun);
    let allowed = lines::allowed(watch.allow, &allow_used, begun);
    let is_due = tally.allow_told.is_none_or(|told| begun - told >= DAY || told > begun);
    let allow = if is_due { allowed.clone() } else { Vec::new() };
    if watch.digest == Daily::Off {
        notices.extend(allow.iter().cloned());
    }
    let news = notes.as_mut().map(|notes| digested(notes, (watch.digest, allowed), tally, begun));
    (News { notices, allow, allow_used, ..news.unwrap_or_default() }, notes)
}

/// When each entry hid something last, or was seen first.
fn used(
    allow: &[Allow],
    now_used: &Entries,
    known: &BTreeMap<String, Seconds>,
    begun: Seconds,
) -> BTreeMap<String, Seconds> {
    let at = |(position, entry): (usize, &Allow)| {
        let mark = lines::mark(entry);
        let before = known.get(&mark).copied().filter(|_| !now_used.contains(&position));
        (mark, before.unwrap_or(begun))
    };
    allow.iter().enumerate().map(at).collect()
}

/// The digest, where it is due. The first one is due at the first time of day that a pass sees go by.
fn digested(notes: &mut Notes, (daily, allowed): (Daily, Vec<String>), tally: &Tally, begun: Seconds) -> News {
    let Some(due) = daily.last(begun) else {
        // Nobody waits for it.
        notes.settle();
        return News::default();
    };
    // A time that is still to come is of a clock that was wrong.
    match tally.digested.filter(|done| *done <= begun) {
        Some(done) if done >= due => News::default(),
        Some(_) => {
            let mut told = lines::counts(notes.waiting());
            told.extend(allowed);
            notes.settle();
            let key = format!("digest-{}", time::format(due));
            News { digest: Some(Digest { key, lines: told }), digested: Some(begun), ..News::default() }
        }
        None => News { digested: Some(begun), ..News::default() },
    }
}

/// Writes what was counted, for the commit to name. Where nobody is told, nothing is kept of it.
///
/// # Errors
/// The store.
pub(super) async fn draft<S: Store>(state: &State<S>, notes: Option<&Notes>) -> Result<Slots> {
    let mut draft = Draft::new(state);
    match notes {
        Some(notes) => draft.value(SLOT, notes)?,
        None => draft.slots.extend(draft.taken(SLOT).map(|slot| (slot, None)).collect::<Vec<_>>()),
    }
    draft.write().await
}

/// Where what pages nobody goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    notices: Vec<String>,
    digest: Vec<String>,
}

impl Places {
    /// Those of the settings. Slack has one for both, or else its channel for incidents has the digest.
    pub(super) fn of(watch: &Watch<'_>) -> Self {
        let others = watch.notices.iter().map(Channel::name);
        Self::named(&watch.slack, others.collect())
    }

    fn named(slack: &Names, others: Vec<String>) -> Self {
        let with = |first: Option<&String>| first.into_iter().chain(&others).cloned().collect();
        Self {
            notices: with(slack.notices.as_ref()),
            digest: with(slack.notices.as_ref().or(slack.incidents.as_ref())),
        }
    }
}

/// Makes messages of the news, in the same write that makes the pass true.
pub(super) fn tell(watched: &mut Watched, news: &News, places: &Places, begun: Seconds) {
    let tally = &mut watched.tally;
    tally.digested = news.digested.or(tally.digested);
    tally.allow_used.clone_from(&news.allow_used);
    if !news.allow.is_empty() {
        tally.allow_told = Some(begun);
    }
    if let Some(digest) = &news.digest {
        let mut changes = digest.lines.clone();
        changes.extend(lines::record(watched, begun));
        if changes.is_empty() {
            changes.push("A quiet day: nothing new, nothing open, nothing that waits.".to_owned());
        }
        for channel in &places.digest {
            let due = Due::new(digest.key.clone(), channel.clone(), What::Digest, begun);
            watched.due.push(Due { changes: changes.clone(), ..due });
        }
    }
    watched.tally.waiting.retain(|channel, _| places.notices.contains(channel));
    for channel in &places.notices {
        let waiting = watched.tally.waiting.entry(channel.clone()).or_default();
        let room = MOST_LINES.saturating_sub(waiting.lines.len());
        waiting.lines.extend(news.notices.iter().take(room).cloned());
        waiting.more += news.notices.len().saturating_sub(room);
        let is_under_way = |due: &Due| due.what == What::Notices && due.channel == *channel;
        if waiting.lines.is_empty() || watched.due.iter().any(is_under_way) {
            continue;
        }
        watched.due.push(message(std::mem::take(waiting), channel, begun));
    }
    watched.tally.waiting.retain(|_, waiting| !waiting.lines.is_empty());
}

/// Notices for one channel as one message.
fn message(waiting: Lines, channel: &str, begun: Seconds) -> Due {
    let Lines { lines: mut changes, more } = waiting;
    let key = id("notices", &[&begun.to_string(), &changes.join("\n")]);
    if more > 0 {
        changes.push(format!("and {more} more: they are in the output of `stakeout watch`"));
    }
    Due { changes, ..Due::new(key, channel.to_owned(), What::Notices, begun) }
}
