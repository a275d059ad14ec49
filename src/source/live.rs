//! What AWS delivers at this time: LookupEvents, a trail's bucket, queues. Raw CloudTrail JSON comes out, with what is missing.
//!
//! `connect` signs in to accounts and `regions` lists their regions; `lookup`, `trail` and `queue` read one feed each against
//! small traits, which `cloud` implements with the SDK; `handed` is a queue's messages that
//! came by themselves; `pace` is time; `cursor` is where each feed stands; `learn` reads history.

mod cloud;
mod connect;
mod cursor;
mod handed;
mod learn;
mod lookup;
mod message;
mod pace;
mod queue;
mod regions;
#[cfg(test)]
mod tests;
mod trail;

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Object, Problem};
use crate::aws::{Work, side_by_side};
use crate::event::Seconds;
use cloud::Cloud;
use connect::Watched;
use cursor::Cursor;
use pace::Effort;
use trail::Location;

pub(crate) use connect::HOME;
pub(crate) use cursor::Cursors;
pub(crate) use handed::Handed;
pub(crate) use pace::{Pace, RealPace};
pub(crate) use queue::{Aside, Message, Receipt};
pub(crate) use regions::Regions;

/// An account to watch, as the settings name it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// None where it is whoever the credentials are.
    pub id: Option<String>,
    pub name: Option<String>,
    /// The ARN of a role to assume.
    pub role: Option<String>,
    pub external_id: Option<String>,
}

/// What is to be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// None named: the caller's own.
    pub accounts: Vec<Account>,
    /// None: every enabled region.
    pub regions: Option<Vec<String>>,
    pub lookup_events: bool,
    /// `s3://bucket[/prefix]`.
    pub trail_bucket: Option<String>,
    /// URLs.
    pub queues: Vec<String>,
}

/// Who we are in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub account: String,
    pub name: Option<String>,
    /// None while the account cannot be reached.
    pub arn: Option<String>,
}

/// What one feed gave in one pass.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// `lookup ACCOUNT REGION`, `s3 BUCKET/PREFIX` or `sqs NAME`; of what could not be read at all `account ID` or `regions ID`.
    pub feed: String,
    pub account: Option<String>,
    pub region: Option<String>,
    /// It holds no events: it tells which regions there are.
    pub is_listing: bool,
    pub objects: Vec<Object>,
    /// Requests to AWS, the refused ones too.
    pub requests: u32,
    /// As far as it is known before the objects are read: 0 for logs in a bucket.
    pub events: usize,
    pub problems: Vec<Problem>,
    /// To delete once the effect of this batch is safe.
    pub receipts: Vec<Receipt>,
    /// To journal; their receipts are among the others.
    pub aside: Vec<Aside>,
    /// Whether something was left for the next pass.
    pub reads_left: bool,
}

impl Batch {
    fn of(feed: String, account: Option<&str>, region: Option<&str>) -> Self {
        let (account, region) = (account.map(str::to_owned), region.map(str::to_owned));
        Self { feed, account, region, ..Self::default() }
    }

    /// Adds what makes this feed blind.
    fn problem(&mut self, why: impl Into<String>) {
        self.problems.push(Problem::blind(&self.feed, why));
    }
}

/// A batch, and where its feed stands behind it.
struct Fed {
    batch: Batch,
    cursor: Option<(String, Cursor)>,
}

/// A connection to all accounts that are watched.
pub(crate) struct Live {
    wanted: Wanted,
    cloud: Cloud,
    location: Option<Location>,
    accounts: Vec<Watched>,
}

impl Live {
    /// Who we are in each account.
    pub(crate) fn identity(&self) -> Vec<Identity> {
        self.accounts.iter().map(Watched::identity).collect()
    }

    /// Reads what is new in every feed, all at the same time, in regions that were just listed. The cursors move; they are to be
    /// saved after the batches are safe. A feed without a cursor begins `first_lookback` ago. Reading ends after `budget`.
    pub(crate) async fn poll<P: Pace>(
        &self,
        cursors: &mut Cursors,
        regions: &Regions,
        (now, first_lookback): (Seconds, Seconds),
        (pace, budget): (&P, Duration),
    ) -> Vec<Batch> {
        let end = pace.elapsed() + budget;
        let places = if self.wanted.lookup_events { self.places(regions) } else { Vec::new() };
        let known = &*cursors;
        let mut work: Vec<Work<'_, Vec<Fed>>> = Vec::new();
        for (account, region) in &places {
            work.push(Box::pin(async move {
                let feed = lookup::feed(&account.id, region);
                let lookups = account.lookups(region);
                let reading = lookup::Reading::new(&lookups, pace, end, &account.id, region);
                let (cursor, batch) = lookup::pass(reading, known.lookup(&feed), now, first_lookback).await;
                vec![Fed { batch, cursor: Some((feed, Cursor::Lookup(cursor))) }]
            }));
        }
        if let Some(location) = &self.location {
            let times = (now, first_lookback);
            work.push(Box::pin(trail::pass(&self.cloud, location, known, times, (pace, end))));
        }
        for url in &self.wanted.queues {
            work.push(Box::pin(async move {
                let batch = queue::pass(&self.cloud, url, pace, end).await;
                vec![Fed { batch, cursor: None }]
            }));
        }
        let fed = side_by_side(usize::MAX, work).await;
        let mut batches = Vec::new();
        for Fed { batch, cursor } in fed.into_iter().flatten() {
            if let Some((feed, cursor)) = cursor {
                cursors.set(feed, cursor);
            }
            batches.push(batch);
        }
        // What is handed in is read when it comes: there is nothing more of it at this time.
        let polled: BTreeSet<&String> = batches.iter().map(|batch| &batch.feed).collect();
        let quiet = cursors.handed(now).filter(|feed| !polled.contains(feed));
        let quiet: Vec<Batch> = quiet.map(|feed| Batch::of(feed.clone(), None, None)).collect();
        batches.extend(quiet);
        batches
    }

    /// Every account with each of its regions.
    fn places(&self, regions: &Regions) -> Vec<(&Watched, String)> {
        let mut places = Vec::new();
        for account in &self.accounts {
            let names = regions.get(&account.id).into_iter().flatten();
            places.extend(names.map(|region| (account, region.clone())));
        }
        places
    }

    /// Deletes messages whose effect is safe.
    pub(crate) async fn settle(&self, receipts: Vec<Receipt>) -> Vec<Problem> {
        let pace = RealPace::start();
        let effort = Effort::new(&pace, queue::SETTLE);
        queue::settle(&self.cloud, receipts, &effort).await
    }

    /// Older history for the baseline, from the trail's bucket where there is one, else from LookupEvents. Batches come as they are
    /// read, so that memory stays flat; `progress` gets the part that is done, from 0 to 1, and the events so far. What is blind among the problems, those of the batches too, is history that was not read.
    pub(crate) async fn learn(
        &self,
        since: Seconds,
        until: Seconds,
        give: &mut dyn FnMut(Batch),
        progress: &dyn Fn(f64, usize),
    ) -> Vec<Problem> {
        let pace = RealPace::start();
        let teller = learn::Teller::new(give, progress);
        if let Some(location) = &self.location {
            return learn::from_bucket(&self.cloud, location, since, until, &teller, &pace).await;
        }
        let listed = self.regions().await;
        let mut problems: Vec<_> = listed.batches.into_iter().flat_map(|batch| batch.problems).collect();
        let places = self.places(&listed.all);
        let reader = |(account, region): (&Watched, String)| {
            let lookups = account.lookups(&region);
            (account.id.clone(), region, lookups)
        };
        let readers: Vec<_> = places.into_iter().map(reader).collect();
        problems.extend(learn::from_lookups(&readers, since, until, &teller, &pace).await);
        problems
    }
}
