//! Observations as records.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::event::shape::OBSERVATION;
use crate::event::told::{OBSERVER, told};
use crate::event::{Identity, PrincipalKind, Seconds, time};
use crate::model::hex;

/// One thing that was seen.
pub(super) struct Observation<'a> {
    /// `eventName`.
    pub kind: &'static str,
    pub account: &'a str,
    /// None where it is about no region.
    pub region: Option<&'a str>,
    /// What it is about: the name of a user, a region, the ARN of a trail, the name of a feed.
    pub subject: &'a str,
    /// Tells this observation from others of its kind and subject: the key, the hour, the day.
    pub mark: String,
    /// A sentence for people, without a full stop.
    pub told: String,
    /// More of `requestParameters`.
    pub facts: Value,
    pub about: Subject<'a>,
    /// `eventTime`.
    pub time: Seconds,
}

/// Whom an observation is about.
pub(super) enum Subject<'a> {
    Nobody,
    User(UserIdentity<'a>),
    /// Whoever made a call, and from which address.
    Caller(&'a Identity, &'a str),
}

/// A user and one of its keys.
pub(super) struct UserIdentity<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub arn: &'a str,
    pub key: Option<&'a str>,
}

/// The records of one pass.
pub(super) struct Records {
    told: BTreeMap<String, Seconds>,
    lines: Vec<String>,
    pub now: Seconds,
}

impl Records {
    /// Starts from what earlier passes told, by event id.
    pub(super) fn new(told: BTreeMap<String, Seconds>, now: Seconds) -> Self {
        Self { told, lines: Vec::new(), now }
    }

    /// Adds an observation, unless it was told before.
    pub(super) fn add(&mut self, seen: &Observation<'_>) {
        let id = id(&[seen.kind, seen.account, seen.subject, &seen.mark]);
        if self.told.contains_key(&id) {
            return;
        }
        self.lines.push(record(seen, &id).to_string());
        self.told.insert(id, self.now);
    }

    /// What was told up to now, and the records.
    pub(super) fn finish(self) -> (BTreeMap<String, Seconds>, Vec<String>) {
        (self.told, self.lines)
    }
}

/// CloudTrail writes no more than this of a text either.
const LONGEST: usize = 1_024;

fn record(seen: &Observation<'_>, id: &str) -> Value {
    let identity = match &seen.about {
        Subject::User(user) => {
            let mut identity = json!({
                "type": "IAMUser",
                "principalId": user.id,
                "arn": user.arn,
                "accountId": seen.account,
                "userName": user.name,
            });
            if let Some(key) = user.key {
                identity["accessKeyId"] = json!(key);
            }
            identity
        }
        Subject::Caller(caller, _) => caller_identity(caller),
        Subject::Nobody => json!({"type": "AWSService", "invokedBy": OBSERVER}),
    };
    let mut facts = seen.facts.clone();
    facts["subject"] = json!(seen.subject);
    facts["told"] = json!(seen.told.chars().take(LONGEST).collect::<String>());
    let mut record = told(OBSERVATION, seen.kind, seen.account, &time::format(seen.time), id);
    record["userIdentity"] = identity;
    record["requestParameters"] = facts;
    if let Some(region) = seen.region {
        record["awsRegion"] = json!(region);
    }
    if let Subject::Caller(_, address) = seen.about {
        record["sourceIPAddress"] = json!(address);
    }
    record
}

/// A caller as CloudTrail writes it, as far as it says who that is.
fn caller_identity(caller: &Identity) -> Value {
    let Identity { key, arn, account, name, credential, session_name, .. } = caller;
    let mut identity = match caller.kind {
        PrincipalKind::Role => {
            let session = session_name.as_deref().unwrap_or(OBSERVER);
            json!({
                "type": "AssumedRole",
                "principalId": format!("{key}:{session}"),
                "arn": format!("{}/{session}", arn.replacen(":iam:", ":sts:", 1).replacen(":role/", ":assumed-role/", 1)),
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "principalId": key, "arn": arn, "userName": name},
                },
            })
        }
        PrincipalKind::Root => json!({"type": "Root", "principalId": account, "arn": arn}),
        _ => json!({"type": "IAMUser", "principalId": key, "arn": arn, "userName": name}),
    };
    identity["accountId"] = json!(account);
    if let Some(key) = credential {
        identity["accessKeyId"] = json!(key);
    }
    if let Some(started) = caller.session_started {
        identity["sessionContext"]["attributes"]["creationDate"] = json!(time::format(started));
    }
    if let Some(owner) = &caller.issued_to {
        let arn = if owner.starts_with("arn:") { owner.clone() } else { format!("arn:aws:ec2:::instance/{owner}") };
        identity["inScopeOf"] = json!({ "credentialsIssuedTo": arn });
    }
    identity
}

/// A hash of the parts in the shape of a UUID.
pub(in crate::source) fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut digits = hex(&hash.finalize());
    digits.truncate(32);
    let mut id = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}
