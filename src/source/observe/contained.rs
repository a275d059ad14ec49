//! What was cut off and calls all the same.

use serde_json::json;

use super::record::{Observation, Records, Subject};
use crate::event::{DAY, Identity, Seconds, time};

/// A successful call by what is cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StillActs {
    /// What was cut off: the ARN of a principal, or the id of an access key.
    pub what: String,
    /// When.
    pub since: Seconds,
    /// Successful calls that arrived in this pass.
    pub calls: u64,
    /// When the last of them was made.
    pub last: Seconds,
    /// `service:Action` of it.
    pub action: String,
    /// The access key id that it was made with.
    pub by: Option<String>,
    /// Who made it, as the incident knows them.
    pub identity: Identity,
    pub account: String,
    pub region: String,
    /// As recorded.
    pub source_ip: String,
}

/// Tells of each once a day, and anew after it was cut off anew.
pub(super) fn tell(still: &[StillActs], records: &mut Records) {
    for acts in still {
        let name = acts.what.rsplit('/').next().unwrap_or(&acts.what);
        let (since, last) = (time::format(acts.since), time::format(acts.last));
        let with = acts.by.as_ref().map(|key| format!(" with {key}")).unwrap_or_default();
        let told = format!("{name} is cut off since {since} and still succeeds: {} at {last}{with}", acts.action);
        records.add(&Observation {
            kind: "ContainedStillActs",
            account: &acts.account,
            region: Some(&acts.region),
            subject: name,
            mark: format!("{} {} {}", acts.what, acts.since, acts.last.div_euclid(DAY)),
            told,
            facts: json!({
                "contained": acts.what,
                "containedSince": since,
                "action": acts.action,
                "accessKeyId": acts.by,
                "calls": acts.calls,
            }),
            about: Subject::Caller(&acts.identity, &acts.source_ip),
            time: acts.last,
        });
    }
}
