//! Links as they are written: every account once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Links, Tie};

/// Accounts, and positions among them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    accounts: Vec<String>,
    pairs: Vec<(u32, u32)>,
    /// Hash, whether it links, and where it turned up.
    ties: Vec<(u64, bool, Vec<u32>)>,
    open: Vec<u32>,
    /// The hashes of the principals of each account.
    homes: Vec<(u32, Vec<u64>)>,
}

impl From<Links> for Stored {
    fn from(links: Links) -> Self {
        let tied = links.ties.values().flat_map(|tie| &tie.accounts);
        let paired = links.pairs.iter().flat_map(|(one, others)| std::iter::once(one).chain(others));
        let named = tied.chain(paired).chain(&links.open).map(String::as_str);
        let mut homes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        links.homes.iter().for_each(|(id, home)| homes.entry(home).or_default().push(*id));
        let accounts: BTreeSet<&str> = named.chain(homes.keys().copied()).collect();
        let accounts: Vec<String> = accounts.into_iter().map(str::to_owned).collect();
        // All of them are in the table.
        let place = |account: &str| {
            let position = accounts.binary_search_by(|known| known.as_str().cmp(account));
            position.map_or(0, |position| u32::try_from(position).unwrap_or_default())
        };
        let tie =
            |(id, tie): (&u64, &Tie)| (*id, tie.holds, tie.accounts.iter().map(|account| place(account)).collect());
        let pairs = links.pairs.iter().flat_map(|(one, others)| others.iter().map(move |other| (one, other)));
        Self {
            pairs: pairs.map(|(one, other)| (place(one), place(other))).collect(),
            ties: links.ties.iter().map(tie).collect(),
            open: links.open.iter().map(|account| place(account)).collect(),
            homes: homes.into_iter().map(|(account, ids)| (place(account), ids)).collect(),
            accounts,
        }
    }
}

impl TryFrom<Stored> for Links {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let account = |position: u32| {
            let named = usize::try_from(position).ok().and_then(|position| stored.accounts.get(position));
            named.cloned().ok_or_else(|| format!("links name account {position} of {}", stored.accounts.len()))
        };
        let all = |positions: Vec<u32>| positions.into_iter().map(account).collect::<Result<BTreeSet<_>, _>>();
        let mut links = Self::default();
        for (one, other) in stored.pairs {
            links.pairs.entry(account(one)?).or_default().insert(account(other)?);
        }
        for (id, holds, positions) in stored.ties {
            let tie = links.ties.entry(id).or_default();
            tie.accounts.extend(all(positions)?);
            tie.holds |= holds;
        }
        links.open = all(stored.open)?;
        for (position, ids) in stored.homes {
            let home = account(position)?;
            ids.into_iter().for_each(|id| links.home(id, &home));
        }
        Ok(links)
    }
}
