//! Making a plan, agreeing to it, and stopping it.

use std::collections::BTreeSet;

use serde_json::json;

use super::person::{different, is_among, name, told};
use super::{Answer, drop_outdated, expired, is_late, over};
use crate::config::Approval;
use crate::event::{Seconds, time};
use crate::journal::Entry;
use crate::model::approval::{Person, Planned, Plans, Stage, Vote};
use crate::model::plan::{Class, Plan};

/// People that a plan needs which cannot be taken back, where nobody is named who could decide alone.
const TWO: usize = 2;
/// More votes than this tell nothing new.
const MOST_VOTES: usize = 16;

/// What became of a plan that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    New,
    /// The same plan is open already: its votes and its time stay.
    Kept,
}

/// What a vote came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Approved,
    /// So many more people must agree.
    Missing(usize),
}

/// Records a plan, so that it can be approved. `journal_from` is the number of the journal's last line.
pub(crate) fn make(
    plans: &mut Plans,
    plan: &Plan,
    by: &Person,
    undoes: Option<&str>,
    journal_from: u64,
    now: Seconds,
) -> Answer<Made> {
    let digest = plan.digest.as_str();
    let mut entries = Vec::new();
    if let Some(known) = plans.get_mut(digest) {
        if is_late(known, now) {
            entries.push(expired(digest, known));
        }
        if !known.stage.is_over() {
            return Answer::yes(Made::Kept, entries);
        }
        let why = over(known).unwrap_or_default();
        let mut answer = Answer::no(why, "plan", digest, Some(&plan.incident), told(by));
        answer.entries.splice(0..0, entries);
        return answer;
    }
    let planned = Planned {
        incident: plan.incident.clone(),
        way: plan.way,
        class: plan.class(),
        steps: plan.steps.len(),
        attempt: plan.attempt,
        made_at: now,
        expires_at: plan.expires_at,
        requested_by: by.clone(),
        votes: Vec::new(),
        stage: Stage::Pending,
        journal_from,
        undoes: undoes.map(str::to_owned),
        done: 0,
        remains: Vec::new(),
        ended_at: None,
        denied_by: None,
    };
    let detail = json!({
        "plan": digest, "way": planned.way, "class": planned.class, "steps": planned.steps, "attempt": planned.attempt,
        "expires_at": time::format(planned.expires_at), "by": told(by), "undoes": planned.undoes,
    });
    if by.is_stakeout() {
        entries.extend(supersede(plans, plan));
    }
    plans.insert(digest.to_owned(), planned);
    drop_outdated(plans);
    entries.push(Entry::new("plan.made", Some(&plan.incident), detail));
    Answer::yes(Made::New, entries)
}

/// Ends the plans that Stakeout made by itself before this one, and about which nobody has said anything.
fn supersede(plans: &mut Plans, by: &Plan) -> Vec<Entry> {
    let is_older = |planned: &Planned| {
        let is_open = planned.stage == Stage::Pending && planned.votes.is_empty() && planned.requested_by.is_stakeout();
        is_open && planned.incident == by.incident && planned.way == by.way
    };
    let older = plans.iter_mut().filter(|(_, planned)| is_older(planned));
    older.map(|(digest, planned)| expired(digest, planned)).collect()
}

/// Counts the agreement of one person. `involved` are the ARNs of the incident's principals.
pub(crate) fn approve(
    plans: &mut Plans,
    digest: &str,
    voter: &Person,
    why: Option<&str>,
    rules: &Approval,
    involved: &BTreeSet<String>,
    now: Seconds,
) -> Answer<Counted> {
    decide("approve", plans, digest, voter, now, |planned| {
        may_vote(planned, voter, rules, involved)?;
        let is_requester = name(voter) == name(&planned.requested_by);
        if is_requester && !rules.approvers.is_empty() && !rules.self_approval {
            return Err(format!(
                "{} asked for the plan, so somebody else must approve it ([approval] self_approval)",
                voter.name
            ));
        }
        // What Slack vouches for takes the place of the same name that somebody typed, and counts once.
        let is_same = |vote: &Vote| name(&vote.person) == name(voter);
        if planned.votes.iter().any(|vote| is_same(vote) && (vote.person.slack.is_some() || voter.slack.is_none())) {
            return Err(format!("{} approved it already", voter.name));
        }
        planned.votes.retain(|vote| !is_same(vote));
        if planned.votes.len() >= MOST_VOTES {
            return Err(format!("it has {MOST_VOTES} votes already"));
        }
        planned.votes.push(Vote { person: voter.clone(), at: now, why: why.map(str::to_owned) });
        let missing = quorum(planned.class, rules).saturating_sub(different(&planned.votes));
        planned.stage = if missing == 0 { Stage::Approved } else { Stage::Pending };
        let detail = json!({ "plan": digest, "by": told(voter), "why": why, "missing": missing });
        let counted = if missing == 0 { Counted::Approved } else { Counted::Missing(missing) };
        Ok((counted, Entry::new("plan.approved", Some(&planned.incident), detail)))
    })
}

/// Stops a plan that has not begun. One person is enough, also whoever asked for it.
pub(crate) fn deny(
    plans: &mut Plans,
    digest: &str,
    voter: &Person,
    why: Option<&str>,
    rules: &Approval,
    involved: &BTreeSet<String>,
    now: Seconds,
) -> Answer<()> {
    decide("deny", plans, digest, voter, now, |planned| {
        if name(voter) != name(&planned.requested_by) {
            may_vote(planned, voter, rules, involved)?;
        } else {
            is_outside(voter, involved)?;
        }
        (planned.stage, planned.denied_by) = (Stage::Denied, Some(voter.clone()));
        let detail = json!({ "plan": digest, "by": told(voter), "why": why });
        Ok(((), Entry::new("plan.denied", Some(&planned.incident), detail)))
    })
}

/// A decision about a plan that is open; a refusal is told.
fn decide<T>(
    tried: &str,
    plans: &mut Plans,
    digest: &str,
    voter: &Person,
    now: Seconds,
    decision: impl FnOnce(&mut Planned) -> Result<(T, Entry), String>,
) -> Answer<T> {
    let Some(planned) = plans.get_mut(digest) else {
        return Answer::no("there is no such plan".to_owned(), tried, digest, None, told(voter));
    };
    let late = is_late(planned, now).then(|| expired(digest, planned));
    let decided = match over(planned) {
        Some(why) => Err(why),
        None => decision(planned),
    };
    let mut answer = match decided {
        Ok((said, entry)) => Answer::yes(said, vec![entry]),
        Err(why) => Answer::no(why, tried, digest, Some(&planned.incident), told(voter)),
    };
    answer.entries.splice(0..0, late);
    answer
}

/// Whether a person has a say at all.
fn may_vote(planned: &Planned, voter: &Person, rules: &Approval, involved: &BTreeSet<String>) -> Result<(), String> {
    if voter.name.trim().is_empty() {
        return Err("an approval wants a name".to_owned());
    }
    may_decide(voter, rules, &format!("of {} plans", planned.class.as_str()))?;
    is_outside(voter, involved)
}

/// Whether a person is one of those who decide, such as `of R1 plans`. In Slack that is nobody until somebody is named,
/// by the id that Slack vouches for; at a command line a name is taken as it is given.
///
/// # Errors
/// Why not, in a sentence.
pub(crate) fn may_decide(person: &Person, rules: &Approval, of: &str) -> Result<(), String> {
    let name = match &person.slack {
        Some(_) if rules.approvers.is_empty() => {
            return Err("the settings name no approvers ([approval] approvers), so nobody in Slack decides".to_owned());
        }
        Some(user) => user.id.as_str(),
        None if rules.approvers.is_empty() => return Ok(()),
        None => person.name.as_str(),
    };
    let is_named = rules.approvers.iter().any(|approver| approver.as_str() == name);
    if is_named {
        Ok(())
    } else {
        Err(format!("{} is not among the approvers {of}", person.name).trim_end().to_owned())
    }
}

/// Whoever is part of an incident has no say in what becomes of it.
fn is_outside(voter: &Person, involved: &BTreeSet<String>) -> Result<(), String> {
    if is_among(voter, involved) {
        let caller = voter.caller.as_deref().unwrap_or_default();
        return Err(format!("{caller} is part of the incident"));
    }
    Ok(())
}

/// How many of those who agreed to a plan count: those who are surely different people.
pub(crate) fn agreed(planned: &Planned) -> usize {
    different(&planned.votes)
}

/// How many people must agree.
pub(crate) fn quorum(class: Class, rules: &Approval) -> usize {
    let (wanted, least) = match class {
        Class::R0 => return 0,
        Class::R1 => (rules.quorum.r1, 1),
        Class::R2 => (rules.quorum.r2, 1),
        Class::R3 if rules.approvers.is_empty() => (rules.quorum.r3, TWO),
        Class::R3 => (rules.quorum.r3, 1),
    };
    usize::try_from(wanted).unwrap_or(usize::MAX).max(least)
}
