//! What the things of an incident cost by the hour: an estimate at list prices, from the calls that made them.
//!
//! Every start, change and end is kept with its time, and the sum is made when the incident is told. So the order in
//! which calls come and cases merge does not matter, and nothing is rounded before the end.

mod running;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::models::hour;
use crate::event::facts::Change;
use crate::event::{Event, HOUR, Seconds};
use crate::model::dollars;
use crate::price::{Model, Prices, Runs, What};
use running::Running;

/// Things in the sentence; the rest is counted.
const TOLD: usize = 3;

/// Calls of models that cost less in every hour are not told: US dollars, half a cent.
const NOTHING: f64 = 0.005;

/// An account and a region of it.
type Site = (String, String);

/// What became of the things of one incident.
#[derive(Debug, Clone, Default)]
pub(crate) struct Burn {
    log: BTreeSet<(Seconds, Step)>,
    /// ARNs of the things that were started.
    started: BTreeSet<String>,
    defined: BTreeMap<String, Runs>,
    /// Calls of models by members, by the start of the hour.
    calls: BTreeMap<Seconds, BTreeMap<Model, u64>>,
    last_call: Option<Seconds>,
}

/// One step in the life of a thing. In one second it begins before it changes, and changes before it ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Begins {
        arn: String,
        site: Site,
        runs: Runs,
    },
    Changes(Change),
    Ends(String),
    /// So many calls of models an hour from then on.
    Calls(BTreeMap<Model, u64>),
}

/// The sum, and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimate {
    /// US dollars an hour of what still runs, to the cent.
    pub usd_per_hour: f64,
    /// One sentence.
    pub told: String,
}

impl Burn {
    /// Takes in what a member's call started or defined.
    pub(crate) fn begin(&mut self, event: &Event) {
        let Some(facts) = &event.facts else { return };
        self.defined.extend(facts.defined.iter().cloned());
        for thing in &facts.created {
            let Some(runs) = thing.runs.clone() else { continue };
            let site = (event.place.account.clone(), event.place.region.clone());
            self.started.insert(thing.arn.clone());
            self.log.insert((event.time, Step::Begins { arn: thing.arn.clone(), site, runs }));
        }
    }

    /// Takes in what anybody's call changed or ended of the things that were started.
    pub(crate) fn note(&mut self, event: &Event) {
        let Some(facts) = &event.facts else { return };
        let changed = facts.changed.iter().filter(|change| self.started.contains(&change.arn));
        let changed = changed.map(|change| Step::Changes(change.clone()));
        let ended = facts.deleted.iter().filter(|arn| self.started.contains(*arn)).map(|arn| Step::Ends(arn.clone()));
        self.log.extend(changed.chain(ended).map(|step| (event.time, step)));
    }

    /// Takes in calls of models by members in one hour, of which the last was made at a time.
    pub(super) fn call(&mut self, last: Seconds, calls: &BTreeMap<Model, u64>) {
        let known = self.calls.entry(hour(last)).or_default();
        for (model, count) in calls {
            *known.entry(*model).or_default() += count;
        }
        self.last_call = self.last_call.max(Some(last));
    }

    /// Takes over what another incident held.
    pub(crate) fn merge(&mut self, other: Self) {
        self.log.extend(other.log);
        self.started.extend(other.started);
        self.defined.extend(other.defined);
        for calls in other.calls {
            self.call(calls.0, &calls.1);
        }
        self.last_call = self.last_call.max(other.last_call);
    }

    /// What runs at a time, in dollars and in words; `None` where nothing was started that has a price.
    pub(crate) fn estimate(&self, prices: &Prices, now: Seconds) -> Option<Estimate> {
        let steps = self.steps(now);
        let mut running = Running::new(prices);
        let (mut most, mut at, mut sum, mut priced) = (0.0, 0, 0.0, false);
        for (position, step) in steps.iter().enumerate() {
            sum += running.take(step);
            priced |= running.priced(step);
            // What was added and taken away again leaves a remainder far below a cent.
            if sum > most + 1e-6 {
                (most, at) = (sum, position);
            }
        }
        let left = running.sum();
        if left < most - 0.005 {
            running = Running::new(prices);
            for step in steps.iter().take(at + 1) {
                running.take(step);
            }
        }
        let told = sentence(left, most, &running, prices);
        priced.then(|| Estimate { usd_per_hour: (left * 100.0).round() / 100.0, told })
    }

    /// The steps up to a time in order, with the ends that come by themselves.
    fn steps(&self, now: Seconds) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, step) in &self.log {
            let step = match step {
                Step::Begins { arn, site, runs } => {
                    let runs = self.resolved(runs);
                    let end = runs.lasts.map(|lasts| at.saturating_add(Seconds::from(lasts)));
                    steps.extend(end.filter(|end| *end <= now).map(|end| (end, Step::Ends(arn.clone()))));
                    Step::Begins { arn: arn.clone(), site: site.clone(), runs }
                }
                step => step.clone(),
            };
            steps.push((*at, step));
        }
        steps.extend(self.rates(now));
        steps.sort();
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// Calls of models as rates: of each hour its own. The last rate holds for an hour from the last call, and while its
    /// hour runs it is that of the hour before where that is dearer.
    fn rates(&self, now: Seconds) -> Vec<(Seconds, Step)> {
        let mut rates = Vec::new();
        let usd =
            |calls: &BTreeMap<Model, u64>| calls.iter().fold(0.0, |sum, (model, n)| sum + model.usd() * *n as f64);
        if self.calls.values().all(|calls| usd(calls) < NOTHING) {
            return rates;
        }
        for (start, calls) in &self.calls {
            let end = start + HOUR;
            let before = self.calls.get(&(start - HOUR)).filter(|before| end > now && usd(before) > usd(calls));
            rates.push((*start, Step::Calls(before.unwrap_or(calls).clone())));
            let end = match self.last_call.filter(|last| hour(*last) == *start) {
                Some(last) => last + HOUR,
                None => end,
            };
            if end <= now && !self.calls.contains_key(&end) {
                rates.push((end, Step::Calls(BTreeMap::new())));
            }
        }
        rates
    }

    /// With the definition that it runs by, where a member made that.
    fn resolved(&self, runs: &Runs) -> Runs {
        match &runs.what {
            What::As(name) => self.defined.get(name).map_or_else(
                || runs.clone(),
                |defined| Runs {
                    count: runs.count.saturating_mul(defined.count),
                    what: defined.what.clone(),
                    lasts: runs.lasts.or(defined.lasts),
                    potential: runs.potential,
                },
            ),
            _ => runs.clone(),
        }
    }
}

fn sentence(left: f64, most: f64, running: &Running<'_>, prices: &Prices) -> String {
    let mut kinds = running.kinds();
    if kinds.len() > TOLD {
        let more = kinds.len() - TOLD;
        kinds.truncate(TOLD);
        kinds.push(format!("{more} more"));
    }
    let what = match kinds.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "nothing that runs".to_owned(),
    };
    let estimate = format!("(an estimate, {})", prices.origin());
    if left > most - 0.005 {
        format!("It burns up to {} an hour at list prices: {what} {estimate}.", dollars(left))
    } else if left < 0.005 {
        format!(
            "It burned up to {} an hour at list prices, and nothing of it is left: {what} {estimate}.",
            dollars(most)
        )
    } else {
        let (left, most) = (dollars(left), dollars(most));
        format!("It burns up to {left} an hour at list prices, and burned up to {most} before: {what} {estimate}.")
    }
}
