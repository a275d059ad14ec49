//! Calls that let somebody in by naming them, without a policy.

use serde_json::Value;

use crate::event::policy::{Kind, Reach, Who};

/// Lists that name whom a thing is shared with, by service and call.
const SHARES: [(&str, &str, &[&str]); 20] = [
    ("rds", "ModifyDBSnapshotAttribute", &["valuesToAdd"]),
    ("rds", "ModifyDBClusterSnapshotAttribute", &["valuesToAdd"]),
    ("ssm", "ModifyDocumentPermission", &["accountIdsToAdd"]),
    ("ram", "CreateResourceShare", &["principals"]),
    ("ram", "AssociateResourceShare", &["principals"]),
    ("sqs", "AddPermission", &["aWSAccountIds", "accountIds", "awsAccountIds"]),
    ("sns", "AddPermission", &["aWSAccountIds", "aWSAccountId", "accountIds"]),
    ("redshift", "AuthorizeSnapshotAccess", &["accountWithRestoreAccess"]),
    ("redshift", "AuthorizeEndpointAccess", &["account"]),
    ("redshift", "AuthorizeDataShare", &["consumerIdentifier"]),
    ("kms", "CreateGrant", &["granteePrincipal"]),
    ("servicecatalog", "CreatePortfolioShare", &["accountId"]),
    ("workspaces", "UpdateWorkspaceImagePermission", &["sharedAccountId"]),
    ("ec2", "ModifyVpcEndpointServicePermissions", &["AddAllowedPrincipals", "addAllowedPrincipals"]),
    ("ec2", "ModifyImageAttribute", &[]),
    ("ec2", "ModifySnapshotAttribute", &[]),
    ("ec2", "ModifyFpgaImageAttribute", &[]),
    ("lakeformation", "GrantPermissions", &["dataLakePrincipalIdentifier"]),
    ("serverlessrepo", "PutApplicationPolicy", &["principals"]),
    ("s3", "PutBucketReplication", &["Account"]),
];
/// Requests are not nested deeper where they name somebody.
const DEEPEST: usize = 8;

/// Whom a call names and lets in.
pub(super) fn granted(service: &str, name: &str, request: &Value) -> Reach {
    let mut reach = Reach::default();
    match (service, name) {
        ("lambda", "AddPermission" | "AddLayerVersionPermission") => reach.add(of_function(request)),
        ("events", "PutPermission") => reach.add(of_bus(request)),
        ("s3", "PutBucketAcl" | "PutObjectAcl" | "CreateBucket") => of_list(request, &mut reach),
        ("ec2", "ModifyImageAttribute" | "ModifySnapshotAttribute" | "ModifyFpgaImageAttribute") => {
            let keys = ["launchPermission", "createVolumePermission", "loadPermission"];
            let added = |value: &Value| value.get("add").or_else(|| value.get("Add")).cloned();
            keys.iter().filter_map(|key| added(request.get(key)?)).for_each(|added| {
                let keys = ["userId", "group", "organizationArn", "organizationalUnitArn"];
                each(&added, &keys, DEEPEST, &mut |text| reach.add(of(text)));
            });
        }
        _ => {
            let known = SHARES.iter().find(|(of, call, _)| *of == service && *call == name);
            let keys = known.map_or(&[][..], |(_, _, keys)| keys);
            each(request, keys, DEEPEST, &mut |text| reach.add(of(text)));
        }
    }
    reach
}

fn of(text: &str) -> Reach {
    match Who::parse(text) {
        Who::Everybody => Kind::Everybody.into(),
        Who::Account(account) => Reach::account(&account),
        Who::Service => Kind::Service.into(),
        Who::Organisation => Kind::Organisation.into(),
        Who::Own => Kind::Own.into(),
    }
}

/// Permission to call a function, or to use a layer.
fn of_function(request: &Value) -> Reach {
    let text = |key: &str| request.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(principal) = text("principal") else {
        return Reach::default();
    };
    let source = text("sourceAccount").or_else(|| text("sourceArn")).map(Who::parse);
    match (Who::parse(principal), source) {
        (Who::Everybody, _) if text("principalOrgID").or_else(|| text("organizationId")).is_some() => {
            Kind::Organisation.into()
        }
        (Who::Everybody | Who::Service, Some(Who::Account(account))) => {
            Reach { kinds: [Kind::Service].into(), ..Reach::account(&account) }
        }
        // A bucket is named without its account.
        (Who::Everybody, Some(Who::Own)) => Kind::Own.into(),
        _ => of(principal),
    }
}

/// Permission to put events on a bus. A bus that is open to all of an organisation names it in a condition.
fn of_bus(request: &Value) -> Reach {
    let principal = request.get("principal").and_then(Value::as_str);
    match principal {
        Some("*") if request.get("condition").is_some_and(Value::is_object) => Kind::Organisation.into(),
        Some(principal) => of(principal),
        None => Reach::default(),
    }
}

/// An access list of a bucket or an object: a canned one, grants in the body, or grants in headers.
fn of_list(request: &Value, reach: &mut Reach) {
    let canned = ["x-amz-acl"]
        .iter()
        .filter_map(|key| request.get(*key))
        .chain(request.get("accessControlList").and_then(|list| list.get("x-amz-acl")));
    for list in canned.flat_map(texts) {
        match list {
            "public-read" | "public-read-write" | "authenticated-read" => reach.add(Kind::Everybody.into()),
            "log-delivery-write" => reach.add(Kind::Service.into()),
            _ => {}
        }
    }
    let body = request.get("AccessControlPolicy").unwrap_or(&Value::Null);
    let owner = body.get("Owner").and_then(|owner| owner.get("ID")).and_then(Value::as_str);
    let grants = body.get("AccessControlList").unwrap_or(&Value::Null);
    each(grants, &["URI"], DEEPEST, &mut |uri| reach.add(of_group(uri)));
    each(grants, &["ID"], DEEPEST, &mut |id| {
        reach.add(if Some(id) == owner { Kind::Own.into() } else { Reach::account(id) });
    });
    each(grants, &["EmailAddress"], DEEPEST, &mut |mail| reach.add(Reach::account(mail)));
    let headers = [Some(request), request.get("accessControlList")].into_iter().flatten().filter_map(Value::as_object);
    let headers = headers.flatten().filter(|(key, _)| key.starts_with("x-amz-grant-"));
    for grantee in headers.flat_map(|(_, value)| texts(value)).flat_map(|text| text.split(',')) {
        match grantee.trim().split_once('=').map(|(kind, value)| (kind.trim(), value.trim().trim_matches('"'))) {
            Some(("uri", uri)) => reach.add(of_group(uri)),
            Some(("id" | "emailAddress", id)) => reach.add(Reach::account(id)),
            _ => {}
        }
    }
}

/// The predefined groups of access lists.
fn of_group(uri: &str) -> Reach {
    if uri.ends_with("/AllUsers") || uri.ends_with("/AuthenticatedUsers") {
        Kind::Everybody.into()
    } else {
        Kind::Service.into()
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

/// Every text under one of some keys, at any depth.
fn each(value: &Value, keys: &[&str], depth: usize, take: &mut dyn FnMut(&str)) {
    fn all(value: &Value, depth: usize, take: &mut dyn FnMut(&str)) {
        match value {
            Value::String(text) => take(text),
            Value::Array(items) if depth > 0 => items.iter().for_each(|item| all(item, depth - 1, take)),
            Value::Object(fields) if depth > 0 => fields.values().for_each(|field| all(field, depth - 1, take)),
            _ => {}
        }
    }
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if keys.contains(&key.as_str()) {
                    all(field, depth, take);
                } else if depth > 0 {
                    each(field, keys, depth - 1, take);
                }
            }
        }
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| each(item, keys, depth - 1, take)),
        _ => {}
    }
}
