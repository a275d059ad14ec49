//! Which tuples a baseline keeps: a set of dimensions, among some of the events.

use std::cell::{Cell, OnceCell};

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
const OBJECT: usize = 5;
const ROLE: usize = 6;
const AGENT: usize = 8;

/// Stands between the values of a tuple; none of them can hold it unescaped in a log.
const SEPARATOR: &str = "\u{1f}";

/// Bytes that most tuples fit in.
const TUPLE: usize = 160;

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

    /// Gives the tuples of a call without its principal; none when the call does not count for the family.
    pub(super) fn each_value(self, call: &Call<'_>, give: &mut dyn FnMut(&str)) {
        let counts = match self.among {
            _ if self.refused => call.shape.denied,
            Among::All => !call.shape.denied,
            Among::Writes => call.shape.settles(),
        };
        if counts {
            self.each(call, give);
        }
    }

    /// The tuples of a call without its principal, although it need not count: to ask whether they were seen. There are
    /// several where a call is about several things.
    pub(crate) fn tuples(self, identity: &Identity, place: &Place, shape: &Shape) -> Vec<String> {
        let mut tuples = Vec::new();
        self.each(&Call::new(identity, place, shape), &mut |tuple| tuples.push(tuple.to_owned()));
        tuples
    }

    fn each(self, call: &Call<'_>, give: &mut dyn FnMut(&str)) {
        if !self.has(OBJECT) && !self.has(ROLE) {
            return self.tuple(call, ["", ""], give);
        }
        let objects = if self.has(OBJECT) { call.place.object.as_deref() } else { Some("") };
        let roles = if self.has(ROLE) { call.place.role.as_deref() } else { Some("") };
        let (Some(objects), Some(roles)) = (objects, roles) else { return };
        for object in objects.split(LIST) {
            roles.split(LIST).for_each(|role| self.tuple(call, [object, role], give));
        }
    }

    fn tuple(self, call: &Call<'_>, [object, role]: [&str; 2], give: &mut dyn FnMut(&str)) {
        let mut joined = call.joined.take();
        joined.clear();
        joined.push_str(&call.place.account);
        let mut positions = (0..EXTRA.len()).filter(|position| self.has(*position));
        let is_whole = positions.all(|position| {
            let value = match EXTRA[position] {
                Dimension::Object => Some(object),
                Dimension::Role => Some(role),
                dimension => call.value(dimension),
            };
            joined.extend(value.iter().flat_map(|value| [SEPARATOR, value]));
            value.is_some()
        });
        if is_whole {
            give(&joined);
        }
        call.joined.set(joined);
    }
}

/// A call as families read it: what many of them ask for is made once.
pub(super) struct Call<'a> {
    identity: &'a Identity,
    place: &'a Place,
    shape: &'a Shape,
    action: OnceCell<String>,
    agent: OnceCell<String>,
    origin: OnceCell<Option<String>>,
    /// The memory of one tuple for the next.
    joined: Cell<String>,
}

impl<'a> Call<'a> {
    pub(super) fn new(identity: &'a Identity, place: &'a Place, shape: &'a Shape) -> Self {
        let (action, agent, origin) = Default::default();
        let joined = Cell::new(String::with_capacity(TUPLE));
        Self { identity, place, shape, action, agent, origin, joined }
    }

    fn value(&self, dimension: Dimension) -> Option<&str> {
        let Self { identity, place, shape, .. } = *self;
        match dimension {
            // Session credentials are new every time, so nothing about them is ever usual.
            Dimension::Credential if identity.credential_kind != CredentialKind::LongTerm => None,
            Dimension::Credential => identity.credential.as_deref(),
            Dimension::Region => (!shape.global).then_some(place.region.as_str()),
            Dimension::Network => place.network.as_deref(),
            Dimension::Service => Some(shape.service()),
            Dimension::Action => Some(self.action.get_or_init(|| shape.action())),
            Dimension::Caller => place.foreign(identity),
            Dimension::Agent => Some(self.agent.get_or_init(|| agent::family(shape))),
            Dimension::Asn => self.origin.get_or_init(|| place.origin()).as_deref(),
            Dimension::Country => place.country(),
            Dimension::Account | Dimension::Principal | Dimension::Object | Dimension::Role => None,
        }
    }
}

/// Joins the values of a tuple.
pub(crate) fn join<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    values.into_iter().collect::<Vec<_>>().join(SEPARATOR)
}

/// The account of a tuple, which is its first value.
pub(super) fn account(tuple: &str) -> &str {
    tuple.split(SEPARATOR).next().unwrap_or_default()
}
