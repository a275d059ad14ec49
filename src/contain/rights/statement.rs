//! Rights, put together to statements.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Places, Right};

type Texts = BTreeSet<String>;

/// One condition with all the values that meet it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Texts,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// Letters and digits; may be empty.
    pub(super) sid: String,
    pub(super) allow: bool,
    pub(super) actions: Texts,
    pub(super) resources: Texts,
    /// It is about everything but the resources.
    pub(super) is_elsewhere: bool,
    pub(super) condition: Option<Condition>,
}

impl Statement {
    /// A denial on some resources.
    pub(super) fn deny(sid: &str, actions: Texts, resources: Texts) -> Self {
        Self { sid: sid.to_owned(), allow: false, actions, resources, is_elsewhere: false, condition: None }
    }

    /// A denial on everything but some resources.
    pub(super) fn deny_elsewhere(sid: &str, actions: Texts, resources: Texts) -> Self {
        Self { is_elsewhere: true, ..Self::deny(sid, actions, resources) }
    }

    pub(super) fn json(&self) -> Value {
        let mut fields = Map::new();
        if !self.sid.is_empty() {
            fields.insert("Sid".to_owned(), json!(self.sid));
        }
        fields.insert("Effect".to_owned(), json!(if self.allow { "Allow" } else { "Deny" }));
        fields.insert("Action".to_owned(), one_or_many(&self.actions));
        let about = if self.is_elsewhere { "NotResource" } else { "Resource" };
        fields.insert(about.to_owned(), one_or_many(&self.resources));
        if let Some(Condition { operator, key, values }) = &self.condition {
            fields.insert("Condition".to_owned(), json!({ operator: { key: one_or_many(values) } }));
        }
        Value::Object(fields)
    }
}

fn one_or_many(texts: &Texts) -> Value {
    match texts.first() {
        Some(one) if texts.len() == 1 => json!(one),
        _ => json!(texts),
    }
}

/// Statements that allow rights: one for each condition and set of resources, in an order that depends on nothing else.
pub(super) fn allow(sid: &str, rights: &[&Right], places: &Places) -> Vec<Statement> {
    let mut by_action: BTreeMap<(Option<Condition>, &str), Texts> = BTreeMap::new();
    for right in rights {
        let condition = right.only_if.map(|(operator, key, value)| Condition {
            operator: operator.to_owned(),
            key: key.to_owned(),
            values: Texts::from([value.replace("{account}", &places.account)]),
        });
        by_action.entry((condition, right.action)).or_default().extend(places.resources(right.resource));
    }
    let free: BTreeMap<&str, Texts> = by_action
        .iter()
        .filter(|((condition, _), _)| condition.is_none())
        .map(|((_, action), resources)| (*action, resources.clone()))
        .collect();
    let mut grouped: BTreeMap<(Option<Condition>, Texts), Texts> = BTreeMap::new();
    for ((condition, action), mut resources) in by_action {
        // What is allowed anyway needs no condition.
        let is_free =
            |resource: &String| free.get(action).is_some_and(|all| all.contains(resource) || all.contains("*"));
        if condition.is_some() && resources.iter().all(is_free) {
            continue;
        }
        if resources.contains("*") {
            resources = Texts::from(["*".to_owned()]);
        }
        if !resources.is_empty() {
            grouped.entry((condition, resources)).or_default().insert(action.to_owned());
        }
    }
    let statement = |(place, ((condition, resources), actions))| Statement {
        sid: format!("{sid}{}", place + 1),
        allow: true,
        actions,
        resources,
        is_elsewhere: false,
        condition,
    };
    grouped.into_iter().enumerate().map(statement).collect()
}
