//! What a survey would find where everything is as an attack left it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::contain::action::{Action, Observed};
use crate::contain::guard::Guard;
use crate::contain::playbook::Playbook;
use crate::contain::subject::{Hold, Subject};
use crate::contain::survey::{Found, Survey};
use crate::model::plan::{Refused, Step, Target};

/// As [`crate::contain::survey::survey`], without an account. Actions whose targets an incident does not name find none.
pub(super) fn survey(subjects: &[Subject], playbooks: &[Playbook], guard: &Guard) -> Survey {
    let mut survey = Survey::default();
    for (position, subject) in subjects.iter().enumerate() {
        if let Some(why) = guard.refuses(subject, &BTreeMap::new()) {
            survey.refused.push(Refused { target: subject.arn.clone(), why });
            continue;
        }
        let mut seen = BTreeSet::new();
        let actions = playbooks.iter().flat_map(|playbook| playbook.lines_for(subject));
        for action in actions.filter(|action| seen.insert(action.name())) {
            survey.found.extend(found(position, subject, action));
        }
    }
    survey
}

/// The targets of one action, as they are.
fn found(position: usize, subject: &Subject, action: &'static dyn Action) -> Vec<Found> {
    let whole = || vec![target(subject, "", &subject.kind)];
    let keys = || subject.credentials.iter().filter(|key| key.starts_with("AKIA"));
    let key = |key: &String| target(subject, &format!("#{key}"), "iam:access-key");
    let (targets, state) = match action.name() {
        "save-identity" | "save-function" | "save-instance" | "save-rule" => (whole(), json!({ "saved": false })),
        "attach-deny" => (whole(), json!({ "attached": false, "inline": false, "denied": false })),
        "deny-sessions" => (sessions(subject), json!({ "document": null })),
        "deactivate-key" => (keys().map(key).collect(), json!({ "status": "Active" })),
        "stop-function" => (whole(), json!({ "reserved": null })),
        "disable-rule" => (whole(), json!({ "state": "ENABLED" })),
        "delete-key" if subject.made => (keys().map(key).collect(), json!({ "exists": true })),
        "delete-user" | "delete-function" | "delete-rule" if subject.made => (whole(), json!({ "exists": true })),
        _ => return Vec::new(),
    };
    let observed = |target: &Target| Observed { id: target.id.clone(), state: state.clone() };
    let found = |target: Target| Found { subject: position, action, observed: observed(&target), target };
    targets.into_iter().map(found).collect()
}

fn target(subject: &Subject, part: &str, kind: &str) -> Target {
    let arn = format!("{}{part}", subject.arn);
    Target {
        kind: kind.to_owned(),
        id: format!("sample of {arn}"),
        arn,
        account: subject.account.clone(),
        region: subject.region.clone(),
        detail: BTreeMap::new(),
    }
}

/// Sessions of a role that others use too, or all that a key of a user minted.
fn sessions(subject: &Subject) -> Vec<Target> {
    let whole = target(subject, "", &subject.kind);
    match (subject.kind.as_str(), subject.hold, subject.sessions.is_empty()) {
        ("iam:role", Hold::Sessions, false) => {
            let detail = BTreeMap::from([("sessions".to_owned(), json!(subject.sessions).to_string())]);
            vec![Target { detail, ..whole }]
        }
        ("iam:user", Hold::Credentials, false) | (_, Hold::OldSessions, _) => vec![whole],
        _ => Vec::new(),
    }
}

/// A target after its step was done.
pub(super) fn done(step: &Step) -> Value {
    match step.action.as_str() {
        // What a plan wants leaves open in which of two ways it comes about.
        "attach-deny" => json!({ "attached": true, "inline": false, "denied": true }),
        _ => step.after.clone(),
    }
}
