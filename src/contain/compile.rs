//! From what was read to a plan: pure and deterministic. The same incident, state and settings give the same digest.

mod order;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::action::Observed;
use super::guard::Guard;
use super::playbook::Playbook;
use super::subject::Subject;
use super::survey::{Found, Survey};
use crate::event::Seconds;
use crate::journal::digest;
use crate::model::Incident;
use crate::model::plan::{Blast, Class, Plan, Refused, Step, Verdict, Way};

pub(crate) use undo::{Outstanding, Wanted, outstanding, undo};

/// What a plan is made of beside what was read.
pub(crate) struct Frame<'f> {
    pub incident: &'f Incident,
    pub guard: &'f Guard,
    /// Principals that another contained incident holds too, and which.
    pub held_by: BTreeMap<String, String>,
    /// Plans of this incident that ended.
    pub attempt: u32,
    pub now: Seconds,
    /// How long an approval can be given.
    pub expires: Seconds,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPlan {
    #[error("there are {found} targets, and a plan has at most {most}; [contain] most_targets raises it")]
    TooMany { found: usize, most: usize },
}

/// Compiles a plan that contains.
///
/// # Errors
/// More targets than the settings allow.
pub(crate) fn contain(
    frame: &Frame<'_>,
    playbooks: &[Playbook],
    subjects: &[Subject],
    survey: Survey,
    blast_radius: Vec<Blast>,
) -> Result<Plan, NoPlan> {
    let Survey { found, mut refused, unsaved, gone } = survey;
    let mut steps: Vec<(usize, Step)> = Vec::new();
    let mut known = BTreeSet::new();
    for found in found {
        let subject = found.subject;
        let Some(step) = step(found).filter(|step| known.insert((step.action.clone(), step.target.arn.clone()))) else {
            continue;
        };
        if order::rests_on_evidence(&step) && unsaved.contains(&subject) {
            let why = format!("{}: its evidence cannot be saved, so it is left as it is", step.action);
            refused.push(Refused { target: step.target.arn, why });
        } else {
            steps.push((subject, step));
        }
    }
    // Evidence alone is no plan: what is contained already needs none.
    if steps.iter().all(|(_, step)| !step.is_change()) {
        steps.clear();
    }
    let targets: BTreeSet<_> = steps.iter().map(|(_, step)| step.target.arn.as_str()).collect();
    if targets.len() > frame.guard.most_targets {
        return Err(NoPlan::TooMany { found: targets.len(), most: frame.guard.most_targets });
    }
    let steps = order::number(steps);
    let people: Vec<String> = playbooks.iter().flat_map(|playbook| playbook.people.clone()).collect();
    let mut remarks = remarks(&steps, subjects, &blast_radius);
    remarks.extend(
        gone.iter().map(|arn| format!("{arn} is not there any more, by this name: look for what became of it.")),
    );
    let names = playbooks.iter().map(|playbook| playbook.name.clone()).collect();
    let principals =
        subjects.iter().filter(|subject| subject.is_principal()).map(|subject| subject.arn.clone()).collect();
    let plan = plan(frame, Way::Contain, steps, refused, blast_radius);
    Ok(Plan { people, remarks, playbooks: names, principals, ..plan }.sealed())
}

impl Plan {
    /// The digest of what it says now: another than its own where somebody altered it.
    pub(crate) fn digest_now(&self) -> String {
        let Self { incident, way, attempt, playbooks, scope, principals, credentials, steps, .. } = self;
        let content = json!({
            "incident": incident,
            "way": way,
            "attempt": attempt,
            "playbooks": playbooks,
            "scope": scope,
            "principals": principals,
            "credentials": credentials,
            "steps": steps,
        });
        digest(&[content.to_string().as_bytes()])
    }

    /// The same with its digest, once everything that decides is in it.
    pub(crate) fn sealed(self) -> Self {
        Self { digest: self.digest_now(), ..self }
    }
}

/// A plan without its digest.
fn plan(frame: &Frame<'_>, way: Way, steps: Vec<Step>, mut refused: Vec<Refused>, blast_radius: Vec<Blast>) -> Plan {
    refused.sort();
    refused.dedup();
    Plan {
        incident: frame.incident.id.clone(),
        way,
        digest: String::new(),
        attempt: frame.attempt,
        made_at: frame.now,
        expires_at: frame.now + frame.expires,
        playbooks: Vec::new(),
        scope: String::new(),
        principals: Vec::new(),
        credentials: Vec::new(),
        estimate_seconds: order::estimate(&steps),
        steps,
        blast_radius,
        refused,
        people: Vec::new(),
        remarks: Vec::new(),
    }
}

/// One step, where there is something to do.
fn step(found: Found) -> Option<Step> {
    let Found { action, mut target, observed: Observed { id, state }, .. } = found;
    let after = action.goal(&target, &state)?;
    if action.holds(&state, &after) {
        return None;
    }
    let (changes, undo) = action.words(&target, &state, &after);
    if target.id.is_empty() {
        target.id = id;
    }
    let rights = action.card().reads.iter().chain(action.card().writes);
    let permissions: BTreeSet<String> = rights.map(|right| right.action.to_owned()).collect();
    Some(Step {
        n: 0,
        action: action.name().to_owned(),
        target,
        class: action.class(),
        changes,
        undo: undo.filter(|_| action.is_undoable()),
        permissions: permissions.into_iter().collect(),
        before: state,
        after,
        needs: Vec::new(),
        phase: action.card().phase,
    })
}

/// What whoever approves should know.
fn remarks(steps: &[Step], subjects: &[Subject], blast_radius: &[Blast]) -> Vec<String> {
    let mut told = Vec::new();
    for blast in blast_radius.iter().filter(|blast| blast.verdict == Verdict::AutomationHigh) {
        let what = blast.credential.as_deref().unwrap_or(&blast.principal);
        told.push(format!(
            "{what} is used by automation, {:.0} legitimate calls a day: who approves this accepts the outage, or takes a \
             narrower way with --narrow.",
            blast.calls_per_day
        ));
    }
    let keyed = subjects.iter().filter(|subject| subject.kind == "iam:user" && !subject.made);
    for user in keyed.filter(|user| user.hold == super::subject::Hold::Whole) {
        let kept = format!("{}: its other keys stay active, and are denied with it until the undo.", user.name());
        if steps.iter().any(|step| step.action == "attach-deny" && step.target.arn == user.arn) {
            told.push(kept);
        }
    }
    let lossy = steps.iter().filter(|step| step.class == Class::R2 && step.undo.is_none()).count();
    if lossy > 0 {
        told.push(format!("{lossy} of the steps cannot be taken back."));
    }
    told
}
