//! Who is who. A name can be anything; the number of an operating system's user and the caller at AWS are harder to have
//! twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::approval::{Person, Vote};

/// A person, for the journal.
pub(super) fn told(person: &Person) -> Value {
    let mut told = json!({ "name": person.name, "os_user": person.os_user, "caller": person.caller });
    if let (Some(told), Some(user)) = (told.as_object_mut(), &person.slack) {
        told.insert("slack".to_owned(), json!(user));
    }
    told
}

/// A name as it counts: spaces around it and the case of its letters make nobody else.
pub(super) fn name(person: &Person) -> String {
    person.name.trim().to_lowercase()
}

/// The most votes among these that are of different people, each from all others.
pub(super) fn different(votes: &[Vote]) -> usize {
    let people: Vec<&Person> = votes.iter().map(|vote| &vote.person).collect();
    most(&people, &mut Vec::new())
}

/// Tries each person with and without; votes are as many as a quorum needs and few more.
fn most<'a>(people: &[&'a Person], chosen: &mut Vec<&'a Person>) -> usize {
    let Some((first, rest)) = people.split_first() else { return chosen.len() };
    let without = if chosen.len() + rest.len() > 0 { most(rest, chosen) } else { 0 };
    if !chosen.iter().all(|other| are_two(first, other)) {
        return without;
    }
    chosen.push(first);
    let with = most(rest, chosen);
    chosen.pop();
    with.max(without)
}

/// Whether two are surely two: other names, and another user of the operating system or another caller. Two users of
/// Slack are two; one there and one at a command line may be one person with two names.
fn are_two(one: &Person, other: &Person) -> bool {
    match (&one.slack, &other.slack) {
        (Some(one), Some(other)) => return one.id != other.id,
        (None, None) => {}
        _ => return false,
    }
    let callers = match (one.caller.as_deref(), other.caller.as_deref()) {
        (Some(one), Some(other)) => principal(one) != principal(other),
        // Who has no caller may have left it out.
        _ => false,
    };
    let users = match (user(one), user(other)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    name(one) != name(other) && (users || callers)
}

/// The user of the operating system, by number where there is one.
fn user(person: &Person) -> Option<&str> {
    let text = person.os_user.as_str();
    let number = text.rfind("uid ").and_then(|at| text.get(at + 4..)).map(|rest| rest.trim_end_matches(')'));
    number.or(Some(text)).filter(|user| !user.is_empty() && *user != "unknown")
}

/// Whether a person acts as one of some principals, given by ARN.
pub(super) fn is_among(person: &Person, principals: &BTreeSet<String>) -> bool {
    let Some(caller) = person.caller.as_deref() else { return false };
    principals.iter().any(|known| known == caller || role(known) == role(caller) && role(caller).is_some())
}

/// Who a caller is, whatever name a session was given: whoever assumes a role chooses it. Only that of IAM Identity
/// Center is a person's.
fn principal(arn: &str) -> (Option<(&str, &str)>, &str) {
    match role(arn) {
        Some((account, name)) if !name.starts_with("AWSReservedSSO_") => (Some((account, name)), ""),
        _ => (None, arn),
    }
}

/// Account and name of a role, from its ARN or that of a session.
fn role(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let (account, thing) = (parts.next()?, parts.next()?);
    let name = match thing.strip_prefix("assumed-role/") {
        Some(session) => session.split('/').next()?,
        None => thing.strip_prefix("role/")?.rsplit('/').next()?,
    };
    Some((account, name))
}
