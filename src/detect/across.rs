//! Correlations whose groups hold events of several accounts: those accounts are judged together.

use rsigma_parser::CorrelationRule;

use super::catalog::reached_by;

/// The field that keeps the events of accounts apart.
const ACCOUNT: &str = "stakeout.account";

/// A correlation, fed by some rule, that puts events of several accounts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Across {
    /// Sigma id of the correlation.
    pub id: String,
    /// The fields whose values make a group; `None` where only the library tells groups apart.
    pub group_by: Option<Vec<String>>,
}

/// Whether events of several accounts can come together in a group of a correlation, or of one that it rests on.
pub(super) fn is_across(correlation: &CorrelationRule, all: &[CorrelationRule]) -> bool {
    let mut seen = vec![correlation];
    let mut next = 0;
    while let Some(one) = seen.get(next) {
        let aliased = one.aliases.iter().any(|alias| alias.alias == ACCOUNT);
        if aliased || !one.group_by.iter().any(|field| field == ACCOUNT) {
            return true;
        }
        let below: Vec<_> =
            below(one, all).filter(|below| !seen.iter().any(|known| std::ptr::eq(*known, *below))).collect();
        seen.extend(below);
        next += 1;
    }
    false
}

/// The correlations over accounts that a rule feeds, directly or through others.
pub(super) fn across(id: &str, name: Option<&str>, all: &[CorrelationRule]) -> Vec<Across> {
    let over_accounts = reached_by(id, name, all).into_iter().filter(|one| is_across(one, all));
    let told = over_accounts.map(|one| {
        let plain = one.aliases.is_empty() && below(one, all).next().is_none();
        Across { id: one.id.clone().unwrap_or_default(), group_by: plain.then(|| one.group_by.clone()) }
    });
    told.collect()
}

/// The correlations that one refers to.
fn below<'c>(one: &'c CorrelationRule, all: &'c [CorrelationRule]) -> impl Iterator<Item = &'c CorrelationRule> {
    let refers = |name: &Option<String>| name.as_ref().is_some_and(|name| one.rules.contains(name));
    all.iter().filter(move |other| refers(&other.id) || refers(&other.name))
}
