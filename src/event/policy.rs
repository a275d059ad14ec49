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
        statements.into_iter().map(of_statement).max()
    }
}

fn of_statement(statement: &Value) -> Grade {
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return Grade::DenyOnly;
    }
    let resources: Vec<_> = strings(statement.get("Resource")).map(without_account).collect();
    let on = |probe: &str| statement.get("NotResource").is_some() || resources.iter().any(|r| matches(r, probe));
    let reach = Reach { iam: IDENTITIES.iter().all(|arn| on(arn)), role: on(IDENTITIES[1]), anything: on(ANYTHING) };
    match statement.get("NotAction") {
        Some(left_out) => {
            let left_out: Vec<_> = strings(Some(left_out)).collect();
            let allows = |action: &str| !left_out.iter().any(|pattern| matches(pattern, action));
            reach.grade(allows, true)
        }
        None => {
            let grade = |pattern: &str| reach.grade(|action| matches(pattern, action), pattern.ends_with(":*"));
            strings(statement.get("Action")).map(grade).max().unwrap_or(Grade::Narrow)
        }
    }
}

/// Calls with which an identity makes itself an administrator; all of them together are IAM as a whole.
const IAM_CALLS: [&str; 4] = ["iam:AttachUserPolicy", "iam:CreateUser", "iam:PassRole", "iam:UpdateAssumeRolePolicy"];
/// Any user and any role.
const IDENTITIES: [&str; 2] = ["arn:aws:iam:::user/any", "arn:aws:iam:::role/any"];
/// Something that only `*` covers.
const ANYTHING: &str = "any";

/// On what a statement allows its actions.
struct Reach {
    iam: bool,
    role: bool,
    anything: bool,
}

impl Reach {
    fn grade(&self, allows: impl Fn(&str) -> bool, service: bool) -> Grade {
        let iam = self.iam && IAM_CALLS.iter().all(|call| allows(call));
        let any_role = self.role && allows("sts:AssumeRole");
        match () {
            () if iam || any_role => Grade::Admin,
            () if self.anything && service => Grade::Broad,
            () => Grade::Narrow,
        }
    }
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
fn without_account(resource: &str) -> String {
    let parts: Vec<_> = resource.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, service, region, _, rest] => format!("arn:aws:{service}:{region}::{rest}"),
        _ => resource.to_owned(),
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

fn percent_decode(text: &str) -> Cow<'_, str> {
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
        assert_eq!(grade("iam:Create*", "*"), Some(Grade::Narrow));
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
}
