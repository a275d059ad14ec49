//! The rights in policies.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::contain::rights::Policy;

/// A right on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// `iam:GetUser`
    pub action: String,
    /// The pattern of an ARN.
    pub resource: String,
    /// The policy that gives it.
    pub policy: String,
}

/// What is allowed together: actions, resources, and the conditions as key and value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    pub context: Vec<(String, String)>,
}

/// Every right that policies give, each once.
pub(crate) fn needs<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Vec<Need> {
    let mut needs = BTreeMap::new();
    for policy in policies {
        for grant in grants(policy) {
            for action in &grant.actions {
                for resource in &grant.resources {
                    needs.entry((action.clone(), resource.clone())).or_insert_with(|| policy.name.clone());
                }
            }
        }
    }
    let need = |((action, resource), policy)| Need { action, resource, policy };
    needs.into_iter().map(need).collect()
}

/// What a policy allows.
pub(crate) fn grants(policy: &Policy) -> Vec<Grant> {
    let statements = policy.document.get("Statement").and_then(Value::as_array);
    let allows = statements.into_iter().flatten().filter(|one| one.get("Effect").is_some_and(|it| it == "Allow"));
    let grant = |statement: &Value| Grant {
        actions: texts(statement.get("Action")),
        resources: texts(statement.get("Resource")),
        context: context(statement.get("Condition")),
    };
    allows.map(grant).collect()
}

/// Each key of a condition with the first value that meets it.
fn context(condition: Option<&Value>) -> Vec<(String, String)> {
    let operators = condition.and_then(Value::as_object).into_iter().flatten();
    let keys = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    keys.filter_map(|(key, values)| Some((key.clone(), texts(Some(values)).into_iter().next()?))).collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Some(Value::Array(many)) => many.iter().filter_map(text).collect(),
        Some(one) => text(one).into_iter().collect(),
        None => Vec::new(),
    }
}
