//! What is said once: in the thread of its incident, or in a channel.

use anyhow::Result;

use super::{Desk, SKEW, Step, failed, hold, message, note, renew, told, unseen};
use crate::desk::render;
use crate::journal::Entry;
use crate::model::Skipped;
use crate::notify::slack::words::Words;
use crate::notify::slack::workspace::{Spot, Workspace};
use crate::store::watched::Due;
use crate::store::{State, Store};
use crate::watch::{outcome, replace};

/// What a due message says beside the message of its incident.
pub(super) fn of(due: &Due) -> Option<Words> {
    render::due(due)
}

/// Says what is due, where it is not said yet.
pub(super) async fn say<S: Store, W: Workspace>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    due: &Due,
    channel: &str,
) -> Result<Step> {
    let post = state.head().watch.slack.posts.get(&due.incident).filter(|post| post.channel == channel).cloned();
    let thread = post.as_ref().and_then(|post| post.ts.clone());
    let Some(words) = of(due) else {
        // The message of the incident said it.
        return over(state, desk, (due, due.attempts.max(1)), channel, ("notified", ""), Vec::new()).await;
    };
    let attempt = (due, due.attempts.saturating_add(1));
    if !due.incident.is_empty() && thread.is_none() {
        let why = ("notify.dropped", "its incident is not stored");
        return over(state, desk, attempt, channel, why, Vec::new()).await;
    }
    let spot = Spot { channel, thread: thread.as_deref() };
    let is_again = post.as_ref().is_some_and(|post| post.again);
    let mut entries = Vec::new();
    if due.attempts > 0 {
        match hold::limited(desk.workspace.find(spot, &due.key, due.since.saturating_sub(SKEW))).await {
            Ok(Some(_)) => return over(state, desk, attempt, channel, ("notified", ""), entries).await,
            Ok(None) => {}
            Err(failure) if failure.is_gone => {}
            Err(failure) if failure.is_final => entries.push(unseen(channel, &due.key, &failure)),
            Err(failure) => return failed(state, desk, channel, Some(due), failure).await,
        }
    }
    if let Some(stop) = renew(state, desk).await? {
        return Ok(stop);
    }
    let call = async |words: &Words| desk.workspace.post(spot, words).await;
    match told(&words, &due.incident, &mut entries, call).await {
        Ok(_) => over(state, desk, attempt, channel, ("notified", ""), entries).await,
        Err(failure) if failure.is_gone && thread.is_some() && !is_again => {
            message::gone(state, desk, &due.incident).await
        }
        Err(failure) if failure.is_final => {
            over(state, desk, attempt, channel, ("notify.given-up", &failure.why), entries).await?;
            Ok(Step::Failed(Skipped { path: due.channel.clone(), why: failure.why }))
        }
        Err(failure) => failed(state, desk, channel, Some(due), failure).await,
    }
}

/// A due message is over, in a word of the journal.
async fn over<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    (due, attempt): (&Due, u32),
    channel: &str,
    (kind, why): (&str, &str),
    entries: Vec<Entry>,
) -> Result<Step> {
    note(state, desk, |head| {
        head.watch.slack.pauses.remove(channel);
        replace(&mut head.watch.due, due, None);
        let mut entries = entries.clone();
        entries.push(outcome(due, attempt, kind, why));
        entries
    })
    .await?;
    Ok(Step::Done)
}
