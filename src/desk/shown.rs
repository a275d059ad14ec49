//! What of the record a message shows, and what the record wants done: pure.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::event::Seconds;
use crate::journal;
use crate::model::Status;
use crate::model::approval::{Planned, Stage};
use crate::model::plan::Way;
use crate::store::watched::Watched;

/// Characters of a digest that tell one state of a message from another.
const TELLING: usize = 24;

/// A plan's digest and its record.
pub(super) type Entry<'w> = (&'w str, &'w Planned);

/// The plans of an incident as its message shows them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct View<'w> {
    /// The one that runs, or waits for people. One that expired still does, until another takes its place.
    pub plan: Option<Entry<'w>>,
    /// The one that ended or was denied last.
    pub last: Option<Entry<'w>>,
    /// Something that was done can be taken back.
    pub can_undo: bool,
}

impl View<'_> {
    pub(super) fn is_running(&self) -> bool {
        self.plan.is_some_and(|(_, planned)| planned.stage.is_running())
    }
}

/// The plans of an incident as its message shows them.
pub(super) fn view<'w>(watched: &'w Watched, id: &str) -> View<'w> {
    let plans = || watched.plans.iter().filter(|(_, planned)| planned.incident == id);
    let plans = || plans().map(|(digest, planned)| (digest.as_str(), planned));
    let is_ended = |planned: &Planned| matches!(planned.stage, Stage::Ended { .. });
    let is_last = |(_, planned): &Entry<'_>| is_ended(planned) || planned.stage == Stage::Denied;
    let last = plans().filter(is_last).max_by_key(|(digest, planned)| (ended(planned), *digest));
    let did = |(_, planned): &Entry<'_>| match planned.stage {
        Stage::Ended { holds } => holds || planned.done > 0,
        _ => false,
    };
    let did_last = plans().filter(did).max_by_key(|(digest, planned)| (ended(planned), *digest));
    let can_undo = did_last
        .is_some_and(|(_, planned)| planned.way == Way::Contain || planned.stage == Stage::Ended { holds: false });
    let is_closed = watched.incidents.get(id).is_some_and(|known| known.status == Status::Closed);
    // What was planned before another plan changed things is about things as they were.
    let is_fresh = |planned: &Planned| last.is_none_or(|(_, last)| planned.made_at >= ended(last));
    let rank = |planned: &Planned| match planned.stage {
        Stage::Running { .. } => Some(3),
        Stage::Approved => Some(2),
        // What was done can be taken back after an incident was closed.
        Stage::Pending if (!is_closed || planned.way == Way::Undo) && is_fresh(planned) => Some(1),
        Stage::Expired if !is_closed && is_fresh(planned) => Some(1),
        _ => None,
    };
    let ranked = plans().filter_map(|(digest, planned)| {
        let is_open = planned.stage == Stage::Pending;
        Some(((rank(planned)?, planned.made_at, is_open, digest), (digest, planned)))
    });
    let plan = ranked.max_by_key(|(key, _)| *key).map(|(_, entry)| entry);
    View { plan, last, can_undo }
}

/// When a plan was over, as far as it is known.
fn ended(planned: &Planned) -> Seconds {
    planned.ended_at.unwrap_or(planned.made_at)
}

/// A digest of everything that the message of an incident shows and that can change.
pub(super) fn fingerprint(watched: &Watched, id: &str) -> String {
    let View { plan, last, can_undo } = view(watched, id);
    let told = |(digest, planned): Entry<'_>| -> Value {
        // For how long a run is held is nobody's matter but the runner's.
        let stage = match &planned.stage {
            Stage::Ended { holds } => json!(holds),
            stage => json!(stage.as_str()),
        };
        let Planned { votes, done, remains, ended_at, denied_by, expires_at, .. } = planned;
        json!([digest, stage, votes, done, remains, ended_at, denied_by, expires_at])
    };
    let post = watched.slack.posts.get(id);
    let why = post.map(|post| (&post.unplanned, &post.stuck));
    let why = json!(why.filter(|(unplanned, stuck)| unplanned.is_some() || stuck.is_some()));
    let shown = json!([watched.incidents.get(id), plan.map(told), last.map(told), can_undo, why]);
    let mut digest = journal::digest(&[shown.to_string().as_bytes()]);
    digest.truncate(TELLING);
    digest
}

/// Incidents that Slack shows and that have no plan for what is known of them, with its revision, the worst first.
pub(super) fn unplanned(watched: &Watched) -> Vec<(String, u32)> {
    let wanted = watched.slack.posts.iter().filter_map(|(id, post)| {
        let known = watched.incidents.get(id)?;
        let is_open = known.status == Status::Open && known.merged_into.is_none() && post.ts.is_some();
        let is_new = post.planned != Some(known.revision);
        // What is about to change things is waited for.
        let busy = |planned: &Planned| matches!(planned.stage, Stage::Approved | Stage::Running { .. });
        let is_busy = watched.plans.values().any(|planned| planned.incident == *id && busy(planned));
        (is_open && is_new && !is_busy).then(|| (known.level, id.clone(), known.revision))
    });
    let mut wanted: Vec<_> = wanted.collect();
    wanted.sort_by_key(|(level, ..)| Reverse(*level));
    wanted.into_iter().map(|(_, id, revision)| (id, revision)).collect()
}

/// A plan that is to be run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Runnable {
    pub digest: String,
    pub incident: String,
    pub is_undo: bool,
}

/// Plans to which somebody in Slack agreed and that nobody runs: approved ones that did not expire, and those whose runner
/// died. What is approved at a command line alone runs where somebody says so.
pub(super) fn runnable(watched: &Watched, now: Seconds) -> Vec<Runnable> {
    let wanted = watched.plans.iter().filter(|(_, planned)| {
        let is_ours = planned.votes.iter().any(|vote| vote.person.slack.is_some());
        let is_due = match planned.stage {
            Stage::Approved => planned.expires_at > now,
            Stage::Running { until, .. } => until <= now,
            _ => false,
        };
        is_ours && is_due
    });
    let runnable = wanted.map(|(digest, planned)| Runnable {
        digest: digest.clone(),
        incident: planned.incident.clone(),
        is_undo: planned.way == Way::Undo,
    });
    runnable.collect()
}
