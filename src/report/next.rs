//! What to do next about an incident, reversible steps first.

use std::collections::BTreeMap;

use crate::model::{Basis, Confidence, Created, Incident, noun};

/// Steps for a person to take, in order. Denials come with the keys, because sessions outlive keys.
pub(crate) fn steps(incident: &Incident) -> Vec<String> {
    if incident.basis == Basis::Bill {
        return of_bill(incident);
    }
    if incident.basis == Basis::Observation {
        return of_observation(incident);
    }
    let mut steps = Vec::new();
    let made = |r: &&Created| r.exists && matches!(r.kind.as_str(), "iam:user" | "iam:role");
    let made: Vec<_> =
        incident.resources.iter().filter(made).map(|r| format!("{} {}", noun(&r.kind, 1), name(&r.arn))).collect();
    if !made.is_empty() {
        steps.push(format!("Deny what it made: attach AWSDenyAll to {}.", made.join(", ")));
    }
    let shared = shared_key(incident);
    let keys = incident.credentials.iter().map(String::as_str).filter(|key| is_long_term(key) && Some(*key) != shared);
    let keys: Vec<_> = keys.collect();
    if !keys.is_empty() {
        steps.push(format!("Make inactive, do not delete: {}.", keys.join(", ")));
    }
    if incident.credentials.iter().any(|key| !is_long_term(key)) {
        let roles: Vec<_> =
            incident.principals.iter().filter(|arn| arn.contains(":role/")).map(|arn| name(arn)).collect();
        let roles = if roles.is_empty() { "the callers above".to_owned() } else { roles.join(", ") };
        steps.push(format!("Revoke the sessions that were issued before now of {roles}."));
    }
    steps.extend(freeze(incident));
    match shared {
        Some(key) => steps.push(format!(
            "{key} is the way in, and its owner uses it elsewhere: deny it from {} now, replace it, then make it inactive.",
            incident.source_ips.join(", ")
        )),
        None => steps.push("Find out how the way in was lost; what it could reach may be lost too.".to_owned()),
    }
    steps
}

/// What to do about costs: a coincidence in time is no reason to take somebody's key.
fn of_bill(incident: &Incident) -> Vec<String> {
    let places = if incident.regions.is_empty() { "any region".to_owned() } else { incident.regions.join(", ") };
    let who = match &incident.root.principal {
        Some(principal) => format!("Ask the owner of {} what was started, and see its other calls.", name(principal)),
        None => {
            "Replay the CloudTrail logs of these days together with the bill: who began it is named then.".to_owned()
        }
    };
    vec![
        format!("Look at what runs there, and since when: {places}."),
        who,
        "Stop what nobody owns: stop instances and set concurrency to 0 before anything is deleted.".to_owned(),
    ]
}

/// What to do where something happened and no call tells of it.
fn of_observation(incident: &Incident) -> Vec<String> {
    let who = incident.root.principal.as_deref().map_or("everybody", name);
    let keys = incident.credentials.join(", ");
    let mut steps = vec![
        "Find out why no event tells of it: look at the trails, their buckets, and who may change them.".to_owned(),
        format!("Take what {who} can read for known, and replace the secrets among it."),
    ];
    if !keys.is_empty() {
        steps.insert(0, format!("Make inactive, do not delete, where it is still there: {keys}."));
    }
    steps
}

/// The key that was the way in, where its usual use goes on beside the bad.
fn shared_key(incident: &Incident) -> Option<&str> {
    let key = incident.root.credential.as_deref()?;
    (is_long_term(key) && incident.root.confidence == Confidence::Confirmed).then_some(key)
}

fn is_long_term(key: &str) -> bool {
    key.starts_with("AKIA") || key.starts_with("LKIA")
}

fn freeze(incident: &Incident) -> Option<String> {
    let mut functions: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in incident.resources.iter().filter(|r| r.exists && r.kind == "lambda:function") {
        *functions.entry(&resource.region).or_default() += 1;
    }
    let total: usize = functions.values().sum();
    (total > 0).then(|| {
        format!(
            "Freeze {total} {} in {} {}: reserved concurrency 0, after saving the code.",
            noun("lambda:function", total),
            functions.len(),
            noun("region", functions.len())
        )
    })
}

fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
