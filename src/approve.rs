//! Who may approve what: pure. Each function changes the record of a plan and gives what the journal says of it, also where
//! it refuses, because an attempt that was refused is worth knowing.
//!
//! - `vote`: making a plan, approving and denying it
//! - `person`: who is who, and whether two are one
//! - `run`: an approval is used up, once

mod person;
mod run;
#[cfg(test)]
mod tests;
mod vote;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::event::{Seconds, time};
use crate::journal::Entry;
use crate::model::approval::{Person, Planned, Plans, Stage};
use crate::model::click::Aim;

pub(crate) use run::{Permit, advance, begin, end, interrupt, pause, renew};
pub(crate) use vote::{Counted, agreed, approve, deny, make, may_decide, quorum};

/// The shortest beginning of a digest that names a plan.
const SHORTEST: usize = 8;

/// What came of it, and what the journal says.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    /// Or why not, in a sentence.
    pub said: Result<T, String>,
    /// To be written in any case.
    pub entries: Vec<Entry>,
}

impl<T> Answer<T> {
    pub(crate) fn yes(said: T, entries: Vec<Entry>) -> Self {
        Self { said: Ok(said), entries }
    }

    /// A refusal, which is journalled with what was tried and by whom.
    fn no(why: String, tried: &str, digest: &str, incident: Option<&str>, who: Value) -> Self {
        let detail = json!({ "plan": digest, "tried": tried, "by": who, "why": why });
        Self { said: Err(why), entries: vec![Entry::new("approval.refused", incident, detail)] }
    }
}

/// That somebody asked for one of the usual plans, for the journal.
pub(crate) fn asked(aim: Aim, incident: &str, by: &Person) -> Entry {
    Entry::new("plan.asked", Some(incident), json!({ "aim": aim, "by": person::told(by) }))
}

/// A refusal of something about an incident that is not a vote, for the journal.
pub(crate) fn refused(why: &str, tried: &str, plan: Option<&str>, incident: &str, by: &Person) -> Entry {
    let detail = json!({ "plan": plan, "tried": tried, "by": person::told(by), "why": why });
    Entry::new("approval.refused", Some(incident), detail)
}

/// Whether a plan waited too long, by the record or by the time.
pub(crate) fn is_expired(planned: &Planned, now: Seconds) -> bool {
    planned.stage == Stage::Expired || is_late(planned, now)
}

/// Ends what did not begin in time, for a pass of the watch.
pub(crate) fn expire(plans: &mut Plans, now: Seconds) -> Vec<Entry> {
    let late = plans.iter_mut().filter(|(_, planned)| is_late(planned, now));
    late.map(|(digest, planned)| expired(digest, planned)).collect()
}

/// Forgets the plans of incidents that are forgotten, and what is outdated. One that runs, or died running, stays.
pub(crate) fn forget(plans: &mut Plans, is_known: impl Fn(&str) -> bool) {
    plans.retain(|_, planned| matches!(planned.stage, Stage::Running { .. }) || is_known(&planned.incident));
    drop_outdated(plans);
}

/// Forgets plans that nobody decides about any more and that did nothing, where another one of their incident came after:
/// every change of an incident may bring a plan, and the head of a state holds little.
fn drop_outdated(plans: &mut Plans) {
    let mut newest: BTreeMap<String, (Seconds, u32, String)> = BTreeMap::new();
    for (digest, planned) in plans.iter() {
        let rank = (planned.made_at, planned.attempt, digest.clone());
        let known = newest.entry(planned.incident.clone()).or_default();
        *known = rank.max(known.clone());
    }
    plans.retain(|digest, planned| {
        let did_nothing = matches!(planned.stage, Stage::Denied | Stage::Expired);
        !did_nothing || newest.get(&planned.incident).is_some_and(|(.., last)| last == digest)
    });
}

/// The number of the next attempt: one more than the highest of those plans of an incident that are over.
pub(crate) fn attempts(plans: &Plans, incident: &str, now: Seconds) -> u32 {
    let is_over = |planned: &&Planned| planned.stage.is_over() || is_late(planned, now);
    let over = plans.values().filter(|planned| planned.incident == incident).filter(is_over);
    over.map(|planned| planned.attempt.saturating_add(1)).max().unwrap_or(0)
}

/// The one plan whose digest begins with a text.
///
/// # Errors
/// A beginning that is too short, or that none or several have, in a sentence.
pub(crate) fn matching<'a>(plans: &'a Plans, incident: Option<&str>, start: &str) -> Result<&'a str, String> {
    if start.len() < SHORTEST {
        return Err(format!("a plan is named by {SHORTEST} characters of its digest at least"));
    }
    let is_meant = |(digest, planned): &(&String, &Planned)| {
        digest.starts_with(start) && incident.is_none_or(|incident| planned.incident == incident)
    };
    let mut found = plans.iter().filter(is_meant).map(|(digest, _)| digest.as_str());
    match (found.next(), found.next()) {
        (Some(digest), None) => Ok(digest),
        (None, _) => Err(format!("there is no plan {start}; if the incident or the account changed, plan again")),
        (Some(_), Some(_)) => Err(format!("several plans begin with {start}")),
    }
}

/// Whether it waited too long. What began is not late: its steps look at the time themselves.
fn is_late(planned: &Planned, now: Seconds) -> bool {
    matches!(planned.stage, Stage::Pending | Stage::Approved) && planned.expires_at <= now
}

/// Marks a plan as expired.
fn expired(digest: &str, planned: &mut Planned) -> Entry {
    let was = planned.stage.as_str();
    planned.stage = Stage::Expired;
    let detail = json!({ "plan": digest, "expired_at": time::format(planned.expires_at), "was": was });
    Entry::new("plan.expired", Some(&planned.incident), detail)
}

/// Why nobody can approve, deny or begin it any more.
fn over(planned: &Planned) -> Option<String> {
    Some(match &planned.stage {
        Stage::Pending | Stage::Approved => return None,
        Stage::Denied => "the plan was denied".to_owned(),
        Stage::Expired => format!("the plan expired at {}", time::format(planned.expires_at)),
        Stage::Running { holder, until } => format!("{holder} runs it until {} at most", time::format(*until)),
        Stage::Ended { .. } => "the approval was used already: a plan runs once".to_owned(),
    })
}
