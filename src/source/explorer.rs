//! Live Cost Explorer: asks for what is due, keeps every page, counts every cent.
//!
//! `plan` says what is due and affordable, `client` asks, `cache` keeps the pages and the account of what was paid,
//! and `packed` is all of that in one piece.
//!
//! Spend by service and region is what is judged. Spend by linked account and by usage type is the same money told
//! again, so that its pages lie in a hidden folder which a reader of the cache passes by.

mod cache;
mod client;
mod history;
mod packed;
mod plan;
mod query;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::event::Seconds;

pub(crate) use cache::{Cache, CacheError};
pub(crate) use client::Explorer;
pub(crate) use history::price;
pub(crate) use packed::{pack, unpack};
pub(crate) use plan::{Plan, Policy};
pub(crate) use query::{Query, What};
pub(crate) use refusal::Refusal;

/// Attempts at one page, the first included.
const TRIES: u32 = 5;
/// The wait before the second attempt at one page; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// One page of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// In the shape that the AWS command line prints.
    pub body: Value,
    /// What to ask the next page with; none on the last.
    pub next: Option<String>,
    /// Linked accounts that the page names, for an answer by account.
    pub accounts: BTreeSet<String>,
}

/// Who answers queries.
pub(crate) trait Answers {
    /// One page: the first, or the one that a token names.
    async fn page(&self, query: &Query, token: Option<&str>) -> Result<Page, Refusal>;
}

/// Waiting and chance, which tests replace. Chance is from 0 to 1.
pub(crate) struct Patience<S, R> {
    pub sleep: S,
    pub random: R,
}

/// Why an answer is missing or ends early.
#[derive(Debug, Error)]
pub(crate) enum PollError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The budget of the month is spent.
    #[error(
        "the budget of ${budget} for {month} is spent: {pages} pages at $0.01 are paid for; allow more with --budget USD, or look at what is there with `stakeout cost {folder}`"
    )]
    Budget { budget: rust_decimal::Decimal, month: String, pages: u32, folder: String },
}

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// Pages that were read and kept.
    pub pages: u32,
    /// What could not be asked to its end, and why.
    pub problems: Vec<(What, PollError)>,
}

impl Polled {
    /// Whether the budget ended it before anything was read.
    pub(crate) fn is_refused(&self) -> bool {
        self.pages == 0 && self.problems.iter().any(|(_, why)| matches!(why, PollError::Budget { .. }))
    }
}

/// Asks all queries of a plan. One that fails does not keep the others from being asked; a spent budget does.
pub(crate) async fn poll<A: Answers, S: AsyncFn(Duration), R: FnMut() -> f64>(
    answers: &A,
    cache: &mut Cache,
    policy: &Policy,
    plan: &Plan,
    now: Seconds,
    patience: &mut Patience<S, R>,
) -> Polled {
    let mut polled = Polled::default();
    for query in &plan.queries {
        let mut task = Task { answers, cache, policy, now, query };
        if let Err(why) = task.run(&mut polled.pages, patience).await {
            let over = matches!(why, PollError::Budget { .. } | PollError::Cache(_));
            polled.problems.push((query.what.clone(), why));
            if over {
                break;
            }
        }
    }
    polled
}

/// One query on its way.
struct Task<'a, A> {
    answers: &'a A,
    cache: &'a mut Cache,
    policy: &'a Policy,
    now: Seconds,
    query: &'a Query,
}

impl<A: Answers> Task<'_, A> {
    /// Reads page after page; each is kept before the next is asked for.
    async fn run<S: AsyncFn(Duration), R: FnMut() -> f64>(
        &mut self,
        pages: &mut u32,
        patience: &mut Patience<S, R>,
    ) -> Result<(), PollError> {
        let mut token = None;
        let mut accounts = BTreeSet::new();
        let mut number = 0;
        loop {
            let page = self.page(token.as_deref(), patience).await?;
            number += 1;
            self.cache.keep(self.query, self.now, number, page.body)?;
            *pages += 1;
            accounts.extend(page.accounts);
            // A token that repeats itself would be paid for without end.
            if page.next.is_none() || page.next == token {
                break;
            }
            token = page.next;
        }
        Ok(self.cache.done(self.query, self.now, number, accounts.len())?)
    }

    /// One page, asked again with growing waits while AWS asks for patience.
    async fn page<S: AsyncFn(Duration), R: FnMut() -> f64>(
        &mut self,
        token: Option<&str>,
        patience: &mut Patience<S, R>,
    ) -> Result<Page, PollError> {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            self.afford()?;
            self.cache.pay(self.query, self.now)?;
            match self.answers.page(self.query, token).await {
                Ok(page) => return Ok(page),
                Err(refusal) => {
                    if !refusal.is_billed() {
                        self.cache.refund(self.query, self.now)?;
                    }
                    if !refusal.is_passing() || attempt == TRIES {
                        return Err(refusal.into());
                    }
                }
            }
            attempt += 1;
            // Half of the wait is chance, so that several pollers do not knock at the same moment.
            (patience.sleep)(wait.mul_f64(0.5 + (patience.random)().clamp(0.0, 1.0) / 2.0)).await;
            wait *= 2;
        }
    }

    fn afford(&self) -> Result<(), PollError> {
        let history = self.cache.history();
        if self.policy.affordable(history, self.now) > 0 {
            return Ok(());
        }
        Err(PollError::Budget {
            budget: self.policy.budget,
            month: query::month(self.now),
            pages: history.paid_in_month(self.now),
            folder: self.cache.folder().display().to_string(),
        })
    }
}
