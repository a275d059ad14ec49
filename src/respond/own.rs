//! Who Stakeout is, and what the settings protect: what no plan touches.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Responder;
use crate::contain::guard::Guard;
use crate::event::identity::behind;
use crate::store::{State, Store};

/// Where the settings name no tag.
const PROTECTED: (&str, &str) = ("stakeout:protected", "true");

/// Everything that plans leave alone.
pub(super) async fn guard<S: Store>(state: &State<S>, responder: &Responder<'_>) -> Result<Guard> {
    let Responder { live, config, .. } = responder;
    let mut own: BTreeSet<String> = live.callers().await.into_iter().map(behind).collect();
    let roles = config.accounts.iter().filter_map(|account| account.role.as_ref());
    own.extend(roles.map(|role| role.as_str().to_owned()));
    own.extend(config.contain.responder_role.iter().map(|role| role.as_str().to_owned()));
    own.extend(config.own.names.iter().map(ToString::to_string).filter(|name| name.starts_with("arn:")));
    // By the very keys that it signs with: whoever assumed a role of the same name is somebody else.
    own.extend(crate::watch::minters(state, live.credentials().await).await?);
    let tags = config.protect.tags.clone();
    let usual = || BTreeMap::from([(PROTECTED.0.to_owned(), PROTECTED.1.to_owned())]);
    Ok(Guard {
        principals: config.protect.principals.iter().map(|arn| arn.as_str().to_owned()).collect(),
        tags: if tags.is_empty() { usual() } else { tags },
        own,
        most_targets: usize::try_from(config.contain.most_targets).unwrap_or(usize::MAX),
    })
}
