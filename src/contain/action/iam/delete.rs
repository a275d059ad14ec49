//! What is deleted of a user before the user can be. Credentials go first and denials last, so that a death half way
//! opens nothing.

use std::future::Future;

use serde_json::{Value, json};

use super::super::{AccessKeys, ServiceCredentials, SigningCertificates, SshKeys};
use super::document::denies_all;
use super::{Principal, Switch as _, refused};
use crate::aws::Refusal;

/// Deletes everything that a user has, and gives the names of it.
pub(in super::super) async fn strip(user: &Principal) -> Result<Value, Refusal> {
    let (client, name) = (&user.client, &user.name);
    let mut gone: Vec<String> = Vec::new();
    for key in AccessKeys::list(client, name).await? {
        delete_key(user, &key.id).await?;
        gone.push(format!("access key {}", key.id));
    }
    if delete_password(user).await? {
        gone.push("password".to_owned());
    }
    for key in listed(SshKeys::list(client, name)).await? {
        let call = client.delete_ssh_public_key().user_name(name).ssh_public_key_id(&key.id).send().await;
        done(call.map_err(refused!("iam:DeleteSSHPublicKey")))?;
        gone.push(format!("SSH key {}", key.id));
    }
    for one in listed(ServiceCredentials::list(client, name)).await? {
        let call = client.delete_service_specific_credential().user_name(name);
        let answer = call.service_specific_credential_id(&one.id).send().await;
        done(answer.map_err(refused!("iam:DeleteServiceSpecificCredential")))?;
        gone.push(format!("service-specific credential {}", one.id));
    }
    for one in listed(SigningCertificates::list(client, name)).await? {
        let call = client.delete_signing_certificate().user_name(name).certificate_id(&one.id).send().await;
        done(call.map_err(refused!("iam:DeleteSigningCertificate")))?;
        gone.push(format!("signing certificate {}", one.id));
    }
    gone.extend(delete_devices(user).await?);
    gone.extend(leave_groups(user).await?);
    gone.extend(delete_policies(user).await?);
    Ok(json!({ "deleted": gone }))
}

pub(in super::super) async fn delete_key(user: &Principal, id: &str) -> Result<(), Refusal> {
    let call = user.client.delete_access_key().user_name(&user.name).access_key_id(id).send().await;
    done(call.map_err(refused!("iam:DeleteAccessKey")))
}

/// Deletes the password, and says whether there was one.
pub(in super::super) async fn delete_password(user: &Principal) -> Result<bool, Refusal> {
    let call = user.client.delete_login_profile().user_name(&user.name).send().await;
    match call.map_err(refused!("iam:DeleteLoginProfile")) {
        Ok(_) => Ok(true),
        Err(Refusal::Gone(_)) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

/// Devices that are hardware stay in the account without a user.
async fn delete_devices(user: &Principal) -> Result<Vec<String>, Refusal> {
    let (client, name) = (&user.client, &user.name);
    let pages = client.list_mfa_devices().user_name(name).into_paginator().items().send();
    let devices: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListMFADevices"))?;
    let mut gone = Vec::new();
    for serial in devices.iter().map(|device| device.serial_number()) {
        let call = client.deactivate_mfa_device().user_name(name).serial_number(serial).send().await;
        done(call.map_err(refused!("iam:DeactivateMFADevice")))?;
        if serial.contains(":mfa/") {
            let call = client.delete_virtual_mfa_device().serial_number(serial).send().await;
            done(call.map_err(refused!("iam:DeleteVirtualMFADevice")))?;
        }
        gone.push(format!("MFA device {serial}"));
    }
    Ok(gone)
}

async fn leave_groups(user: &Principal) -> Result<Vec<String>, Refusal> {
    let (client, name) = (&user.client, &user.name);
    let pages = client.list_groups_for_user().user_name(name).into_paginator().items().send();
    let groups: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListGroupsForUser"))?;
    let mut gone = Vec::new();
    for group in groups.iter().map(|group| group.group_name()) {
        let call = client.remove_user_from_group().user_name(name).group_name(group).send().await;
        done(call.map_err(refused!("iam:RemoveUserFromGroup")))?;
        gone.push(format!("membership in group {group}"));
    }
    Ok(gone)
}

/// What allows goes before what denies.
async fn delete_policies(user: &Principal) -> Result<Vec<String>, Refusal> {
    let mut inline = Vec::new();
    for policy in user.inline_names().await? {
        let is_denial = user.inline(&policy).await?.as_deref().is_some_and(denies_all);
        inline.push((is_denial, policy));
    }
    inline.sort();
    let deny_all = user.deny_all();
    let mut attached: Vec<_> = user.attached().await?.into_iter().map(|(arn, _)| (arn == deny_all, arn)).collect();
    attached.sort();
    let mut gone = Vec::new();
    for denials in [false, true] {
        for (_, policy) in inline.iter().filter(|(is_denial, _)| *is_denial == denials) {
            done(user.delete_inline(policy).await)?;
            gone.push(format!("inline policy {policy}"));
        }
        for (_, policy) in attached.iter().filter(|(is_denial, _)| *is_denial == denials) {
            done(user.detach(policy).await)?;
            gone.push(format!("attachment of {policy}"));
        }
    }
    Ok(gone)
}

/// A kind of credential that a service does not know is one that nobody has: AWS itself refuses to delete a user who does.
async fn listed<T>(all: impl Future<Output = Result<Vec<T>, Refusal>>) -> Result<Vec<T>, Refusal> {
    match all.await {
        Err(Refusal::Other { .. } | Refusal::Passing(_)) => Ok(Vec::new()),
        read => read,
    }
}

/// What is gone already is done.
fn done<T>(answer: Result<T, Refusal>) -> Result<(), Refusal> {
    match answer {
        Ok(_) | Err(Refusal::Gone(_)) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}
