//! Who may assume a role of this program.

use serde_json::{Map, Value, json};

/// How a role is assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// To watch, perhaps with an external id.
    Detector { external_id: Option<String> },
    /// For one plan, whose digest is in the session's source identity.
    Responder,
}

/// The trust policy of a role, for principals by their ARNs.
pub(crate) fn trust(trusted: &[String], how: &Trust) -> Value {
    let (actions, condition) = match how {
        Trust::Detector { external_id: None } => (json!("sts:AssumeRole"), None),
        Trust::Detector { external_id: Some(id) } => {
            (json!("sts:AssumeRole"), Some(json!({ "StringEquals": { "sts:ExternalId": id } })))
        }
        Trust::Responder => {
            let plans = json!({ "StringLike": { "sts:SourceIdentity": "stakeout-*" } });
            (json!(["sts:AssumeRole", "sts:SetSourceIdentity"]), Some(plans))
        }
    };
    let mut statement = Map::from_iter([
        ("Sid".to_owned(), json!("Stakeout")),
        ("Effect".to_owned(), json!("Allow")),
        ("Principal".to_owned(), json!({ "AWS": trusted })),
        ("Action".to_owned(), actions),
    ]);
    statement.extend(condition.map(|condition| ("Condition".to_owned(), condition)));
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}
