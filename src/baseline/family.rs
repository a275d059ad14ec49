//! Which tuples a baseline keeps: a set of dimensions, among some of the events.

use serde::{Deserialize, Serialize};

use crate::event::view::LIST;
use crate::event::{CredentialKind, Identity, Place, Shape, agent};

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
    /// The thing that a call is about, where it is read: a secret, a model, a bucket.
    Object,
    /// The role that a call assumes or hands on.
    Role,
    /// The account of a caller from outside.
    Caller,
    /// The family of the user agent.
    Agent,
    /// The autonomous system of the address; where it is not known, the network.
    Asn,
    /// Of the address, where a table of networks says which.
    Country,
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
    dimensions: u16,
    pub among: Among,
    /// Holds the refused calls, and only those: they never make a success usual, but a refusal that comes every hour
    /// is no news either.
    pub refused: bool,
}

/// A family is stored by positions here: a new one goes to the end.
const EXTRA: [Dimension; 11] = [
    Dimension::Credential,
    Dimension::Region,
    Dimension::Network,
    Dimension::Service,
    Dimension::Action,
    Dimension::Object,
    Dimension::Role,
    Dimension::Caller,
    Dimension::Agent,
    Dimension::Asn,
    Dimension::Country,
];
const ACTION: usize = 4;
const OBJECT: usize = 5;
const ROLE: usize = 6;
const AGENT: usize = 8;
const ASN: usize = 9;

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

    /// Whether a caller chooses its values freely, so that their number must be bounded.
    pub(super) fn is_open(self) -> bool {
        self.has(OBJECT) || self.has(ROLE) || self.has(AGENT)
    }

    /// Whether it tells that somebody or some key was there at all, which is worth knowing for long.
    pub(super) fn is_lasting(self) -> bool {
        !self.refused && self.dimensions <= 1
    }

    /// The family that does not tell things and roles apart.
    pub(crate) fn without_things(self) -> Self {
        Self { dimensions: self.dimensions & !(1 << OBJECT | 1 << ROLE), ..self }
    }

    /// The tuples of a call without its principal; none when the call does not count for the family.
    pub(crate) fn values(self, identity: &Identity, place: &Place, shape: &Shape) -> Vec<String> {
        let counts = match self.among {
            _ if self.refused => shape.denied,
            Among::All => !shape.denied,
            Among::Writes => shape.settles(),
        };
        if counts { self.tuples(identity, place, shape) } else { Vec::new() }
    }

    /// The same for a call that need not count: to ask whether its tuples were seen. There are several where a call is
    /// about several things.
    pub(crate) fn tuples(self, identity: &Identity, place: &Place, shape: &Shape) -> Vec<String> {
        let asked = |position: usize, value: &'_ Option<String>| {
            if self.has(position) { value.clone() } else { Some(String::new()) }
        };
        if !self.has(OBJECT) && !self.has(ROLE) {
            return self.tuple(identity, place, shape, ["", ""]).into_iter().collect();
        }
        let (Some(objects), Some(roles)) = (asked(OBJECT, &place.object), asked(ROLE, &place.role)) else {
            return Vec::new();
        };
        let pairs = objects.split(LIST).flat_map(|object| roles.split(LIST).map(move |role| [object, role]));
        pairs.filter_map(|pair| self.tuple(identity, place, shape, pair)).collect()
    }

    fn tuple(self, identity: &Identity, place: &Place, shape: &Shape, [object, role]: [&str; 2]) -> Option<String> {
        let action = if self.has(ACTION) { shape.action() } else { String::new() };
        let agent = if self.has(AGENT) { agent::family(shape) } else { String::new() };
        let origin = if self.has(ASN) { place.origin()? } else { String::new() };
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
                Dimension::Object => object,
                Dimension::Role => role,
                Dimension::Caller => place.foreign(identity)?,
                Dimension::Agent => &agent,
                Dimension::Asn => &origin,
                Dimension::Country => place.country()?,
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
