//! Says what is to be said, one thing after another. Before a post its intent is written, and behind it that it arrived:
//! whoever finds an intent without an end looks for the message first.
//!
//! - `message`: the one message of an incident
//! - `word`: what is said once, in its thread or in a channel

mod message;
mod word;

use anyhow::Result;
use serde_json::json;

use super::next::{Next, Task, next};
use super::{Desk, hold};
use crate::event::{HOUR, Seconds};
use crate::journal::Entry;
use crate::model::{Skipped, Status};
use crate::notify::slack::words::{self, Words};
use crate::notify::slack::workspace::Workspace;
use crate::notify::{Refused, Undelivered};
use crate::store::watched::{Due, Known, Watched};
use crate::store::{Head, State, Store};
use crate::watch::{outcome, replace};

/// A message is tried for so long, and so often at least. That of an incident which is not over is tried on, once an hour.
const PATIENCE: Seconds = 48 * HOUR;
const LEAST_TRIES: u32 = 8;
/// Failures in a row that are journalled each; of later ones one in an hour.
const TOLD: u32 = 4;
const SELDOM: u32 = 60;
/// A message is looked for from so long before its first attempt on: two clocks are never the same.
const SKEW: Seconds = 600;
/// Things done in one round.
const MOST: usize = 1_000;

/// What a round came to.
#[derive(Debug, Default)]
pub(crate) struct Synced {
    /// Channels that did not take something, and why.
    pub problems: Vec<Skipped>,
    /// When there is something to do again, if the record does not change before.
    pub next: Option<Seconds>,
    /// Something was said.
    pub has_said: bool,
}

/// What came of one thing.
enum Step {
    Done,
    /// It is no longer to be done: the record changed meanwhile.
    Stale,
    Failed(Skipped),
    /// Somebody else has the right to say something, until a time.
    Held(Seconds),
}

/// A round: everything that is to be said and can be. Whoever else does the same meanwhile says nothing.
///
/// # Errors
/// The state. What Slack refuses is in the result.
pub(crate) async fn sync<S: Store, W: Workspace>(state: &mut State<S>, desk: &Desk<'_, W>) -> Result<Synced> {
    state.refresh().await?;
    let mut synced = Synced { next: Some(desk.now()), ..Synced::default() };
    for _ in 0..MOST {
        let task = match next(&state.head().watch, &desk.names, desk.now()) {
            Next::Task(task) => task,
            Next::Rest(at) => {
                synced.next = at;
                break;
            }
        };
        match step(state, desk, &task).await? {
            Step::Done => synced.has_said = true,
            Step::Stale => {}
            Step::Failed(problem) => synced.problems.push(problem),
            Step::Held(until) => {
                synced.next = Some(until);
                return Ok(synced);
            }
        }
    }
    if state.head().watch.slack.lease.as_ref().is_some_and(|lease| lease.holder == desk.holder) {
        note(state, desk, |head| {
            hold::give(&mut head.watch.slack, &desk.holder);
            Vec::new()
        })
        .await?;
    }
    Ok(synced)
}

async fn step<S: Store, W: Workspace>(state: &mut State<S>, desk: &Desk<'_, W>, task: &Task) -> Result<Step> {
    if let Some(step) = intend(state, desk, task).await? {
        return Ok(step);
    }
    match task {
        Task::Post { incident, channel, due } => message::post(state, desk, incident, channel, due.as_ref()).await,
        Task::Update { incident } => message::update(state, desk, incident).await,
        Task::Say { due, channel } => word::say(state, desk, due, channel).await,
        Task::Forget { .. } => Ok(Step::Done),
    }
}

/// Writes what `change` does.
async fn note<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    change: impl FnMut(&mut Head) -> Vec<Entry>,
) -> Result<()> {
    Ok(state.append(desk.now(), change).await?)
}

/// Takes the right to say something, and writes what is about to be tried, where that is still what comes next.
async fn intend<S: Store, W>(state: &mut State<S>, desk: &Desk<'_, W>, task: &Task) -> Result<Option<Step>> {
    let mut stop = None;
    let now = desk.now();
    let change = |head: &mut Head| {
        stop = None;
        if next(&head.watch, &desk.names, now) != Next::Task(task.clone()) {
            stop = Some(Step::Stale);
        } else if let Err(until) = hold::take(&mut head.watch.slack, &desk.holder, now) {
            stop = Some(Step::Held(until));
        } else {
            mark(head, task, now);
        }
        Vec::new()
    };
    note(state, desk, change).await?;
    Ok(stop)
}

/// What is about to be tried.
fn mark(head: &mut Head, task: &Task, now: Seconds) {
    match task {
        Task::Post { incident, channel, due } => {
            message::mark(head.watch.slack.posts.entry(incident.clone()).or_default(), channel, now);
            due.iter().for_each(|due| tried(head, due, now));
        }
        Task::Say { due, .. } if word::of(due).is_some() => tried(head, due, now),
        Task::Say { .. } | Task::Update { .. } => {}
        Task::Forget { incidents } => incidents.iter().for_each(|id| _ = head.watch.slack.posts.remove(id)),
    }
}

/// The next attempt of a due message is under way.
fn tried(head: &mut Head, due: &Due, now: Seconds) {
    if let Some(due) = same(head, due) {
        (due.attempts, due.last_try) = (due.attempts.saturating_add(1), Some(now));
    }
}

/// A due message as the record has it.
fn same<'h>(head: &'h mut Head, due: &Due) -> Option<&'h mut Due> {
    head.watch.due.iter_mut().find(|other| other.key == due.key && other.channel == due.channel)
}

/// Holds the right to say something, where it might end during the next call.
async fn renew<S: Store, W>(state: &mut State<S>, desk: &Desk<'_, W>) -> Result<Option<Step>> {
    let now = desk.now();
    if hold::holds(&state.head().watch.slack, &desk.holder, now) {
        return Ok(None);
    }
    let mut stop = None;
    note(state, desk, |head| {
        let board = &mut head.watch.slack;
        let is_ours = board.lease.as_ref().is_some_and(|lease| lease.holder == desk.holder);
        // Whoever had it meanwhile saw what was intended, and looked after it.
        stop = (!is_ours || hold::take(board, &desk.holder, now).is_err()).then_some(Step::Stale);
        Vec::new()
    })
    .await?;
    Ok(stop)
}

/// The message may be there twice, because it cannot be looked for.
fn unseen(channel: &str, key: &str, failure: &Undelivered) -> Entry {
    let detail = json!({ "channel": channel, "key": key, "why": failure.why, "posted": "perhaps twice" });
    Entry::new("notify.unseen", None, detail)
}

/// Says something. Where Slack does not take the blocks, the text alone, with the command that shows the rest.
async fn told<T>(
    words: &Words,
    incident: &str,
    entries: &mut Vec<Entry>,
    call: impl AsyncFn(&Words) -> Result<T, Undelivered>,
) -> Result<T, Undelivered> {
    let whole = async {
        let failure = match call(words).await {
            Err(failure) if failure.refused == Some(Refused::Layout) && !words.blocks.is_empty() => failure,
            done => return done,
        };
        entries.push(Entry::new(
            "notify.bare",
            Some(incident).filter(|id| !id.is_empty()),
            json!({ "why": failure.why, "posted": "without blocks" }),
        ));
        call(&words::bare(words, incident)).await
    };
    hold::limited(whole).await
}

/// Whether the message of an incident is wanted however long it takes: it is not there yet, and the incident goes on.
fn is_wanted(watched: &Watched, due: &Due) -> bool {
    let goes_on = |known: &Known| known.status != Status::Closed && known.merged_into.is_none();
    let is_there = watched.slack.posts.get(&due.incident).is_some_and(|post| post.ts.is_some());
    !is_there && watched.incidents.get(&due.incident).is_some_and(goes_on)
}

/// Slack failed for the moment: its channel is left alone for a while, and the message waits, for two days at most. What
/// Slack has something against waits longer, so that others go first.
async fn failed<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    channel: &str,
    due: Option<&Due>,
    failure: Undelivered,
) -> Result<Step> {
    let (now, chance) = (desk.now(), fastrand::f64());
    note(state, desk, |head| {
        let pause = hold::pause(&mut head.watch.slack, channel, &failure, chance, now);
        let Some(due) = due else { return Vec::new() };
        let attempt = due.attempts.saturating_add(1);
        let is_old = attempt >= LEAST_TRIES && due.since < now.saturating_sub(PATIENCE);
        if is_old && !is_wanted(&head.watch, due) {
            replace(&mut head.watch.due, due, None);
            let why = format!("it was tried for 48 hours: {}", failure.why);
            return vec![outcome(due, attempt, "notify.given-up", &why)];
        }
        let alone = failure.refused.map(|_| hold::alone(attempt));
        if let Some(due) = same(head, due) {
            due.not_before = alone.max(is_old.then_some(HOUR)).map(|wait| now.saturating_add(wait));
        }
        let is_told = pause.failures <= TOLD || pause.failures.is_multiple_of(SELDOM);
        is_told.then(|| outcome(due, attempt, "notify.failed", &failure.why)).into_iter().collect()
    })
    .await?;
    let path = due.map_or_else(|| format!("slack:{channel}"), |due| due.channel.clone());
    Ok(Step::Failed(Skipped { path, why: failure.why }))
}
