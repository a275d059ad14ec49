//! Who called: `userIdentity`, reduced to a principal that stays the same and a credential.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Seconds, Workload, time};

/// What kind of caller a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PrincipalKind {
    User,
    Role,
    Root,
    Federated,
    Service,
    Account,
    IdentityCenter,
    Unknown,
}

impl PrincipalKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Root => "root",
            Self::Federated => "federated",
            Self::Service => "service",
            Self::Account => "account",
            Self::IdentityCenter => "identity-center",
            Self::Unknown => "unknown",
        }
    }
}

/// How long a credential lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CredentialKind {
    LongTerm,
    Session,
    None,
}

impl CredentialKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::LongTerm => "long-term",
            Self::Session => "session",
            Self::None => "none",
        }
    }
}

/// One caller. The same `userIdentity` always gives the same identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub kind: PrincipalKind,
    /// `userIdentity.type`, as recorded.
    pub raw_type: String,
    /// The stable id: the AIDA or AROA id where one is known (names can be used again), else the ARN or service.
    pub key: String,
    /// The ARN of user, role or root; for other callers what names them best.
    pub arn: String,
    /// A short name for people.
    pub name: String,
    /// The account the caller belongs to.
    pub account: String,
    /// The access key id, long-term or session.
    pub credential: Option<String>,
    pub credential_kind: CredentialKind,
    /// Role session name.
    pub session_name: Option<String>,
    /// Identifies one session over all the keys that the console draws for it: principal id and start.
    pub session: Option<String>,
    /// When the session began.
    pub session_started: Option<Seconds>,
    /// The function or instance that AWS issued these credentials to: its ARN, or an instance's id.
    pub issued_to: Option<String>,
    /// An AWS service called, or called on the principal's behalf.
    pub service_call: bool,
    /// The kind of computer that the session was issued to.
    #[serde(default)]
    pub workload: Workload,
}

impl Identity {
    /// The console session, or the credential that acts; empty where there is neither.
    pub(crate) fn acting(&self) -> &str {
        self.session.as_ref().or(self.credential.as_ref()).map_or("", String::as_str)
    }

    /// Whether many accounts have this caller in common though nobody is behind it: an AWS service, or whoever gave no name.
    pub(crate) fn is_common(&self) -> bool {
        let nobody =
            |name: &str| name.is_empty() || name.get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("anonymous"));
        let outside = matches!(self.kind, PrincipalKind::Federated | PrincipalKind::IdentityCenter);
        self.kind == PrincipalKind::Service || nobody(&self.key) || (outside && self.key.ends_with("/unknown"))
    }

    /// Reads the text of a `userIdentity` object; anything unreadable becomes an unknown caller.
    pub(crate) fn parse(raw: &str, recipient: &str) -> Self {
        let value: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
        Self::from_value(&value, recipient)
    }

    fn from_value(value: &Value, recipient: &str) -> Self {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).filter(|s| !s.is_empty());
        let account = text("/accountId").unwrap_or(recipient);
        let credential = text("/accessKeyId").filter(|key| is_credential(key));
        let principal_id = text("/principalId").unwrap_or_default();
        let (stable_id, session_name) = match principal_id.split_once(':') {
            Some((id, session)) => (id, Some(session)),
            None => (principal_id, None),
        };
        let started = text("/sessionContext/attributes/creationDate");
        let invoked_by = text("/invokedBy");
        let (kind, key, arn) = principal(value, account, stable_id);
        let name = match text("/userName") {
            Some(name) if matches!(kind, PrincipalKind::User) && Some(name) != credential => name.to_owned(),
            _ => arn.rsplit(['/', ':']).next().unwrap_or(&arn).to_owned(),
        };
        Self {
            raw_type: text("/type").unwrap_or_default().to_owned(),
            name,
            account: account.to_owned(),
            credential: credential.map(str::to_owned),
            credential_kind: credential_kind(credential),
            session: started.filter(|_| !principal_id.is_empty()).map(|at| format!("{principal_id}@{at}")),
            session_started: started.and_then(time::parse),
            session_name: session_name.map(str::to_owned),
            issued_to: issued_to(value, session_name),
            service_call: kind == PrincipalKind::Service
                || invoked_by.is_some()
                || arn.contains(":role/aws-service-role/"),
            workload: Workload::of_identity(value),
            kind,
            key,
            arn,
        }
    }
}

/// A function by its ARN, an instance by its id. Where a log is too old to say, the session of an instance has its name;
/// a caller who chose such a name itself is known by the call that minted the session.
fn issued_to(value: &Value, session_name: Option<&str>) -> Option<String> {
    match value.pointer("/inScopeOf/credentialsIssuedTo").and_then(Value::as_str) {
        Some(arn) if arn.contains(":instance/") => arn.rsplit('/').next().map(str::to_owned),
        Some(arn) => Some(arn.to_owned()),
        None => session_name.filter(|name| name.starts_with("i-")).map(str::to_owned),
    }
}

/// How long a credential lives, by its id.
pub(crate) fn credential_kind(credential: Option<&str>) -> CredentialKind {
    match credential {
        Some(key) if key.starts_with("AKIA") || key.starts_with("LKIA") => CredentialKind::LongTerm,
        Some(_) => CredentialKind::Session,
        None => CredentialKind::None,
    }
}

/// An access key id: 16 or more capitals and digits that begin like one. Everything else is a service or an operator.
pub(crate) fn is_credential(text: &str) -> bool {
    text.len() >= 16
        && ["AKIA", "ASIA", "LKIA", "LSIA"].iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The number of an account: twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The stable id of a principal: its AIDA or AROA id where known, else its ARN.
pub(crate) fn principal_key(unique_id: &str, arn: &str) -> String {
    if ["AIDA", "AROA"].iter().any(|prefix| unique_id.starts_with(prefix)) { unique_id } else { arn }.to_owned()
}

/// Kind, stable key and ARN, by the type of identity.
fn principal(value: &Value, account: &str, stable_id: &str) -> (PrincipalKind, String, String) {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).filter(|s| !s.is_empty());
    let arn = text("/arn").unwrap_or_default();
    let issuer = text("/sessionContext/sessionIssuer/arn");
    let issuer_id = text("/sessionContext/sessionIssuer/principalId").unwrap_or_default();
    let kind = text("/type").unwrap_or_default();
    match kind {
        "Root" => {
            let arn = if arn.is_empty() { format!("arn:aws:iam::{account}:root") } else { arn.to_owned() };
            (PrincipalKind::Root, arn.clone(), arn)
        }
        "IAMUser" | "User" => {
            let name = text("/userName").unwrap_or(stable_id);
            let arn = if arn.is_empty() { format!("arn:aws:iam::{account}:user/{name}") } else { arn.to_owned() };
            (PrincipalKind::User, principal_key(stable_id, &arn), arn)
        }
        "AssumedRole" => {
            let arn = issuer.map_or_else(|| role_arn(arn), str::to_owned);
            (PrincipalKind::Role, principal_key(stable_id, &arn), arn)
        }
        "FederatedUser" if issuer.is_some_and(|arn| arn.contains(":user/") || arn.ends_with(":root")) => {
            let arn = issuer.unwrap_or_default().to_owned();
            let kind = if arn.ends_with(":root") { PrincipalKind::Root } else { PrincipalKind::User };
            (kind, principal_key(issuer_id, &arn), arn)
        }
        "AWSService" => named(PrincipalKind::Service, text("/invokedBy").unwrap_or("aws").to_owned()),
        "AWSAccount" => {
            let shown = if stable_id.is_empty() { account.to_owned() } else { format!("{account}/{stable_id}") };
            (PrincipalKind::Account, shown.clone(), shown)
        }
        "SAMLUser" | "WebIdentityUser" | "FederatedUser" => {
            let provider = text("/identityProvider").unwrap_or(kind);
            let user = text("/userName").or_else(|| text("/principalId")).unwrap_or("unknown");
            named(PrincipalKind::Federated, format!("{provider}/{user}"))
        }
        "IdentityCenterUser" => {
            let store = text("/onBehalfOf/identityStoreArn").unwrap_or("identity-center");
            let user = text("/onBehalfOf/userId").unwrap_or("unknown");
            named(PrincipalKind::IdentityCenter, format!("{store}/{user}"))
        }
        _ => untyped(value, account, arn),
    }
}

fn untyped(value: &Value, account: &str, arn: &str) -> (PrincipalKind, String, String) {
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
    if arn.contains(":assumed-role/") {
        return named(PrincipalKind::Role, role_arn(arn));
    }
    if !arn.is_empty() {
        return named(PrincipalKind::Unknown, arn.to_owned());
    }
    match (text("invokedBy"), text("userName")) {
        (Some(service), _) => named(PrincipalKind::Service, service.to_owned()),
        (None, Some(user)) => named(PrincipalKind::Unknown, format!("{account}/{user}")),
        (None, None) => named(PrincipalKind::Unknown, account.to_owned()),
    }
}

fn named(kind: PrincipalKind, name: String) -> (PrincipalKind, String, String) {
    (kind, name.clone(), name)
}

/// The user or role behind the ARN of a caller, as STS tells it: a session has that of its role in it.
pub(crate) fn behind(caller: String) -> String {
    if caller.contains(":assumed-role/") { role_arn(&caller) } else { caller }
}

/// `arn:aws:sts::1:assumed-role/ROLE/SESSION` as the role's ARN; its path is not in the log, so it is left out.
pub(crate) fn role_arn(assumed: &str) -> String {
    let mut parts = assumed.splitn(6, ':');
    let partition = parts.nth(1).unwrap_or("aws");
    let account = parts.nth(2).unwrap_or_default();
    let role = parts.next().and_then(|rest| rest.split('/').nth(1)).unwrap_or("unknown");
    format!("arn:{partition}:iam::{account}:role/{role}")
}
