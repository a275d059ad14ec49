//! Who starts things of which service in which region: the join between calls and bills.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::burn::Burn;
use super::case::created;
use crate::baseline::Baseline;
use crate::cost::{is_regional, service, start_of};
use crate::event::{DAY, Event, PrincipalKind, Seconds};
use crate::model::{Created, Spend};
use crate::price::{Prices, Runs};

/// Somebody who began this long before a usage day can be behind its costs; who began earlier does so every day.
const FRESH: Seconds = 3 * DAY;
/// What somebody started who does so every day must explain this share of an excess.
const EXPLAINS: f64 = 0.3;
/// Starts that are kept of one principal in one place.
const KEPT: usize = 500;

/// Time and event id of a call that starts something.
type Start = (Seconds, Arc<str>);

/// Account, event source and region.
type Where = (String, String, String);

/// What principals started, by account, service and region, and there by principal.
#[derive(Default)]
pub(crate) struct Works {
    places: BTreeMap<Where, BTreeMap<String, Worker>>,
}

/// A principal at work in one place.
struct Worker {
    first: Seconds,
    credential: Option<String>,
    source_ip: Option<String>,
    starts: BTreeMap<Start, Arc<Event>>,
}

/// Who is behind an amount, as far as calls tell.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub arn: String,
    pub credential: Option<String>,
    pub source_ip: Option<String>,
    pub calls: BTreeSet<Start>,
    /// What they made, and what that costs by list prices.
    pub made: Vec<Created>,
    pub burn: Burn,
    /// US dollars an hour of what was started.
    pub usd_per_hour: f64,
    /// Never did so before.
    pub is_new: bool,
}

impl Works {
    /// Notes an event that makes something, or calls a model.
    pub(crate) fn note(&mut self, event: &Arc<Event>, arn: &str) {
        let (shape, identity) = (&event.shape, &event.identity);
        let free = matches!(shape.service(), "iam" | "sts" | "signin");
        if !shape.settles() || free || identity.kind == PrincipalKind::Service {
            return;
        }
        let place = (event.place.account.clone(), bill_name(shape.service()), event.place.region.clone());
        let workers = self.places.entry(place).or_default();
        let worker = workers.entry(arn.to_owned()).or_insert_with(|| Worker {
            first: event.time,
            credential: None,
            source_ip: None,
            starts: BTreeMap::new(),
        });
        worker.first = worker.first.min(event.time);
        worker.starts.insert((event.time, Arc::clone(&event.id)), Arc::clone(event));
        if worker.starts.len() > KEPT {
            worker.starts.pop_first();
        }
        if worker.starts.last_key_value().is_some_and(|(_, last)| last.time == event.time) {
            worker.credential.clone_from(&identity.credential);
            worker.source_ip = event.place.address().map(str::to_owned);
        }
    }

    /// Who is behind an amount that was seen at a time: of those who started something there shortly before, the one
    /// who started most by price, where that explains the amount or where nobody knows them there.
    pub(crate) fn behind(&self, spend: &Spend, seen: Seconds, past: &Baseline, prices: &Prices) -> Option<Work> {
        let day = start_of(spend.usage_date);
        let window = day - FRESH..=(day + DAY - 1).min(seen);
        let service = spend.service.as_deref().map(bill_name);
        let regional = spend.region.as_deref().filter(|region| is_regional(region));
        let meant = |(account, source, region): &Where| {
            spend.account.as_ref().is_none_or(|wanted| wanted == account)
                && service.as_ref().is_none_or(|wanted| wanted == source)
                && regional.is_none_or(|wanted| wanted == region)
        };
        let mut best: Option<Candidate<'_>> = None;
        for ((account, _, _), workers) in self.places.iter().filter(|(place, _)| meant(place)) {
            for (arn, worker) in workers {
                if worker.within(&window).next().is_none() {
                    continue;
                }
                let known_before = past.history_days(account, worker.first) * DAY >= FRESH;
                let is_new = window.contains(&worker.first) && known_before;
                let usd_per_hour = worker.usd_per_hour(&window, prices);
                let explains = usd_per_hour * 24.0 >= EXPLAINS * (spend.amount - spend.expected);
                let latest = worker.calls(&window).last();
                let candidate = Candidate { usd_per_hour, is_new, latest, arn, worker };
                if (is_new || explains) && best.as_ref().is_none_or(|best| candidate.goes_before(best)) {
                    best = Some(candidate);
                }
            }
        }
        best.map(|best| best.work(&window))
    }
}

/// Somebody who may be behind an amount.
struct Candidate<'w> {
    usd_per_hour: f64,
    is_new: bool,
    /// The last call within the time.
    latest: Option<&'w Start>,
    arn: &'w str,
    worker: &'w Worker,
}

impl Candidate<'_> {
    /// Most by price, then who is new, then who came last.
    fn goes_before(&self, other: &Self) -> bool {
        let by_price = self.usd_per_hour.total_cmp(&other.usd_per_hour);
        by_price.then((self.is_new, self.latest).cmp(&(other.is_new, other.latest))).is_gt()
    }

    fn work(&self, window: &RangeInclusive<Seconds>) -> Work {
        let mut burn = Burn::default();
        let mut made = Vec::new();
        for event in self.worker.within(window) {
            burn.begin(event);
            made.extend(event.facts.iter().flat_map(|facts| &facts.created).map(|thing| created(event, thing)));
        }
        Work {
            arn: self.arn.to_owned(),
            credential: self.worker.credential.clone(),
            source_ip: self.worker.source_ip.clone(),
            calls: self.worker.calls(window).cloned().collect(),
            made,
            burn,
            usd_per_hour: self.usd_per_hour,
            is_new: self.is_new,
        }
    }
}

impl Worker {
    /// What was started within a time, in order.
    fn within(&self, window: &RangeInclusive<Seconds>) -> impl Iterator<Item = &Arc<Event>> {
        self.starts.iter().filter(|((at, _), _)| window.contains(at)).map(|(_, event)| event)
    }

    /// The calls of it that are events: counted calls of models have no id.
    fn calls(&self, window: &RangeInclusive<Seconds>) -> impl Iterator<Item = &Start> {
        self.starts.keys().filter(|(at, id)| window.contains(at) && !id.is_empty())
    }

    /// List price of the machines among it.
    fn usd_per_hour(&self, window: &RangeInclusive<Seconds>, prices: &Prices) -> f64 {
        let of = |event: &Arc<Event>| event.facts.as_ref()?.usd_per_hour(prices, &event.place.region, Runs::is_machine);
        self.within(window).filter_map(of).sum()
    }
}

/// One name for a service, whether it comes from a call or from a bill.
pub(super) fn bill_name(name: &str) -> String {
    service::of(name).map_or_else(|| name.to_owned(), |service| service.event_source.to_owned())
}
