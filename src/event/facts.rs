//! What a call made, gave, minted or removed: the parts of requests and responses that lineage joins on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::{Identity, PrincipalKind, is_credential, principal_key};
use super::policy::Grade;
use super::shape::Shape;

/// What one call did, as far as detectors and lineage care.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The user, role or group that an identity call acted on, by name.
    pub target: Option<String>,
    /// Whether that is the caller itself.
    pub target_is_actor: Option<bool>,
    /// How much permission the call gave.
    pub grade: Option<Grade>,
    /// The credential that came into being.
    pub minted: Option<Minted>,
    /// What came into being.
    pub created: Vec<Resource>,
    /// ARNs of what went away.
    pub deleted: Vec<String>,
    /// `codeSha256` of a function.
    pub code: Option<String>,
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
}

impl Facts {
    /// Whether later events can come from what this one made.
    pub(crate) fn creates(&self) -> bool {
        self.minted.is_some() || !self.created.is_empty()
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
        "iam" => begins(&IDENTITY),
        "sts" => {
            !shape.failed && shape.principal_kind != "service" && begins(&["Assume", "GetSession", "GetFederation"])
        }
        _ if shape.failed || shape.principal_kind == "service" || !shape.write => false,
        "lambda" if begins(&["UpdateFunctionCode", "PublishVersion"]) => true,
        service => {
            let makes = begins(&MAKES) && !NOTHING.contains(&shape.name.as_str());
            makes || DELETIONS.contains(&(service, &shape.name))
        }
    }
}

/// Deletions that are read, beside those of IAM.
const DELETIONS: [(&str, &str); 4] =
    [("lambda", "DeleteFunction"), ("events", "DeleteRule"), ("s3", "DeleteBucket"), ("ec2", "TerminateInstances")];

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
    if shape.service() == "iam" {
        facts.target = call.target(parts.refused);
        facts.target_is_actor = facts.target.as_deref().map(|target| call.is_actor(target));
        facts.grade = call.grade();
    }
    if !shape.failed {
        facts.minted = call.minted();
        facts.created = call.created();
        facts.deleted = call.deleted();
        facts.code = text(call.response, "codeSha256");
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
        if name.starts_with("Attach") {
            return text(self.request, "policyArn").map(|arn| Grade::of_managed(&arn));
        }
        let gives = (name.starts_with("Put") && name.ends_with("Policy")) || name.starts_with("CreatePolicy");
        gives.then(|| text(self.request, "policyDocument")).flatten().and_then(|document| Grade::of_document(&document))
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

    fn created(&self) -> Vec<Resource> {
        let (service, name) = (self.shape.service(), self.name());
        let is_new = |arn: String, kind: &str, principal: Option<String>| {
            vec![Resource { arn, kind: kind.to_owned(), principal }]
        };
        match (service, name) {
            ("iam", "CreateUser") => principal_resource(&self.response["user"], "userId", "iam:user"),
            ("iam", "CreateRole") => principal_resource(&self.response["role"], "roleId", "iam:role"),
            ("iam", "CreateAccessKey") => match self.minted() {
                Some(Minted { credential: Some(key), arn, .. }) => {
                    is_new(format!("{arn}#{key}"), "iam:access-key", None)
                }
                _ => Vec::new(),
            },
            ("iam", "CreateLoginProfile") => match self.minted() {
                Some(minted) => is_new(format!("{}#password", minted.arn), "iam:login-profile", None),
                None => Vec::new(),
            },
            ("ec2", "RunInstances") => {
                let items = self.response["instancesSet"]["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                let arn = |id: String| {
                    format!("arn:{}:ec2:{}:{}:instance/{id}", self.partition(), self.region, self.identity.account)
                };
                items
                    .iter()
                    .filter_map(|item| text(item, "instanceId"))
                    .map(|id| Resource { arn: arn(id), kind: "ec2:instance".into(), principal: None })
                    .collect()
            }
            ("s3", "CreateBucket") => text(self.request, "bucketName")
                .map(|bucket| is_new(format!("arn:{}:s3:::{bucket}", self.partition()), "s3:bucket", None))
                .unwrap_or_default(),
            _ if name.starts_with("Create")
                || name.starts_with("Run")
                || name.starts_with("Register")
                || name == "PutRule" =>
            {
                first_arn(self.response, 3).map(|arn| is_new(arn.clone(), &kind_of(&arn), None)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn deleted(&self) -> Vec<String> {
        let request = |key: &str| text(self.request, key);
        let regional = |service: &str, rest: String| {
            format!("arn:{}:{service}:{}:{}:{rest}", self.partition(), self.region, self.identity.account)
        };
        let one = match (self.shape.service(), self.name()) {
            ("iam", "DeleteUser") => request("userName").map(|name| self.iam_arn("user", &name)),
            ("iam", "DeleteRole") => request("roleName").map(|name| self.iam_arn("role", &name)),
            ("iam", "DeleteAccessKey") => {
                request("accessKeyId").zip(self.target(None)).map(|(key, user)| format!("{}#{key}", self.user(&user)))
            }
            ("iam", "DeleteLoginProfile") => {
                request("userName").map(|name| format!("{}#password", self.iam_arn("user", &name)))
            }
            ("lambda", "DeleteFunction") if request("qualifier").is_some() => None,
            ("lambda", "DeleteFunction") => request("functionName").map(|name| {
                if name.starts_with("arn:") { name } else { regional("lambda", format!("function:{name}")) }
            }),
            ("events", "DeleteRule") => request("name").map(|name| regional("events", format!("rule/{name}"))),
            ("s3", "DeleteBucket") => request("bucketName").map(|name| format!("arn:{}:s3:::{name}", self.partition())),
            ("ec2", "TerminateInstances") => {
                let items = self.response["instancesSet"]["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                return items
                    .iter()
                    .filter_map(|item| text(item, "instanceId"))
                    .map(|id| regional("ec2", format!("instance/{id}")))
                    .collect();
            }
            _ => None,
        };
        one.into_iter().collect()
    }
}

fn principal_resource(made: &Value, id_key: &str, kind: &str) -> Vec<Resource> {
    let Some(arn) = text(made, "arn") else {
        return Vec::new();
    };
    let principal = Some(principal_key(&text(made, id_key).unwrap_or_default(), &arn));
    vec![Resource { arn, kind: kind.to_owned(), principal }]
}

/// `... is not authorized to perform: iam:CreateUser on resource: user NAME ...`, also with an ARN for the resource.
fn target_of_refusal(message: &str) -> Option<String> {
    let resource = message.split_once(" on resource: ")?.1;
    let mut words = resource.split_whitespace();
    let first = words.next()?;
    let name = if matches!(first, "user" | "role" | "group" | "policy") { words.next()? } else { first };
    let name = name.rsplit(['/', ':']).next().unwrap_or(name).trim_matches(['"', '\'', '.', ',']);
    (!name.is_empty() && name != "*").then(|| name.to_owned())
}

/// The first string under a key that ends in "arn", in the order of the keys.
fn first_arn(value: &Value, depth: usize) -> Option<String> {
    let Value::Object(fields) = value else {
        return None;
    };
    let is_arn = |key: &str, value: &Value| {
        key.to_ascii_lowercase().ends_with("arn") && value.as_str().is_some_and(|arn| arn.starts_with("arn:"))
    };
    let named = fields.iter().filter(|(key, value)| is_arn(key, value) && !key.to_ascii_lowercase().contains("role"));
    if let Some((_, arn)) = named.min_by_key(|(key, _)| key.len()) {
        return arn.as_str().map(str::to_owned);
    }
    (depth > 0).then(|| fields.values().find_map(|inner| first_arn(inner, depth - 1))).flatten()
}

/// `lambda:function` for a function's ARN.
fn kind_of(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next().unwrap_or("aws");
    let resource = parts.nth(2).unwrap_or_default();
    let kind = resource.split([':', '/']).next().unwrap_or_default();
    if kind == resource || kind.is_empty() { service.to_owned() } else { format!("{service}:{kind}") }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).filter(|s| !s.is_empty() && *s != "***").map(str::to_owned)
}
