//! What runs at one time, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Site, Step};
use crate::event::facts::{Becomes, Change};
use crate::model::grouped;
use crate::price::{CONCURRENCY, Model, Prices, Runs, What, function};

/// What runs at one time.
pub(super) struct Running<'s> {
    prices: &'s Prices,
    /// All but functions.
    things: BTreeMap<String, Thing>,
    /// Functions of one account and region share how often they may run at once.
    functions: BTreeMap<Site, BTreeMap<String, Function>>,
    /// Calls of models an hour.
    calls: BTreeMap<Model, u64>,
}

struct Thing {
    site: Site,
    runs: Runs,
    stopped: bool,
}

struct Function {
    memory: u32,
    /// Of its own, where it has any.
    concurrency: Option<u32>,
}

impl<'s> Running<'s> {
    /// Nothing.
    pub(super) fn new(prices: &'s Prices) -> Self {
        Self { prices, things: BTreeMap::new(), functions: BTreeMap::new(), calls: BTreeMap::new() }
    }

    /// Takes a step; returns by how many dollars an hour that changes the sum.
    pub(super) fn take(&mut self, step: &Step) -> f64 {
        let site = match step {
            Step::Calls(calls) => {
                let before = self.of_calls();
                self.calls.clone_from(calls);
                return self.of_calls() - before;
            }
            Step::Begins { site, runs: Runs { what: What::Function { .. }, .. }, .. } => Some(site.clone()),
            Step::Begins { .. } => None,
            Step::Changes(Change { arn, .. }) | Step::Ends(arn) => self.site_of(arn),
        };
        match site {
            Some(site) => {
                let before = self.pool(&site);
                let functions = self.functions.entry(site.clone()).or_default();
                change_function(functions, step);
                self.pool(&site) - before
            }
            None => {
                let (Step::Begins { arn, .. } | Step::Changes(Change { arn, .. }) | Step::Ends(arn)) = step else {
                    return 0.0;
                };
                let before = self.things.get(arn).map_or(0.0, |thing| self.price(thing));
                self.change_thing(arn, step);
                self.things.get(arn).map_or(0.0, |thing| self.price(thing)) - before
            }
        }
    }

    fn site_of(&self, function: &str) -> Option<Site> {
        let parts: Vec<&str> = function.split(':').collect();
        let [_, _, "lambda", region, account, ..] = parts.as_slice() else {
            return None;
        };
        let named = ((*account).to_owned(), (*region).to_owned());
        let holds = |site: &Site| self.functions.get(site).is_some_and(|functions| functions.contains_key(function));
        if holds(&named) { Some(named) } else { self.functions.keys().find(|site| holds(site)).cloned() }
    }

    fn change_thing(&mut self, arn: &str, step: &Step) {
        match step {
            Step::Begins { site, runs, .. } => {
                let thing = Thing { site: site.clone(), runs: runs.clone(), stopped: false };
                self.things.insert(arn.to_owned(), thing);
            }
            Step::Ends(_) => {
                self.things.remove(arn);
            }
            Step::Calls(_) => {}
            Step::Changes(change) => {
                let Some(thing) = self.things.get_mut(arn) else { return };
                match change.to {
                    Becomes::Started => thing.stopped = false,
                    Becomes::Stopped => thing.stopped = true,
                    Becomes::Count(count) => thing.runs.count = count,
                    Becomes::Memory(_) | Becomes::Concurrency(_) => {}
                }
            }
        }
    }

    /// What the calls of models cost.
    fn of_calls(&self) -> f64 {
        self.calls.iter().fold(0.0, |sum, (model, count)| sum + model.usd() * *count as f64)
    }

    /// Whether a step starts something that has a price.
    pub(super) fn priced(&self, step: &Step) -> bool {
        match step {
            Step::Begins { runs, site, .. } => self.prices.per_hour(runs, &site.1).is_some(),
            Step::Calls(calls) => !calls.is_empty(),
            Step::Changes(_) | Step::Ends(_) => false,
        }
    }

    fn price(&self, thing: &Thing) -> f64 {
        if thing.stopped { 0.0 } else { self.prices.per_hour(&thing.runs, &thing.site.1).unwrap_or_default() }
    }

    /// What the functions of a site cost at most: those with concurrency of their own, and beside them the largest of
    /// the others as often as is left.
    fn pool(&self, site: &Site) -> f64 {
        self.functions.get(site).map_or(0.0, |functions| {
            let own = functions.values().filter_map(|one| Some(function(one.memory, one.concurrency?)));
            let (left, memory) = shared(functions);
            own.fold(0.0, |sum, one| sum + one) + function(memory, left)
        })
    }

    /// US dollars an hour.
    pub(super) fn sum(&self) -> f64 {
        let things = self.things.values().map(|thing| self.price(thing));
        let functions = self.functions.keys().map(|site| self.pool(site));
        things.chain(functions).fold(self.of_calls(), |sum, one| sum + one)
    }

    /// Kinds of things with what they cost, the dearest first.
    pub(super) fn kinds(&self) -> Vec<String> {
        let mut kinds: BTreeMap<(What, bool), (u32, BTreeSet<&str>, f64)> = BTreeMap::new();
        for thing in self.things.values() {
            let price = self.price(thing);
            if price > 0.0 {
                let kind = kinds.entry((thing.runs.what.clone(), thing.runs.potential)).or_default();
                kind.0 = kind.0.saturating_add(thing.runs.count);
                kind.1.insert(&thing.site.1);
                kind.2 += price;
            }
        }
        let kinds = kinds.into_iter().map(|((what, potential), (count, regions, price))| {
            let most = if potential { "up to " } else { "" };
            (price, format!("{most}{} in {}", what.counted(count), places(&regions)))
        });
        let calls: u64 = self.calls.values().sum();
        let calls = (calls > 0).then(|| {
            let ending = if calls == 1 { "" } else { "s" };
            (self.of_calls(), format!("{} model call{ending} an hour at 1,000 tokens in and out each", grouped(calls)))
        });
        let mut told: Vec<_> = kinds.chain(self.pools()).chain(calls).collect();
        told.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        told.into_iter().map(|(_, told)| told).collect()
    }

    /// The same of functions.
    fn pools(&self) -> Vec<(f64, String)> {
        let mut pools: BTreeMap<(bool, u32, u32), BTreeSet<&str>> = BTreeMap::new();
        for ((_, region), functions) in &self.functions {
            let (left, memory) = shared(functions);
            let own = functions.values().filter_map(|one| Some((true, one.concurrency?, one.memory)));
            for pool in own.chain([(false, left, memory)]).filter(|(_, runs, memory)| *runs > 0 && *memory > 0) {
                pools.entry(pool).or_default().insert(region);
            }
        }
        let told = pools.into_iter().map(|((own, runs, memory), regions)| {
            let reserved = if own { "reserved " } else { "" };
            let size =
                format!("{} {reserved}concurrent runs of {} MB each", grouped(runs.into()), grouped(memory.into()));
            let price = function(memory, runs) * regions.len() as f64;
            match regions.len() {
                1 => (price, format!("functions in {} at {size}", places(&regions))),
                regions => (price, format!("{regions} regions of functions at {size}")),
            }
        });
        told.collect()
    }
}

/// How many runs at once the functions without concurrency of their own share, and the memory of the largest of them.
fn shared(functions: &BTreeMap<String, Function>) -> (u32, u32) {
    let reserved = functions.values().filter_map(|one| one.concurrency).fold(0, u32::saturating_add);
    let largest = functions.values().filter(|one| one.concurrency.is_none()).map(|one| one.memory).max();
    (CONCURRENCY.saturating_sub(reserved), largest.unwrap_or_default())
}

fn change_function(functions: &mut BTreeMap<String, Function>, step: &Step) {
    match step {
        Step::Begins { arn, runs: Runs { what: What::Function { memory }, .. }, .. } => {
            functions.insert(arn.clone(), Function { memory: *memory, concurrency: None });
        }
        Step::Begins { .. } | Step::Calls(_) => {}
        Step::Ends(arn) => {
            functions.remove(arn);
        }
        Step::Changes(change) => {
            let Some(function) = functions.get_mut(&change.arn) else { return };
            match change.to {
                Becomes::Memory(memory) => function.memory = memory,
                Becomes::Concurrency(concurrency) => function.concurrency = concurrency,
                Becomes::Started | Becomes::Stopped | Becomes::Count(_) => {}
            }
        }
    }
}

fn places(regions: &BTreeSet<&str>) -> String {
    match regions.first() {
        Some(one) if regions.len() == 1 => (*one).to_owned(),
        _ => format!("{} regions", regions.len()),
    }
}
