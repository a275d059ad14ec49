//! Why a plan that was approved did not begin, and what time ends.

use anyhow::Result;

use super::LONGEST;
use crate::approve;
use crate::desk::Desk;
use crate::desk::shown::{Runnable, runnable, view};
use crate::event::{HOUR, Seconds};
use crate::model::approval::{Planned, Stage};
use crate::store::watched::Watched;
use crate::store::{Head, State, Store};

/// A run that nobody could go on with for so long is over.
const DEAD: Seconds = HOUR;

/// Notes why a plan that was approved did not begin.
pub(in crate::desk) async fn hinder<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    plan: &Runnable,
    why: &str,
) -> Result<()> {
    let now = desk.now();
    let why: String = why.chars().take(LONGEST).collect();
    let is_new = |watched: &Watched| {
        let known = watched.slack.posts.get(&plan.incident).is_some_and(|post| post.stuck.as_ref() != Some(&why));
        known && runnable(watched, now).contains(plan)
    };
    if !is_new(&state.head().watch) {
        return Ok(());
    }
    let change = |head: &mut Head| {
        if is_new(&head.watch)
            && let Some(post) = head.watch.slack.posts.get_mut(&plan.incident)
        {
            post.stuck = Some(why.clone());
        }
        Vec::new()
    };
    Ok(state.append(now, change).await?)
}

/// Ends plans whose time is over and runs with which nobody can go on, and forgets why one did not begin, once it did or
/// another took its place.
///
/// # Errors
/// The state.
pub(in crate::desk) async fn tidy<S: Store, W>(state: &mut State<S>, desk: &Desk<'_, W>) -> Result<()> {
    let now = desk.now();
    let is_late = |planned: &Planned| planned.stage != Stage::Expired && approve::is_expired(planned, now);
    let watched = &state.head().watch;
    let is_idle = freed(watched, now).is_empty() && interrupted(watched, now).is_empty();
    if is_idle && !watched.plans.values().any(is_late) {
        return Ok(());
    }
    let change = |head: &mut Head| {
        let mut entries = approve::expire(&mut head.watch.plans, now);
        for (digest, why) in interrupted(&head.watch, now) {
            entries.extend(approve::interrupt(&mut head.watch.plans, &digest, &why, now));
        }
        for incident in freed(&head.watch, now) {
            head.watch.slack.posts.entry(incident).and_modify(|post| post.stuck = None);
        }
        entries
    };
    Ok(state.append(now, change).await?)
}

/// Runs whose holder died long ago, and with which it was tried in vain to go on, with what remains.
fn interrupted(watched: &Watched, now: Seconds) -> Vec<(String, String)> {
    let died = |planned: &Planned| matches!(planned.stage, Stage::Running { until, .. } if now - until >= DEAD);
    let dead = watched.plans.iter().filter_map(|(digest, planned)| {
        let why = watched.slack.posts.get(&planned.incident)?.stuck.as_ref().filter(|_| died(planned))?;
        let (done, all) = (planned.done, planned.steps);
        Some((
            digest.clone(),
            format!("The run was interrupted after {done} of {all} steps, and could not go on: {why}."),
        ))
    });
    dead.collect()
}

/// Incidents of which the record says why a plan did not begin, and that is no longer so.
fn freed(watched: &Watched, now: Seconds) -> Vec<String> {
    let is_held = |id: &str| {
        view(watched, id).plan.is_some_and(|(_, planned)| match planned.stage {
            Stage::Approved | Stage::Expired => true,
            Stage::Running { until, .. } => until <= now,
            _ => false,
        })
    };
    let stuck = watched.slack.posts.iter().filter(|(id, post)| post.stuck.is_some() && !is_held(id));
    stuck.map(|(id, _)| id.clone()).collect()
}
