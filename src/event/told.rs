//! Records of what no call did: what Stakeout saw itself, and what AWS told in another way than by an event.

use serde_json::{Value, json};

use super::shape::NOTICE;

/// Who is behind observations about nobody.
pub(crate) const OBSERVER: &str = "stakeout";

/// The frame of an observation or a notice, by its `source`. Whom and what it is about is for its maker to add.
pub(crate) fn told(source: &str, kind: &str, account: &str, time: &str, id: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "eventTime": time,
        "eventSource": source,
        "eventName": kind,
        "responseElements": null,
        "eventID": id,
        // Nothing was changed by looking, or by telling.
        "readOnly": true,
        "eventType": if source == NOTICE { "AwsNotice" } else { "StakeoutObservation" },
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    })
}
