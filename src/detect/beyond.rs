//! What was started within some time, against what the account usually spends.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ahash::AHashMap;

use super::block::BeyondUsual;
use super::engine::spoken;
use crate::cost::Usual;
use crate::event::{DAY, Event, Seconds};
use crate::model::dollars;
use crate::price::{Prices, Runs};

/// How the reason begins that tells what was started.
pub(super) const STARTS: &str = "starts ";

/// What the last matches of each detector and account started.
pub(super) struct Beyond {
    usual: Usual,
    started: AHashMap<(usize, String), Window>,
}

/// Starts within the time that a detector looks at.
#[derive(Default)]
struct Window {
    starts: VecDeque<Start>,
    /// That time.
    within: Seconds,
    /// US dollars an hour of all of them.
    usd: f64,
}

struct Start {
    at: Seconds,
    usd: f64,
    id: Arc<str>,
    /// Part of a finding already.
    found: bool,
}

/// More than usual.
pub(super) struct Tipped {
    pub reason: String,
    /// The starts that made it so, but for those that are part of a finding already.
    pub events: BTreeSet<(Seconds, Arc<str>)>,
}

impl Beyond {
    /// Nothing was started yet.
    pub(super) fn new(usual: Usual) -> Self {
        Self { usual, started: AHashMap::new() }
    }

    /// Takes what a matching event started; says so when the sum is more than the account's usual. `None` too where no
    /// bill says what that is.
    pub(super) fn take(
        &mut self,
        detector: usize,
        block: &BeyondUsual,
        event: &Event,
        prices: &Prices,
    ) -> Option<Tipped> {
        let usd = usd_per_hour(event, prices)?;
        let window = self.started.entry((detector, event.place.account.clone())).or_default();
        window.within = block.within;
        window.forget(event.time.saturating_sub(block.within));
        window.usd += usd;
        window.starts.push_back(Start { at: event.time, usd, id: Arc::clone(&event.id), found: false });
        let usual = self.usual.per_hour(&event.place.account, event.time)?;
        if window.usd < block.usd || window.usd <= block.times * usual {
            return None;
        }
        let new = window.starts.iter_mut().filter(|start| !start.found);
        let events = new.map(|start| {
            start.found = true;
            (start.at, Arc::clone(&start.id))
        });
        let events = events.collect();
        let within = if block.within == DAY { "a day".to_owned() } else { spoken(block.within) };
        let (sum, usual) = (dollars(window.usd), dollars(usual));
        let reason = format!(
            "{STARTS}{sum} an hour at list prices within {within}, where the account usually spends {usual} an hour"
        );
        Some(Tipped { reason, events })
    }

    /// Forgets windows that have become empty.
    pub(super) fn forget(&mut self, now: Seconds) {
        let is_open = |window: &Window| {
            let since = now.saturating_sub(window.within);
            window.starts.back().is_some_and(|start| start.at >= since)
        };
        self.started.retain(|_, window| is_open(window));
    }
}

impl Window {
    fn forget(&mut self, since: Seconds) {
        while let Some(start) = self.starts.pop_front_if(|start| start.at < since) {
            self.usd -= start.usd;
        }
        if self.starts.is_empty() {
            self.usd = 0.0;
        }
    }
}

/// List price by the hour of what an event started. Functions are left out: how often they run is not in the call, and
/// at most a small one already costs as much as a whole small account.
fn usd_per_hour(event: &Event, prices: &Prices) -> Option<f64> {
    event.facts.as_ref()?.usd_per_hour(prices, &event.place.region, Runs::is_machine)
}

#[cfg(test)]
mod tests;
