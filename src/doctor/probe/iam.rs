//! Rights of IAM.

use aws_sdk_iam::Client;

use super::{Bench, NOBODY, Tried, tried};

pub(super) async fn attempt(name: &str, resource: &str, bench: &Bench<'_>) -> Option<Tried> {
    let client = Client::new(&bench.config);
    match name {
        "SimulatePrincipalPolicy" => Some(simulate(&client, resource, bench).await),
        "GetAccessKeyLastUsed" => {
            // Of a key of another account AWS denies it to everybody.
            let key = bench.key.as_ref()?;
            let answer = client.get_access_key_last_used().access_key_id(key).send().await;
            Some(tried("iam:GetAccessKeyLastUsed", answer))
        }
        _ if name.contains("Role") => of_role(name, &client).await,
        _ if name.contains("Policy") && !name.contains("User") => of_policy(name, resource, bench).await,
        _ => of_user(name, &client).await,
    }
}

async fn simulate(client: &Client, resource: &str, bench: &Bench<'_>) -> Tried {
    let kind = if resource.contains(":role/") { "role" } else { "user" };
    let source = format!("arn:aws:iam::{}:{kind}/{NOBODY}", bench.account);
    let request = client.simulate_principal_policy().policy_source_arn(source).action_names("iam:GetUser");
    tried("iam:SimulatePrincipalPolicy", request.send().await)
}

async fn of_role(name: &str, client: &Client) -> Option<Tried> {
    Some(match name {
        "GetRole" => tried("iam:GetRole", client.get_role().role_name(NOBODY).send().await),
        "GetRolePolicy" => {
            let request = client.get_role_policy().role_name(NOBODY).policy_name(NOBODY);
            tried("iam:GetRolePolicy", request.send().await)
        }
        "ListAttachedRolePolicies" => {
            let request = client.list_attached_role_policies().role_name(NOBODY);
            tried("iam:ListAttachedRolePolicies", request.send().await)
        }
        "ListInstanceProfilesForRole" => {
            let request = client.list_instance_profiles_for_role().role_name(NOBODY);
            tried("iam:ListInstanceProfilesForRole", request.send().await)
        }
        "ListRolePolicies" => tried("iam:ListRolePolicies", client.list_role_policies().role_name(NOBODY).send().await),
        "ListRoleTags" => tried("iam:ListRoleTags", client.list_role_tags().role_name(NOBODY).send().await),
        _ => return None,
    })
}

/// A policy of AWS where the right is on one by name, else one that is not there.
async fn of_policy(name: &str, resource: &str, bench: &Bench<'_>) -> Option<Tried> {
    let client = Client::new(&bench.config);
    let none = format!("arn:aws:iam::{}:policy/{NOBODY}", bench.account);
    let arn = if resource.contains('*') { none.as_str() } else { resource };
    Some(match name {
        "GetPolicy" => tried("iam:GetPolicy", client.get_policy().policy_arn(arn).send().await),
        "GetPolicyVersion" => {
            let request = client.get_policy_version().policy_arn(arn).version_id("v1");
            tried("iam:GetPolicyVersion", request.send().await)
        }
        _ => return None,
    })
}

async fn of_user(name: &str, client: &Client) -> Option<Tried> {
    Some(match name {
        "GetLoginProfile" => tried("iam:GetLoginProfile", client.get_login_profile().user_name(NOBODY).send().await),
        "GetUser" => tried("iam:GetUser", client.get_user().user_name(NOBODY).send().await),
        "GetUserPolicy" => {
            let request = client.get_user_policy().user_name(NOBODY).policy_name(NOBODY);
            tried("iam:GetUserPolicy", request.send().await)
        }
        "ListAccessKeys" => tried("iam:ListAccessKeys", client.list_access_keys().user_name(NOBODY).send().await),
        "ListAttachedUserPolicies" => {
            let request = client.list_attached_user_policies().user_name(NOBODY);
            tried("iam:ListAttachedUserPolicies", request.send().await)
        }
        "ListGroupsForUser" => {
            tried("iam:ListGroupsForUser", client.list_groups_for_user().user_name(NOBODY).send().await)
        }
        "ListMFADevices" => tried("iam:ListMFADevices", client.list_mfa_devices().user_name(NOBODY).send().await),
        "ListSSHPublicKeys" => {
            tried("iam:ListSSHPublicKeys", client.list_ssh_public_keys().user_name(NOBODY).send().await)
        }
        "ListServiceSpecificCredentials" => {
            let request = client.list_service_specific_credentials().user_name(NOBODY);
            tried("iam:ListServiceSpecificCredentials", request.send().await)
        }
        "ListSigningCertificates" => {
            let request = client.list_signing_certificates().user_name(NOBODY);
            tried("iam:ListSigningCertificates", request.send().await)
        }
        "ListUserPolicies" => tried("iam:ListUserPolicies", client.list_user_policies().user_name(NOBODY).send().await),
        "ListUserTags" => tried("iam:ListUserTags", client.list_user_tags().user_name(NOBODY).send().await),
        "ListUsers" => tried("iam:ListUsers", client.list_users().max_items(1).send().await),
        _ => return None,
    })
}
