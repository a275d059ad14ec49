//! What kind of call a record is: everything about it that thousands of records share.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::identity::{CredentialKind, Identity};
use super::{Record, Workload};
use super::{refusal, trails};

/// `eventSource` of what Stakeout saw itself, where no event says it.
pub(crate) const OBSERVATION: &str = "observation.stakeout";
/// `eventSource` of what AWS itself told in another way than by an event: a notice of Health, a finding of GuardDuty.
pub(crate) const NOTICE: &str = "notice.stakeout";

/// One kind of call. Broad rules are decided once per shape and not once per record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// `eventSource`.
    pub source: String,
    /// `eventName` as recorded.
    pub raw_name: String,
    /// `eventName` without its API version.
    pub name: String,
    pub error_code: String,
    pub event_type: String,
    pub user_agent: String,
    /// `userIdentity.type`, as recorded.
    pub identity_type: String,
    /// The same as [`super::PrincipalKind`] spells it.
    pub principal_kind: String,
    pub credential_kind: String,
    /// `readOnly`, where it was recorded.
    pub read_only: Option<bool>,
    /// Refused, in any of the spellings.
    pub denied: bool,
    /// Did not happen; a dry run that would have succeeded counts as having happened.
    pub failed: bool,
    /// Changes something.
    pub write: bool,
    /// Its service logs in one region only.
    pub global: bool,
    /// Made by the web console.
    pub console: bool,
    /// Made by an AWS service, or by one on somebody's behalf; or no call at all but an observation or a notice.
    pub service_call: bool,
    /// Through an endpoint inside of AWS, or from a private address.
    #[serde(default)]
    pub inside: bool,
    /// What the caller's session was issued to.
    #[serde(default)]
    pub workload: Workload,
    /// The action that was refused, `service:Name`, which may be another one than the call. Empty where none was.
    #[serde(default)]
    pub refused: String,
    /// The bucket or key that CloudTrail itself used for a trail, as [`super::trails`] names it; empty for all other calls.
    #[serde(default)]
    pub trail: String,
}

impl Shape {
    /// The shape of a record.
    pub(crate) fn of(record: &Record<'_>, identity: &Identity) -> Self {
        let name = strip_version(&record.name);
        let denied = is_denied(&record.error_code);
        let told_failure = record.error_message && record.error_code.is_empty() && name == "ConsoleLogin";
        Self {
            write: writes(&record.source, name, record.read_only),
            global: is_global(&record.source),
            console: is_console(record, identity),
            failed: denied || told_failure || !is_success(&record.error_code),
            denied,
            name: name.to_owned(),
            raw_name: record.name.clone().into_owned(),
            source: record.source.clone().into_owned(),
            error_code: record.error_code.clone().into_owned(),
            event_type: record.event_type.clone().into_owned(),
            user_agent: record.user_agent.clone().into_owned(),
            identity_type: identity.raw_type.clone(),
            principal_kind: identity.kind.as_str().to_owned(),
            credential_kind: identity.credential_kind.as_str().to_owned(),
            read_only: record.read_only,
            service_call: identity.service_call
                || record.event_type == "AwsServiceEvent"
                || record.source == OBSERVATION
                || record.source == NOTICE,
            inside: record.is_inside(),
            workload: identity.workload.or_of_agent(record),
            refused: refused(record).map_or_else(
                || if denied { format!("{}:{name}", service(&record.source)) } else { String::new() },
                |action| action.into_owned(),
            ),
            trail: trails::used_by_cloudtrail(record, identity).unwrap_or_default(),
        }
    }

    /// `iam` for `iam.amazonaws.com`.
    pub(crate) fn service(&self) -> &str {
        service(&self.source)
    }

    /// `iam:CreateUser`.
    pub(crate) fn action(&self) -> String {
        [self.service(), ":", &self.name].concat()
    }

    /// Something that Stakeout saw or AWS told, and nobody did: it says nothing about what is usual.
    pub(crate) fn is_observation(&self) -> bool {
        self.source == OBSERVATION || self.is_notice()
    }

    /// Something that AWS told.
    pub(crate) fn is_notice(&self) -> bool {
        self.source == NOTICE
    }

    /// Asks a model of Bedrock, and is paid by the token.
    pub(crate) fn calls_model(&self) -> bool {
        const CALLS: [&str; 4] = ["InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream"];
        !self.failed && self.service() == "bedrock" && CALLS.contains(&self.name.as_str())
    }

    /// Counts as ordinary use of a region: a successful change, by somebody and not by AWS.
    pub(crate) fn settles(&self) -> bool {
        self.write && !self.failed && !self.service_call && !self.error_code.ends_with("DryRunOperation")
    }
}

/// The event name without the API version that some services append: `CreateFunction20150331` (Lambda),
/// `UpdateFunctionCode20150331v2`, `CreateDistribution2020_05_31` (CloudFront).
pub(crate) fn strip_version(name: &str) -> &str {
    let unversioned = match name.rsplit_once('v') {
        Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => name,
    };
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    for (length, separators) in [(8, 0), (10, 2)] {
        let Some(cut) = unversioned.len().checked_sub(length).filter(|cut| unversioned.is_char_boundary(*cut)) else {
            continue;
        };
        let (head, date) = unversioned.split_at(cut);
        let plain: String = date.chars().filter(|c| *c != '_').collect();
        if !head.is_empty() && date.len() - plain.len() == separators && digits(&plain) {
            return head;
        }
    }
    name
}

fn service(source: &str) -> &str {
    source.split('.').next().unwrap_or(source)
}

/// The action that a refusal names. Some services tell it in the answer.
pub(crate) fn refused<'r>(record: &'r Record<'_>) -> Option<Cow<'r, str>> {
    if record.error_code.is_empty() || !is_denied(&record.error_code) {
        return None;
    }
    match record.refusal()? {
        Cow::Borrowed(message) => refusal::action(message).map(Cow::Borrowed),
        Cow::Owned(message) => refusal::action(&message).map(|action| Cow::Owned(action.to_owned())),
    }
}

/// Denials are spelt differently by every service.
fn is_denied(code: &str) -> bool {
    const WHOLE: [&str; 6] = [
        "UnauthorizedException",
        "UnauthorizedAccess",
        "AuthorizationError",
        "NotAuthorizedException",
        "NotAuthorized",
        "AuthorizationErrorException",
    ];
    code.contains("AccessDenied")
        || code.contains("Forbidden")
        || code.contains("UnauthorizedOperation")
        || WHOLE.contains(&code)
}

fn is_success(code: &str) -> bool {
    matches!(code, "" | "200" | "Client.DryRunOperation" | "DryRunOperation")
}

/// Services whose calls are all recorded in one region, whatever the caller's region was.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events>
fn is_global(source: &str) -> bool {
    const GLOBAL: [&str; 27] = [
        "iam",
        "sts",
        "organizations",
        "account",
        "cloudfront",
        "route53",
        "route53domains",
        "support",
        "signin",
        "waf",
        "shield",
        "globalaccelerator",
        "budgets",
        "ce",
        "health",
        "billing",
        "billingconsole",
        "sso",
        "trustedadvisor",
        "cur",
        "savingsplans",
        "payments",
        "tax",
        "freetier",
        "invoicing",
        "ecr-public",
        "networkmanager",
    ];
    GLOBAL.contains(&source.split('.').next().unwrap_or(source))
}

/// Whether a call changes something. `readOnly` alone does not say: `InvokeModel` carries true, sign-ins carry false.
fn writes(source: &str, name: &str, read_only: Option<bool>) -> bool {
    const READS: [&str; 18] = [
        "Get", "List", "Describe", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Check", "Select", "View",
        "Simulate", "Estimate", "Preview", "Validate", "Discover", "Filter",
    ];
    const SESSIONS: [&str; 6] = ["signin", "sts", "sso-oauth", "kms", "cloudshell", "health"];
    let service = source.split('.').next().unwrap_or(source);
    if service == "sts" && name.starts_with("Assume") {
        return true;
    }
    if service == "bedrock" && (name.starts_with("InvokeModel") || name.starts_with("Converse")) {
        return true;
    }
    if SESSIONS.contains(&service) && !(service == "kms" && read_only == Some(false)) {
        return false;
    }
    match read_only {
        Some(read_only) => !read_only,
        None => !READS.iter().any(|prefix| name.starts_with(prefix)),
    }
}

/// The console marks its sessions since 2023; before, only its agents gave it away. An agent is the caller's own word,
/// so a long-term key is never the console, whatever it says: the console works with sessions.
fn is_console(record: &Record<'_>, identity: &Identity) -> bool {
    const AGENTS: [&str; 8] = [
        "Mozilla/",
        "console.amazonaws.com",
        "console.ec2.amazonaws.com",
        "signin.amazonaws.com",
        "S3Console/",
        "AWS Internal",
        "aws-internal/",
        "Coral/",
    ];
    let agent = record.user_agent.trim_start_matches('[');
    let says_so = AGENTS.iter().any(|prefix| agent.starts_with(prefix)) || agent.ends_with(".amazonaws.com");
    identity.credential_kind != CredentialKind::LongTerm && (record.from_console || says_so)
}

#[cfg(test)]
mod tests {
    use super::strip_version;

    #[test]
    fn api_versions_go_and_names_stay() {
        for (recorded, name) in [
            ("CreateFunction20150331", "CreateFunction"),
            ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
            ("CreateDistribution2020_05_31", "CreateDistribution"),
            ("PutObject", "PutObject"),
            ("20150331", "20150331"),
            ("DescribeInstancesV2", "DescribeInstancesV2"),
            ("\u{e9}20150331", "\u{e9}"),
            ("", ""),
        ] {
            assert_eq!(strip_version(recorded), name);
        }
    }
}
