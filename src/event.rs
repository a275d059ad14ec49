//! CloudTrail records, normalised once at the door. Nothing outside this module knows CloudTrail's JSON.
//!
//! [`Record`] borrows one raw record and reads only its top level; [`View`] is what rules see of it;
//! [`Event`] is the small owned form that travels on when a detector or the lineage cares.

pub(crate) mod about;
pub(crate) mod agent;
mod canary;
pub(crate) mod facts;
pub(crate) mod header;
pub(crate) mod id;
pub(crate) mod identity;
pub(crate) mod networks;
pub(crate) mod opens;
pub(crate) mod own;
mod owner;
pub(crate) mod place;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod refusal;
pub(crate) mod shape;
pub(crate) mod time;
pub(crate) mod told;
pub(crate) mod trails;
pub(crate) mod view;
mod workload;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use canary::Canaries;
pub(crate) use facts::Facts;
pub(crate) use id::EventId;
pub(crate) use identity::{CredentialKind, Identity, PrincipalKind};
pub(crate) use networks::Networks;
pub(crate) use own::Own;
pub(crate) use owner::Owners;
pub(crate) use place::{DEFAULT_REGIONS, Place};
pub(crate) use record::{NotAnEvent, Record};
pub(crate) use shape::Shape;
pub(crate) use trails::Trails;
pub(crate) use view::View;
pub(crate) use workload::Workload;

/// Seconds since 1970-01-01T00:00:00Z; CloudTrail's own resolution.
pub(crate) type Seconds = i64;

/// Seconds in an hour.
pub(crate) const HOUR: Seconds = 3_600;
/// Seconds in a day.
pub(crate) const DAY: Seconds = 86_400;

/// One normalised CloudTrail record: who, what, where, when, and what detectors and lineage need of the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    /// When AWS says the call was made.
    pub time: Seconds,
    /// `eventID`, or a fingerprint of the record where it has none.
    pub id: Arc<str>,
    /// Who called.
    pub identity: Arc<Identity>,
    /// What kind of call it was.
    pub shape: Arc<Shape>,
    /// From where, in which account and region.
    pub place: Arc<Place>,
    /// Positions, in the rule set of this run, of the rules that matched.
    pub rules: Vec<u16>,
    /// Values of the fields by which those rules group, count or adjust.
    pub fields: BTreeMap<String, String>,
    /// What the call made, gave or removed, where it did.
    pub facts: Option<Box<Facts>>,
}
