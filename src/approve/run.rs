//! An approval is used up by the run that it is for: one at a time, and once.

use serde_json::{Value, json};

use super::{Answer, expired, is_late, over};
use crate::event::{Seconds, time};
use crate::journal::Entry;
use crate::model::approval::{Planned, Plans, Stage};
use crate::model::plan::Class;

/// Sentences of what remains that the record of a plan keeps, and how long they are in characters.
const MOST_REMAINS: usize = 5;
const LONGEST: usize = 300;

/// That a plan may run, by whoever holds this: made only when an approval is used up, or when a run goes on that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permit {
    digest: String,
    expires_at: Seconds,
    is_resumed: bool,
}

impl Permit {
    /// Of the plan that it is for.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// From here on no step begins.
    pub(crate) fn expires_at(&self) -> Seconds {
        self.expires_at
    }

    /// Whether an earlier run of the plan died.
    pub(crate) fn is_resumed(&self) -> bool {
        self.is_resumed
    }
}

/// Uses up an approval, or takes over a run whose holder gave no sign of life in time. For so many seconds nobody else
/// runs the plan, or another of the same incident.
pub(crate) fn begin(plans: &mut Plans, digest: &str, holder: &str, seconds: Seconds, now: Seconds) -> Answer<Permit> {
    let no =
        |why: String, incident: Option<&str>| Answer::no(why, "run", digest, incident, json!({ "holder": holder }));
    let Some(planned) = plans.get_mut(digest) else { return no("there is no such plan".to_owned(), None) };
    let incident = planned.incident.clone();
    let mut entries = Vec::new();
    if is_late(planned, now) {
        entries.push(expired(digest, planned));
    }
    let is_resumed = matches!(planned.stage, Stage::Running { .. });
    let why = match &planned.stage {
        Stage::Pending if planned.class == Class::R0 => None,
        Stage::Pending => Some("nobody approved it, or not enough people did".to_owned()),
        Stage::Running { until, .. } if *until <= now => None,
        _ => over(planned),
    };
    let undoes = planned.undoes.clone();
    let permit = Permit { digest: digest.to_owned(), expires_at: planned.expires_at, is_resumed };
    if let Some(why) = why.or_else(|| busy(plans, digest, &incident, undoes.as_deref(), now)) {
        let mut answer = no(why, Some(&incident));
        answer.entries.splice(0..0, entries);
        return answer;
    }
    entries.extend(undoes.and_then(|undone| give_up(plans, &undone, digest, now)));
    let until = now.saturating_add(seconds);
    if let Some(planned) = plans.get_mut(digest) {
        planned.stage = Stage::Running { holder: holder.to_owned(), until };
    }
    let kind = if is_resumed { "plan.resumed" } else { "plan.started" };
    entries.push(Entry::new(kind, Some(&incident), json!({ "plan": digest, "holder": holder })));
    Answer::yes(permit, entries)
}

/// Why another plan of the incident is in the way. One that died is in nobody's way but of those that change the same
/// things in ignorance of it, so it is gone on with or undone first.
fn busy(plans: &Plans, digest: &str, incident: &str, undoes: Option<&str>, now: Seconds) -> Option<String> {
    plans.iter().filter(|(other, planned)| *other != digest && planned.incident == incident).find_map(
        |(other, planned)| {
            let Stage::Running { holder, until } = &planned.stage else { return None };
            let short: String = other.chars().take(12).collect();
            if *until > now {
                let until = time::format(*until);
                return Some(format!("{holder} runs plan {short} of the same incident until {until} at most"));
            }
            (undoes != Some(other.as_str()))
                .then(|| format!("plan {short} of the same incident died half way: run it again, or undo it"))
        },
    )
}

/// Ends a dead run because another plan takes back what it did.
fn give_up(plans: &mut Plans, digest: &str, undone_by: &str, now: Seconds) -> Option<Entry> {
    let planned = plans.get_mut(digest).filter(|planned| matches!(planned.stage, Stage::Running { .. }))?;
    (planned.stage, planned.ended_at) = (Stage::Ended { holds: false }, Some(now));
    let detail = json!({ "plan": digest, "holds": false, "undone_by": undone_by });
    Some(Entry::new("plan.ended", Some(&planned.incident), detail))
}

/// Ends a dead run that nobody could go on with until a time.
pub(crate) fn interrupt(plans: &mut Plans, digest: &str, why: &str, now: Seconds) -> Option<Entry> {
    let is_dead = |planned: &&mut Planned| matches!(planned.stage, Stage::Running { until, .. } if until <= now);
    let planned = plans.get_mut(digest).filter(is_dead)?;
    (planned.stage, planned.ended_at) = (Stage::Ended { holds: false }, Some(now));
    planned.remains = vec![why.to_owned()];
    let detail = json!({ "plan": digest, "holds": false, "interrupted": why });
    Some(Entry::new("plan.ended", Some(&planned.incident), detail))
}

/// Holds a run for some seconds from `now`.
///
/// # Errors
/// It is no longer this holder's: nothing more may be done for it.
pub(crate) fn renew(
    plans: &mut Plans,
    digest: &str,
    holder: &str,
    seconds: Seconds,
    now: Seconds,
) -> Result<(), String> {
    match plans.get_mut(digest).map(|planned| &mut planned.stage) {
        Some(Stage::Running { holder: held, until }) if held == holder => {
            *until = now.saturating_add(seconds);
            Ok(())
        }
        Some(Stage::Running { holder: other, .. }) => Err(format!("{other} took the run over")),
        Some(stage) => Err(format!("the plan is {} meanwhile", stage.as_str())),
        None => Err("the plan is no longer known".to_owned()),
    }
}

/// Leaves a run to whoever comes next, who goes on with it at once.
pub(crate) fn pause(plans: &mut Plans, digest: &str, holder: &str, now: Seconds) -> Answer<()> {
    let incident = plans.get(digest).map(|planned: &Planned| planned.incident.clone());
    if let Err(why) = renew(plans, digest, holder, 0, now) {
        return Answer::no(why, "pause", digest, incident.as_deref(), json!({ "holder": holder }));
    }
    let detail = json!({ "plan": digest, "holder": holder });
    Answer::yes((), vec![Entry::new("plan.paused", incident.as_deref(), detail)])
}

/// Counts steps of a run that came to an end, up to all of the plan. One that a later run ends again counts again.
pub(crate) fn advance(plans: &mut Plans, digest: &str, ended: usize) {
    if let Some(planned) = plans.get_mut(digest) {
        let most = u32::try_from(planned.steps).unwrap_or(u32::MAX);
        planned.done = planned.done.saturating_add(u32::try_from(ended).unwrap_or(u32::MAX)).min(most);
    }
}

/// Ends a run. `detail` is an object of what the journal says beside whether all of it holds; of the sentences in its
/// `remains`, or of those why it is `void`, the record keeps the first few.
pub(crate) fn end(
    plans: &mut Plans,
    digest: &str,
    holder: &str,
    holds: bool,
    detail: Value,
    now: Seconds,
) -> Answer<()> {
    let who = json!({ "holder": holder });
    let incident = plans.get(digest).map(|planned: &Planned| planned.incident.clone());
    if let Err(why) = renew(plans, digest, holder, 0, now) {
        return Answer::no(why, "end", digest, incident.as_deref(), who);
    }
    if let Some(planned) = plans.get_mut(digest) {
        (planned.stage, planned.ended_at) = (Stage::Ended { holds }, Some(now));
        planned.remains = remains(&detail);
    }
    let mut told = json!({ "plan": digest, "holder": holder, "holds": holds });
    if let (Some(told), Value::Object(detail)) = (told.as_object_mut(), detail) {
        told.extend(detail);
    }
    Answer::yes((), vec![Entry::new("plan.ended", incident.as_deref(), told)])
}

/// What does not hold, as the record keeps it: the head of a state holds little.
fn remains(detail: &Value) -> Vec<String> {
    let sentences = ["remains", "void"].into_iter().filter_map(|key| detail.get(key)?.as_array()).flatten();
    let cut = |text: &str| text.chars().take(LONGEST).collect();
    sentences.filter_map(Value::as_str).map(cut).take(MOST_REMAINS).collect()
}
