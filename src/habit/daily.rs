//! One day of everybody, in cells.

use std::collections::{BTreeMap, BTreeSet};

use super::Calls;
use crate::event::Seconds;

/// Principals of a day that are written, the busiest.
const MOST_PRINCIPALS: usize = 2_000;
/// Cells of one principal on a day: whoever calls from everywhere with many agents must not fill the store.
const MOST_CELLS: usize = 48;
/// Actions of one cell that are named, the most used.
const MOST_ACTIONS: usize = 32;
/// Regions of one cell that are named.
const MOST_REGIONS: usize = 32;
/// Networks, agents and regions that are not named any more.
pub(crate) const OTHER: &str = "other";
/// Stands for what is not named any more in `service:*` and, where even the service is not, alone.
pub(crate) const REST: &str = "*";

/// Who called, from where, with what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    /// The stable id of the principal.
    pub key: String,
    pub arn: String,
    /// The access key id of a long-term credential; empty for sessions.
    pub credential: String,
    /// As `Place::network`; empty where an AWS service called for the principal, [`OTHER`] where it is not named.
    pub network: String,
    /// The family of user agents.
    pub agent: String,
}

/// How often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Calls that were not refused, by hour (UTC).
    pub hours: [u64; 24],
    /// Calls that were refused for want of permission. They are in nothing else here.
    pub refused: u64,
    /// Of those in `hours`, changes.
    pub writes: u64,
    /// The last call that was not refused.
    pub last: Option<Seconds>,
    /// By `service:Action`.
    pub actions: BTreeMap<String, u64>,
    pub regions: BTreeMap<String, u64>,
}

/// One day of everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Daily {
    pub(super) cells: BTreeMap<Who, Cell>,
    /// There were more principals than fit, and the least busy are missing.
    pub(super) is_crowded: bool,
}

impl Cell {
    /// Calls that were not refused.
    pub(crate) fn calls(&self) -> u64 {
        self.hours.iter().sum()
    }

    fn merge(&mut self, other: &Self) {
        self.hours.iter_mut().zip(&other.hours).for_each(|(mine, more)| *mine += more);
        self.refused += other.refused;
        self.writes += other.writes;
        self.last = self.last.max(other.last);
        other.actions.iter().for_each(|(action, calls)| *self.actions.entry(action.clone()).or_default() += calls);
        other.regions.iter().for_each(|(region, calls)| *self.regions.entry(region.clone()).or_default() += calls);
    }

    fn add(&mut self, calls: &Calls<'_>) {
        let counted: u64 = calls.hours.iter().map(|count| u64::from(*count)).sum();
        if calls.shape.denied {
            self.refused += counted;
            return;
        }
        self.hours.iter_mut().zip(calls.hours).for_each(|(mine, more)| *mine += u64::from(*more));
        self.writes += if calls.shape.write { counted } else { 0 };
        self.last = self.last.max(Some(calls.last));
        *self.actions.entry(calls.shape.action()).or_default() += counted;
        *self.regions.entry(calls.place.region.clone()).or_default() += counted;
    }

    fn bound(&mut self) {
        fold(&mut self.actions, MOST_ACTIONS, |action| match action.split_once(':') {
            Some((service, _)) => format!("{service}:{REST}"),
            None => REST.to_owned(),
        });
        fold(&mut self.actions, 2 * MOST_ACTIONS, |_| REST.to_owned());
        fold(&mut self.regions, MOST_REGIONS, |_| OTHER.to_owned());
    }
}

impl Daily {
    pub(super) fn add(&mut self, who: Who, calls: &Calls<'_>) {
        self.cells.entry(who).or_default().add(calls);
    }

    /// Adds another day to it. Order does not matter; twice is twice.
    pub(crate) fn merge(&mut self, other: Self) {
        self.is_crowded |= other.is_crowded;
        for (who, cell) in other.cells {
            self.cells.entry(who).or_default().merge(&cell);
        }
    }

    /// The cells, those of a principal one after the other.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&Who, &Cell)> {
        self.cells.iter()
    }

    /// Whether principals are missing.
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// All calls, the refused ones too.
    pub(crate) fn calls(&self) -> u64 {
        self.cells.values().map(|cell| cell.calls() + cell.refused).sum()
    }

    /// Lets go of what does not fit: the least busy principals, and of each what it does least.
    pub(crate) fn bound(&mut self) {
        let mut principals: BTreeMap<String, u64> = BTreeMap::new();
        for (who, cell) in &self.cells {
            *principals.entry(who.key.clone()).or_default() += cell.calls() + cell.refused;
        }
        let mut busiest: Vec<_> = principals.into_iter().map(|(key, calls)| (std::cmp::Reverse(calls), key)).collect();
        busiest.sort_unstable();
        let gone = busiest.split_off(busiest.len().min(MOST_PRINCIPALS));
        self.is_crowded |= !gone.is_empty();
        let gone: BTreeSet<String> = gone.into_iter().map(|(_, key)| key).collect();
        self.cells.retain(|who, _| !gone.contains(&who.key));
        for (_, key) in busiest {
            self.narrow(&key, |who| Who { agent: OTHER.to_owned(), ..who.clone() });
            self.narrow(&key, |who| Who { agent: OTHER.to_owned(), network: OTHER.to_owned(), ..who.clone() });
        }
        self.cells.values_mut().for_each(Cell::bound);
    }

    /// Where a principal has more cells than fit, puts the smallest of them together under what they have in common.
    fn narrow(&mut self, key: &str, common: impl Fn(&Who) -> Who) {
        let first = Who {
            key: key.to_owned(),
            arn: String::new(),
            credential: String::new(),
            network: String::new(),
            agent: String::new(),
        };
        let own = self.cells.range(first..).take_while(|(who, _)| who.key == key);
        let mut own: Vec<_> = own.map(|(who, cell)| (std::cmp::Reverse(cell.calls()), who.clone())).collect();
        if own.len() <= MOST_CELLS {
            return;
        }
        own.sort_unstable();
        for (_, who) in own.split_off(MOST_CELLS / 2) {
            if let Some(cell) = self.cells.remove(&who) {
                self.cells.entry(common(&who)).or_default().merge(&cell);
            }
        }
    }
}

/// Where there are more names than fit, puts the least used together under what they have in common. What was put
/// together before is no name.
fn fold(counts: &mut BTreeMap<String, u64>, most: usize, common: impl Fn(&str) -> String) {
    let is_name = |name: &String| common(name) != *name;
    if counts.keys().filter(|name| is_name(name)).count() <= most {
        return;
    }
    let names = counts.iter().filter(|(name, _)| is_name(name));
    let mut names: Vec<_> = names.map(|(name, calls)| (std::cmp::Reverse(*calls), name.clone())).collect();
    names.sort_unstable();
    for (std::cmp::Reverse(calls), name) in names.split_off(most.min(names.len())) {
        counts.remove(&name);
        *counts.entry(common(&name)).or_default() += calls;
    }
}
