//! From an incident to a plan: reads, and changes nothing.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::{Ask, Responder, own, ran, refuse_closed, told};
use crate::approve;
use crate::aws::{Refusal, Work, side_by_side};
use crate::contain::action::{Observed, by_name, quarantine};
use crate::contain::arn::{is_user, name_of, thing};
use crate::contain::blast_radius;
use crate::contain::cloud::Cloud;
use crate::contain::compile::{self, Frame, Outstanding, Wanted, outstanding};
use crate::contain::hands::access_keys;
use crate::contain::playbook::{Playbook, chosen};
use crate::contain::subject::{Choice, Hold, Subject, subjects};
use crate::contain::survey::survey;
use crate::habit::Habits;
use crate::model::plan::{Blast, Plan, Refused, Target};
use crate::model::{Created, Incident, Status};
use crate::store::{State, Store};
use crate::watch::Told;

/// Targets that are read side by side.
const ABREAST: usize = 16;

/// The plan for an incident at this moment.
pub(super) async fn draft<S: Store>(state: &State<S>, responder: &Responder<'_>, id: &str, ask: &Ask) -> Result<Plan> {
    let told = told(state, id).await?;
    let now = (responder.clock)();
    let attempt = approve::attempts(&state.head().watch.plans, id, now);
    let guard = own::guard(state, responder).await?;
    let expires = responder.config.approval.expires;
    let held_by = if ask.undo.is_some() { held_by(state, id).await? } else { BTreeMap::new() };
    let frame = Frame { incident: &told.incident, guard: &guard, held_by, attempt, now, expires };
    let cloud = responder.cloud(id)?;
    if let Some(wanted) = ask.undo {
        return undo(state, &frame, &cloud, wanted).await;
    }
    refuse_closed(&told)?;
    let playbooks = chosen(&ask.playbooks)?;
    check_order(&told, &playbooks)?;
    let habits = crate::watch::habits(state, now).await?;
    let incident = &told.incident;
    let choice = Choice {
        narrow: ask.narrow,
        is_shared: &|role| blast_radius::is_used_by_others(&habits, incident, role, now),
        usual_networks: &|user| blast_radius::usual_networks(&habits, incident, user, None, now),
    };
    let (subjects, beyond) = subjects(incident, &choice);
    if subjects.iter().any(|subject| subject.hold == Hold::Networks && subject.usual_networks.is_empty()) {
        bail!("no usual network is known to leave open: --narrow network is not possible here");
    }
    let mut survey = survey(&cloud, &subjects, &playbooks, &guard).await;
    survey.refused.extend(beyond);
    survey.refused.extend(unwatched(responder, incident));
    let (blasts, remarks) = blasts(&subjects, &habits, incident, now);
    let mut plan = compile::contain(&frame, &playbooks, &subjects, survey, blasts)?;
    plan.remarks.extend(remarks);
    plan.remarks.extend(quarantined(&cloud, &plan).await);
    plan.people.extend(people(incident));
    // What appears from now on is nobody's whom the plan knows.
    plan.credentials = access_keys(&cloud, &plan.steps).await.unwrap_or_default();
    Ok(plan.sealed())
}

/// Users and roles that other contained incidents hold, and which.
async fn held_by<S: Store>(state: &State<S>, id: &str) -> Result<BTreeMap<String, String>> {
    let mut held = BTreeMap::new();
    let known = state.head().watch.incidents.iter();
    for (other, _) in known.filter(|(other, known)| *other != id && known.status == Status::Contained) {
        let told = crate::watch::incident(state, other).await?;
        held.extend(told.into_iter().flat_map(|told| told.incident.principals).map(|arn| (arn, other.clone())));
    }
    Ok(held)
}

/// What deletes comes after what contains.
fn check_order(told: &Told, playbooks: &[Playbook]) -> Result<()> {
    let late = playbooks.iter().find(|playbook| playbook.after_containment);
    match late.filter(|_| told.incident.status != Status::Contained) {
        Some(late) => bail!("{} is not contained: {} comes after that", told.incident.id, late.name),
        None => Ok(()),
    }
}

/// Accounts of the incident that cannot be reached.
fn unwatched(responder: &Responder<'_>, incident: &Incident) -> Vec<Refused> {
    let reached = responder.live.identity();
    let is_reached = |account: &&String| reached.iter().any(|known| known.account == **account && known.arn.is_some());
    let missing = incident.accounts.iter().filter(|account| !is_reached(account));
    let why = "the settings do not reach this account: what the incident holds there is left alone";
    missing.map(|account| Refused { target: format!("account {account}"), why: why.to_owned() }).collect()
}

/// What breaks: for every principal that is cut off, and for each of its long-term credentials.
pub(crate) fn blasts(
    subjects: &[Subject],
    habits: &Habits,
    incident: &Incident,
    now: i64,
) -> (Vec<Blast>, Vec<String>) {
    let days = habits.history_days(now);
    let (mut blasts, mut remarks) = (Vec::new(), Vec::new());
    for subject in subjects.iter().filter(|subject| subject.is_principal()) {
        let is_long = |key: &&String| key.starts_with("AKIA") || key.starts_with("LKIA");
        let keys: Vec<_> = subject.credentials.iter().filter(is_long).map(|key| Some(key.as_str())).collect();
        let keys = if keys.is_empty() { vec![None] } else { keys };
        for key in keys {
            blasts.push(blast_radius::blast(habits, incident, &subject.arn, key, days, now));
            remarks.extend(blast_radius::remarks(habits, incident, &subject.arn, key, now));
        }
    }
    remarks.sort();
    remarks.dedup();
    (blasts, remarks)
}

/// What only people can do about this incident.
pub(crate) fn people(incident: &Incident) -> Vec<String> {
    let password = incident.resources.iter().filter(|made| made.kind == "iam:login-profile" && made.exists);
    let user = |arn: &str| thing(arn).to_owned();
    let reset = password.map(|made| {
        let user = user(&made.arn);
        format!("A console password was set for {user}: change it, and ask its owner.")
    });
    let keys = incident.resources.iter().filter(|made| made.kind == "iam:access-key" && made.exists);
    // The call that makes a key does not tell the path of its user.
    let is_user = |r: &&Created, made: &Created| r.kind == "iam:user" && name_of(&r.arn) == name_of(&made.arn);
    let on_others = keys.filter(|made| !incident.resources.iter().any(|r| is_user(&r, made)));
    let ask = on_others.map(|made| format!("Ask the owner of {} whether it knows of the key.", user(&made.arn)));
    reset.chain(ask).collect()
}

/// What AWS did already about users of the plan, and where that could not be read.
async fn quarantined(cloud: &Cloud, plan: &Plan) -> Vec<String> {
    let users: BTreeMap<&str, &Target> = plan
        .steps
        .iter()
        .filter(|step| step.is_change() && is_user(&step.target.arn))
        .map(|step| (thing(&step.target.arn), &step.target))
        .collect();
    let work = users.into_iter().map(|(arn, user)| -> Work<'_, Option<String>> {
        Box::pin(async move {
            let name = name_of(arn);
            match quarantine(cloud, user).await {
                // Of a user that is gone the steps tell.
                Ok(None) | Err(Refusal::Gone(_)) => None,
                Ok(Some(policy)) => Some(format!(
                    "AWS attached {policy} to user {name}: it refuses some calls, and its keys stay active."
                )),
                Err(why) => Some(format!("Whether AWS restricted user {name} could not be read: {why}.")),
            }
        })
    });
    side_by_side(ABREAST, work).await.into_iter().flatten().collect()
}

async fn undo<S: Store>(state: &State<S>, frame: &Frame<'_>, cloud: &Cloud, wanted: Wanted) -> Result<Plan> {
    let plans = ran(state, &frame.incident.id).await?;
    if plans.is_empty() {
        bail!("nothing was done about {} yet", frame.incident.id);
    }
    let (lines, _) = state.journal().await?;
    let changes = outstanding(&lines, &plans);
    let work = changes.iter().map(|change| -> Work<'_, Result<Observed, String>> { Box::pin(now_at(cloud, change)) });
    let observed = side_by_side(ABREAST, work).await;
    if let Some(n) = wanted.step.filter(|n| changes.iter().all(|change| change.step.n != *n)) {
        bail!("nothing is to be taken back of a step {n}");
    }
    Ok(compile::undo(frame, wanted, changes.into_iter().zip(observed).collect()))
}

async fn now_at(cloud: &Cloud, change: &Outstanding) -> Result<Observed, String> {
    let step = &change.step;
    let action = by_name(&step.action).ok_or_else(|| format!("there is no action {}", step.action))?;
    action.observe(cloud, &step.target).await.map_err(|why| why.to_string())
}
