//! With which rights a plan runs: those of the responder's role, narrowed to the plan, where the settings name one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;

use super::Responder;
use crate::contain::action::assume::{Session, assume};
use crate::contain::cloud::Cloud;
use crate::contain::scope::session_policy;
use crate::model::plan::Plan;

/// The accounts, as the steps of one plan may change them.
///
/// # Errors
/// A role that cannot be assumed.
pub(super) async fn cloud(responder: &Responder<'_>, plan: &Plan) -> Result<Cloud> {
    let Some(role) = &responder.config.contain.responder_role else { return responder.cloud(&plan.incident) };
    let accounts: BTreeSet<&str> = plan.steps.iter().map(|step| step.target.account.as_str()).collect();
    let configs = responder.live.configs();
    let policy =
        session_policy(plan).context("the plan is too large for one session; plan its playbooks one by one")?;
    let mut assumed: BTreeMap<String, SdkConfig> = BTreeMap::new();
    for account in accounts {
        let base = configs.get(account).with_context(|| format!("account {account} is not reached"))?;
        // One role in every account, by the same name.
        let role = in_account(role.as_str(), account);
        let session = Session {
            role: &role,
            policy: policy.clone(),
            // Which plan it was stays in every record that AWS writes of it.
            source: format!("stakeout-{}", plan.digest.get(..16).unwrap_or(&plan.digest)),
        };
        let config = assume(base, &session).await.with_context(|| format!("assuming {role}"))?;
        assumed.insert(account.to_owned(), config);
    }
    responder.reaching(assumed, &plan.incident)
}

fn in_account(role: &str, account: &str) -> String {
    let mut parts: Vec<&str> = role.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4) {
        *part = account;
    }
    parts.join(":")
}
