//! What to do next about an incident, reversible steps first.

use std::collections::BTreeMap;

use super::noun;
use crate::model::Incident;

/// Steps for a person to take, in order. Denials come with the keys, because sessions outlive keys.
pub(crate) fn steps(incident: &Incident) -> Vec<String> {
    let mut steps = Vec::new();
    let keys: Vec<_> = incident
        .credentials
        .iter()
        .filter(|key| key.starts_with("AKIA") || key.starts_with("LKIA"))
        .map(String::as_str)
        .collect();
    let made: Vec<_> = incident
        .resources
        .iter()
        .filter(|r| r.exists && matches!(r.kind.as_str(), "iam:user" | "iam:role"))
        .map(|r| name(&r.arn))
        .collect();
    if !made.is_empty() {
        steps.push(format!("Deny what it made: attach AWSDenyAll to {}.", made.join(", ")));
    }
    if !keys.is_empty() {
        steps.push(format!("Make inactive, do not delete: {}.", keys.join(", ")));
    }
    if incident.credentials.iter().any(|key| key.starts_with("ASIA") || key.starts_with("LSIA")) {
        let roles: Vec<_> =
            incident.principals.iter().filter(|arn| arn.contains(":role/")).map(|arn| name(arn)).collect();
        let roles = if roles.is_empty() { "the roles above".to_owned() } else { roles.join(", ") };
        steps.push(format!("Revoke sessions issued before now of {roles}."));
    }
    steps.extend(freeze(incident));
    let root = incident.root.credential.as_deref().unwrap_or(&incident.root.principal);
    let made_here = incident.resources.iter().any(|resource| resource.arn.ends_with(&format!("#{root}")));
    if !made_here {
        steps.push(format!("Before cutting off {root}, see what else uses it; then find where it leaked."));
    }
    steps
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
