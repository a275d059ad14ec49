//! Which regions speak: when there were events in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{DAY, Seconds};
use crate::replay::part::Part;
use crate::source::observe::RegionUse;

/// Days that are remembered.
const FORTNIGHT: i64 = 14;

/// Events of each account and region: days, the newest, the newest change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spoken(BTreeMap<String, BTreeMap<String, Days>>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Days {
    days: BTreeSet<i64>,
    newest: Seconds,
    newest_write: Option<Seconds>,
}

impl Spoken {
    /// Takes in what was read.
    pub(super) fn note(&mut self, parts: &[Part], now: Seconds) {
        for usage in parts.iter().flat_map(|part| &part.usage).filter(|usage| !usage.plan.shape.is_observation()) {
            let account = self.0.entry(usage.place.account.clone()).or_default();
            let spoken = account.entry(usage.place.region.clone()).or_default();
            spoken.newest = spoken.newest.max(usage.last);
            if usage.plan.shape.read_only == Some(false) {
                spoken.newest_write = spoken.newest_write.max(Some(usage.last));
            }
            spoken.days.insert(usage.last.div_euclid(DAY));
        }
        let oldest = now.div_euclid(DAY) - FORTNIGHT;
        self.0.values_mut().flat_map(BTreeMap::values_mut).for_each(|spoken| spoken.days.retain(|day| *day > oldest));
    }

    /// The same as the observer wants it.
    pub(super) fn uses(&self) -> Vec<RegionUse> {
        let of_account = |(account, regions): (&String, &BTreeMap<String, Days>)| {
            let one = |(region, spoken): (&String, &Days)| RegionUse {
                account: account.clone(),
                region: region.clone(),
                days: spoken.days.clone(),
                newest: spoken.newest,
                newest_write: spoken.newest_write,
            };
            regions.iter().map(one).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_account).collect()
    }
}
