//! Addresses that may be secrets.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::{Revealed, Secret, SecretError};
use crate::config::value::is_http;

/// An address that may be a secret itself, as many webhooks are: a URL, or a reference to one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Url(String),
    Kept(Secret),
}

impl Endpoint {
    /// The reference, where it is one.
    pub(in crate::config) fn reference(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Url(_) => None,
            Self::Kept(secret) => Some(secret),
        }
    }

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
