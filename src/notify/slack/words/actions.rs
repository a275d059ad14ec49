//! How steps are called, for somebody who never read a playbook.

use std::collections::BTreeSet;

use crate::model::plan::{Class, Plan, Step, Way, groups, kinds};
use crate::model::{counted, noun};

use super::escape;

/// Characters of what stands for several steps.
const MOST: usize = 160;

/// Steps that are told together.
pub(super) struct Group<'p> {
    /// `Stop 85 functions`, harmless.
    pub what: String,
    /// How many regions, where there are several.
    pub regions: usize,
    pub class: Class,
    pub first: &'p Step,
}

/// What a plan does, in its order; all that is saved beforehand is one group.
pub(super) fn of(plan: &Plan) -> Vec<Group<'_>> {
    let saves: Vec<&Step> = plan.steps.iter().filter(|step| !step.is_change()).collect();
    let mut told = Vec::new();
    if let Some(first) = saves.first() {
        let things = kinds(saves.iter().copied());
        told.push(group(format!("Save {things} as evidence"), &saves, first));
    }
    for alike in groups(&plan.steps) {
        let Some(first) = alike.first().filter(|step| step.is_change()) else { continue };
        let things = kinds(alike.iter().copied());
        let what = match plan.way {
            Way::Contain => said(&first.action, &things),
            Way::Undo => back(&first.action, &things),
        };
        told.push(group(what, &alike, first));
    }
    told
}

/// What a plan changes, in half a sentence: `stop 85 functions; deny everything to 2 users`.
pub(super) fn summary(plan: &Plan) -> String {
    let changes = of(plan).into_iter().filter(|group| group.class != Class::R0);
    changes.map(|group| decapitalised(&group.what)).collect::<Vec<_>>().join("; ")
}

/// What a class means.
pub(super) fn meaning(class: Class) -> &'static str {
    match class {
        Class::R0 => "changes nothing",
        Class::R1 => "all of it can be taken back",
        Class::R2 => "can be taken back, but something is lost meanwhile",
        Class::R3 => "cannot be taken back",
    }
}

/// What a plan comes to: `contain it`.
pub(super) fn aim(way: Way, class: Class) -> &'static str {
    match (way, class) {
        (Way::Undo, _) => "undo what was done",
        (Way::Contain, Class::R3) => "delete for good",
        (Way::Contain, _) => "contain it",
    }
}

fn group<'p>(what: String, steps: &[&'p Step], first: &'p Step) -> Group<'p> {
    let regions: BTreeSet<_> = steps.iter().map(|step| step.target.region.as_str()).collect();
    let class = steps.iter().map(|step| step.class).max().unwrap_or(Class::R0);
    let regions = if regions.len() > 1 { regions.len() } else { 0 };
    Group { what: word(&what), regions, class, first }
}

impl Group<'_> {
    /// `in 17 regions`, or nothing.
    pub(super) fn place(&self) -> String {
        if self.regions > 0 { format!(" in {}", counted(self.regions, "region")) } else { String::new() }
    }
}

fn said(action: &str, things: &str) -> String {
    match action {
        "attach-deny" => format!("Deny everything to {things}"),
        "deny-sessions" => format!("Deny the sessions of {things}"),
        "deny-other-networks" => format!("Deny other networks to {things}"),
        "close-trust" => format!("Let nobody assume {things}"),
        "set-deny-boundary" => format!("Put a denying boundary on {things}"),
        "isolate-instance" => format!("Cut {things} off from the network"),
        "scale-group-to-zero" => format!("Scale {things} to zero"),
        "detach-instance-profile" => format!("Take the role away from {things}"),
        "remove-provisioned-concurrency" => format!("End the provisioned concurrency of {things}"),
        "remove-failure-destination" => format!("Remove the failure destinations of {things}"),
        "remove-public-permission" => format!("Close {things} to the public"),
        "require-signed-url" => format!("Ask for signed requests at {things}"),
        "start-trail" | "enable-guardduty" => format!("Turn on {things}"),
        _ if action.starts_with("deactivate-") => format!("Switch off {things}"),
        _ => {
            let verb = action.split('-').next().unwrap_or(action);
            let mut letters = verb.chars();
            let verb: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            format!("{verb} {things}")
        }
    }
}

fn back(action: &str, things: &str) -> String {
    match action {
        "attach-deny" => format!("Lift the denial of {things}"),
        "deny-sessions" => format!("Let the sessions of {things} in again"),
        "stop-function" => format!("Let {things} run again"),
        "stop-instance" => format!("Start {things} again"),
        _ if action.starts_with("deactivate-") => format!("Switch on {things} again"),
        _ if action.starts_with("disable-") => format!("Enable {things} again"),
        _ => format!("Take back: {}", decapitalised(&said(action, things))),
    }
}

/// `85 functions` of things that the incident made, harmless.
pub(super) fn number_of(kind: &str, count: usize) -> String {
    word(&format!("{count} {}", noun(kind, count)))
}

fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// Kinds of things are our own words; where one came with a log that was tampered with, only letters and digits stay.
fn word(text: &str) -> String {
    let kept: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || " ,;-:".contains(*c)).collect();
    // A colon is ours only at the end of a word.
    escape::begin(&kept.split(": ").map(|part| part.replace(':', "")).collect::<Vec<_>>().join(": "), MOST).text
}
