//! Statements of a function's policy: whom they let in, and whether the one call that adds statements can make them again.

use serde_json::{Map, Value};

use super::function::account_of;

/// A statement in the words of lambda:AddPermission.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Grant {
    pub sid: String,
    pub action: String,
    pub principal: String,
    pub source_arn: Option<String>,
    pub source_account: Option<String>,
    pub organisation: Option<String>,
    pub token: Option<String>,
    pub auth: Option<String>,
    pub via_url: Option<bool>,
}

impl Grant {
    /// Reads a statement.
    ///
    /// # Errors
    /// What of it lambda:AddPermission cannot make.
    pub(super) fn of(statement: &Value) -> Result<Self, String> {
        let fields = statement.as_object().ok_or("there is no statement")?;
        let text = |key: &str| statement[key].as_str().map(str::to_owned);
        for (key, _) in fields {
            if !matches!(key.as_str(), "Sid" | "Effect" | "Principal" | "Action" | "Resource" | "Condition") {
                return Err(format!("it has {key}, which cannot be put back"));
            }
        }
        if statement["Effect"] != "Allow" {
            return Err("it is no Allow".to_owned());
        }
        let mut grant = Self {
            sid: text("Sid").filter(|sid| !sid.is_empty()).ok_or("it has no Sid")?,
            action: text("Action").ok_or("it has several actions, which cannot be put back")?,
            principal: principal(&statement["Principal"]).ok_or("its principal cannot be put back")?,
            ..Self::default()
        };
        if text("Resource").is_none_or(|resource| !resource.contains(":function:")) {
            return Err("its resource cannot be put back".to_owned());
        }
        for (operator, keys) in conditions(statement)? {
            let keys = keys.as_object().ok_or("its condition cannot be read")?;
            keys.iter().try_for_each(|(key, value)| grant.condition(operator, key, value))?;
        }
        Ok(grant)
    }

    fn condition(&mut self, operator: &str, key: &str, value: &Value) -> Result<(), String> {
        let unknown = || format!("its condition {operator} {key} cannot be put back");
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(unknown()),
        };
        match (operator, key.to_ascii_lowercase().as_str()) {
            ("ArnLike", "aws:sourcearn") => self.source_arn = Some(value),
            ("StringEquals", "aws:sourceaccount") => self.source_account = Some(value),
            ("StringEquals", "aws:principalorgid") => self.organisation = Some(value),
            ("StringEquals", "lambda:eventsourcetoken") => self.token = Some(value),
            ("StringEquals", "lambda:functionurlauthtype") => self.auth = Some(value),
            ("Bool", "lambda:invokedviafunctionurl") => self.via_url = Some(value.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

/// Whom a statement lets in who is not of the account, in words; none where it lets in nobody else.
pub(super) fn lets_in(statement: &Value, account: &str) -> Option<String> {
    if statement["Effect"] != "Allow" {
        return None;
    }
    let condition = |key: &str| find_condition(statement, key);
    let source = condition("aws:sourceaccount").or_else(|| {
        let arn = condition("aws:sourcearn")?;
        Some(account_of(&arn).to_owned()).filter(|account| !account.is_empty() && account != "*")
    });
    if let Some(source) = source {
        return (source != account).then(|| format!("account {source}"));
    }
    let principals = principals(&statement["Principal"]);
    for (kind, name) in &principals {
        let of = if name.starts_with("arn:") { account_of(name) } else { name.as_str() };
        match kind.as_str() {
            "AWS" if name == "*" => {
                return match condition("aws:principalorgid") {
                    Some(organisation) => Some(format!("organisation {organisation}")),
                    None => Some("everybody".to_owned()),
                };
            }
            "AWS" if of.len() == 12 && of != account => return Some(format!("account {of}")),
            // An ARN that names a bucket names no account; without any condition the service asks for everybody.
            "Service" if condition("aws:sourcearn").is_none() && condition("lambda:eventsourcetoken").is_none() => {
                return Some(format!("everybody by way of {name}"));
            }
            _ => {}
        }
    }
    None
}

/// A statement in one of the forms that mean the same.
pub(super) fn normal(statement: &Value) -> Value {
    let mut normal = statement.clone();
    if let Some(principal) = principal(&statement["Principal"])
        && let Some(fields) = normal.as_object_mut()
    {
        fields.insert("Principal".to_owned(), Value::String(principal));
    }
    normal
}

/// The principal as lambda:AddPermission takes it.
fn principal(principal: &Value) -> Option<String> {
    let mut all = principals(principal);
    let (kind, name) = all.pop().filter(|_| all.is_empty())?;
    let account =
        name.strip_prefix("arn:").and_then(|_| name.strip_suffix(":root")).map(|_| account_of(&name).to_owned());
    match kind.as_str() {
        "Service" => Some(name),
        "AWS" if name == "*" => Some(name),
        // What once was a user or role, and now is an id, cannot be named again.
        "AWS" if name.starts_with("arn:") || name.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(account.filter(|account| !account.is_empty()).unwrap_or(name))
        }
        _ => None,
    }
}

/// Kinds and names of principals.
fn principals(principal: &Value) -> Vec<(String, String)> {
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect(),
            _ => vec![String::new()],
        }
    };
    match principal {
        Value::String(name) => vec![("AWS".to_owned(), name.clone())],
        Value::Object(kinds) => {
            let pairs = |(kind, names): (&String, &Value)| {
                texts(names).into_iter().map(|name| (kind.clone(), name)).collect::<Vec<_>>()
            };
            kinds.iter().flat_map(pairs).collect()
        }
        _ => Vec::new(),
    }
}

fn conditions(statement: &Value) -> Result<Vec<(&str, &Value)>, String> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let conditions = match &statement["Condition"] {
        Value::Null => &NONE,
        Value::Object(conditions) => conditions,
        _ => return Err("its condition cannot be read".to_owned()),
    };
    Ok(conditions.iter().map(|(operator, keys)| (operator.as_str(), keys)).collect())
}

/// The text of a condition that compares for equality; keys are compared without case.
fn find_condition(statement: &Value, wanted: &str) -> Option<String> {
    let (_, value) = conditions(statement)
        .ok()?
        .into_iter()
        .filter(|(operator, _)| matches!(*operator, "StringEquals" | "ArnLike" | "ArnEquals" | "StringLike"))
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .find(|(key, _)| key.eq_ignore_ascii_case(wanted))?;
    value.as_str().map(str::to_owned)
}
