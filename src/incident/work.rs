//! Who starts things of which service in which region: the join between calls and bills.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::burn::Burn;
use super::case::created;
use crate::baseline::Baseline;
use crate::cost::{is_regional, service, start_of};
use crate::event::{DAY, Event, PrincipalKind, Seconds};
use crate::model::{Created, Spend};
use crate::price::{Prices, What};

/// Somebody who began this long before a usage day can be behind its costs; who began earlier does so every day.
pub(super) const FRESH: Seconds = 3 * DAY;
/// What somebody started who does so every day must explain this share of an excess.
const EXPLAINS: f64 = 0.3;
/// Starts that are kept of one principal in one place.
const KEPT: usize = 500;

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
    /// By time and event id.
    starts: BTreeMap<(Seconds, Arc<str>), Arc<Event>>,
}

/// Who is behind an amount, as far as calls tell.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub arn: String,
    pub credential: Option<String>,
    pub source_ip: Option<String>,
    /// The calls, with time and event id.
    pub calls: BTreeSet<(Seconds, Arc<str>)>,
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
        let mut best: Option<Work> = None;
        for ((account, _, _), workers) in self.places.iter().filter(|(place, _)| meant(place)) {
            for (arn, worker) in workers {
                let Some(work) = worker.within(arn, &window, prices) else {
                    continue;
                };
                let known_before = past.history_days(account, worker.first) * DAY >= FRESH;
                let work = Work { is_new: window.contains(&worker.first) && known_before, ..work };
                let explains = work.usd_per_hour * 24.0 >= EXPLAINS * (spend.amount - spend.expected);
                let rank = |work: &Work| (work.usd_per_hour, work.is_new, work.calls.last().cloned());
                let better = best.as_ref().is_none_or(|known| {
                    let (own, other) = (rank(&work), rank(known));
                    own.0.total_cmp(&other.0).then(own.1.cmp(&other.1)).then(own.2.cmp(&other.2)).is_gt()
                });
                if (work.is_new || explains) && better {
                    best = Some(work);
                }
            }
        }
        best
    }
}

impl Worker {
    /// What was started within a time.
    fn within(&self, arn: &str, window: &std::ops::RangeInclusive<Seconds>, prices: &Prices) -> Option<Work> {
        let mut work = Work {
            arn: arn.to_owned(),
            credential: self.credential.clone(),
            source_ip: self.source_ip.clone(),
            calls: BTreeSet::new(),
            made: Vec::new(),
            burn: Burn::default(),
            usd_per_hour: 0.0,
            is_new: false,
        };
        for ((at, id), event) in self.starts.iter().filter(|((at, _), _)| window.contains(at)) {
            work.calls.extend((!id.is_empty()).then(|| (*at, Arc::clone(id))));
            work.burn.begin(event);
            for thing in event.facts.iter().flat_map(|facts| &facts.created) {
                work.made.push(created(event, thing));
                let runs = thing.runs.as_ref().filter(|runs| !matches!(runs.what, What::Function { .. }));
                work.usd_per_hour +=
                    runs.and_then(|runs| prices.per_hour(runs, &event.place.region)).unwrap_or_default();
            }
        }
        let any = self.starts.keys().any(|(at, _)| window.contains(at));
        any.then_some(work)
    }
}

/// One name for a service, whether it comes from a call or from a bill.
pub(super) fn bill_name(name: &str) -> String {
    service::of(name).map_or_else(|| name.to_owned(), |service| service.event_source.to_owned())
}
