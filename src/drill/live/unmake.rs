//! Removing users, roles and functions with everything that hangs on them, also what containment put there. What is gone
//! already is removed.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;

use crate::aws::Refusal;

/// Removes a user. False where there is none.
///
/// # Errors
/// What AWS refuses. What is left can be removed by another try.
pub(super) async fn user(config: &SdkConfig, name: &str) -> Result<bool, Refusal> {
    let iam = Client::new(config);
    let Some(attached) = there(user_policies(&iam, name).await)? else { return Ok(false) };
    for policy in attached {
        let answer = iam.detach_user_policy().user_name(name).policy_arn(policy).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DetachUserPolicy", &error)))?;
    }
    let inline = iam.list_user_policies().user_name(name).into_paginator().items().send().try_collect().await;
    for policy in inline.map_err(|error| Refusal::of("iam:ListUserPolicies", &error))? {
        let answer = iam.delete_user_policy().user_name(name).policy_name(policy).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DeleteUserPolicy", &error)))?;
    }
    let keys = iam.list_access_keys().user_name(name).into_paginator().items().send().try_collect().await;
    let keys = keys.map_err(|error| Refusal::of("iam:ListAccessKeys", &error))?;
    for key in keys.into_iter().filter_map(|key| key.access_key_id) {
        let answer = iam.delete_access_key().user_name(name).access_key_id(key).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DeleteAccessKey", &error)))?;
    }
    let boundary = iam.get_user().user_name(name).send().await;
    let boundary = boundary.map_err(|error| Refusal::of("iam:GetUser", &error))?;
    if boundary.user.is_some_and(|user| user.permissions_boundary.is_some()) {
        let answer = iam.delete_user_permissions_boundary().user_name(name).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DeleteUserPermissionsBoundary", &error)))?;
    }
    let answer = iam.delete_user().user_name(name).send().await;
    absent(answer.map_err(|error| Refusal::of("iam:DeleteUser", &error)))?;
    Ok(true)
}

async fn user_policies(iam: &Client, name: &str) -> Result<Vec<String>, Refusal> {
    let attached = iam.list_attached_user_policies().user_name(name).into_paginator().items().send();
    let attached = attached.try_collect().await;
    let attached = attached.map_err(|error| Refusal::of("iam:ListAttachedUserPolicies", &error))?;
    Ok(attached.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

/// Removes a role. False where there is none.
///
/// # Errors
/// As [`user`].
pub(super) async fn role(config: &SdkConfig, name: &str) -> Result<bool, Refusal> {
    let iam = Client::new(config);
    let Some(attached) = there(role_policies(&iam, name).await)? else { return Ok(false) };
    for policy in attached {
        let answer = iam.detach_role_policy().role_name(name).policy_arn(policy).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DetachRolePolicy", &error)))?;
    }
    let inline = iam.list_role_policies().role_name(name).into_paginator().items().send().try_collect().await;
    for policy in inline.map_err(|error| Refusal::of("iam:ListRolePolicies", &error))? {
        let answer = iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DeleteRolePolicy", &error)))?;
    }
    let boundary = iam.get_role().role_name(name).send().await;
    let boundary = boundary.map_err(|error| Refusal::of("iam:GetRole", &error))?;
    if boundary.role.is_some_and(|role| role.permissions_boundary.is_some()) {
        let answer = iam.delete_role_permissions_boundary().role_name(name).send().await;
        absent(answer.map_err(|error| Refusal::of("iam:DeleteRolePermissionsBoundary", &error)))?;
    }
    let answer = iam.delete_role().role_name(name).send().await;
    absent(answer.map_err(|error| Refusal::of("iam:DeleteRole", &error)))?;
    Ok(true)
}

async fn role_policies(iam: &Client, name: &str) -> Result<Vec<String>, Refusal> {
    let attached = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
    let attached = attached.try_collect().await;
    let attached = attached.map_err(|error| Refusal::of("iam:ListAttachedRolePolicies", &error))?;
    Ok(attached.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

/// Removes a function, in the region of the configuration. False where there is none.
///
/// # Errors
/// As [`user`].
pub(super) async fn function(config: &SdkConfig, name: &str) -> Result<bool, Refusal> {
    let lambda = aws_sdk_lambda::Client::new(config);
    // On AWS it goes with its function; a stand-in may keep it.
    let url = lambda.delete_function_url_config().function_name(name).send().await;
    drop(url);
    let answer = lambda.delete_function().function_name(name).send().await;
    Ok(there(answer.map_err(|error| Refusal::of("lambda:DeleteFunction", &error)))?.is_some())
}

/// What is gone has nothing to be removed.
fn there<T>(answer: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::Gone(_)) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn absent<T>(answer: Result<T, Refusal>) -> Result<(), Refusal> {
    there(answer).map(drop)
}
