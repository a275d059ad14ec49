//! External ids of roles.

use super::{Secret, SecretError};

/// The external id with which a role is assumed: the id, or a reference to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum ExternalId {
    /// AWS counts an external id as no secret.
    Id(String),
    Kept(Secret),
}

impl ExternalId {
    /// The reference, where it is one.
    pub(in crate::config) fn reference(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Id(_) => None,
            Self::Kept(secret) => Some(secret),
        }
    }

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
