//! The accounts that callers and things name.

use crate::event::{Identity, PrincipalKind};

/// The account in an ARN, where it has one. What AWS shares with everybody has `aws` there.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    (!account.is_empty() && account != "aws").then_some(account)
}

/// Whether nothing tells to which account a caller belongs: its name may mean the same caller in several accounts.
pub(super) fn is_nameless(caller: &Identity, account: &str) -> bool {
    match caller.kind {
        // A person of the whole organisation.
        PrincipalKind::IdentityCenter => true,
        PrincipalKind::Federated => !caller.key.split(':').any(|part| part == account),
        // Named by its account, or by an ARN.
        PrincipalKind::Unknown => account_of(&caller.key).is_none() && !caller.key.starts_with(&caller.account),
        _ => false,
    }
}

/// The accounts that a caller names beside the one that recorded its call. The directory in which a person of IAM Identity
/// Center is kept is not the account of the caller.
pub(super) fn others<'i>(caller: &'i Identity, account: &'i str) -> impl Iterator<Item = &'i str> {
    let own = Some(caller.account.as_str()).filter(|account| !account.is_empty());
    let by_name = |name: &'i str| account_of(name).filter(|_| caller.kind != PrincipalKind::IdentityCenter);
    let named = [own, by_name(&caller.arn), by_name(&caller.key), caller.issued_to.as_deref().and_then(account_of)];
    named.into_iter().flatten().filter(move |named| *named != account)
}

/// The session of a caller as the call that began it names it.
pub(super) fn session(caller: &Identity) -> Option<String> {
    let id = caller.key.rsplit('/').next().unwrap_or(&caller.key);
    caller.session_name.as_ref().map(|name| format!("{id}:{name}"))
}
