//! Messages on their way: each is in the state until its channel took it.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use super::life::Update;
use super::{Watch, holding, memory};
use crate::event::Seconds;
use crate::event::told::OBSERVER;
use crate::journal::Entry;
use crate::model::{Finding, Level, Skipped, What};
use crate::notify::schedule::{When, due as when};
use crate::notify::{Channel, Message, Undelivered};
use crate::store::watched::Due;
use crate::store::{Head, State, Store};

/// Findings in a message about what is not seen.
const MOST_TELEMETRY: usize = 20;
/// The channel of what a pass prints.
pub(super) const PRINTED: &str = "output";

/// The messages of an update: it is printed, and where it matters every channel is told.
pub(super) fn due(update: &Update, watch: &Watch<'_>, now: Seconds) -> Vec<Due> {
    let is_message = update.is_message() && update.told.incident.level >= watch.min_level;
    let channels = watch.channels.iter().map(Channel::name).chain(watch.slack.incidents.clone());
    let channels = channels.filter(|_| is_message);
    let printed = update.is_told().then(|| PRINTED.to_owned());
    let message = |channel| Due {
        incident: update.told.incident.id.clone(),
        changes: update.changes.clone(),
        ..Due::new(format!("{}-{}", update.told.incident.id, update.known.revision), channel, update.became.what(), now)
    };
    printed.into_iter().chain(channels).map(message).collect()
}

/// One message about what Stakeout does not see: findings about nobody, which are in no incident.
pub(super) fn telemetry(findings: &[Finding], watch: &Watch<'_>, now: Seconds) -> Vec<Due> {
    let least = watch.min_level.min(Level::Medium);
    let is_told = |finding: &&Finding| {
        finding.principal == OBSERVER && finding.incident.is_none() && !finding.notice && finding.level >= least
    };
    let told: Vec<_> = findings.iter().filter(is_told).take(MOST_TELEMETRY).collect();
    let Some(first) = told.first() else { return Vec::new() };
    let stored: Vec<_> = told.iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect();
    let message =
        |channel| Due { findings: stored.clone(), ..Due::new(first.id.clone(), channel, What::Telemetry, now) };
    watch.channels.iter().map(Channel::name).chain(watch.slack.incidents.clone()).map(message).collect()
}

/// Delivers what is due, and returns which channels did not take a message, and why. Each outcome is journalled before
/// the next message goes out; what fails is tried again by a later pass, and holds up no other channel.
///
/// # Errors
/// The store.
pub(super) async fn deliver<S: Store>(state: &mut State<S>, watch: &Watch<'_>) -> Result<Vec<Skipped>> {
    let mut problems = Vec::new();
    let mut failing: BTreeSet<String> = BTreeSet::new();
    let is_ours = |due: &Due| due.channel != PRINTED && !watch.slack.has(&due.channel);
    for due in state.head().watch.due.clone().into_iter().filter(is_ours) {
        let now = (watch.clock)();
        let failure = match when(due.attempts, due.last_try, now) {
            When::At(_) => continue,
            When::Now if due.not_before.is_some_and(|at| at > now) || failing.contains(&due.channel) => {
                continue;
            }
            When::GivenUp => Some(("notify.given-up", "it was tried for 48 hours".to_owned(), None)),
            When::Now => attempt(state, watch, &due, now).await?,
        };
        let (kind, why, next) = failure.clone().unwrap_or(("notified", String::new(), None));
        if next.is_some() {
            failing.insert(due.channel.clone());
        }
        settle(state, &due, (kind, &why), next.as_ref(), now).await?;
        problems.extend(failure.map(|(_, why, _)| Skipped { path: due.channel.clone(), why }));
    }
    Ok(problems)
}

/// Why a message did not arrive: the word of the journal, the reason, and its next attempt where there is one.
type Failure = (&'static str, String, Option<Due>);

async fn attempt<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    due: &Due,
    now: Seconds,
) -> Result<Option<Failure>> {
    let Some(channel) = watch.channels.iter().chain(watch.notices).find(|channel| channel.name() == due.channel) else {
        return Ok(Some(("notify.dropped", "the settings name no such channel any more".to_owned(), None)));
    };
    let (incident, findings) = if due.incident.is_empty() {
        (None, due.findings.iter().filter_map(|stored| serde_json::from_value(stored.clone()).ok()).collect())
    } else {
        match memory::incident(state, &due.incident).await? {
            Some(told) => (Some(told.incident), told.findings),
            None => return Ok(Some(("notify.dropped", "its incident is not stored".to_owned(), None))),
        }
    };
    let message = Message {
        key: due.key.clone(),
        what: due.what,
        incident,
        findings,
        account_names: watch.account_names.clone(),
        changes: due.changes.clone(),
        journal: state.head().tip.hash.clone(),
    };
    let Err(Undelivered { why, retry_after, is_final, .. }) =
        holding(state, watch, channel.deliver(&message, now)).await?
    else {
        return Ok(None);
    };
    if is_final {
        return Ok(Some(("notify.given-up", why, None)));
    }
    let not_before = retry_after.map(|wait| now + wait);
    let next = Due { attempts: due.attempts + 1, last_try: Some(now), not_before, ..due.clone() };
    Ok(Some(("notify.failed", why, Some(next))))
}

/// Journals what became of a message, and takes it out or puts its next attempt in its place.
async fn settle<S: Store>(
    state: &mut State<S>,
    due: &Due,
    (kind, why): (&str, &str),
    next: Option<&Due>,
    now: Seconds,
) -> Result<()> {
    let attempt = due.attempts + 1;
    let change = |head: &mut Head| {
        replace(&mut head.watch.due, due, next);
        vec![outcome(due, attempt, kind, why)]
    };
    Ok(state.commit(now, change).await?)
}

/// Takes a message out of what is due, or puts its next attempt in its place.
pub(crate) fn replace(all: &mut Vec<Due>, due: &Due, next: Option<&Due>) {
    let is_it = |other: &Due| other.key == due.key && other.channel == due.channel;
    let keep = |other: Due| if is_it(&other) { next.cloned() } else { Some(other) };
    *all = std::mem::take(all).into_iter().filter_map(keep).collect();
}

/// The journal's word about an attempt to deliver a message.
pub(crate) fn outcome(due: &Due, attempt: u32, kind: &str, why: &str) -> Entry {
    let detail = json!({ "channel": due.channel, "key": due.key, "attempt": attempt, "why": why });
    Entry::new(kind, Some(due.incident.as_str()).filter(|id| !id.is_empty()), detail)
}
