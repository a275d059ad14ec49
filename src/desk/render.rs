//! Words of the record.

use anyhow::Result;

use super::Desk;
use super::shown::{Entry, view};
use crate::approve;
use crate::config::{Approval, is_slack_user, is_user_group};
use crate::model::What;
use crate::model::plan::Plan;
use crate::notify::slack::card::{Card, Shown};
use crate::notify::slack::words::{self, Words};
use crate::respond::stored;
use crate::store::watched::Due;
use crate::store::{State, StateError, Store};

/// The message of an incident, as it is known at this moment; none where its record is gone or damaged.
///
/// # Errors
/// A store that fails.
pub(super) async fn card<S: Store, W>(state: &State<S>, desk: &Desk<'_, W>, id: &str) -> Result<Option<Words>> {
    let watched = &state.head().watch;
    let Some(known) = watched.incidents.get(id) else { return Ok(None) };
    let mut told = match crate::watch::incident(state, id).await {
        Ok(Some(told)) => told,
        Ok(None) => return Ok(None),
        // A store that fails for a moment is no reason to give a message up.
        Err(error) if is_passing(&error) => return Err(error),
        Err(_) => return Ok(None),
    };
    told.incident.status = known.status;
    told.incident.merged_into.clone_from(&known.merged_into);
    let view = view(watched, id);
    // A message without a plan that cannot be read says more than none.
    let plan = read(state, view.plan).await?;
    let last = read(state, view.last).await?;
    let rules = &desk.config.approval;
    let decides = |name: &str| is_slack_user(name) || is_user_group(name);
    let post = watched.slack.posts.get(id);
    let card = Card {
        plan: view.plan.zip(plan.as_ref()).map(|(entry, plan)| shown(entry, plan, rules)),
        last: view.last.zip(last.as_ref()).map(|(entry, plan)| shown(entry, plan, rules)),
        unplanned: post.and_then(|post| post.unplanned.as_deref()),
        stuck: post.and_then(|post| post.stuck.as_deref()),
        can_undo: view.can_undo,
        has_deciders: rules.approvers.iter().any(|approver| decides(approver.as_str())),
        self_approval: rules.self_approval,
        ..Card::new(&told.incident, known, &desk.account_names)
    };
    Ok(Some(words::card(&card, id)))
}

/// Whether a store fails, which may pass.
fn is_passing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StateError::Store(_)))
}

/// The plan of a record; none where it is gone or damaged.
///
/// # Errors
/// A store that fails.
async fn read<S: Store>(state: &State<S>, entry: Option<Entry<'_>>) -> Result<Option<Plan>> {
    let Some((digest, _)) = entry else { return Ok(None) };
    match stored(state, digest).await {
        Ok(plan) => Ok(Some(plan)),
        Err(error) if is_passing(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// A plan with how many people it has and needs.
pub(super) fn shown<'c>((_, planned): Entry<'c>, plan: &'c Plan, rules: &Approval) -> Shown<'c> {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Shown {
        plan,
        planned,
        people_needed: number(approve::quorum(planned.class, rules)),
        people_agreed: number(approve::agreed(planned)),
    }
}

/// What a due message says beside the message of its incident; none where that says all.
pub(super) fn due(due: &Due) -> Option<Words> {
    let findings =
        || due.findings.iter().filter_map(|stored| serde_json::from_value(stored.clone()).ok()).collect::<Vec<_>>();
    match due.what {
        What::Telemetry => Some(words::gap(&findings(), &due.key)),
        What::Notices => Some(words::list("Notices", &due.changes, &due.key)),
        What::Digest => Some(words::list("Digest", &due.changes, &due.key)),
        What::Opened => None,
        What::Reopened if due.changes.is_empty() => {
            Some(words::reply(&["It was closed, and goes on.".to_owned()], &due.key))
        }
        What::Changed | What::Reopened | What::Closed | What::Contained | What::Undone => {
            (!due.changes.is_empty()).then(|| words::reply(&due.changes, &due.key))
        }
    }
}
