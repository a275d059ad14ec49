//! Whom a call lets in: by a policy that it carries, or by naming somebody.

mod grants;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Shape;
use super::policy::{Kind, Reach, Who, document, reach_of};

/// Fields that hold the policy of a resource or of a role, in lower case.
const POLICIES: [&str; 13] = [
    "policy",
    "policydocument",
    "assumerolepolicydocument",
    "bucketpolicy",
    "resourcepolicy",
    "policytext",
    "policyinjson",
    "accesspolicies",
    "accesspolicy",
    "accesspointpolicy",
    "filesystempolicy",
    "registrypolicy",
    "content",
];
/// Requests hold a policy no deeper.
const DEEPEST: usize = 5;
/// A call carries one policy; nobody needs more than a few to be read.
const MOST_DOCUMENTS: usize = 8;

/// Whom a change lets in, refused or not; nobody, where the call lets nobody in or does not say.
///
/// `is_own` tells the accounts of one's own.
pub(crate) fn opened(shape: &Shape, request: &Value, response: &Value, is_own: &dyn Fn(&str) -> bool) -> Reach {
    if !shape.write || shape.is_observation() {
        return Reach::default();
    }
    let mut reach = grants::granted(shape.service(), &shape.name, request);
    if carries_policy(shape) {
        let mut count = 0;
        add_documents(request, DEEPEST, &mut count, &mut reach);
        if count == 0 {
            add_documents(response, DEEPEST, &mut count, &mut reach);
        }
    }
    reach.settle(is_own)
}

/// Accounts of others whose things a call makes use of: layers of functions, and keys by which data is encrypted.
pub(crate) fn relied_on(request: &Value, is_own: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
    const USED: [&str; 6] = [
        "layers",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "kmsKeyId",
        "kmsKeyID",
        "kMSKeyArn",
        "KMSMasterKeyID",
    ];
    let mut accounts = BTreeSet::new();
    let mut note = |value: &Value| {
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for arn in list.iter().filter_map(|one| one.as_str().or_else(|| one.get("arn")?.as_str())) {
            if let Who::Account(account) = Who::parse(arn)
                && arn.starts_with("arn:")
                && !is_own(&account)
            {
                accounts.insert(account);
            }
        }
    };
    USED.iter().filter_map(|key| request.get(*key)).for_each(&mut note);
    request.get("encryption").and_then(|it| it.get("kmsKey")).iter().for_each(|key| note(key));
    accounts
}

/// Whether a policy in such a call is about who is let in. Policies of identities, organisations and endpoints are about
/// what may be done.
fn carries_policy(shape: &Shape) -> bool {
    match shape.service() {
        "iam" => matches!(shape.name.as_str(), "CreateRole" | "UpdateAssumeRolePolicy"),
        "ec2" | "sts" | "sso" => false,
        "organizations" => shape.name == "PutResourcePolicy",
        _ => true,
    }
}

/// Adds whom the policies in a value let in.
fn add_documents(value: &Value, depth: usize, count: &mut usize, reach: &mut Reach) {
    let mut add = |field: &Value| {
        let is_text = field.as_str().is_none_or(|text| text.trim_start().starts_with(['{', '%', '"']));
        let document = (*count < MOST_DOCUMENTS && is_text).then(|| document::read(field)).flatten();
        document.is_some_and(|document| {
            *count += 1;
            reach.add(reach_of(&document));
            true
        })
    };
    match value {
        Value::Object(fields) => {
            let named = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, it)| it);
            // A setting by its name: SetTopicAttributes. A change by its path: UpdateRestApi.
            let sets = ["attributeName", "path"].iter().find_map(|name| named(name)).and_then(Value::as_str);
            if sets.is_some_and(|name| name.trim_start_matches('/').eq_ignore_ascii_case("policy")) {
                ["attributeValue", "value"].iter().filter_map(|name| named(name)).for_each(|value| _ = add(value));
            }
            let mut rest = Vec::new();
            for (key, field) in fields {
                let is_policy = POLICIES.iter().any(|known| key.eq_ignore_ascii_case(known));
                if !(is_policy && add(field)) {
                    rest.push(field);
                }
            }
            if depth > 0 {
                rest.into_iter().for_each(|field| add_documents(field, depth - 1, count, reach));
            }
        }
        Value::Array(items) if depth > 0 => {
            items.iter().for_each(|item| add_documents(item, depth - 1, count, reach));
        }
        _ => {}
    }
}

/// The kinds of those who are let in, as rules spell them.
pub(crate) fn kinds(reach: &Reach) -> impl Iterator<Item = &'static str> {
    const BY_EXTERNAL_ID: &str = "with-external-id";
    let shared = reach.by_external_id && reach.kinds.contains(&Kind::AnotherAccount);
    reach.kinds.iter().map(|kind| kind.as_str()).chain(shared.then_some(BY_EXTERNAL_ID))
}
