//! Secrets: the settings say where one is, never what it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::value::is_http;

/// Where a secret is kept: `env:NAME`, `ssm:NAME` or `secretsmanager:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    keeper: Keeper,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Environment,
    ParameterStore,
    SecretsManager,
}

const KEEPERS: [(&str, Keeper); 3] =
    [("env:", Keeper::Environment), ("ssm:", Keeper::ParameterStore), ("secretsmanager:", Keeper::SecretsManager)];

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
}

/// Why a secret cannot be had. It names the reference, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the variable {0} is not set, or empty, or no UTF-8")]
    Missing(String),
    #[error("{0} is read in Lambda only; name a variable of the environment here: env:NAME")]
    Elsewhere(Secret),
    #[error("{0} holds no http or https URL")]
    NoUrl(Secret),
}

impl Secret {
    /// A reference, where the text is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        KEEPERS.iter().find_map(|(prefix, keeper)| {
            let name = text.strip_prefix(prefix)?;
            // A strict form, so that a secret that was pasted behind `env:` is refused and not shown.
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let is_name = match keeper {
                Keeper::Environment => !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_part),
                _ => name.chars().all(|c| is_part(c) || "/.-:+=@".contains(c)),
            };
            (is_name && !name.is_empty()).then(|| Self { keeper: *keeper, name: name.to_owned() })
        })
    }

    /// The secret, from the environment of this process.
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
        match self.keeper {
            // A newline at the end is how files and shells hand a secret on, and part of none.
            Keeper::Environment => environment(&self.name)
                .map(|value| value.trim_end_matches(['\r', '\n']).to_owned())
                .filter(|value| !value.is_empty())
                .map(Revealed)
                .ok_or_else(|| SecretError::Missing(self.name.clone())),
            Keeper::ParameterStore | Keeper::SecretsManager => Err(SecretError::Elsewhere(self.clone())),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = KEEPERS.iter().find(|(_, keeper)| *keeper == self.keeper).map_or("", |(prefix, _)| prefix);
        write!(f, "{prefix}{}", self.name)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through a value: an error of a number's type would show the number.
        let value = toml::Value::deserialize(deserializer)?;
        value.as_str().and_then(Self::parse).ok_or_else(|| {
            D::Error::custom(
                "a secret is named, not written down: put it into a variable of the environment and write \"env:NAME\" \
                 (in Lambda also \"ssm:NAME\" or \"secretsmanager:NAME\")",
            )
        })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An address that may be a secret itself, as many webhooks are: a URL, or a reference to one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Url(String),
    Kept(Secret),
}

impl Endpoint {
    /// The URL.
    ///
    /// # Errors
    /// Where a reference leads to none.
    pub(crate) fn url(&self) -> Result<Revealed, SecretError> {
        match self {
            Self::Url(url) => Ok(Revealed(url.clone())),
            Self::Kept(secret) => match secret.reveal()? {
                url if is_http(url.as_str()) => Ok(url),
                _ => Err(SecretError::NoUrl(secret.clone())),
            },
        }
    }
}

/// The reference, or scheme and host: whoever knows the path of a webhook may often use it.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(secret) => secret.fmt(f),
            Self::Url(url) => match reqwest::Url::parse(url) {
                Ok(url) if url.path() == "/" && url.query().is_none() => {
                    write!(f, "{}", url.origin().ascii_serialization())
                }
                Ok(url) => write!(f, "{}/...", url.origin().ascii_serialization()),
                Err(_) => f.write_str("..."),
            },
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let read = |text: &str| match Secret::parse(text) {
            Some(secret) => Some(Self::Kept(secret)),
            None => is_http(text).then(|| Self::Url(text.to_owned())),
        };
        value.as_str().and_then(read).ok_or_else(|| {
            D::Error::custom(
                "this is no http or https URL without a password in it, and no reference such as \"env:NAME\"",
            )
        })
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The external id with which a role is assumed: the id, or a reference to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum ExternalId {
    /// AWS counts an external id as no secret.
    Id(String),
    Kept(Secret),
}

impl ExternalId {
    /// The external id.
    ///
    /// # Errors
    /// Where a reference leads to none.
    pub(crate) fn reveal(&self) -> Result<String, SecretError> {
        match self {
            Self::Id(id) => Ok(id.clone()),
            Self::Kept(secret) => secret.reveal().map(|revealed| revealed.as_str().to_owned()),
        }
    }
}

impl From<String> for ExternalId {
    fn from(text: String) -> Self {
        Secret::parse(&text).map_or(Self::Id(text), Self::Kept)
    }
}

impl From<ExternalId> for String {
    fn from(id: ExternalId) -> Self {
        match id {
            ExternalId::Id(id) => id,
            ExternalId::Kept(secret) => secret.to_string(),
        }
    }
}
