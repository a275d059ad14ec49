//! Roles that are opened to accounts of others, and who comes in that way.

use super::{Call, Minted, text};
use crate::event::opens::opened;
use crate::event::policy::Kind;
use crate::event::{Identity, PrincipalKind};

/// Whoever is not named by an account.
const ANYBODY: &str = "*";

impl Call<'_> {
    /// The doors that a trust policy opens: one for each account of others that it allows in.
    pub(super) fn opened(&self) -> Vec<String> {
        if !matches!((self.shape.service(), self.name()), ("iam", "CreateRole" | "UpdateAssumeRolePolicy")) {
            return Vec::new();
        }
        let own = &self.identity.account;
        let role = text(self.request, "roleName").unwrap_or_default();
        let reach = opened(self.shape, self.request, self.response, &|account| account == own);
        let anybody = reach.kinds.contains(&Kind::Everybody).then_some(ANYBODY);
        reach.accounts.iter().map(String::as_str).chain(anybody).map(|account| door(own, &role, account)).collect()
    }
}

fn door(owner: &str, role: &str, account: &str) -> String {
    format!("{owner}:{role}\u{1f}{account}")
}

/// The doors through which a caller from another account can have come to a session: its own, and that of anybody.
pub(crate) fn doors(caller: &Identity, minted: &Minted) -> Vec<String> {
    if caller.kind != PrincipalKind::Account {
        return Vec::new();
    }
    let owner = minted.arn.split(':').nth(4).unwrap_or_default();
    let role = minted.arn.rsplit('/').next().unwrap_or_default();
    [caller.account.as_str(), ANYBODY].map(|account| door(owner, role, account)).to_vec()
}
