//! Canaries: keys, users, roles and things that nobody has a reason to touch.

use serde::Serialize;
use serde_json::Value;

use super::{Identity, PrincipalKind, refusal};

/// Names of canaries by kind, as the settings give them: plain names, or access key ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Canaries {
    pub keys: Vec<String>,
    pub users: Vec<String>,
    pub roles: Vec<String>,
    pub buckets: Vec<String>,
    pub secrets: Vec<String>,
    pub functions: Vec<String>,
}

/// How calls name a kind of thing.
struct Spelling<'c> {
    kind: &'static str,
    names: &'c [String],
    /// Fields that hold the name alone, in lower case.
    fields: &'static [&'static str],
    /// What comes before the name in an ARN.
    in_arn: &'static [&'static str],
    /// AWS adds a dash and six characters.
    has_suffix: bool,
}

/// Requests are not nested deeper where they name what they are about.
const DEEPEST: usize = 5;

impl Canaries {
    /// Those of the fixtures of detectors.
    pub(crate) fn of_fixtures() -> Self {
        let named = |name: &str| vec![name.to_owned()];
        Self {
            keys: named("AKIAEXAMPLECANARY000"),
            users: named("canary-user"),
            roles: named("canary-role"),
            buckets: named("canary-bucket"),
            secrets: named("canary-secret"),
            functions: named("canary-function"),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.spellings().iter().all(|spelling| spelling.names.is_empty())
    }

    /// Whether a text names one somewhere, which is quick to ask.
    pub(crate) fn may_be_in(&self, raw: &str) -> bool {
        self.spellings().iter().flat_map(|spelling| spelling.names).any(|name| raw.contains(name.as_str()))
    }

    /// The canary that calls, or that a call is about: its kind and its name.
    pub(crate) fn touched(&self, identity: &Identity, request: &Value, refused: Option<&str>) -> Option<String> {
        let told = |kind: &str, name: &str| format!("{kind} {name}");
        let is = |names: &[String], name: &str| names.iter().any(|known| known == name);
        if let Some(key) = identity.credential.as_deref().filter(|key| is(&self.keys, key)) {
            return Some(told("key", key));
        }
        match identity.kind {
            PrincipalKind::User if is(&self.users, &identity.name) => return Some(told("user", &identity.name)),
            PrincipalKind::Role if is(&self.roles, &identity.name) => return Some(told("role", &identity.name)),
            _ => {}
        }
        self.spellings().iter().find_map(|spelling| {
            let name = spelling.named_in(request, DEEPEST).or_else(|| spelling.named_by(refused?))?;
            Some(told(spelling.kind, name))
        })
    }

    fn spellings(&self) -> [Spelling<'_>; 6] {
        let of = |kind, names, fields, in_arn| Spelling { kind, names, fields, in_arn, has_suffix: false };
        [
            of("key", &self.keys, &["accesskeyid"], &[]),
            of("user", &self.users, &["username"], &[":user/"]),
            of("role", &self.roles, &["rolename"], &[":role/", ":assumed-role/"]),
            of("bucket", &self.buckets, &["bucketname", "bucket"], &[":s3:::"]),
            Spelling {
                has_suffix: true,
                ..of(
                    "secret",
                    &self.secrets,
                    &["secretid", "name", "names", "secretidlist"],
                    &[":secret:", ":parameter"],
                )
            },
            of("function", &self.functions, &["functionname"], &[":function:"]),
        ]
    }
}

impl<'c> Spelling<'c> {
    /// The canary that a request names. What is only mentioned in a text, such as a policy, does not count.
    fn named_in(&self, value: &Value, depth: usize) -> Option<&'c str> {
        if self.names.is_empty() {
            return None;
        }
        match value {
            Value::Object(fields) if depth > 0 => fields.iter().find_map(|(key, field)| {
                let holds_name = self.fields.iter().any(|known| key.eq_ignore_ascii_case(known));
                let texts = field.as_array().map_or(std::slice::from_ref(field), Vec::as_slice);
                let named = texts.iter().filter_map(Value::as_str).find_map(|text| self.is(text, holds_name));
                named.or_else(|| self.named_in(field, depth - 1))
            }),
            Value::Array(items) if depth > 0 => items.iter().find_map(|item| self.named_in(item, depth - 1)),
            _ => None,
        }
    }

    /// The canary that a refusal names: `user NAME`, or an ARN.
    fn named_by(&self, message: &str) -> Option<&'c str> {
        let thing = refusal::thing(message)?;
        match thing.split_once(' ') {
            Some((kind, name)) if kind == self.kind => self.is(name, true),
            _ => self.is(thing, self.kind == "secret"),
        }
    }

    /// The canary that a text is the name or the ARN of.
    fn is(&self, text: &str, may_be_name: bool) -> Option<&'c str> {
        if text.contains(char::is_whitespace) {
            return None;
        }
        let behind = self.in_arn.iter().find_map(|infix| Some(text.split_once(infix)?.1));
        let same = |name: &str| match behind.filter(|_| text.starts_with("arn:")) {
            Some(rest) => self.ends_the_name(rest, name),
            None => may_be_name && text == name,
        };
        self.names.iter().map(String::as_str).find(|name| same(name))
    }

    /// Whether what an ARN has behind its kind is a name: perhaps behind a path, perhaps with more behind it.
    fn ends_the_name(&self, rest: &str, name: &str) -> bool {
        let rest = rest.trim_start_matches('/');
        let name = name.trim_start_matches('/');
        let ends = |rest: &str| {
            rest.strip_prefix(name).is_some_and(|more| {
                let is_suffix = self.has_suffix && more.len() == 7 && more.starts_with('-');
                more.is_empty() || more.starts_with(['/', ':']) || is_suffix
            })
        };
        let has_path = matches!(self.kind, "user" | "role");
        ends(rest) || (has_path && rest.match_indices('/').any(|(at, _)| rest.get(at + 1..).is_some_and(ends)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Canaries, Identity};

    #[test]
    fn a_canary_is_known_by_its_whole_name_whoever_names_it() {
        let canaries = Canaries {
            keys: vec!["AKIAEXAMPLECANARY000".into()],
            users: vec!["backup-admin".into()],
            roles: vec!["billing".into()],
            buckets: vec!["payroll".into()],
            secrets: vec!["prod/db".into()],
            functions: vec!["export".into()],
        };
        let user = |name: &str, key: &str| {
            let raw = json!({"type": "IAMUser", "userName": name, "accountId": "111122223333", "accessKeyId": key,
                "arn": format!("arn:aws:iam::111122223333:user/{name}")});
            Identity::parse(&raw.to_string(), "111122223333")
        };
        let alice = user("alice", "AKIAEXAMPLEALICE0000");
        let touched = |request: &Value| canaries.touched(&alice, request, None);
        for (request, canary) in [
            (json!({"userName": "backup-admin"}), "user backup-admin"),
            (json!({"roleArn": "arn:aws:iam::111122223333:role/teams/billing"}), "role billing"),
            (json!({"bucketName": "payroll", "key": "x"}), "bucket payroll"),
            (json!({"policySourceArn": "arn:aws:s3:::payroll/x"}), "bucket payroll"),
            (
                json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"}),
                "secret prod/db",
            ),
            (json!({"names": ["other", "prod/db"]}), "secret prod/db"),
            (json!({"functionName": "arn:aws:lambda:eu-west-1:111122223333:function:export:live"}), "function export"),
            (json!({"accessKeyId": "AKIAEXAMPLECANARY000"}), "key AKIAEXAMPLECANARY000"),
        ] {
            assert_eq!(touched(&request).as_deref(), Some(canary), "{request}");
        }
        for request in [
            json!({"userName": "backup-admins"}),
            json!({"roleArn": "arn:aws:iam::111122223333:role/billing-reader"}),
            json!({"bucketName": "payroll-old", "prefix": "payroll"}),
            json!({"policyDocument": "{\"Resource\": \"arn:aws:s3:::payroll\"}"}),
            json!({"description": "payroll"}),
            Value::Null,
        ] {
            assert_eq!(touched(&request), None, "{request}");
        }
        let refused = |message: &str| canaries.touched(&alice, &Value::Null, Some(message));
        let on =
            |thing: &str| format!("User: x is not authorized to perform: iam:GetUser on resource: {thing} because no");
        assert_eq!(refused(&on("user backup-admin")).as_deref(), Some("user backup-admin"));
        assert_eq!(refused(&on("arn:aws:iam::111122223333:user/backup-admin")).as_deref(), Some("user backup-admin"));
        assert_eq!(refused(&on("user alice")), None);
        let by = |name: &str, key: &str| canaries.touched(&user(name, key), &Value::Null, None);
        assert_eq!(by("backup-admin", "AKIAEXAMPLEOTHER0000").as_deref(), Some("user backup-admin"));
        assert_eq!(by("x", "AKIAEXAMPLECANARY000").as_deref(), Some("key AKIAEXAMPLECANARY000"));
        assert!(Canaries::default().is_empty() && !canaries.is_empty());
    }
}
