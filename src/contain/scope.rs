//! The session policy of a plan: AWS itself refuses what the plan does not hold. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::action::{Right, by_name};
use crate::model::plan::{Plan, Step, Way};

/// Characters of a session policy that STS takes.
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const LONGEST: usize = 2_048;
const ANY: &str = "*";

/// The narrowest policy that fits: each thing by its ARN, else by how the ARNs of its kind begin, else by kind alone, else
/// anywhere; nothing where not even that fits.
pub(crate) fn session_policy(plan: &Plan) -> Option<String> {
    let by_arn: fn(&Step, &Right) -> String = exact;
    let candidates = [by_arn, by_prefix, by_kind, |_: &Step, _: &Right| ANY.to_owned()];
    candidates.into_iter().map(|resource| policy(plan, resource)).find(|policy| policy.chars().count() <= LONGEST)
}

fn policy(plan: &Plan, resource: fn(&Step, &Right) -> String) -> String {
    let mut reads: BTreeSet<String> = BTreeSet::new();
    let mut writes: BTreeMap<BTreeSet<String>, BTreeSet<&str>> = BTreeMap::new();
    let mut resources: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for step in &plan.steps {
        let Some(action) = by_name(&step.action) else { continue };
        reads.extend(action.card().reads.iter().map(|right| verb(right.action)));
        let changes = if plan.way == Way::Undo { action.card().undoes } else { action.card().writes };
        for right in changes.iter().filter(|right| is_about(step, right)) {
            resources.entry(right.action).or_default().insert(resource(step, right));
        }
    }
    for (action, on) in resources {
        writes.entry(on).or_default().insert(action);
    }
    let allow = |actions: Value, on: Value| json!({ "Effect": "Allow", "Action": actions, "Resource": on });
    let mut statements = vec![allow(json!(reads), json!(ANY))];
    statements.extend(writes.iter().map(|(on, actions)| allow(json!(actions), json!(on))));
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// `iam:Get*` for `iam:GetUser`: the role itself may read no more than it needs.
fn verb(action: &str) -> String {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let end =
        name.char_indices().skip(1).find(|(_, letter)| letter.is_ascii_uppercase()).map_or(name.len(), |(at, _)| at);
    format!("{service}:{}*", &name[..end])
}

/// Whether a right of an action is one that this step needs: of users and roles only one kind is its target.
fn is_about(step: &Step, right: &Right) -> bool {
    let of_identity = |text: &str| text.split(':').nth(2) == Some("iam");
    let both = of_identity(right.resource) && of_identity(&step.target.arn);
    !both || super::guard::matches(&by_kind(step, right), super::arn::thing(&step.target.arn))
}

/// The ARN of the target, where the right is about such a thing.
fn exact(step: &Step, right: &Right) -> String {
    let thing = super::arn::thing(&step.target.arn);
    let kind = by_kind(step, right);
    if kind != ANY && super::guard::matches(&kind, thing) { thing.to_owned() } else { kind }
}

/// What the names of things begin with: as an attacker's script makes them, they often begin alike.
fn by_prefix(step: &Step, right: &Right) -> String {
    let arn = exact(step, right);
    let parts: Vec<_> = arn.splitn(7, ':').collect();
    match parts.as_slice() {
        [arn, partition, service, _, account, kind, name] => {
            let begins: String = name.chars().take(2).collect();
            format!("{arn}:{partition}:{service}:*:{account}:{kind}:{begins}*")
        }
        _ => arn,
    }
}

fn by_kind(step: &Step, right: &Right) -> String {
    right.resource.replace("{account}", &step.target.account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contain::action::all;
    use crate::model::plan::{Class, Target};

    /// Each action once on each of some functions.
    fn plan(functions: usize) -> Plan {
        let step = |action: &str, name: usize| Step {
            n: 1,
            action: action.to_owned(),
            target: Target {
                kind: "lambda:function".to_owned(),
                arn: format!("arn:aws:lambda:eu-west-1:111122223333:function:f-{name}"),
                account: "111122223333".to_owned(),
                region: "eu-west-1".to_owned(),
                id: String::new(),
                detail: BTreeMap::new(),
            },
            class: Class::R1,
            changes: String::new(),
            undo: None,
            permissions: Vec::new(),
            before: Value::Null,
            after: Value::Null,
            needs: Vec::new(),
            phase: 0,
        };
        let names: Vec<_> = all().filter(|action| action.class() < Class::R3).map(|action| action.name()).collect();
        let steps = (0..functions).flat_map(|name| names.iter().map(move |action| (action, name)));
        Plan {
            incident: "inc-1".to_owned(),
            steps: steps.map(|(action, name)| step(action, name)).collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn a_session_may_do_what_its_plan_does() {
        let one = Plan {
            steps: plan(1).steps.into_iter().filter(|step| step.action == "stop-function").collect(),
            ..plan(1)
        };
        let text = session_policy(&one).unwrap();
        assert!(text.contains("function:f-0") && text.contains("lambda:PutFunctionConcurrency"), "{text}");
        assert!(!text.contains("iam:"), "{text}");
    }

    #[test]
    fn a_denial_of_a_user_gives_no_right_over_roles() {
        let mut one =
            Plan { steps: plan(1).steps.into_iter().filter(|step| step.action == "attach-deny").collect(), ..plan(1) };
        one.steps[0].target.arn = "arn:aws:iam::111122223333:user/x".to_owned();
        let text = session_policy(&one).unwrap();
        assert!(text.contains("iam:AttachUserPolicy") && text.contains("user/x"), "{text}");
        assert!(!text.contains("Role") && !text.contains("user/*"), "{text}");
    }

    #[test]
    fn every_containment_fits_into_a_session() {
        let text = session_policy(&plan(300)).unwrap();
        assert!(text.len() <= LONGEST);
    }
}
