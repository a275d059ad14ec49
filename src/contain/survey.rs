//! How the things of an incident are at this moment: what planning reads. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, Observed, phase, tags};
use super::cloud::Cloud;
use super::guard::Guard;
use super::playbook::Playbook;
use super::subject::Subject;
use crate::aws::{Refusal, Work, side_by_side};
use crate::model::plan::{Refused, Target};

/// Subjects that are asked about side by side.
const ABREAST: usize = 16;

/// In the detail of a target: why it stays as it is.
const LEFT: &str = "left";

/// A target of an action, as it is.
pub(crate) struct Found {
    /// Position of the subject that it belongs to.
    pub subject: usize,
    pub action: &'static dyn Action,
    pub target: Target,
    pub observed: Observed,
}

/// Everything that a plan is made of.
#[derive(Default)]
pub(crate) struct Survey {
    pub found: Vec<Found>,
    /// What is left alone, or could not be read.
    pub refused: Vec<Refused>,
    /// Positions of subjects whose evidence could not be looked for.
    pub unsaved: BTreeSet<usize>,
    /// Users and roles that are not there.
    pub gone: BTreeSet<String>,
}

/// Reads every target of every action that the playbooks name for a subject.
pub(crate) async fn survey(cloud: &Cloud, subjects: &[Subject], playbooks: &[Playbook], guard: &Guard) -> Survey {
    let work = subjects.iter().enumerate().map(|(position, subject)| -> Work<'_, Survey> {
        Box::pin(of_subject(cloud, (position, subject), playbooks, guard))
    });
    let mut survey = Survey::default();
    for part in side_by_side(ABREAST, work).await {
        survey.found.extend(part.found);
        survey.refused.extend(part.refused);
        survey.gone.extend(part.gone);
        survey.unsaved.extend(part.unsaved);
    }
    survey
}

async fn of_subject(
    cloud: &Cloud,
    (position, subject): (usize, &Subject),
    playbooks: &[Playbook],
    guard: &Guard,
) -> Survey {
    let mut survey = Survey::default();
    let mut actions: BTreeMap<&str, &'static dyn Action> = BTreeMap::new();
    for action in playbooks.iter().flat_map(|playbook| playbook.lines_for(subject)) {
        actions.insert(action.name(), action);
    }
    if actions.is_empty() {
        return survey;
    }
    let refuse = |target: &str, why: String| Refused { target: target.to_owned(), why };
    let carried = if guard.tags.is_empty() { Ok(BTreeMap::new()) } else { tags::of(cloud, subject).await };
    let carried = match carried {
        Ok(tags) => tags,
        Err(Refusal::Gone(_)) => BTreeMap::new(),
        // What the incident made is not protected by tags anyway.
        Err(_) if subject.made => BTreeMap::new(),
        Err(why) => {
            survey.refused.push(refuse(&subject.arn, format!("whether a tag protects it cannot be read: {why}")));
            return survey;
        }
    };
    if let Some(why) = guard.refuses(subject, &carried) {
        survey.refused.push(refuse(&subject.arn, why));
        return survey;
    }
    for action in actions.into_values() {
        let is_evidence = action.card().phase == phase::EVIDENCE;
        let targets = match action.find(cloud, subject).await {
            Ok(targets) => targets,
            Err(Refusal::Gone(_)) => {
                survey.gone.extend(subject.kind.starts_with("iam:").then(|| subject.arn.clone()));
                continue;
            }
            Err(why) => {
                survey.unsaved.extend(is_evidence.then_some(position));
                survey.refused.push(refuse(&subject.arn, format!("{}: {why}", action.name())));
                continue;
            }
        };
        for target in targets {
            // An action says itself what it must leave, because it could not put it back.
            if let Some(why) = target.detail.get(LEFT) {
                survey.refused.push(refuse(&target.arn, why.clone()));
                continue;
            }
            match action.observe(cloud, &target).await {
                Ok(observed) => survey.found.push(Found { subject: position, action, target, observed }),
                Err(Refusal::Gone(_)) => {}
                Err(why) => {
                    survey.unsaved.extend(is_evidence.then_some(position));
                    survey.refused.push(refuse(&target.arn, format!("{}: {why}", action.name())));
                }
            }
        }
    }
    survey
}
