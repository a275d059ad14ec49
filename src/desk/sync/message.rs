//! The one message of an incident.

use anyhow::Result;
use serde_json::json;

use super::{Desk, SKEW, Step, failed, hold, note, renew, told, unseen};
use crate::desk::next::changing;
use crate::desk::render;
use crate::desk::shown::fingerprint;
use crate::event::Seconds;
use crate::journal::Entry;
use crate::model::Skipped;
use crate::notify::slack::words::Words;
use crate::notify::slack::workspace::{Spot, Workspace};
use crate::store::board::Post;
use crate::store::watched::Due;
use crate::store::{Head, State, Store};
use crate::watch::{outcome, replace};

/// A message is about to be posted in a channel.
pub(super) fn mark(post: &mut Post, channel: &str, now: Seconds) {
    if post.channel != channel {
        let Post { planned, unplanned, stuck, .. } = std::mem::take(post);
        *post = Post { channel: channel.to_owned(), planned, unplanned, stuck, ..Post::default() };
    }
    match post.tried {
        None => post.tried = Some(now),
        Some(_) => post.sought = true,
    }
}

/// Posts the message of an incident, or finds it where it was posted and no answer came.
pub(super) async fn post<S: Store, W: Workspace>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    id: &str,
    channel: &str,
    due: Option<&Due>,
) -> Result<Step> {
    let Some(words) = render::card(state, desk, id).await? else {
        return given_up(state, desk, id, due, "the record of its incident cannot be read").await;
    };
    let Some(post) = state.head().watch.slack.posts.get(id).cloned() else { return Ok(Step::Stale) };
    let shown = fingerprint(&state.head().watch, id);
    let spot = Spot { channel, thread: None };
    let mut entries = Vec::new();
    if let Some(since) = post.tried.filter(|_| post.sought) {
        match hold::limited(desk.workspace.find(spot, id, since.saturating_sub(SKEW))).await {
            Ok(Some(ts)) => return posted(state, desk, (id, channel), (&ts, ""), &entries).await,
            Ok(None) => {}
            Err(failure) if failure.is_final => entries.push(unseen(channel, id, &failure)),
            Err(failure) => return failed(state, desk, channel, due, failure).await,
        }
        if due.is_none() && !post.again {
            return given_up(state, desk, id, None, "").await;
        }
    }
    if let Some(stop) = renew(state, desk).await? {
        return Ok(stop);
    }
    match told(&words, id, &mut entries, async |words: &Words| desk.workspace.post(spot, words).await).await {
        Ok(ts) => posted(state, desk, (id, channel), (&ts, &shown), &entries).await,
        Err(failure) if failure.is_final => given_up(state, desk, id, due, &failure.why).await,
        Err(failure) => {
            if due.is_none() {
                others_first(state, desk, id).await?;
            }
            failed(state, desk, channel, due, failure).await
        }
    }
}

/// The message of an incident could not be posted anew or changed: those of others go first.
async fn others_first<S: Store, W>(state: &mut State<S>, desk: &Desk<'_, W>, id: &str) -> Result<()> {
    let now = desk.now();
    let change = |head: &mut Head| {
        head.watch.slack.posts.entry(id.to_owned()).or_default().failed = Some(now);
        Vec::new()
    };
    note(state, desk, change).await
}

/// The message of an incident is there. What it shows is empty where that is not known.
async fn posted<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    (id, channel): (&str, &str),
    (ts, shown): (&str, &str),
    entries: &[Entry],
) -> Result<Step> {
    let now = desk.now();
    note(state, desk, |head| {
        head.watch.slack.pauses.remove(channel);
        head.watch.slack.pauses.remove(&changing(channel));
        let post = head.watch.slack.posts.entry(id.to_owned()).or_default();
        (post.ts, post.said, post.failed) = (Some(ts.to_owned()), Some(now), None);
        shown.clone_into(&mut post.shown);
        entries.to_vec()
    })
    .await?;
    Ok(Step::Done)
}

/// Gives a message of an incident up: it is not wanted, or Slack does not want it.
async fn given_up<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    id: &str,
    due: Option<&Due>,
    why: &str,
) -> Result<Step> {
    note(state, desk, |head| {
        head.watch.slack.posts.remove(id);
        let Some(due) = due else { return Vec::new() };
        replace(&mut head.watch.due, due, None);
        vec![outcome(due, due.attempts.saturating_add(1), "notify.given-up", why)]
    })
    .await?;
    let problem = due.map(|due| Skipped { path: due.channel.clone(), why: why.to_owned() });
    Ok(problem.map_or(Step::Done, Step::Failed))
}

/// Makes the message of an incident show the record as it is.
pub(super) async fn update<S: Store, W: Workspace>(state: &mut State<S>, desk: &Desk<'_, W>, id: &str) -> Result<Step> {
    let shown = fingerprint(&state.head().watch, id);
    let Some(words) = render::card(state, desk, id).await? else {
        return settled(state, desk, id, &shown, "the record of its incident cannot be read").await;
    };
    let Some(post) = state.head().watch.slack.posts.get(id).cloned() else { return Ok(Step::Stale) };
    let Some(ts) = &post.ts else { return Ok(Step::Stale) };
    let mut entries = Vec::new();
    let call = async |words: &Words| desk.workspace.update(&post.channel, ts, words).await;
    match told(&words, id, &mut entries, call).await {
        Ok(()) => posted(state, desk, (id, &post.channel), (ts, &shown), &entries).await,
        Err(failure) if failure.is_gone && !post.again => gone(state, desk, id).await,
        Err(failure) if failure.is_final => settled(state, desk, id, &shown, &failure.why).await,
        Err(failure) => {
            others_first(state, desk, id).await?;
            let place = if failure.refused.is_some() { changing(&post.channel) } else { post.channel };
            failed(state, desk, &place, None, failure).await
        }
    }
}

/// A person removed the message of an incident: it is posted again, once.
pub(super) async fn gone<S: Store, W>(state: &mut State<S>, desk: &Desk<'_, W>, id: &str) -> Result<Step> {
    let now = desk.now();
    note(state, desk, |head| {
        if let Some(post) = head.watch.slack.posts.get_mut(id) {
            let Post { channel, planned, unplanned, stuck, .. } = std::mem::take(post);
            *post = Post { channel, planned, unplanned, stuck, tried: Some(now), again: true, ..Post::default() };
        }
        Vec::new()
    })
    .await?;
    Ok(Step::Done)
}

/// The message of an incident stays as it is until the record changes again.
async fn settled<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    id: &str,
    shown: &str,
    why: &str,
) -> Result<Step> {
    note(state, desk, |head| {
        let Some(post) = head.watch.slack.posts.get_mut(id) else { return Vec::new() };
        shown.clone_into(&mut post.shown);
        let detail = json!({ "channel": post.channel, "key": id, "why": why });
        vec![Entry::new("notify.given-up", Some(id), detail)]
    })
    .await?;
    Ok(Step::Failed(Skipped { path: format!("slack: {id}"), why: why.to_owned() }))
}
