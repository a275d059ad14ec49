//! What was pressed becomes decisions: all clicks that wait, in one write.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Desk;
use super::judge::{Said, judge};
use super::people::{self, Rules};
use super::render::shown;
use crate::config::Approval;
use crate::journal::Entry;
use crate::model::click::{Aim, Button, Click, SlackUser};
use crate::notify::slack::words::{self, Words};
use crate::notify::slack::workspace::Workspace;
use crate::respond::stored;
use crate::store::{Head, State, StateError, Store};

/// Clicks that one write takes: each may be a line of the journal, and the head of a state holds 350,000 bytes in all.
pub(super) const MOST: usize = 100;

/// What the journal calls a press that was refused.
const REFUSED: &str = "approval.refused";
/// What is said to a press that comes again.
const DECIDED: &str = "This press was decided before: the message shows what came of it.";

/// An answer that only one person sees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub response_url: String,
    pub words: Words,
}

/// Something that takes longer than an answer may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// One of the usual plans is made.
    Plan { incident: String, aim: Aim },
    /// An expired plan is made anew, for the clicks that approve it.
    Renew { incident: String, digest: String },
}

/// A task, and the clicks that wait for it in their order: it is done once for all of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    pub task: Task,
    pub clicks: Vec<Click>,
}

/// What clicks come to.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub answers: Vec<Answered>,
    pub jobs: Vec<Job>,
}

/// Decides about clicks in their order. Each is answered, also where the state fails. The same button pressed again by
/// the same person in one go is decided once.
pub(crate) async fn decide<S: Store, W: Workspace>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    clicks: &[Click],
) -> Decided {
    if clicks.iter().any(|click| people::is_unknown(desk, click)) {
        people::ask(desk).await;
    }
    let rules = Rules { plans: unreadable(state, clicks).await, ..people::rules(desk) };
    let said = match write(state, desk, clicks, &rules).await {
        Err(StateError::TooLarge { .. }) if clicks.len() > 1 => one_by_one(state, desk, clicks, &rules).await,
        said => said.unwrap_or_else(|why| clicks.iter().map(|_| unsure(&why)).collect()),
    };
    let mut decided = Decided::default();
    for (click, said) in clicks.iter().zip(said) {
        let words = answer(state, &said, &rules.approval).await;
        let url = click.response_url.clone();
        decided.answers.extend(url.map(|response_url| Answered { response_url, words }));
        let Some(task) = task(click, said) else { continue };
        match decided.jobs.iter_mut().find(|job| job.task == task) {
            Some(job) => job.clicks.push(click.clone()),
            None => decided.jobs.push(Job { task, clicks: vec![click.clone()] }),
        }
    }
    decided
}

/// Where there is no room for all in one write, there may be for some.
async fn one_by_one<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    clicks: &[Click],
    rules: &Rules,
) -> Vec<Said> {
    let mut said = Vec::new();
    for click in clicks {
        let one = write(state, desk, std::slice::from_ref(click), rules).await;
        said.extend(one.unwrap_or_else(|why| vec![unsure(&why)]));
    }
    said
}

/// What is said where the store failed: its answer may be lost, and what it was about written.
fn unsure(why: &StateError) -> Said {
    Said::Sentence(format!(
        "It is not sure that this was recorded: {why}. Look at the message, and press again if it is not there."
    ))
}

/// Plans that clicks approve and that are not to be had, and why.
async fn unreadable<S: Store>(state: &State<S>, clicks: &[Click]) -> BTreeMap<String, String> {
    let mut plans = BTreeMap::new();
    let digests = clicks.iter().filter_map(|click| match &click.button {
        Button::Approve { digest, .. } => Some(digest),
        _ => None,
    });
    for digest in digests.collect::<BTreeSet<_>>() {
        let why = match state.plan(digest).await {
            Ok(Some(_)) => continue,
            Ok(None) => "it is not stored any more; plan again".to_owned(),
            Err(error) => error.to_string(),
        };
        plans.insert(digest.clone(), why);
    }
    plans
}

async fn write<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    clicks: &[Click],
    rules: &Rules,
) -> Result<Vec<Said>, StateError> {
    // Looking changes nothing.
    if clicks.iter().all(|click| matches!(click.button, Button::Show { .. } | Button::Rehearse)) {
        state.refresh().await?;
        let mut seen = state.head().watch.clone();
        return Ok(clicks.iter().map(|click| judge(&mut seen, click, rules, desk.now()).0).collect());
    }
    let now = desk.now();
    let mut said = Vec::new();
    let change = |head: &mut Head| {
        said.clear();
        let mut entries = Vec::new();
        let mut known: BTreeMap<(SlackUser, Place<'_>, &str, String), Once> = BTreeMap::new();
        let is_known = |click: &&Click| head.watch.slack.is_decided(&click.id);
        let earlier: BTreeSet<String> = clicks.iter().filter(is_known).map(|click| click.id.clone()).collect();
        for click in clicks {
            let place = (click.channel.as_deref(), click.message.as_deref());
            let key = (click.user.clone(), place, click.button.action_id(), click.button.value());
            if earlier.contains(&click.id) {
                said.push(Said::Sentence(DECIDED.to_owned()));
                continue;
            }
            let once = known.entry(key).or_insert_with(|| {
                let (said, told) = judge(&mut head.watch, click, rules, now);
                let from = entries.len();
                entries.extend(told);
                Once { said, entries: from..entries.len(), presses: 0 }
            });
            once.presses += 1;
            // What a press asks to be made is not done by the decision, and a refusal changes nothing.
            let told = entries.get(once.entries.clone()).unwrap_or_default();
            let is_refused = told.is_empty() || told.iter().any(|entry| entry.kind == REFUSED);
            if matches!(once.said, Said::Sentence(_)) && !is_refused {
                head.watch.slack.note_decided(&click.id);
            }
            said.push(once.said.clone());
        }
        known.into_values().for_each(|once| once.count(&mut entries));
        entries
    };
    state.append(now, change).await?;
    Ok(said)
}

/// The channel and the message that a click was in.
type Place<'c> = (Option<&'c str>, Option<&'c str>);

/// One decision about clicks that are the same.
struct Once {
    said: Said,
    /// Where what the journal says of it is.
    entries: Range<usize>,
    presses: u32,
}

impl Once {
    /// The journal says of what was refused how often it was tried, where that was more than once.
    fn count(self, entries: &mut [Entry]) {
        let told = entries.get_mut(self.entries).into_iter().flatten();
        for entry in told.filter(|entry| self.presses > 1 && entry.kind == REFUSED) {
            if let Some(detail) = entry.detail.as_object_mut() {
                detail.insert("presses".to_owned(), self.presses.into());
            }
        }
    }
}

async fn answer<S: Store>(state: &State<S>, said: &Said, rules: &Approval) -> Words {
    let digest = match said {
        Said::Sentence(sentence) | Said::Plan { sentence, .. } | Said::Renew { sentence } => {
            return words::answer(sentence);
        }
        Said::Steps { digest } => digest,
    };
    let planned = state.head().watch.plans.get(digest);
    match (planned, stored(state, digest).await) {
        (Some(planned), Ok(plan)) => words::steps(&shown((digest, planned), &plan, rules)),
        _ => words::answer("There is no such plan any more: look at the message again."),
    }
}

fn task(click: &Click, said: Said) -> Option<Task> {
    match (said, &click.button) {
        (Said::Plan { aim, .. }, Button::Plan { incident, .. }) => Some(Task::Plan { incident: incident.clone(), aim }),
        (Said::Renew { .. }, Button::Approve { incident, digest }) => {
            Some(Task::Renew { incident: incident.clone(), digest: digest.clone() })
        }
        _ => None,
    }
}
