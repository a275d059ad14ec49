//! Secrets: the settings say where one is, never what it is.

mod endpoint;
mod external_id;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::aws::Refusal;

pub(crate) use endpoint::Endpoint;
pub(crate) use external_id::ExternalId;

/// Where a secret is kept: `env:NAME`, `ssm:NAME` or `secretsmanager:NAME`, of which `#KEY` takes one text out of a JSON
/// object. Names of AWS may be ARNs.
#[derive(Clone)]
pub(crate) struct Secret {
    keeper: Keeper,
    name: String,
    key: Option<String>,
    /// What AWS said when it was asked.
    held: Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Environment,
    ParameterStore,
    SecretsManager,
}

const KEEPERS: [(&str, Keeper); 3] =
    [("env:", Keeper::Environment), ("ssm:", Keeper::ParameterStore), ("secretsmanager:", Keeper::SecretsManager)];

/// Where in AWS something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Remote<'a> {
    /// A parameter, by name or ARN.
    Parameter(&'a str),
    /// A secret, by name or ARN.
    Secret(&'a str),
}

/// What is held of a secret that AWS keeps.
#[derive(Clone)]
enum Held {
    /// It was not asked for.
    Nothing,
    Value(Revealed),
    /// It was asked for and is not to be had.
    Refusal(String),
}

/// A secret itself. It has no `Debug` and no `Display`, so that it is written nowhere by accident.
#[derive(Clone)]
pub(crate) struct Revealed(String);

impl Revealed {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Without a newline at the end, which is how files and shells hand a secret on, and part of none.
    fn of(text: &str) -> Option<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

/// Why a secret cannot be had. It names the reference, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the variable {0} is not set, or empty, or no UTF-8")]
    Missing(String),
    #[error("{0} is kept in AWS and was not read")]
    Locked(Secret),
    #[error("{secret}: {why}")]
    Refused { secret: Secret, why: String },
    #[error("{0} holds no http or https URL")]
    NoUrl(Secret),
}

impl Secret {
    /// A reference, where the text is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        KEEPERS.iter().find_map(|(prefix, keeper)| {
            let rest = text.strip_prefix(prefix)?;
            let (name, key) = match rest.split_once('#') {
                Some((name, key)) if *keeper == Keeper::SecretsManager => (name, Some(key)),
                _ => (rest, None),
            };
            // A strict form, so that a secret that was pasted behind `env:` is refused and not shown.
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let is_name = match keeper {
                Keeper::Environment => !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_part),
                _ => name.chars().all(|c| is_part(c) || "/.-:+=@".contains(c)),
            };
            let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| is_part(c) || ".-".contains(c));
            let holds = is_name && !name.is_empty() && key.is_none_or(is_key);
            let key = key.map(str::to_owned);
            holds.then(|| Self { keeper: *keeper, name: name.to_owned(), key, held: Held::Nothing })
        })
    }

    /// Where in AWS it is kept; nothing for a variable.
    pub(crate) fn remote(&self) -> Option<Remote<'_>> {
        match self.keeper {
            Keeper::Environment => None,
            Keeper::ParameterStore => Some(Remote::Parameter(&self.name)),
            Keeper::SecretsManager => Some(Remote::Secret(&self.name)),
        }
    }

    /// Takes in what AWS keeps under its name, or why that cannot be had.
    pub(super) fn hold(&mut self, kept: Result<&str, &Refusal>) {
        let value = match (kept, &self.key) {
            (Err(refusal), _) => Err(refusal.to_string()),
            (Ok(text), None) => Revealed::of(text).ok_or_else(|| "it is empty".to_owned()),
            (Ok(text), Some(key)) => part(text, key),
        };
        self.held = value.map_or_else(Held::Refusal, Held::Value);
    }

    /// The secret: from the environment of this process, or as AWS gave it when the settings were unlocked.
    ///
    /// # Errors
    /// Where it is not there.
    pub(crate) fn reveal(&self) -> Result<Revealed, SecretError> {
        self.reveal_from(|name| std::env::var(name).ok())
    }

    /// The same with an environment of the caller's choice.
    ///
    /// # Errors
    /// Where it is not there.
    pub(crate) fn reveal_from(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Revealed, SecretError> {
        match (self.keeper, &self.held) {
            (Keeper::Environment, _) => environment(&self.name)
                .and_then(|value| Revealed::of(&value))
                .ok_or_else(|| SecretError::Missing(self.name.clone())),
            (_, Held::Value(value)) => Ok(value.clone()),
            (_, Held::Nothing) => Err(SecretError::Locked(self.clone())),
            (_, Held::Refusal(why)) => Err(SecretError::Refused { secret: self.clone(), why: why.clone() }),
        }
    }
}

/// One text of a JSON object. What is wrong is told without the values.
fn part(text: &str, key: &str) -> Result<Revealed, String> {
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| "it is no JSON object".to_owned())?;
    let value = object.get(key).and_then(Value::as_str).and_then(Revealed::of);
    value.ok_or_else(|| format!("it has no text under the key {key}"))
}

/// References are the same that lead to the same place.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        (self.keeper, &self.name, &self.key) == (other.keeper, &other.name, &other.key)
    }
}

impl Eq for Secret {}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = KEEPERS.iter().find(|(_, keeper)| *keeper == self.keeper).map_or("", |(prefix, _)| prefix);
        write!(f, "{prefix}{}", self.name)?;
        self.key.iter().try_for_each(|key| write!(f, "#{key}"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through a value: an error of a number's type would show the number.
        let value = toml::Value::deserialize(deserializer)?;
        value.as_str().and_then(Self::parse).ok_or_else(|| {
            D::Error::custom(
                "a secret is named, not written down: put it into a variable of the environment and write \"env:NAME\", \
                 or into AWS and write \"ssm:NAME\", \"secretsmanager:NAME\" or \"secretsmanager:NAME#KEY\"",
            )
        })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
