//! The IAM policies that this program needs, from what its actions and its sources declare: least rights, and denials of
//! what it must never do whatever else it is given.

mod never;
mod pack;
mod places;
mod statement;
#[cfg(test)]
mod tests;
mod trust;
mod watching;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::action::{Action, Right, tags};
use crate::model::plan::Class;
pub(crate) use places::Site;
use statement::Statement;
pub(crate) use trust::{Trust, trust};

/// Characters that a managed policy may have without white space.
pub(crate) const MOST_OF_POLICY: usize = 6_144;

/// What is known of where policies are for. What is not used has no entry, and its rights are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Twelve digits, or `*`.
    pub account: String,
    /// ARNs for `{bucket}`, `{objects}`, `{queue}`, `{topic}`, `{table}`, `{role}` of the detector, `{responder}`,
    /// `{vault}`, `{evidence}`, `{manifests}`; `{settings}` in a bucket, `{parameter}`, `{secret}`; and of a function
    /// `{function}`, `{own}` role, `{logs}`, `{feed}`, `{dead-letters}`, `{simulated}` roles; of a history its logs `{history}`
    /// in a `{history-bucket}`, its `{results}` in a `{results-bucket}`, and the `{history-log}` of its function.
    pub known: BTreeMap<&'static str, Vec<String>>,
    /// ARNs of principals that are left alone, in which `*` stands for anything.
    pub protected: Vec<String>,
}

impl Places {
    /// The ARNs that the resource of a right stands for.
    fn resources(&self, resource: &str) -> Vec<String> {
        if resource.starts_with('{') {
            return self.known.get(resource).cloned().unwrap_or_default();
        }
        vec![resource.replace("{account}", &self.account)]
    }
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    pub name: String,
    pub document: Value,
}

/// Policies of the detector, which only reads: `account` is for every account that is watched, `home` for where the
/// program runs, `contain` for every account where plans run.
pub(crate) fn detector(actions: &[&dyn Action], places: &Places) -> Vec<Policy> {
    let of_actions = actions.iter().flat_map(|action| action.card().reads);
    let reads: Vec<_> = watching::ACCOUNT.iter().chain(tags::READS).chain(of_actions).collect();
    let home: Vec<_> = watching::HOME.iter().chain(watching::PLANNING).chain(watching::CHECKING).collect();
    let contain: Vec<_> = watching::RESPONDING.iter().collect();
    let of_function = watching::FUNCTION.iter().chain(watching::SAVING);
    let all: Vec<_> = reads.iter().chain(&home).chain(&contain).copied().chain(of_function).collect();
    let mut policies = pack::policies("stakeout-detector-account", statement::allow("Read", &reads, places));
    policies.extend(pack::policies("stakeout-detector-home", statement::allow("Use", &home, places)));
    policies.extend(pack::policies("stakeout-detector-contain", statement::allow("Assume", &contain, places)));
    policies.extend(pack::policies("stakeout-detector-never", never::detector(&all, places)));
    policies
}

/// What the role of a Lambda function needs beside the detector's policies. Evidence is saved with its own rights.
pub(crate) fn function(places: &Places) -> Vec<Policy> {
    let rights: Vec<_> = watching::FUNCTION.iter().chain(watching::SAVING).collect();
    pack::policies("stakeout-function", statement::allow("Run", &rights, places))
}

/// What the role of a function needs that maps and reduces a history. It needs nothing else.
pub(crate) fn history(places: &Places) -> Vec<Policy> {
    let rights: Vec<_> = watching::HISTORY.iter().collect();
    pack::policies("stakeout-history", statement::allow("Run", &rights, places))
}

/// Policies of the responder, which contains and undoes, and deletes nothing.
pub(crate) fn responder(actions: &[&dyn Action], places: &Places) -> Vec<Policy> {
    let kept: Vec<_> = actions.iter().copied().filter(|action| action.class() < Class::R3).collect();
    let reads: Vec<_> = kept.iter().flat_map(|action| action.card().reads).collect();
    let changes: Vec<_> =
        kept.iter().flat_map(|action| action.card().writes.iter().chain(action.card().undoes)).collect();
    let mut statements = statement::allow("Read", &reads, places);
    statements.extend(statement::allow("Change", &changes, places));
    let mut policies = pack::policies("stakeout-responder", statements);
    policies.extend(pack::policies("stakeout-responder-home", statement::allow("Keep", &vault(), places)));
    policies.extend(pack::policies("stakeout-responder-never", never::responder(&needed(actions), places)));
    policies
}

/// What eradication needs beside the responder's policies.
pub(crate) fn eradicator(actions: &[&dyn Action], places: &Places) -> Vec<Policy> {
    let deletes: Vec<_> = actions.iter().copied().filter(|action| action.class() == Class::R3).collect();
    let reads: Vec<_> = deletes.iter().flat_map(|action| action.card().reads).collect();
    let changes: Vec<_> = deletes.iter().flat_map(|action| action.card().writes).collect();
    let mut statements = statement::allow("Read", &reads, places);
    statements.extend(statement::allow("Delete", &changes, places));
    pack::policies("stakeout-eradicate", statements)
}

/// Every right of some actions.
fn needed<'a>(actions: &[&'a dyn Action]) -> Vec<&'a Right> {
    let of =
        |action: &&'a dyn Action| action.card().reads.iter().chain(action.card().writes).chain(action.card().undoes);
    actions.iter().flat_map(of).collect()
}

/// Rights on the vault of whoever saves evidence.
fn vault() -> Vec<&'static Right> {
    watching::SAVING.iter().collect()
}

fn document<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Value {
    let statements: Vec<_> = statements.into_iter().map(Statement::json).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}
