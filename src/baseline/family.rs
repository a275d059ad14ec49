//! Which tuples a baseline keeps: a set of dimensions, among some of the events.

use serde::{Deserialize, Serialize};

use crate::event::{CredentialKind, Identity, Place, Shape};

/// One part of a tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dimension {
    Account,
    Principal,
    Credential,
    Region,
    Network,
    Service,
    Action,
}

/// Which events count as having been seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Among {
    /// All events.
    #[default]
    All,
    /// Successful changes by callers that are not AWS services.
    Writes,
}

/// A kind of tuple. Account and principal are in every tuple; the rest is a set of dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Family {
    dimensions: u8,
    pub among: Among,
    /// Holds the refused calls, and only those: they never make a success usual, but a refusal that comes every hour
    /// is no news either.
    pub refused: bool,
}

const EXTRA: [Dimension; 5] =
    [Dimension::Credential, Dimension::Region, Dimension::Network, Dimension::Service, Dimension::Action];

impl Family {
    /// The family that can answer for these dimensions.
    pub(crate) fn new(dimensions: &[Dimension], among: Among) -> Self {
        let bits = EXTRA.iter().enumerate().filter(|(_, extra)| dimensions.contains(extra)).map(|(n, _)| 1 << n).sum();
        Self { dimensions: bits, among, refused: false }
    }

    /// Networks from which each principal called: tells an intruder's calls from the owner's.
    pub(crate) fn networks() -> Self {
        Self::new(&[Dimension::Network], Among::All)
    }

    /// The same tuples of refused calls.
    pub(crate) fn of_refused(self) -> Self {
        Self { refused: true, ..self }
    }

    fn has(self, position: usize) -> bool {
        self.dimensions >> position & 1 == 1
    }

    /// The tuple of a call without its principal; `None` when the call does not count for the family.
    pub(crate) fn values(self, identity: &Identity, place: &Place, shape: &Shape) -> Option<String> {
        let counts = match self.among {
            _ if self.refused => shape.denied,
            Among::All => !shape.denied,
            Among::Writes => shape.settles(),
        };
        if counts { self.tuple(identity, place, shape) } else { None }
    }

    /// The same for a call that need not count: to ask whether its tuple was seen.
    pub(crate) fn tuple(self, identity: &Identity, place: &Place, shape: &Shape) -> Option<String> {
        let action = if self.has(4) { shape.action() } else { String::new() };
        let mut values = vec![place.account.as_str()];
        for (_, dimension) in EXTRA.iter().enumerate().filter(|(n, _)| self.has(*n)) {
            values.push(match dimension {
                // Session credentials are new every time, so nothing about them is ever usual.
                Dimension::Credential if identity.credential_kind != CredentialKind::LongTerm => return None,
                Dimension::Credential => identity.credential.as_deref()?,
                Dimension::Region if shape.global => return None,
                Dimension::Region => &place.region,
                Dimension::Network => place.network.as_deref()?,
                Dimension::Service => shape.service(),
                Dimension::Action => &action,
                Dimension::Account | Dimension::Principal => continue,
            });
        }
        Some(join(values))
    }
}

/// Joins the values of a tuple with a character that none of them can hold unescaped in a log.
pub(crate) fn join<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    values.into_iter().collect::<Vec<_>>().join("\u{1f}")
}

/// The account of a tuple, which is its first value.
pub(super) fn account(tuple: &str) -> &str {
    tuple.split('\u{1f}').next().unwrap_or_default()
}
