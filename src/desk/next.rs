//! What is to be said next: pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::hold;
use super::shown::{fingerprint, view};
use crate::event::{HOUR, Seconds};
use crate::model::{Level, What};
use crate::notify::slack::Names;
use crate::store::board::Post;
use crate::store::watched::{Due, Watched};

/// How often a message follows a run, in seconds.
const PACE: Seconds = 3;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Task {
    /// The message of an incident, which a channel wants to have.
    Post { incident: String, channel: String, due: Option<Due> },
    /// The message of an incident shows something else than the record.
    Update { incident: String },
    /// What is new, or is about no incident.
    Say { due: Due, channel: String },
    /// Messages of incidents that are forgotten.
    Forget { incidents: Vec<String> },
}

/// What is next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    Task(Task),
    /// Nothing, until a time or until the record changes.
    Rest(Option<Seconds>),
}

/// What is to be said next: what is due, that of the worst incident first and of each in its order, after its message is
/// there and is right; then messages that show what is no longer so. Channels that failed are left alone for a while, and
/// so is what Slack has something against, with all about the same incident that comes behind it.
pub(super) fn next(watched: &Watched, names: &Names, now: Seconds) -> Next {
    let board = &watched.slack;
    let mut wake: Option<Seconds> = None;
    let mut rest = |until: Seconds| wake = Some(wake.map_or(until, |at| at.min(until)));
    let is_ahead = |until: &Seconds| hold::is_ahead(*until, HOUR, now);
    let paused = |place: &str| board.pauses.get(place).map(|pause| pause.until).filter(is_ahead);
    let level = |id: &str| watched.incidents.get(id).map(|known| known.level);
    let mut behind: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut ready: Vec<(&Due, &str)> = Vec::new();
    for due in watched.due.iter().filter(|due| names.has(&due.channel)) {
        let channel = id_of(&due.channel);
        let place = (channel, due.incident.as_str());
        if let Some(until) = paused(channel).or(due.not_before.filter(is_ahead)) {
            rest(until);
            behind.insert(place);
        } else if due.incident.is_empty() || behind.insert(place) {
            ready.push((due, channel));
        }
    }
    // The worst first, and of one incident what came first. A gap in what is seen is as urgent as anything.
    let urgency = |due: &Due| if due.what == What::Telemetry { Some(Level::Critical) } else { level(&due.incident) };
    if let Some((due, channel)) = ready.into_iter().min_by_key(|(due, _)| Reverse(urgency(due))) {
        return Next::Task(first_of(watched, due, channel, now));
    }
    let gone: Vec<String> = board.posts.keys().filter(|id| !watched.incidents.contains_key(*id)).cloned().collect();
    if !gone.is_empty() {
        return Next::Task(Task::Forget { incidents: gone });
    }
    let mut stale: Vec<(Option<Seconds>, &String, &Post)> = Vec::new();
    for (id, post) in &board.posts {
        match wants(watched, id, post, now) {
            Wants::Nothing => {}
            Wants::Later(at) => rest(at),
            Wants::Change => match paused(&post.channel).or(paused(&changing(&post.channel))) {
                Some(until) => rest(until),
                None if post.ts.is_none() && behind.contains(&(post.channel.as_str(), id.as_str())) => {}
                None => stale.push((post.failed, id, post)),
            },
        }
    }
    // One that fails does not keep others waiting; then the worst first, and of those what was left alone for longest.
    match stale.into_iter().min_by_key(|(failed, id, post)| (*failed, Reverse(level(id)), post.said, *id)) {
        Some((_, id, post)) if post.ts.is_none() => {
            Next::Task(Task::Post { incident: id.clone(), channel: post.channel.clone(), due: None })
        }
        Some((_, id, _)) => Next::Task(Task::Update { incident: id.clone() }),
        None => Next::Rest(wake),
    }
}

/// Where it is noted that messages of a channel cannot be changed. New ones may arrive meanwhile.
pub(super) fn changing(channel: &str) -> String {
    format!("{channel} changes")
}

/// The id of a channel from what is due on it.
fn id_of(channel: &str) -> &str {
    channel.split_once(':').map_or(channel, |(_, id)| id)
}

/// What comes first of all that a due message needs.
fn first_of(watched: &Watched, due: &Due, channel: &str, now: Seconds) -> Task {
    let say = || Task::Say { due: due.clone(), channel: channel.to_owned() };
    // What is about no incident, or one that is forgotten, stands for itself.
    if !watched.incidents.contains_key(&due.incident) {
        return say();
    }
    let incident = due.incident.clone();
    let post = watched.slack.posts.get(&incident).filter(|post| post.channel == channel && post.ts.is_some());
    match post {
        None => Task::Post { incident, channel: channel.to_owned(), due: Some(due.clone()) },
        Some(post) if post.failed.is_none() && wants(watched, &incident, post, now) == Wants::Change => {
            Task::Update { incident }
        }
        Some(_) => say(),
    }
}

#[derive(Debug, PartialEq)]
enum Wants {
    Nothing,
    Change,
    Later(Seconds),
}

fn wants(watched: &Watched, id: &str, post: &Post, now: Seconds) -> Wants {
    if post.ts.is_none() {
        return if post.tried.is_some() { Wants::Change } else { Wants::Nothing };
    }
    if post.shown == fingerprint(watched, id) {
        return Wants::Nothing;
    }
    let at = post.said.map_or(now, |said| said.saturating_add(PACE));
    let is_soon = hold::is_ahead(at, PACE, now);
    if view(watched, id).is_running() && is_soon { Wants::Later(at) } else { Wants::Change }
}
