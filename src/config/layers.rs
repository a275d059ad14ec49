//! One file, and variables over it; where each value comes from.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::{Config, check};

/// Begins the name of every variable that is a setting; a double underscore parts section and key.
const PREFIX: &str = "STAKEOUT_";
const PARTING: &str = "__";

/// Where values come from that are not defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    /// The settings file, where there is one.
    pub file: Option<String>,
    of: BTreeMap<String, Origin>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The file, at a line and a column from 1.
    File { name: String, line: usize, column: usize },
    /// A variable of the environment.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}

impl Origins {
    /// Of a key such as `notify.webhook.0.url`, or of what it is a part of.
    pub(crate) fn of(&self, key: &str) -> Option<&Origin> {
        let mut key = key;
        loop {
            match (self.of.get(key), key.rsplit_once('.')) {
                (Some(origin), _) => return Some(origin),
                (None, Some((parent, _))) => key = parent,
                (None, None) => return None,
            }
        }
    }

    pub(super) fn is_from_file(&self, key: &str) -> bool {
        matches!(self.of(key), Some(Origin::File { .. }))
    }

    /// The variables that set something.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.of.values().filter_map(|origin| match origin {
            Origin::Variable(name) => Some(name.as_str()),
            Origin::File { .. } => None,
        })
    }

    /// Notes that a variable replaces whatever was there.
    fn replace(&mut self, key: &str, variable: &str) {
        let below = format!("{key}.");
        self.of.retain(|other, _| !other.starts_with(&below));
        self.of.insert(key.to_owned(), Origin::Variable(variable.to_owned()));
    }
}

/// Whether a variable wants to be a setting.
pub(super) fn is_setting(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains(PARTING))
}

/// See [`Config::read`].
pub(super) fn read(text: &str, file_name: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Config> {
    let wrong = |error: &toml::de::Error| located(text, file_name, error);
    let spans = DeTable::parse(text).map_err(|error| wrong(&error))?;
    let mut config: Config = toml::from_str(text).map_err(|error| wrong(&error))?;
    let mut table: Table = toml::from_str(text).map_err(|error| wrong(&error))?;
    let mut origins = Origins { file: (!file_name.is_empty()).then(|| file_name.to_owned()), of: BTreeMap::new() };
    note(spans.get_ref(), "", &mut |key, offset| {
        let (line, column) = position(text, offset);
        origins.of.insert(key, Origin::File { name: file_name.to_owned(), line, column });
    });
    let mut variables: Vec<_> = environment.filter(|(name, value)| is_setting(name) && !value.is_empty()).collect();
    variables.sort();
    for (name, value) in variables {
        let key = set(&mut config, &mut table, &name, &value).with_context(|| format!("the variable {name}"))?;
        origins.replace(&key, &name);
    }
    config.origins = origins;
    if let Some((key, why)) = check::problem(&config) {
        match config.origins.of(&key) {
            Some(origin) => bail!("{origin}: {key}: {why}"),
            None => bail!("{key}: {why}"),
        }
    }
    Ok(config)
}

/// Sets what a variable names, and returns its key. The value is TOML, or else a text as it stands.
fn set(config: &mut Config, table: &mut Table, name: &str, value: &str) -> Result<String> {
    let parts: Vec<_> = name.strip_prefix(PREFIX).unwrap_or(name).split(PARTING).map(str::to_lowercase).collect();
    if parts.iter().any(String::is_empty) {
        bail!("names no setting; write STAKEOUT_SECTION__KEY");
    }
    let mut first = None;
    for meaning in meanings(value) {
        let mut changed = table.clone();
        let key = put(&mut changed, &parts, meaning)?;
        match Config::deserialize(changed.clone()) {
            Ok(read) => {
                (*config, *table) = (read, changed);
                return Ok(key);
            }
            Err(error) => first = first.or(Some((key, error))),
        }
    }
    match first {
        Some((key, error)) => Err(anyhow!("{key}: {}", error.message())),
        None => Err(anyhow!("sets nothing")),
    }
}

/// What a value may mean: a number, a list and so on, then the text itself.
fn meanings(text: &str) -> Vec<Value> {
    let as_toml = toml::from_str::<Table>(&format!("value = {text}")).ok().filter(|table| table.len() == 1);
    let as_toml = as_toml.and_then(|mut table| table.remove("value"));
    let as_text = Value::String(text.to_owned());
    match as_toml {
        Some(value) if !value.is_str() => vec![value, as_text],
        Some(value) => vec![value],
        None => vec![as_text],
    }
}

/// Puts a value where a path leads, whatever the case of keys that are there, and returns the key.
fn put(table: &mut Table, path: &[String], value: Value) -> Result<String> {
    let Some((part, rest)) = path.split_first() else { bail!("names no setting") };
    let name = table.keys().find(|key| key.eq_ignore_ascii_case(part)).unwrap_or(part).clone();
    if rest.is_empty() {
        table.insert(name.clone(), value);
        return Ok(name);
    }
    match table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => Ok(format!("{name}.{}", put(inner, rest, value)?)),
        _ => bail!("{name} has no keys of its own"),
    }
}

/// Names every value that is not a section, and where it begins.
fn note(table: &DeTable<'_>, above: &str, tell: &mut dyn FnMut(String, usize)) {
    for (key, value) in table {
        let key_name = if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        match value.get_ref() {
            DeValue::Table(inner) => note(inner, &key_name, tell),
            DeValue::Array(list) if list.iter().all(|item| item.get_ref().is_table()) && !list.is_empty() => {
                for (number, item) in list.iter().enumerate() {
                    let inner = item.get_ref().as_table();
                    inner.into_iter().for_each(|inner| note(inner, &format!("{key_name}.{number}"), tell));
                }
            }
            _ => tell(key_name, key.span().start),
        }
    }
}

/// An error with its file, line, column and key. The line itself is left out: it may hold a secret.
fn located(text: &str, file_name: &str, error: &toml::de::Error) -> anyhow::Error {
    let why = error.message().trim_end().replace('\n', "; ");
    let Some(span) = error.span() else { return anyhow!("{file_name}: {why}") };
    let (line, column) = position(text, span.start);
    let key = DeTable::parse(text).ok().and_then(|spans| key_at(spans.get_ref(), span.start));
    let key = key.map_or_else(String::new, |key| format!("{key}: "));
    anyhow!("{file_name}:{line}:{column}: {key}{why}")
}

/// The innermost key whose name or value is at an offset.
fn key_at(table: &DeTable<'_>, offset: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let below = match value.get_ref() {
            DeValue::Table(inner) => key_at(inner, offset),
            DeValue::Array(list) => {
                list.iter().find_map(|item: &Spanned<DeValue<'_>>| key_at(item.get_ref().as_table()?, offset))
            }
            _ => None,
        };
        let is_here = || key.span().contains(&offset) || value.span().contains(&offset);
        match below {
            Some(below) => Some(format!("{}.{below}", key.get_ref())),
            None => is_here().then(|| key.get_ref().to_string()),
        }
    })
}

/// Line and column of an offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
