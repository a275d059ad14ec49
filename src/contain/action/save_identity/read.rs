//! What there is to save of users and roles, as JSON. What cannot be read is listed, and the rest is read on.

use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::{AttachedPermissionsBoundary, StatusType, Tag};
use serde_json::{Value, json};

use super::super::super::evidence::Found;
use super::super::iam::{Credential, Principal, Switch as _, document, refused};
use super::super::{AccessKeys, ServiceCredentials};
use crate::aws::Refusal;
use crate::event::time;

/// The user itself and its credentials.
pub(super) async fn user(user: &Principal, found: &mut Found) {
    let (client, name) = (&user.client, &user.name);
    let about = async {
        let answer = client.get_user().user_name(name).send().await.map_err(refused!("iam:GetUser"))?;
        let user = answer.user().ok_or_else(|| Refusal::Gone(user.arn.clone()))?;
        Ok(json!({
            "arn": user.arn(), "id": user.user_id(), "path": user.path(), "created": at(Some(user.create_date())),
            "password_last_used": at(user.password_last_used()), "boundary": boundary(user.permissions_boundary()),
            "tags": tags(user.tags()),
        }))
    };
    put(found, "user", about.await);
    put(found, "access-keys", access_keys(user).await);
    let password = async {
        let answer = client.get_login_profile().user_name(name).send().await;
        match answer.map_err(refused!("iam:GetLoginProfile")) {
            Ok(answer) => Ok(answer.login_profile().map_or(Value::Null, |profile| {
                json!({ "created": at(Some(profile.create_date())), "reset": profile.password_reset_required() })
            })),
            Err(Refusal::Gone(_)) => Ok(Value::Null),
            Err(refusal) => Err(refusal),
        }
    };
    put(found, "login-profile", password.await);
    let devices = async {
        let pages = client.list_mfa_devices().user_name(name).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListMFADevices"))?;
        let one = |device: &aws_sdk_iam::types::MfaDevice| json!({ "serial": device.serial_number(), "enabled": at(Some(device.enable_date())) });
        Ok(all.iter().map(one).collect())
    };
    put(found, "mfa-devices", devices.await);
    let groups = async {
        let pages = client.list_groups_for_user().user_name(name).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListGroupsForUser"))?;
        Ok(all.iter().map(|group| json!({ "arn": group.arn(), "id": group.group_id() })).collect())
    };
    put(found, "groups", groups.await);
    other_credentials(user, found).await;
}

async fn access_keys(user: &Principal) -> Result<Value, Refusal> {
    let mut keys = Vec::new();
    for Credential { id, status, made } in AccessKeys::list(&user.client, &user.name).await? {
        let call = user.client.get_access_key_last_used().access_key_id(&id).send().await;
        let used = call.map_err(refused!("iam:GetAccessKeyLastUsed"));
        let used = match used.as_ref().map(|answer| answer.access_key_last_used()) {
            Ok(Some(used)) => {
                json!({ "at": at(used.last_used_date()), "service": used.service_name(), "region": used.region() })
            }
            Ok(None) => Value::Null,
            Err(refusal) => json!({ "unknown": refusal.to_string() }),
        };
        keys.push(json!({ "id": id, "status": status, "created": time::format(made), "last_used": used }));
    }
    Ok(Value::Array(keys))
}

/// With the texts that are public: of SSH keys their ids, of certificates all.
async fn other_credentials(user: &Principal, found: &mut Found) {
    let (client, name) = (&user.client, &user.name);
    let list = |all: Vec<Credential>| {
        let one = |one: &Credential| json!({ "id": one.id, "status": one.status, "created": time::format(one.made) });
        all.iter().map(one).collect()
    };
    put(found, "ssh-keys", super::super::SshKeys::list(client, name).await.map(list));
    put(found, "service-credentials", ServiceCredentials::list(client, name).await.map(list));
    let certificates = async {
        let pages = client.list_signing_certificates().user_name(name).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListSigningCertificates"))?;
        let one = |one: &aws_sdk_iam::types::SigningCertificate| {
            let (status, made) = (StatusType::as_str(one.status()), at(one.upload_date()));
            json!({ "id": one.certificate_id(), "status": status, "created": made, "body": one.certificate_body() })
        };
        Ok(all.iter().map(one).collect())
    };
    put(found, "signing-certificates", certificates.await);
}

/// The role itself and where instances have it.
pub(super) async fn role(role: &Principal, found: &mut Found) {
    let (client, name) = (&role.client, &role.name);
    let about = async {
        let answer = client.get_role().role_name(name).send().await.map_err(refused!("iam:GetRole"))?;
        let role = answer.role().ok_or_else(|| Refusal::Gone(role.arn.clone()))?;
        let used = role.role_last_used();
        Ok(json!({
            "arn": role.arn(), "id": role.role_id(), "path": role.path(), "created": at(Some(role.create_date())),
            "description": role.description(), "max_session_seconds": role.max_session_duration(),
            "trust": role.assume_role_policy_document().map(document::decoded),
            "boundary": boundary(role.permissions_boundary()), "tags": tags(role.tags()),
            "last_used": used.map(|used| json!({ "at": at(used.last_used_date()), "region": used.region() })),
        }))
    };
    put(found, "role", about.await);
    let profiles = async {
        let pages = client.list_instance_profiles_for_role().role_name(name).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListInstanceProfilesForRole"))?;
        Ok(all.iter().map(|profile| json!({ "arn": profile.arn(), "id": profile.instance_profile_id() })).collect())
    };
    put(found, "instance-profiles", profiles.await);
}

/// Policies with their texts.
pub(super) async fn policies(principal: &Principal, found: &mut Found) {
    let mut inline = Vec::new();
    match principal.inline_names().await {
        Ok(names) => {
            for name in names {
                match principal.inline(&name).await {
                    Ok(document) => inline.push(json!({ "name": name, "document": document })),
                    Err(refusal) => found.missing(format!("inline policy {name}"), refusal.to_string()),
                }
            }
            put(found, "inline-policies", Ok(Value::Array(inline)));
        }
        Err(refusal) => put(found, "inline-policies", Err(refusal)),
    }
    let mut attached = Vec::new();
    match principal.attached().await {
        Ok(all) => {
            for (arn, _) in all {
                match principal.managed(&arn).await {
                    Ok(document) => attached.push(json!({ "arn": arn, "document": document })),
                    Err(refusal) => {
                        found.missing(format!("text of {arn}"), refusal.to_string());
                        attached.push(json!({ "arn": arn }));
                    }
                }
            }
            put(found, "attached-policies", Ok(Value::Array(attached)));
        }
        Err(refusal) => put(found, "attached-policies", Err(refusal)),
    }
}

fn put(found: &mut Found, name: &str, read: Result<Value, Refusal>) {
    match read.map(|value| serde_json::to_vec_pretty(&value)) {
        Ok(Ok(bytes)) => found.object(format!("{name}.json"), bytes),
        Ok(Err(error)) => found.missing(name, error.to_string()),
        Err(refusal) => found.missing(name, refusal.to_string()),
    }
}

fn at(date: Option<&DateTime>) -> Option<String> {
    date.map(|date| time::format(date.secs()))
}

fn boundary(boundary: Option<&AttachedPermissionsBoundary>) -> Option<&str> {
    boundary.and_then(AttachedPermissionsBoundary::permissions_boundary_arn)
}

fn tags(tags: &[Tag]) -> Value {
    tags.iter().map(|tag| json!({ "key": tag.key(), "value": tag.value() })).collect()
}
