//! Which accounts are judged together: those between which lineage can cross, or that are the same to some detector.
//!
//! Accounts without a link share nothing that changes a verdict, so that each group of linked accounts can be judged
//! by itself. A link too many costs only parallel work. Links come from parts alone and merge in any order.
//!
//! A record names the accounts of its caller and of what it is about. Where one of them is another than the account that
//! recorded it, both are linked. Ids without an account, and callers whose own account is not in the input, link the
//! accounts in which they turn up.

mod names;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ahash::AHashMap;
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::part::{Part, Usage};
use crate::detect::Rules;
use crate::detect::correlate::Known;
use crate::event::view::LIST;
use crate::event::{CredentialKind, Event, Facts, Identity, PrincipalKind};
use names::{account_of, is_nameless, others, session};
use stored::Stored;

/// What ties accounts to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(crate) struct Links {
    /// Accounts and those that records of them name, each pair below its lesser one.
    pairs: BTreeMap<String, BTreeSet<String>>,
    /// By the hash of an id that can turn up in several accounts.
    ties: BTreeMap<u64, Tie>,
    /// By the same hash, the account of each principal that turned up in its own account alone.
    homes: BTreeMap<u64, Arc<str>>,
    /// Accounts with credentials of which no record tells whose account they belong to: they may turn up in any.
    open: BTreeSet<String>,
}

/// The accounts in which an id turned up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tie {
    accounts: BTreeSet<String>,
    /// Links them. A caller without a credential links nothing as long as no rule cares what it does.
    holds: bool,
}

impl Links {
    /// Learns from a part, or from a piece of one.
    pub(crate) fn note(&mut self, rules: &Rules, part: &Part) {
        // Most rows of a part share their caller with others, which is alive as long as the part is.
        let mut told: AHashMap<*const Identity, (&str, bool)> = AHashMap::new();
        for usage in &part.usage {
            let account = usage.place.account.as_str();
            let judged = usage.noted.is_some() || !usage.bursts.is_empty();
            let identity = Arc::as_ptr(&usage.identity);
            if told.get(&identity).is_none_or(|(of, was_judged)| *of != account || (judged && !was_judged)) {
                told.insert(identity, (account, judged));
                self.caller(&usage.identity, account, judged);
            }
            self.counted(rules, usage);
        }
        for event in &part.events {
            self.caller(&event.identity, &event.place.account, !event.rules.is_empty());
            self.groups_of(rules, event, &event.rules);
            event.facts.iter().for_each(|facts| self.facts(facts, &event.place.account));
            // Whether another account is one of one's own is told by what it recorded.
            let opened = event.fields.get("stakeout.opened_to").into_iter().flat_map(|list| list.split(LIST));
            opened.for_each(|other| self.pair(&event.place.account, other));
        }
    }

    /// Takes others in. Order does not matter, and twice is once.
    pub(crate) fn merge(&mut self, other: Self) {
        for (one, others) in other.pairs {
            self.pairs.entry(one).or_default().extend(others);
        }
        self.open.extend(other.open);
        for (id, tie) in other.ties {
            let home = self.homes.remove(&id);
            let mine = self.ties.entry(id).or_default();
            mine.holds |= tie.holds || home.is_some();
            mine.accounts.extend(tie.accounts);
            mine.accounts.extend(home.map(|home| home.to_string()));
        }
        for (id, home) in other.homes {
            self.home(id, &home);
        }
    }

    /// Puts accounts into groups that can be judged apart: each account into one, in order.
    pub(crate) fn groups<'a>(&self, accounts: impl IntoIterator<Item = &'a str>) -> Vec<BTreeSet<String>> {
        let accounts: Vec<&str> = accounts.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut joined = Joined((0..accounts.len()).collect());
        let place = |account: &str| accounts.binary_search(&account).ok();
        for (one, others) in &self.pairs {
            joined.join(std::iter::once(one).chain(others).filter_map(|account| place(account)));
        }
        for tie in self.ties.values().filter(|tie| tie.holds) {
            joined.join(tie.accounts.iter().filter_map(|account| place(account)));
        }
        if self.open.iter().any(|account| place(account).is_some()) {
            joined.join(0..accounts.len());
        }
        let mut groups: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for (position, account) in accounts.iter().enumerate() {
            groups.entry(joined.first(position)).or_default().insert((*account).to_owned());
        }
        groups.into_values().collect()
    }

    /// A caller whose own account is another than the one that recorded its calls, or is not told.
    fn caller(&mut self, caller: &Identity, account: &str, judged: bool) {
        if caller.is_common() {
            if caller.credential.is_some() {
                self.open.insert(account.to_owned());
            }
            return;
        }
        let others: BTreeSet<&str> = others(caller, account).collect();
        let nameless = is_nameless(caller, account) || (account.is_empty() && others.is_empty());
        for other in &others {
            self.pair(account, other);
        }
        if !nameless && others.is_empty() {
            // What names its account cannot be meant in another. Ids can: drills and tests give them twice.
            let long_term = caller.credential.as_ref().filter(|_| caller.credential_kind == CredentialKind::LongTerm);
            let ids = [&caller.key].into_iter().filter(|key| !key.contains(account)).chain(long_term);
            ids.for_each(|id| self.home(hash("caller", id), account));
        } else {
            let lasts = matches!(caller.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Root);
            self.tie("caller", &caller.key, account, judged || lasts || caller.credential.is_some());
            caller.credential.iter().for_each(|key| self.tie("caller", key, account, true));
            caller.issued_to.iter().for_each(|thing| self.tie("thing", thing, account, true));
            // It links only where it is known who began the session.
            session(caller).iter().for_each(|session| self.tie("caller", session, account, false));
        }
        if nameless && (caller.credential.is_some() || account.is_empty()) {
            self.open.insert(account.to_owned());
        }
    }

    /// Whom or what an event made or changed in another account.
    fn facts(&mut self, facts: &Facts, account: &str) {
        if let Some(minted) = &facts.minted {
            match account_of(&minted.arn) {
                Some(own) if own == account => {}
                Some(other) => {
                    self.pair(account, other);
                    let ids = minted.credential.iter().chain(&minted.session);
                    ids.for_each(|id| self.tie("caller", id, account, true));
                }
                None => _ = self.open.insert(account.to_owned()),
            }
        }
        let made = facts.created.iter().map(|made| (&made.arn, made.principal.as_ref()));
        let ended = facts.deleted.iter().chain(facts.changed.iter().map(|change| &change.arn)).map(|arn| (arn, None));
        for (arn, principal) in made.chain(ended) {
            let of = account_of(arn);
            if of == Some(account) {
                continue;
            }
            // Buckets have names that are theirs all over the world, and no account.
            of.iter().for_each(|other| self.pair(account, other));
            self.tie("thing", arn, account, true);
            principal.iter().for_each(|principal| self.tie("caller", principal, account, true));
        }
    }

    /// First calls that a correlation over accounts counts.
    fn counted(&mut self, rules: &Rules, usage: &Usage) {
        let counts = |rule: &u16| rules.rules.get(usize::from(*rule)).is_some_and(|rule| !rule.across.is_empty());
        let of: Vec<u16> = usage.plan.bursts.iter().map(|(_, rule)| *rule).filter(counts).collect();
        if let Some((_, call)) = usage.bursts.first().filter(|_| !of.is_empty()) {
            self.groups_of(rules, &usage.event(call, Vec::new()), &of);
        }
    }

    /// The groups of correlations over accounts that an event belongs to.
    fn groups_of(&mut self, rules: &Rules, event: &Event, matched: &[u16]) {
        let known = Known(event);
        let matched = matched.iter().filter_map(|rule| rules.rules.get(usize::from(*rule)));
        for across in matched.flat_map(|rule| &rule.across) {
            let id = Fingerprint::new().text("group").text(&across.id);
            let values = across.group_by.iter().flatten().map(|field| known.text(field).unwrap_or_default());
            let values: Vec<String> = values.collect();
            // An event that belongs to several groups at once is taken as one of all groups.
            let listed = across.group_by.is_none() || values.iter().any(|value| value.contains(LIST));
            let group = values.iter().filter(|_| !listed).fold(id, |id, value| id.text(value));
            self.tie_by(group.finish(), &event.place.account, true);
        }
    }

    fn pair(&mut self, account: &str, other: &str) {
        let (one, other) = (account.min(other), account.max(other));
        if one != other && !self.pairs.get(one).is_some_and(|others| others.contains(other)) {
            self.pairs.entry(one.to_owned()).or_default().insert(other.to_owned());
        }
    }

    /// An id that belongs to an account. Once it is known in two, it ties them.
    fn home(&mut self, id: u64, account: &str) {
        let known = self.homes.get(&id);
        if self.ties.contains_key(&id) || known.is_some_and(|known| **known != *account) {
            self.tie_by(id, account, true);
        } else if known.is_none() {
            self.homes.insert(id, account.into());
        }
    }

    fn tie(&mut self, kind: &str, id: &str, account: &str, holds: bool) {
        self.tie_by(hash(kind, id), account, holds);
    }

    fn tie_by(&mut self, id: u64, account: &str, holds: bool) {
        let home = self.homes.remove(&id);
        let tie = self.ties.entry(id).or_default();
        tie.holds |= holds || home.is_some();
        tie.accounts.extend(home.map(|home| home.to_string()));
        if !tie.accounts.contains(account) {
            tie.accounts.insert(account.to_owned());
        }
    }
}

fn hash(kind: &str, id: &str) -> u64 {
    Fingerprint::new().text(kind).text(id).finish()
}

/// Positions, each with an earlier one of the same group or itself.
struct Joined(Vec<usize>);

impl Joined {
    /// The first of a group.
    fn first(&mut self, mut position: usize) -> usize {
        while let Some(before) = self.0.get(position).copied().filter(|before| *before != position) {
            let further = self.0.get(before).copied().unwrap_or(before);
            if let Some(shorter) = self.0.get_mut(position) {
                *shorter = further;
            }
            position = before;
        }
        position
    }

    fn join(&mut self, positions: impl IntoIterator<Item = usize>) {
        let mut positions = positions.into_iter();
        let Some(one) = positions.next() else { return };
        for other in positions {
            let (one, other) = (self.first(one), self.first(other));
            if let Some(later) = self.0.get_mut(one.max(other)) {
                *later = one.min(other);
            }
        }
    }
}
