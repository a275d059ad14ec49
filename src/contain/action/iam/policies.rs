//! Policies of a principal: attached ones, inline ones, and its boundary.

use super::document::{decoded, denies_all};
use super::{Kind, Principal, refused};
use crate::aws::Refusal;
use aws_sdk_iam::config::{Builder, retry::RetryConfig};
use aws_sdk_iam::types::PolicyEvaluationDecisionType as Decision;

/// Calls that are judged to see whether a principal is cut off: one of each kind that attackers begin with.
const PROBES: [&str; 3] = ["iam:CreateUser", "lambda:CreateFunction", "ec2:RunInstances"];

impl Principal {
    /// ARNs and names of the attached policies, sorted.
    pub(in super::super) async fn attached(&self) -> Result<Vec<(String, String)>, Refusal> {
        let client = &self.client;
        let all: Vec<_> = match self.kind {
            Kind::User => {
                let pages = client.list_attached_user_policies().user_name(&self.name).into_paginator().items();
                pages.send().collect::<Result<_, _>>().await.map_err(refused!("iam:ListAttachedUserPolicies"))?
            }
            Kind::Role => {
                let pages = client.list_attached_role_policies().role_name(&self.name).into_paginator().items();
                pages.send().collect::<Result<_, _>>().await.map_err(refused!("iam:ListAttachedRolePolicies"))?
            }
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut all: Vec<_> = all.iter().map(|one| (text(one.policy_arn()), text(one.policy_name()))).collect();
        all.sort();
        Ok(all)
    }

    pub(in super::super) async fn attach(&self, policy: &str) -> Result<(), Refusal> {
        let (client, name) = (&self.client, &self.name);
        match self.kind {
            Kind::User => {
                let call = client.attach_user_policy().user_name(name).policy_arn(policy).send().await;
                call.map(drop).map_err(refused!("iam:AttachUserPolicy"))
            }
            Kind::Role => {
                let call = client.attach_role_policy().role_name(name).policy_arn(policy).send().await;
                call.map(drop).map_err(refused!("iam:AttachRolePolicy"))
            }
        }
    }

    pub(in super::super) async fn detach(&self, policy: &str) -> Result<(), Refusal> {
        let (client, name) = (&self.client, &self.name);
        match self.kind {
            Kind::User => {
                let call = client.detach_user_policy().user_name(name).policy_arn(policy).send().await;
                call.map(drop).map_err(refused!("iam:DetachUserPolicy"))
            }
            Kind::Role => {
                let call = client.detach_role_policy().role_name(name).policy_arn(policy).send().await;
                call.map(drop).map_err(refused!("iam:DetachRolePolicy"))
            }
        }
    }

    /// Names of the inline policies, sorted.
    pub(in super::super) async fn inline_names(&self) -> Result<Vec<String>, Refusal> {
        let mut all: Vec<String> = match self.kind {
            Kind::User => {
                let pages = self.client.list_user_policies().user_name(&self.name).into_paginator().items();
                pages.send().collect::<Result<_, _>>().await.map_err(refused!("iam:ListUserPolicies"))?
            }
            Kind::Role => {
                let pages = self.client.list_role_policies().role_name(&self.name).into_paginator().items();
                pages.send().collect::<Result<_, _>>().await.map_err(refused!("iam:ListRolePolicies"))?
            }
        };
        all.sort();
        Ok(all)
    }

    /// An inline policy as it was written; none where there is none of that name.
    pub(in super::super) async fn inline(&self, policy: &str) -> Result<Option<String>, Refusal> {
        let (client, name) = (&self.client, &self.name);
        let answer = match self.kind {
            Kind::User => {
                let call = client.get_user_policy().user_name(name).policy_name(policy).send().await;
                call.map(|answer| answer.policy_document).map_err(refused!("iam:GetUserPolicy"))
            }
            Kind::Role => {
                let call = client.get_role_policy().role_name(name).policy_name(policy).send().await;
                call.map(|answer| answer.policy_document).map_err(refused!("iam:GetRolePolicy"))
            }
        };
        match answer {
            Ok(document) => Ok(Some(decoded(&document))),
            Err(Refusal::Gone(_)) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    pub(in super::super) async fn put_inline(&self, policy: &str, document: &str) -> Result<(), Refusal> {
        let (client, name) = (&self.client, &self.name);
        match self.kind {
            Kind::User => {
                let call = client.put_user_policy().user_name(name).policy_name(policy).policy_document(document);
                call.send().await.map(drop).map_err(refused!("iam:PutUserPolicy"))
            }
            Kind::Role => {
                let call = client.put_role_policy().role_name(name).policy_name(policy).policy_document(document);
                call.send().await.map(drop).map_err(refused!("iam:PutRolePolicy"))
            }
        }
    }

    pub(in super::super) async fn delete_inline(&self, policy: &str) -> Result<(), Refusal> {
        let (client, name) = (&self.client, &self.name);
        match self.kind {
            Kind::User => {
                let call = client.delete_user_policy().user_name(name).policy_name(policy).send().await;
                call.map(drop).map_err(refused!("iam:DeleteUserPolicy"))
            }
            Kind::Role => {
                let call = client.delete_role_policy().role_name(name).policy_name(policy).send().await;
                call.map(drop).map_err(refused!("iam:DeleteRolePolicy"))
            }
        }
    }

    pub(in super::super) async fn put_boundary(&self, policy: &str) -> Result<(), Refusal> {
        let (client, name) = (&self.client, &self.name);
        match self.kind {
            Kind::User => {
                let call = client.put_user_permissions_boundary().user_name(name).permissions_boundary(policy);
                call.send().await.map(drop).map_err(refused!("iam:PutUserPermissionsBoundary"))
            }
            Kind::Role => {
                let call = client.put_role_permissions_boundary().role_name(name).permissions_boundary(policy);
                call.send().await.map(drop).map_err(refused!("iam:PutRolePermissionsBoundary"))
            }
        }
    }

    pub(in super::super) async fn delete_boundary(&self) -> Result<(), Refusal> {
        let (client, name) = (&self.client, &self.name);
        match self.kind {
            Kind::User => {
                let call = client.delete_user_permissions_boundary().user_name(name).send().await;
                call.map(drop).map_err(refused!("iam:DeleteUserPermissionsBoundary"))
            }
            Kind::Role => {
                let call = client.delete_role_permissions_boundary().role_name(name).send().await;
                call.map(drop).map_err(refused!("iam:DeleteRolePermissionsBoundary"))
            }
        }
    }

    /// The text of a managed policy's version that is in force.
    pub(in super::super) async fn managed(&self, policy: &str) -> Result<String, Refusal> {
        let answer = self.client.get_policy().policy_arn(policy).send().await.map_err(refused!("iam:GetPolicy"))?;
        let version = answer.policy().and_then(|policy| policy.default_version_id()).unwrap_or("v1");
        let call = self.client.get_policy_version().policy_arn(policy).version_id(version);
        let answer = call.send().await.map_err(refused!("iam:GetPolicyVersion"))?;
        let document = answer.policy_version().and_then(|version| version.document());
        document.map(decoded).ok_or_else(|| Refusal::Gone(format!("{policy} has no document")))
    }

    /// Whether a managed policy has a document that refuses everything. One that cannot be read does not.
    pub(in super::super) async fn refuses_all(&self, policy: &str) -> bool {
        self.managed(policy).await.is_ok_and(|document| denies_all(&document))
    }

    /// What AWS itself says of its calls: that they are refused explicitly, or allowed. None where it does not say, also
    /// where they are refused for want of a permission only. It is asked once: where it fails, documents are read.
    pub(in super::super) async fn is_denied(&self) -> Option<bool> {
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let probes = PROBES.map(str::to_owned).to_vec();
        let call = self.client.simulate_principal_policy().policy_source_arn(&self.arn).set_action_names(Some(probes));
        let answer = call.customize().config_override(once).send().await.ok()?;
        let decisions: Vec<_> = answer.evaluation_results().iter().map(|result| result.eval_decision()).collect();
        if decisions.contains(&&Decision::Allowed) {
            return Some(false);
        }
        let all = decisions.len() == PROBES.len() && decisions.iter().all(|one| **one == Decision::ExplicitDeny);
        all.then_some(true)
    }
}
