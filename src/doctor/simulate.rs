//! What IAM says that a principal may, where no call can try it.
//!
//! A simulation knows policies of identities and boundaries. It does not know policies of resources and of organizations.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};

use super::rights::Grant;
use crate::aws::{Refusal, Work, side_by_side};

const RIGHT: &str = "iam:SimulatePrincipalPolicy";
/// What a pattern's `*` stands for.
const ANY: &str = "stakeout-doctor";
/// What a pattern's `?` stands for.
const ONE: &str = "x";
/// Questions side by side.
const ABREAST: usize = 12;
/// Rights that are named.
const NAMED: usize = 20;
/// More pages than these are no answer.
const MOST_PAGES: usize = 20;

/// Rights to ask about together.
#[derive(Debug, Clone, Default)]
pub(super) struct Question {
    pub actions: Vec<String>,
    /// Patterns of ARNs.
    pub resources: Vec<String>,
    /// Keys of conditions with a value that meets them.
    pub context: Vec<(String, String)>,
}

/// The actions of a question that the principal may not do on some of the resources.
///
/// # Errors
/// IAM does not say.
pub(super) async fn lacking(
    config: &SdkConfig,
    principal: &str,
    question: &Question,
) -> Result<BTreeSet<String>, Refusal> {
    let client = Client::new(config);
    let context: Vec<_> = question.context.iter().map(|(key, value)| entry(key, value)).collect();
    let resources = question.resources.iter().map(|pattern| pattern.replace('*', ANY).replace('?', ONE));
    // An action on everything has no resource.
    let resources: Vec<_> = resources.filter(|resource| resource != ANY).collect();
    let (mut lacking, mut marker) = (BTreeSet::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let request = client
            .simulate_principal_policy()
            .policy_source_arn(principal)
            .set_action_names(Some(question.actions.clone()))
            .set_resource_arns((!resources.is_empty()).then(|| resources.clone()))
            .set_context_entries((!context.is_empty()).then(|| context.clone()))
            .set_marker(marker);
        let answer = request.send().await.map_err(|error| Refusal::of(RIGHT, &error))?;
        for result in answer.evaluation_results() {
            if result.eval_decision().as_str() != "allowed" {
                lacking.insert(result.eval_action_name().to_owned());
            }
        }
        marker = answer.marker().map(str::to_owned);
        if !answer.is_truncated() || marker.is_none() {
            return Ok(lacking);
        }
    }
    Err(Refusal::Other { action: RIGHT, why: "the answer has no end".to_owned() })
}

/// What a principal lacks of what policies give.
#[derive(Debug, Default)]
pub(super) struct Lack {
    /// All rights that were asked about.
    pub asked: BTreeSet<String>,
    pub missing: BTreeSet<String>,
}

impl Lack {
    /// The first rights that are missing, and how many more there are.
    pub(super) fn names(&self) -> String {
        let more = self.missing.len().saturating_sub(NAMED);
        let names = self.missing.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    }
}

/// Asks about everything that some statements give, side by side.
///
/// # Errors
/// IAM does not say, of any of them.
pub(super) async fn lack(config: &SdkConfig, principal: &str, grants: Vec<Grant>) -> Result<Lack, Refusal> {
    let asked = grants.iter().flat_map(|grant| grant.actions.iter().cloned()).collect();
    let work = grants.into_iter().map(|grant| -> Work<'_, Result<BTreeSet<String>, Refusal>> {
        let question = Question { actions: grant.actions, resources: grant.resources, context: grant.context };
        Box::pin(async move { lacking(config, principal, &question).await })
    });
    let answers: Result<Vec<_>, _> = side_by_side(ABREAST, work).await.into_iter().collect();
    Ok(Lack { asked, missing: answers?.into_iter().flatten().collect() })
}

fn entry(key: &str, value: &str) -> ContextEntry {
    let kind = ContextKeyTypeEnum::String;
    ContextEntry::builder().context_key_name(key).context_key_values(value).context_key_type(kind).build()
}

/// The user or role behind a caller, as a simulation wants it; nothing for the root user, who may everything.
pub(super) async fn principal(config: &SdkConfig, caller: &str) -> Option<String> {
    let Some((head, rest)) = caller.split_once(":assumed-role/") else {
        return (!caller.ends_with(":root")).then(|| caller.to_owned());
    };
    let role = rest.split('/').next()?;
    // The ARN of a session does not say the path of its role.
    let known = Client::new(config).get_role().role_name(role).send().await;
    let known = known.ok().and_then(|answer| answer.role).map(|role| role.arn);
    known.or_else(|| Some(format!("{}:role/{role}", head.replacen(":sts:", ":iam:", 1))))
}
