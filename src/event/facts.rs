//! What a call made, gave, minted or removed: the parts of requests and responses that lineage and estimates join on.

mod changes;
mod find;
mod made;
mod named;
mod sizes;
#[cfg(test)]
mod tests;
pub(crate) mod trust;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::{Identity, PrincipalKind, is_credential};
use super::policy::{Grade, document};
use super::shape::Shape;
use super::{refusal, trails};
use crate::price::{Prices, Runs};

/// What one call did, as far as detectors and lineage care.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    /// The user, role or group that an identity call acted on, by name; of an observation, what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether that is the caller itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_is_actor: Option<bool>,
    /// How much permission the call gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// The credential that came into being.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minted: Option<Minted>,
    /// What came into being.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<Resource>,
    /// ARN of the scaling group for which AWS made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_for: Option<String>,
    /// Doors that were opened: a role, and an account of others whose principals may take it on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<String>,
    /// ARNs of what went away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<String>,
    /// What became of things that run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Change>,
    /// Definitions that later calls run by name, and what they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defined: Vec<(String, Runs)>,
    /// `codeSha256` of a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What a trail was told to write to, as [`super::trails`] names it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records_to: Vec<String>,
    /// The words of an observation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// A new credential and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Minted {
    /// The access key id; none for a console password.
    pub credential: Option<String>,
    /// The ARN of the principal that it acts as.
    pub arn: String,
    /// The principal id of the session, with its name.
    pub session: Option<String>,
}

/// Something with an ARN that a call created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub arn: String,
    /// `lambda:function`, `iam:user`, ...
    pub kind: String,
    /// For users and roles: the stable id of the principal they are.
    pub principal: Option<String>,
    /// What it runs, where it costs by the hour and the call says how large it is.
    pub runs: Option<Runs>,
}

impl Resource {
    fn new(arn: String, kind: &str) -> Self {
        Self { arn, kind: kind.to_owned(), principal: None, runs: None }
    }
}

/// What became of one thing that runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Change {
    pub arn: String,
    pub to: Becomes,
}

/// How a thing runs from a call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Becomes {
    Started,
    Stopped,
    /// So many of it.
    Count(u32),
    /// A function of so many MB.
    Memory(u32),
    /// A function of which so many run at once, or as many as the account may have.
    Concurrency(Option<u32>),
}

impl Facts {
    /// Whether later events can come from what this one made.
    pub(crate) fn creates(&self) -> bool {
        self.minted.is_some() || !self.created.is_empty() || !self.opened.is_empty()
    }

    /// Whether it made somebody or something to call with: a credential, a password, a user or a role.
    pub(crate) fn makes_caller(&self) -> bool {
        self.minted.is_some() || self.created.iter().any(|made| made.principal.is_some())
    }

    /// US dollars an hour, at list prices, of what was started and is meant; `None` where nothing of it has a price.
    pub(crate) fn usd_per_hour(&self, prices: &Prices, region: &str, is_meant: fn(&Runs) -> bool) -> Option<f64> {
        let started = self.created.iter().filter_map(|made| made.runs.as_ref()).filter(|runs| is_meant(runs));
        started.filter_map(|runs| prices.per_hour(runs, region)).reduce(|sum, price| sum + price)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether calls of this shape can have facts at all; asked once per shape.
pub(crate) fn may_have(shape: &Shape) -> bool {
    const IDENTITY: [&str; 9] = ["Create", "Delete", "Attach", "Detach", "Put", "Update", "Add", "Remove", "Upload"];
    const MAKES: [&str; 5] = ["Create", "Run", "Register", "Import", "PutRule"];
    /// Frequent, and they make nothing with an ARN.
    const NOTHING: [&str; 8] = [
        "CreateLogStream",
        "CreateMultipartUpload",
        "CreateTags",
        "CreateGrant",
        "CreateSession",
        "CreateToken",
        "CreateOAuth2Token",
        "CreateChangeSet",
    ];
    let begins = |verbs: &[&str]| verbs.iter().any(|verb| shape.name.starts_with(verb));
    match shape.service() {
        _ if shape.is_observation() => true,
        "iam" => begins(&IDENTITY),
        "sts" => {
            !shape.failed && shape.principal_kind != "service" && begins(&["Assume", "GetSession", "GetFederation"])
        }
        _ if shape.failed || shape.principal_kind == "service" || !shape.write => false,
        "lambda" if begins(&["UpdateFunctionCode", "PublishVersion"]) => true,
        "sso" => begins(&["Put", "Attach"]),
        "cloudtrail" if shape.name == "UpdateTrail" => true,
        service => {
            let makes = begins(&MAKES) && !NOTHING.contains(&shape.name.as_str());
            let call = (service, shape.name.as_str());
            makes || made::DELETIONS.contains(&call) || changes::CHANGES.contains(&call) || named::is_named(call)
        }
    }
}

/// The parts of a record that facts are in.
pub(crate) struct Parts<'a> {
    pub request: &'a Value,
    pub response: &'a Value,
    /// The message of a refusal.
    pub refused: Option<&'a str>,
}

/// Reads the facts of a call; `None` when there are none.
pub(crate) fn extract(shape: &Shape, identity: &Identity, region: &str, parts: &Parts<'_>) -> Option<Box<Facts>> {
    let call = Call { shape, identity, region, request: parts.request, response: parts.response };
    let mut facts = Facts::default();
    if shape.is_observation() {
        facts.target = text(parts.request, "subject");
        facts.told = text(parts.request, "told");
        return (!facts.is_empty()).then(|| Box::new(facts));
    }
    if shape.service() == "iam" {
        facts.target = call.target(parts.refused);
        facts.target_is_actor = facts.target.as_deref().map(|target| call.is_actor(target));
    }
    facts.grade = call.grade();
    if !shape.failed {
        facts.minted = call.minted();
        facts.created = call.created();
        facts.made_for = call.made_for().filter(|_| !facts.created.is_empty());
        facts.opened = call.opened();
        facts.deleted = call.deleted();
        facts.changed = call.changed();
        facts.defined = call.defined();
        facts.code = text(call.response, "codeSha256");
        if shape.service() == "cloudtrail" {
            facts.records_to = trails::of_trail(parts.request, parts.response);
        }
    }
    (!facts.is_empty()).then(|| Box::new(facts))
}

struct Call<'a> {
    shape: &'a Shape,
    identity: &'a Identity,
    region: &'a str,
    request: &'a Value,
    response: &'a Value,
}

impl Call<'_> {
    fn name(&self) -> &str {
        &self.shape.name
    }

    /// Whom an identity call acts on. Denied calls carry no request: the refusal names it. A call on oneself may name nobody.
    fn target(&self, error: Option<&str>) -> Option<String> {
        let named = ["userName", "roleName", "groupName"].iter().find_map(|key| text(self.request, key));
        let answered =
            || text(&self.response["accessKey"], "userName").or_else(|| text(&self.response["user"], "userName"));
        let refused = || error.and_then(target_of_refusal);
        let oneself = || {
            let about_a_user = self.identity.kind == PrincipalKind::User
                && (self.name().contains("AccessKey") || self.name().contains("Password"));
            (about_a_user && !self.shape.denied).then(|| self.identity.name.clone())
        };
        named.or_else(answered).or_else(refused).or_else(oneself)
    }

    /// A role can have the name of a user: both name and kind must be the caller's.
    fn is_actor(&self, target: &str) -> bool {
        let kind = if self.name().contains("Role") { PrincipalKind::Role } else { PrincipalKind::User };
        self.identity.kind == kind && self.identity.name == target && !self.name().contains("Group")
    }

    fn grade(&self) -> Option<Grade> {
        let name = self.name();
        match self.shape.service() {
            "iam" => {}
            "sts" if name == "GetFederationToken" => return self.grade_of_session(),
            "sso" => {
                let written = text(self.request, "inlinePolicy").and_then(|document| Grade::of_document(&document));
                return written.or_else(|| text(self.request, "managedPolicyArn").map(|arn| Grade::of_managed(&arn)));
            }
            _ => return None,
        }
        if name.starts_with("Attach") {
            return text(self.request, "policyArn").map(|arn| Grade::of_managed(&arn));
        }
        let gives = (name.starts_with("Put") && name.ends_with("Policy")) || name.starts_with("CreatePolicy");
        gives.then(|| text(self.request, "policyDocument")).flatten().and_then(|document| Grade::of_document(&document))
    }

    /// What a session may do at most: a written policy, and AWS's own by name.
    fn grade_of_session(&self) -> Option<Grade> {
        let written = document::read(&self.request["policy"]).and_then(|document| Grade::of_parsed(&document));
        let named = self.request["policyArns"].as_array().into_iter().flatten();
        let named = named.filter_map(|one| one.as_str().or_else(|| one.get("arn")?.as_str())).map(Grade::of_managed);
        written.into_iter().chain(named).max()
    }

    fn minted(&self) -> Option<Minted> {
        match (self.shape.service(), self.name()) {
            ("iam", "CreateAccessKey") => {
                let key = text(&self.response["accessKey"], "accessKeyId")?;
                Some(Minted { credential: Some(key), arn: self.user(&self.target(None)?), session: None })
            }
            ("iam", "CreateLoginProfile" | "UpdateLoginProfile") => {
                Some(Minted { credential: None, arn: self.user(&text(self.request, "userName")?), session: None })
            }
            ("sts", name) => {
                let key = text(&self.response["credentials"], "accessKeyId").filter(|key| is_credential(key))?;
                let arn = if name == "AssumeRoot" {
                    let target = text(self.request, "targetPrincipal").unwrap_or_default();
                    let account = target.split(':').nth(4).unwrap_or(&target);
                    format!("arn:{}:iam::{account}:root", self.partition())
                } else if name.starts_with("AssumeRole") {
                    text(self.request, "roleArn")?
                } else {
                    self.identity.arn.clone()
                };
                let session = text(&self.response["assumedRoleUser"], "assumedRoleId")
                    .or_else(|| text(&self.response["federatedUser"], "federatedUserId"));
                Some(Minted { credential: Some(key), arn, session })
            }
            _ => None,
        }
    }

    /// The ARN of a user of this account by name: its path is known only where the caller acts on itself.
    fn user(&self, name: &str) -> String {
        if self.identity.kind == PrincipalKind::User && name == self.identity.name {
            return self.identity.arn.clone();
        }
        self.iam_arn("user", name)
    }

    fn iam_arn(&self, kind: &str, name: &str) -> String {
        format!("arn:{}:iam::{}:{kind}/{name}", self.partition(), self.identity.account)
    }

    fn partition(&self) -> &str {
        self.identity.arn.split(':').nth(1).filter(|part| part.starts_with("aws")).unwrap_or("aws")
    }
}

/// The name of the thing that was refused: `user NAME`, or an ARN.
fn target_of_refusal(message: &str) -> Option<String> {
    let mut words = refusal::thing(message)?.split_whitespace();
    let first = words.next()?;
    let name = if matches!(first, "user" | "role" | "group" | "policy") { words.next()? } else { first };
    let name = name.rsplit(['/', ':']).next().unwrap_or(name).trim_matches(['"', '\'', '.', ',']);
    (!name.is_empty() && name != "*").then(|| name.to_owned())
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).filter(|s| !s.is_empty() && *s != "***").map(str::to_owned)
}
