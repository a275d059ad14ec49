//! How much a permission gives: managed policies by name, documents by what they allow.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
        let text = if text.trim_start().starts_with('%') { percent_decode(text) } else { Cow::Borrowed(text) };
        let document: Value = serde_json::from_str(&text).ok()?;
        let statements = match document.get("Statement")? {
            Value::Array(all) => all.iter().collect(),
            one => vec![one],
        };
        let statements: Vec<_> = statements.into_iter().map(Statement::of).collect();
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
    let left = || allows.iter().flat_map(|allow| allow.left(&denies));
    if IAM_CALLS.into_iter().all(|(call, on)| allowed(call, on))
        || ESCALATIONS.into_iter().any(everywhere)
        || allowed("sts:AssumeRole", ANY_ROLE)
    {
        Grade::Admin
    } else if left().any(|(action, resource)| is_service(action) && matches(resource, ANYTHING)) {
        Grade::Broad
    } else if left().next().is_some() {
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
    /// Neither, which AWS would not accept.
    None,
}

/// Patterns that a statement names, or all but those.
struct Patterns<'d> {
    list: Vec<Cow<'d, str>>,
    inverted: bool,
}

impl<'d> Patterns<'d> {
    fn of(statement: &'d Value, key: &str, inverse: &str) -> Self {
        let (value, inverted) = match statement.get(inverse) {
            Some(value) => (Some(value), true),
            None => (statement.get(key), false),
        };
        Self { list: strings(value).map(without_account).collect(), inverted }
    }

    fn cover(&self, text: &str) -> bool {
        self.list.iter().any(|pattern| matches(pattern, text)) != self.inverted
    }

    /// Whether everything that `pattern` covers is covered here.
    fn include(&self, pattern: &str) -> bool {
        if self.inverted {
            self.list.iter().all(|left_out| are_apart(left_out, pattern))
        } else {
            self.list.iter().any(|wider| matches(wider, pattern))
        }
    }

    /// Patterns that cover at least what is covered here. A statement about the resource it is attached to names none.
    fn all(&self) -> Vec<&str> {
        match (self.inverted, self.list.as_slice()) {
            (true, _) => vec!["*"],
            (false, []) => vec![""],
            (false, list) => list.iter().map(|pattern| pattern.as_ref()).collect(),
        }
    }
}

struct Statement<'d> {
    effect: Effect,
    conditional: bool,
    actions: Patterns<'d>,
    resources: Patterns<'d>,
}

impl<'d> Statement<'d> {
    fn of(statement: &'d Value) -> Self {
        Self {
            effect: match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => Effect::Allow,
                Some("Deny") => Effect::Deny,
                _ => Effect::None,
            },
            conditional: statement.get("Condition").is_some(),
            actions: Patterns::of(statement, "Action", "NotAction"),
            resources: Patterns::of(statement, "Resource", "NotResource"),
        }
    }

    /// A condition may be met, so an Allow under one still gives, and a Deny under one may not take.
    fn counts(&self) -> bool {
        self.effect == Effect::Allow || self.effect == Effect::Deny && !self.conditional
    }

    fn covers(&self, action: &str, resource: &str) -> bool {
        self.actions.cover(action) && self.resources.cover(resource)
    }

    /// The pairs of an action and a resource pattern that none of `denies` takes away as a whole.
    fn left<'s>(&'s self, denies: &'s [&Self]) -> impl Iterator<Item = (&'s str, &'s str)> {
        let resources = self.resources.all();
        let pairs = self.actions.all().into_iter().flat_map(move |action| {
            let pairs: Vec<_> = resources.iter().map(|resource| (action, *resource)).collect();
            pairs
        });
        pairs.filter(|(action, resource)| {
            !denies.iter().any(|deny| deny.actions.include(action) && deny.resources.include(resource))
        })
    }
}

/// Whether an action pattern covers all actions of a service, or of several.
fn is_service(pattern: &str) -> bool {
    let fixed = pattern.trim_end_matches('*');
    fixed.len() < pattern.len() && fixed.split_once(':').is_none_or(|(_, action)| action.is_empty())
}

/// Whether two patterns surely have nothing in common: they differ before their first wildcard.
fn are_apart(one: &str, other: &str) -> bool {
    let fixed = |pattern: &str| pattern.bytes().position(|byte| b"*?".contains(&byte)).unwrap_or(pattern.len());
    let (one_fixed, other_fixed) = (fixed(one), fixed(other));
    let common = one_fixed.min(other_fixed);
    !one.as_bytes()[..common].eq_ignore_ascii_case(&other.as_bytes()[..common])
}

/// IAM's own patterns: `*` for any text, `?` for one character; case does not count.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// A resource pattern with any account and partition: whose account it is does not change what it allows.
fn without_account(resource: &str) -> Cow<'_, str> {
    let parts: Vec<_> = resource.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, service, region, _, rest] => Cow::Owned(format!("arn:aws:{service}:{region}::{rest}")),
        _ => Cow::Borrowed(resource),
    }
}

/// The strings of a value that may be one string or a list of them.
fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match value {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    list.into_iter().filter_map(Value::as_str)
}

/// A text without its URL encoding.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match hex.filter(|_| byte == b'%') {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Grade;

    #[test]
    fn grades_what_a_document_allows() {
        let grade = |action: &str, resource: &str| {
            Grade::of_document(&format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
            ))
        };
        assert_eq!(grade("*", "*"), Some(Grade::Admin));
        assert_eq!(grade("iam:*", "*"), Some(Grade::Admin));
        assert_eq!(grade("sts:AssumeRole", "arn:aws:iam::1:role/*"), Some(Grade::Admin));
        assert_eq!(grade("sts:AssumeRole", "arn:aws:iam::1:role/deploy"), Some(Grade::Narrow));
        assert_eq!(grade("IAM:*", "arn:aws:iam::111122223333:*"), Some(Grade::Admin));
        assert_eq!(grade("i*:*", "*"), Some(Grade::Admin));
        assert_eq!(grade("iam:CreateU*", "*"), Some(Grade::Narrow));
        assert_eq!(grade("iam:Create*", "*"), Some(Grade::Admin), "includes iam:CreatePolicyVersion");
        assert_eq!(grade("iam:PutUserPolicy", "*"), Some(Grade::Admin));
        assert_eq!(grade("iam:PutUserPolicy", "arn:aws:iam::111122223333:*"), Some(Grade::Admin));
        assert_eq!(grade("iam:PutUserPolicy", "arn:aws:iam::111122223333:user/me"), Some(Grade::Narrow));
        assert_eq!(grade("iam:*", "arn:aws:iam::111122223333:user/me"), Some(Grade::Narrow));
        assert_eq!(grade("s3:*", "arn:aws:s3:::one/*"), Some(Grade::Narrow));
        assert_eq!(grade("lambda:*", "*"), Some(Grade::Broad));
        assert_eq!(grade("s3:GetObject", "*"), Some(Grade::Narrow));
        let all_but = |action: &str| {
            Grade::of_document(&format!(
                r#"{{"Statement":[{{"Effect":"Allow","NotAction":["{action}"],"Resource":"*"}}]}}"#
            ))
        };
        assert_eq!(all_but("s3:*"), Some(Grade::Admin));
        assert_eq!(Grade::of_document("not json"), None);
        let encoded = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%22%2A%22%7D%5D%7D";
        assert_eq!(Grade::of_document(encoded), Some(Grade::DenyOnly));
        assert_eq!(Grade::of_managed("arn:aws-us-gov:iam::aws:policy/AdministratorAccess"), Grade::Admin);
        assert_eq!(Grade::of_managed("arn:aws:iam::111122223333:policy/AdministratorAccess"), Grade::Narrow);
    }

    fn union(statements: &[(&str, &str, &str)]) -> Option<Grade> {
        let statements: Vec<_> = statements
            .iter()
            .map(|(effect, action, resource)| {
                serde_json::json!({"Effect": effect, "Action": action, "Resource": resource})
            })
            .collect();
        let text = serde_json::json!({ "Statement": statements }).to_string();
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let grade = Grade::of_document(&text);
        assert_eq!(Grade::of_document(&encoded), grade);
        grade
    }

    #[test]
    fn statements_add_up() {
        let parts = ["iam:A*", "iam:C*", "iam:P*", "iam:U*"].map(|action| ("Allow", action, "*"));
        assert_eq!(union(&parts), Some(Grade::Admin));
        let on = |kind: &'static str| ("Allow", "iam:*", kind);
        assert_eq!(union(&[on("arn:aws:iam::*:user/*"), on("arn:aws:iam::*:role/*")]), Some(Grade::Admin));
        assert_eq!(union(&[on("arn:aws:iam::*:user/*")]), Some(Grade::Narrow));
        let calls = ["AttachUserPolicy", "CreateUser"].map(|call| format!("iam:{call}"));
        let [attach, create] = calls.each_ref().map(|call| ("Allow", call.as_str(), "arn:aws:iam::*:user/*"));
        assert_eq!(union(&[attach, create]), Some(Grade::Narrow));
        assert_eq!(
            union(&[attach, create, ("Allow", "iam:PassRole", "*"), ("Allow", "iam:Up*", "arn:aws:iam::1:role/*")]),
            Some(Grade::Admin)
        );
    }

    #[test]
    fn a_deny_takes_away() {
        let all = ("Allow", "*", "*");
        assert_eq!(union(&[all, ("Deny", "*", "*")]), Some(Grade::DenyOnly));
        assert_eq!(union(&[("Allow", "s3:*", "*"), ("Deny", "s3:*", "*")]), Some(Grade::DenyOnly));
        assert_eq!(union(&[all, ("Deny", "iam:*", "*"), ("Deny", "sts:*", "*")]), Some(Grade::Broad));
        assert_eq!(union(&[all, ("Deny", "iam:DeleteUser", "*")]), Some(Grade::Admin));
        assert_eq!(
            union(&[("Allow", "iam:PutUserPolicy", "*"), ("Deny", "iam:Put*", "arn:aws:iam::*:user/*")]),
            Some(Grade::Narrow)
        );
        let all_but = |condition: &str, allowed: &str| {
            Grade::of_document(&format!(
                r#"{{"Statement":[{{"Effect":"Allow","Action":"{allowed}","Resource":"*"}},
                    {{"Effect":"Deny","NotAction":"iam:*","Resource":"*"{condition}}}]}}"#
            ))
        };
        assert_eq!(all_but("", "s3:*"), Some(Grade::DenyOnly));
        assert_eq!(all_but("", "*"), Some(Grade::Admin));
        assert_eq!(
            all_but(r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#, "s3:*"),
            Some(Grade::Broad)
        );
    }
}
