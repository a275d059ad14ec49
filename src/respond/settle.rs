//! What an ended plan means for its incident: its status, whom the watch looks after from now on, and who is told. All of
//! it becomes true with the end of the plan, by one write.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Responder, ran};
use crate::approve::{self, Answer};
use crate::contain::arn::part;
use crate::contain::compile::outstanding;
use crate::contain::execute::{End, Outcome};
use crate::contain::subject::{Choice, Subject, subjects};
use crate::event::Seconds;
use crate::journal::Entry;
use crate::model::plan::{Plan, Step, Way, short};
use crate::model::{Incident, Status, What, counted};
use crate::notify::Channel;
use crate::notify::slack::Names;
use crate::store::watched::{Contained, Due};
use crate::store::{Head, State, Store};
use crate::watch::Told;

/// A plan that follows one of these cuts the callers off.
const CUTS: [&str; 2] = ["quarantine-principal", "rotate-everything"];
/// What does not hold, in one message.
const MOST_TOLD: usize = 5;

/// What becomes of an incident with the end of a plan.
#[derive(Default)]
struct Change {
    status: Option<(Status, Entry)>,
    /// Whom the watch looks after.
    watched: Vec<(String, Contained)>,
    /// Whom it no longer does.
    freed: Vec<String>,
    due: Vec<Due>,
}

/// Ends the plan in the record, and says what it means.
///
/// # Errors
/// The state.
pub(super) async fn ended<S: Store>(
    state: &mut State<S>,
    responder: &Responder<'_>,
    plan: &Plan,
    outcome: &Outcome,
) -> Result<()> {
    let now = (responder.clock)();
    let held: Vec<&Step> = plan.steps.iter().filter(|step| is_held(step, outcome)).collect();
    let told = crate::watch::incident(state, &plan.incident).await?;
    let mut change = match (plan.way, &told) {
        (Way::Contain, Some(told)) => contained(plan, told, &held, outcome.holds(), now),
        (Way::Undo, _) => undone(state, plan, &held).await?,
        (Way::Contain, None) => Change::default(),
    };
    change.due = due(responder, plan, outcome, now).await;
    let detail = json!({
        "remains": outcome.remains, "reasserted": outcome.reasserted, "seconds": outcome.seconds,
    });
    write(state, responder, &plan.digest, (outcome.holds(), detail), (&plan.incident, change)).await
}

/// Ends a plan that nothing came of, because things changed.
///
/// # Errors
/// The state.
pub(super) async fn void<S: Store>(
    state: &mut State<S>,
    responder: &Responder<'_>,
    digest: &str,
    why: &[String],
) -> Result<()> {
    write(state, responder, digest, (false, json!({ "void": why })), ("", Change::default())).await
}

/// Leaves a plan that was stopped to a later run.
///
/// # Errors
/// The state.
pub(super) async fn paused<S: Store>(state: &mut State<S>, responder: &Responder<'_>, digest: &str) -> Result<()> {
    let now = (responder.clock)();
    let mut answer = None;
    let commit = |head: &mut Head| {
        let Answer { said, entries } = approve::pause(&mut head.watch.plans, digest, &responder.holder, now);
        answer = Some(said);
        entries
    };
    state.append(now, commit).await?;
    answer.context("the state did not answer")?.map_err(anyhow::Error::msg)
}

async fn write<S: Store>(
    state: &mut State<S>,
    responder: &Responder<'_>,
    digest: &str,
    (holds, detail): (bool, Value),
    (incident, change): (&str, Change),
) -> Result<()> {
    let now = (responder.clock)();
    let mut answer = None;
    let commit = |head: &mut Head| {
        let watched = &mut head.watch;
        let Answer { said, mut entries } =
            approve::end(&mut watched.plans, digest, &responder.holder, holds, detail.clone(), now);
        answer = Some(said);
        for key in &change.freed {
            if watched.contained.get(key).is_some_and(|known| known.incident == incident) {
                watched.contained.remove(key);
            }
        }
        watched.contained.extend(change.watched.iter().cloned());
        watched.due.extend(change.due.iter().cloned());
        let known = watched.incidents.get_mut(incident).filter(|known| known.status != Status::Closed);
        if let Some((known, (status, entry))) = known.zip(change.status.as_ref())
            && known.status != *status
        {
            (known.status, known.changed_at) = (*status, now);
            entries.push(entry.clone());
        }
        entries
    };
    state.append(now, commit).await?;
    answer.context("the state did not answer")?.map_err(anyhow::Error::msg)
}

fn is_held(step: &Step, outcome: &Outcome) -> bool {
    let of_step = outcome.steps.iter().find(|done| done.n == step.n);
    step.is_change() && of_step.is_some_and(|done| matches!(done.end, End::Done | End::Held))
}

fn contained(plan: &Plan, told: &Told, held: &[&Step], holds: bool, now: Seconds) -> Change {
    let incident = &told.incident;
    let watched = held.iter().filter_map(|step| watched(step, incident, now)).collect();
    let follows = plan.playbooks.iter().any(|name| CUTS.contains(&name.as_str()));
    let is_cut = holds && follows && left(plan, incident).is_empty();
    let entry = || Entry::new("incident.contained", Some(&plan.incident), json!({ "plan": plan.digest }));
    Change { status: is_cut.then(|| (Status::Contained, entry())), watched, ..Change::default() }
}

/// Users and roles of the incident, as it is known at this moment, that a plan leaves alone or does not know.
fn left(plan: &Plan, incident: &Incident) -> Vec<String> {
    let nobody = Choice { narrow: None, is_shared: &|_| false, usual_networks: &|_| BTreeSet::new() };
    let (held, beyond) = subjects(incident, &nobody);
    let of_plan = |arn: &String| plan.principals.contains(arn) && !plan.refused.iter().any(|r| r.target == *arn);
    let principals = held.into_iter().filter(Subject::is_principal);
    let uncut = principals.map(|held| held.arn).filter(|arn| !of_plan(arn));
    uncut.chain(beyond.into_iter().map(|refused| refused.target)).collect()
}

/// Whom to look after, by what a step took away.
fn watched(step: &Step, incident: &Incident, now: Seconds) -> Option<(String, Contained)> {
    let whole = Contained::of(incident, now);
    let list = |key: &str| -> BTreeSet<String> {
        let list = step.target.detail.get(key).map(|text| serde_json::from_str(text).unwrap_or_default());
        list.unwrap_or_default()
    };
    match step.action.as_str() {
        "attach-deny" | "set-deny-boundary" => Some((step.target.arn.clone(), whole)),
        "deactivate-key" => Some((part(&step.target.arn)?.to_owned(), whole)),
        "deny-sessions" => {
            let sessions = list("sessions");
            let sessions_before = sessions.is_empty().then_some(now);
            Some((step.target.arn.clone(), Contained { sessions, sessions_before, ..whole }))
        }
        "deny-other-networks" => Some((step.target.arn.clone(), Contained { network_ok: list("networks"), ..whole })),
        _ => None,
    }
}

async fn undone<S: Store>(state: &State<S>, plan: &Plan, held: &[&Step]) -> Result<Change> {
    let keys = held.iter().flat_map(|step| {
        let arn = &step.target.arn;
        [Some(arn.clone()), part(arn).map(str::to_owned)]
    });
    let freed = keys.flatten().collect();
    let plans = ran(state, &plan.incident).await?;
    let is_all = outstanding(&state.journal().await?.0, &plans).is_empty();
    let entry = Entry::new("incident.undone", Some(&plan.incident), json!({ "plan": plan.digest, "all": is_all }));
    Ok(Change { status: Some((Status::Open, entry)), freed, ..Change::default() })
}

/// Word for every channel: the next pass of a watch delivers it.
async fn due(responder: &Responder<'_>, plan: &Plan, outcome: &Outcome, now: Seconds) -> Vec<Due> {
    let (channels, _) = Channel::all(&responder.config.notify).await;
    let what = if plan.way == Way::Contain { What::Contained } else { What::Undone };
    let changes = counted(plan.steps.iter().filter(|step| step.is_change()).count(), "step");
    let mut told = vec![match outcome.remains.len() {
        0 => format!("{changes} of plan {} hold.", short(&plan.digest)),
        remains => format!("Of {changes}, {remains} do not hold."),
    }];
    told.extend(outcome.remains.iter().take(MOST_TOLD).map(|remains| format!("Remains: {remains}.")));
    let message = |channel| Due {
        incident: plan.incident.clone(),
        changes: told.clone(),
        ..Due::new(format!("{}-{}", plan.incident, plan.digest), channel, what, now)
    };
    let slack = Names::of(&responder.config.slack).incidents;
    channels.iter().map(Channel::name).chain(slack).map(message).collect()
}
