//! How much a permission gives: managed policies by name, documents by what they allow; and whom a document lets in.

mod condition;
pub(crate) mod document;
pub(crate) mod reach;
mod statement;
#[cfg(test)]
mod tests;
mod trust;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use reach::{Kind, Reach};
pub(crate) use statement::matches_by;
use statement::{Effect, Fuel, Statement, is_service, matches};
pub(crate) use trust::{Who, reach_of};

/// What a policy allows, graded by what an attacker could do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grade {
    /// Takes away only.
    DenyOnly,
    /// Bounded actions on bounded resources.
    Narrow,
    /// A whole service, or everything but identity.
    Broad,
    /// Everything, all of IAM, or becoming any role.
    Admin,
}

impl Grade {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::DenyOnly => "deny-only",
            Self::Narrow => "narrow",
            Self::Broad => "broad",
            Self::Admin => "admin",
        }
    }

    /// The grade of a managed policy. A customer's own policy is named but not shown by the call, so it is narrow.
    pub(crate) fn of_managed(arn: &str) -> Self {
        const ADMIN: [&str; 3] = ["AdministratorAccess", "IAMFullAccess", "AdministratorAccess-Amplify"];
        let Some((owner, name)) = arn.split_once(":policy/") else {
            return Self::Narrow;
        };
        let name = name.rsplit('/').next().unwrap_or(name);
        if !owner.ends_with(":aws") {
            return Self::Narrow;
        }
        if name.starts_with("AWSDenyAll") || name.starts_with("AWSCompromisedKeyQuarantine") {
            Self::DenyOnly
        } else if ADMIN.contains(&name) {
            Self::Admin
        } else if name == "PowerUserAccess"
            || name == "SystemAdministrator"
            || name.ends_with("FullAccess")
            || name.ends_with("_FullAccess")
        {
            Self::Broad
        } else {
            Self::Narrow
        }
    }

    /// The grade of a policy document, as JSON or as URL-encoded JSON. `None` when it is no readable document.
    pub(crate) fn of_document(text: &str) -> Option<Self> {
        Self::of_parsed(&document::parse(text)?)
    }

    /// The grade of a policy document.
    pub(crate) fn of_parsed(document: &Value) -> Option<Self> {
        let statements: Vec<_> = document::statements(document).iter().map(Statement::of).collect();
        (!statements.is_empty()).then(|| of_statements(&statements))
    }
}

/// What all statements of a document allow together.
fn of_statements(statements: &[Statement<'_>]) -> Grade {
    let (allows, denies): (Vec<_>, Vec<_>) = statements
        .iter()
        .filter(|statement| statement.counts())
        .partition(|statement| statement.effect == Effect::Allow);
    let allowed = |action: &str, resource: &str| {
        allows.iter().any(|allow| allow.covers(action, resource))
            && !denies.iter().any(|deny| deny.covers(action, resource))
    };
    let everywhere =
        |(call, on): (&str, &str)| allowed(call, on) && (allowed(call, ANYTHING) || allowed(call, ANY_IDENTITY));
    let fuel = Fuel::new();
    let any_broad = || allows.iter().any(|allow| allow.gives(&denies, &fuel, is_service, |it| matches(it, ANYTHING)));
    let any_left = || allows.iter().any(|allow| allow.gives(&denies, &fuel, |_| true, |_| true));
    if IAM_CALLS.into_iter().all(|(call, on)| allowed(call, on))
        || ESCALATIONS.into_iter().any(everywhere)
        || allowed("sts:AssumeRole", ANY_ROLE)
    {
        Grade::Admin
    } else if any_broad() {
        Grade::Broad
    } else if any_left() {
        Grade::Narrow
    } else {
        Grade::DenyOnly
    }
}

const ANY_USER: &str = "arn:aws:iam:::user/any";
const ANY_ROLE: &str = "arn:aws:iam:::role/any";
const ANY_POLICY: &str = "arn:aws:iam:::policy/any";
/// Something that only `*` covers, and something that only a pattern for all of IAM covers.
const ANYTHING: &str = "any";
const ANY_IDENTITY: &str = "arn:aws:iam:::any";

/// Calls that all of them together are IAM as a whole.
const IAM_CALLS: [(&str, &str); 4] = [
    ("iam:AttachUserPolicy", ANY_USER),
    ("iam:CreateUser", ANY_USER),
    ("iam:PassRole", ANY_ROLE),
    ("iam:UpdateAssumeRolePolicy", ANY_ROLE),
];
/// Calls each of which alone makes its caller an administrator.
const ESCALATIONS: [(&str, &str); 6] = [
    ("iam:PutUserPolicy", ANY_USER),
    ("iam:AttachUserPolicy", ANY_USER),
    ("iam:PutRolePolicy", ANY_ROLE),
    ("iam:AttachRolePolicy", ANY_ROLE),
    ("iam:CreatePolicyVersion", ANY_POLICY),
    ("iam:SetDefaultPolicyVersion", ANY_POLICY),
];
