//! LookupEvents of one account and region: overlapping windows, newest first, nothing dropped silently.
//!
//! Events arrive late and unordered, so that a window begins before the last one ended. What time does not suffice for
//! stays in the cursor as ranges, and comes in later passes. On a busy account the write events come first.

mod text;
mod window;

use std::collections::BTreeSet;
use std::time::Duration;

use super::Batch;
use super::cursor::Range;
use super::pace::{Effort, Limiter, Pace};
use crate::aws::Refusal;
use crate::event::Seconds;
use crate::source::Problem;

pub(super) use text::Text;
pub(super) use window::{KEPT, pass};

/// AWS answers two requests a second for each account and region; some need longer than others to get there.
const GAP: Duration = Duration::from_millis(550);
/// How often one range is begun again in a pass.
const MOST_RESTARTS: u32 = 2;

/// One event as LookupEvents gives it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub id: Option<String>,
    pub time: Option<Seconds>,
    /// The record as JSON.
    pub record: Option<String>,
}

/// One page of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub events: Vec<Found>,
    pub next: Option<String>,
}

/// Who answers lookups, for one account and region.
pub(crate) trait Lookups {
    /// One page of a range: the first, or the one that its token names.
    async fn page(&self, range: &Range) -> Result<Page, Refusal>;
}

/// Why the reading of a range ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There is no more.
    Done,
    /// So many pages were read as were allowed.
    Pages,
    /// The time is over.
    Time,
    /// This range cannot be read on.
    Stuck,
    /// AWS refuses; other ranges need not be tried.
    Refused,
}

/// One account and region while it is read.
pub(super) struct Reading<'a, L, P> {
    lookups: &'a L,
    pace: &'a P,
    limiter: Limiter,
    effort: Effort<'a, P>,
    pub(super) pages: u32,
    pub(super) batch: Batch,
    text: Text,
}

impl<'a, L: Lookups, P: Pace> Reading<'a, L, P> {
    /// `end` is when reading must end on the clock of the pace.
    pub(super) fn new(lookups: &'a L, pace: &'a P, end: Duration, account: &str, region: &str) -> Self {
        Self {
            lookups,
            pace,
            limiter: Limiter::new(GAP),
            effort: Effort::new(pace, end),
            pages: 0,
            batch: Batch::of(feed(account, region), Some(account), Some(region)),
            text: Text::new(format!("lookup-events:{account}/{region}")),
        }
    }

    /// What was read since the last time.
    pub(super) fn take(&mut self) -> Batch {
        let next = Batch::of(self.batch.feed.clone(), self.batch.account.as_deref(), self.batch.region.as_deref());
        let mut batch = std::mem::replace(&mut self.batch, next);
        let effort = self.effort.again();
        batch.requests = std::mem::replace(&mut self.effort, effort).requests();
        batch.objects = self.text.take();
        batch
    }

    /// Reads a range on, for at most so many pages.
    pub(super) async fn read(&mut self, range: &mut Range, most_pages: u32) -> End {
        let mut tokens: BTreeSet<String> = range.token.iter().cloned().collect();
        let (mut pages, mut restarts) = (0, 0);
        while pages < most_pages {
            // Each pass reads a page at least, however little time there is.
            if self.pages > 0 && self.effort.is_over() {
                return End::Time;
            }
            let (limiter, pace, lookups) = (&self.limiter, self.pace, self.lookups);
            let request = async || {
                limiter.turn(pace).await;
                lookups.page(range).await
            };
            let page = match self.effort.ask(request).await {
                Ok(page) => page,
                Err(Refusal::Token(_)) if range.token.is_some() && restarts < MOST_RESTARTS => {
                    range.restart();
                    tokens.clear();
                    restarts += 1;
                    continue;
                }
                // What is unread for that is told with the ranges.
                Err(refusal @ Refusal::Throttled(_)) if self.pages > 0 => {
                    self.batch.problems.push(Problem::minor(&self.batch.feed, refusal.to_string()));
                    return End::Time;
                }
                Err(refusal) => {
                    self.batch.problems.push(Problem::blind(&self.batch.feed, refusal.to_string()));
                    return End::Refused;
                }
            };
            pages += 1;
            self.pages += 1;
            let next = page.next.clone();
            self.keep(page, range);
            match next {
                None => return End::Done,
                Some(token) if !tokens.insert(token.clone()) => {
                    let why = "AWS gives the same page token again; the rest is asked for in the next pass";
                    self.batch.problems.push(Problem::blind(&self.batch.feed, why));
                    range.restart();
                    return End::Stuck;
                }
                token => range.token = token,
            }
        }
        End::Pages
    }

    fn keep(&mut self, page: Page, range: &mut Range) {
        // The newest of the page, because pages may be out of order within themselves.
        if let Some(newest) = page.events.iter().filter_map(|event| event.time).max() {
            range.reached = range.reached.min(newest.max(range.from));
            let oldest = page.events.iter().filter_map(|event| event.time).min().unwrap_or(newest);
            range.lowest = range.lowest.min(oldest.max(range.from));
        }
        let mut empty = 0;
        for event in &page.events {
            self.batch.events += 1;
            match &event.record {
                Some(record) if !record.trim().is_empty() => self.text.add(record),
                _ => empty += 1,
            }
        }
        if empty > 0 {
            let ids: Vec<_> = page.events.iter().filter(|event| event.record.is_none()).collect();
            let first = ids.first().and_then(|event| event.id.as_deref()).unwrap_or("without an id");
            let why = format!("{empty} events came without their record, the first is {first}");
            self.batch.problems.push(Problem::blind(&self.batch.feed, why));
        }
    }
}

/// The name of a feed, which is also that of its cursor.
pub(super) fn feed(account: &str, region: &str) -> String {
    format!("lookup {account} {region}")
}
