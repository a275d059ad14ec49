//! Notices as records.

use serde_json::{Value, json};

use super::super::observe::id;
use super::cut;
use crate::event::identity::is_credential;
use crate::event::shape::NOTICE;
use crate::event::told::told;

/// One thing that AWS tells about.
pub(super) struct Notice<'a> {
    /// `eventName`.
    pub kind: &'static str,
    pub account: &'a str,
    pub region: &'a str,
    /// `eventTime`, RFC 3339.
    pub time: &'a str,
    pub about: Thing<'a>,
    /// From which address it was used, where the notice says so.
    pub source_ip: Option<&'a str>,
    /// What AWS calls it, such as `AWS_RISK_CREDENTIALS_EXPOSED`.
    pub code: &'a str,
    /// Tells this notice from others about the same thing.
    pub mark: &'a str,
    /// A sentence for people, without a full stop.
    pub told: String,
    /// More of `requestParameters`.
    pub facts: Value,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing<'a> {
    /// The account as a whole.
    Account,
    /// An access key id, and whose it is.
    Key(&'a str, Option<Owner<'a>>),
    /// Whatever else is named: an ARN, a name, an address.
    Named(&'a str),
}

/// Whose an access key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner<'a> {
    /// `IAMUser`, `AssumedRole`, `Root`; anything else says nothing.
    pub kind: &'a str,
    /// As `userIdentity` has it, with the name of a session behind a colon.
    pub principal_id: &'a str,
    /// Of the user or role.
    pub name: &'a str,
}

impl<'a> Thing<'a> {
    /// What a text names.
    pub(super) fn named(text: &'a str) -> Self {
        if is_credential(text) { Self::Key(text, None) } else { Self::Named(text) }
    }

    fn text(&self) -> Option<&'a str> {
        match *self {
            Self::Account => None,
            Self::Key(text, _) | Self::Named(text) => Some(text),
        }
    }
}

impl Notice<'_> {
    /// The record; none where the notice says neither when nor in which account.
    pub(super) fn record(self) -> Option<String> {
        if self.account.is_empty() || self.time.is_empty() {
            return None;
        }
        let subject = self.about.text().unwrap_or(self.account);
        let mut facts = self.facts;
        facts["subject"] = json!(subject);
        facts["type"] = json!(self.code);
        facts["told"] = json!(cut(self.told));
        let id = id(&[self.kind, self.account, self.code, subject, self.mark]);
        let mut record = told(NOTICE, self.kind, self.account, self.time, &id);
        record["userIdentity"] = identity(self.about, self.account);
        record["awsRegion"] = json!(self.region);
        record["requestParameters"] = facts;
        if let Some(address) = self.source_ip {
            record["sourceIPAddress"] = json!(address);
        }
        Some(record.to_string())
    }
}

/// Whom a notice is about, as a caller: so it stands in the lineage where that caller stands. Of what is no caller, the
/// name alone.
fn identity(about: Thing<'_>, account: &str) -> Value {
    let mut identity = match about {
        Thing::Account => json!({ "arn": format!("account/{account}") }),
        Thing::Key(key, owner) => {
            let mut identity = owner.map_or(Value::Null, |owner| owned(&owner, account));
            if identity.is_null() {
                identity = json!({ "arn": format!("access-key/{key}") });
            }
            identity["accessKeyId"] = json!(key);
            identity
        }
        Thing::Named(arn) if arn.starts_with("arn:") => named(arn),
        Thing::Named(name) => json!({ "userName": name }),
    };
    identity["accountId"] = json!(account);
    identity
}

fn owned(owner: &Owner<'_>, account: &str) -> Value {
    let Owner { kind, principal_id, name } = *owner;
    match kind {
        "IAMUser" if !name.is_empty() => json!({
            "type": kind,
            "principalId": principal_id,
            "arn": format!("arn:aws:iam::{account}:user/{name}"),
            "userName": name,
        }),
        "AssumedRole" | "Role" if !name.is_empty() => {
            let session = principal_id.split_once(':').map_or("unknown", |(_, session)| session);
            json!({
                "type": "AssumedRole",
                "principalId": principal_id,
                "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
            })
        }
        "Root" => json!({ "type": kind, "principalId": account, "arn": format!("arn:aws:iam::{account}:root") }),
        _ => Value::Null,
    }
}

/// Instances and functions are what credentials are issued to. Of users, roles and all else the ARN says who it is.
fn named(arn: &str) -> Value {
    let is_workload = arn.contains(":instance/") || arn.contains(":function:");
    if is_workload {
        return json!({ "arn": arn, "inScopeOf": { "credentialsIssuedTo": arn } });
    }
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or(resource);
    match resource.split('/').next().unwrap_or_default() {
        "user" => json!({ "type": "IAMUser", "arn": arn, "userName": name }),
        "role" => {
            json!({ "type": "AssumedRole", "sessionContext": { "sessionIssuer": { "type": "Role", "arn": arn } } })
        }
        "root" if arn.contains(":iam:") => json!({ "type": "Root", "arn": arn }),
        _ => json!({ "arn": arn }),
    }
}
