//! Everything that a pass asks of AWS.

use std::collections::BTreeSet;
use std::time::Duration;

use super::memory::Memory;
use crate::event::Seconds;
use crate::model::Skipped;
use crate::source::inventory::{self, Inventory};
use crate::source::live::{Batch, Cursors, HOME, Handed, Live, RealPace, Regions};

/// Problems of one feed that are told one by one.
const MOST_TOLD: usize = 20;

/// What AWS said.
pub(super) struct Read {
    pub batches: Vec<Batch>,
    /// Where the feeds stand behind what was read.
    pub cursors: Cursors,
    /// Feeds that are handed in no more: of them nothing is known.
    pub forgotten: BTreeSet<String>,
    /// Enabled regions of accounts, where AWS listed them.
    pub regions: Regions,
    pub inventory: Inventory,
    /// What could not be read, and whether events may be missing for it.
    pub problems: Vec<(Skipped, bool)>,
}

impl Read {
    /// Whether it was looked what is in a feed. One that is handed in is judged by what came.
    pub(super) fn is_read(&self, feed: &str, is_handed: bool) -> bool {
        let has_batch = |requests: u32| self.batches.iter().any(|it| it.feed == feed && it.requests >= requests);
        if is_handed { has_batch(0) } else { !self.cursors.is_handed(feed) || has_batch(1) }
    }

    /// Feeds in which events may be missing, each with the first reason and how many there are more.
    pub(super) fn blind(&self) -> impl Iterator<Item = (&str, String)> {
        self.batches.iter().filter_map(|batch| {
            let mut blind = batch.problems.iter().filter(|problem| problem.blind);
            let first = blind.next()?;
            let why = match blind.count() {
                0 => first.why.clone(),
                more => format!("{} ({more} more like it)", first.why),
            };
            Some((batch.feed.as_str(), why))
        })
    }
}

/// Reads all feeds for as long as it may take, and what is in the accounts.
pub(super) async fn read(
    live: &Live,
    memory: &Memory,
    (now, first_lookback): (Seconds, Seconds),
    budget: Duration,
) -> Read {
    let mut cursors = memory.cursors.clone();
    let forgotten = cursors.forget_handed(now);
    let listed = live.regions().await;
    let pace = RealPace::start();
    let (polled, inventory) = tokio::join!(
        live.poll(&mut cursors, &listed.all, (now, first_lookback), (&pace, budget)),
        inventory(live, memory.inventory.as_ref(), now)
    );
    let mut batches = listed.batches;
    batches.extend(polled);
    let mut problems = problems(&batches);
    let of_inventory = inventory.accounts.values().flat_map(|account| &account.problems);
    problems.extend(of_inventory.map(|p| (told(&p.what, &p.why), false)));
    Read { batches, cursors, forgotten, regions: listed.real, inventory, problems }
}

/// Reads what was handed in. What is in the accounts is as it was.
pub(super) async fn take(live: &Live, memory: &Memory, handed: &Handed, now: Seconds, budget: Duration) -> Read {
    let mut cursors = memory.cursors.clone();
    let batches = live.take(handed, budget).await;
    batches.iter().for_each(|batch| cursors.note_handed(batch.feed.clone(), now));
    let problems = problems(&batches);
    let inventory = memory.inventory.clone().unwrap_or_default();
    Read { batches, cursors, forgotten: BTreeSet::new(), regions: Regions::new(), inventory, problems }
}

fn told(what: &str, why: &str) -> Skipped {
    Skipped { path: what.to_owned(), why: why.to_owned() }
}

/// What could not be read, the first of each feed, and whether events may be missing for it.
fn problems(batches: &[Batch]) -> Vec<(Skipped, bool)> {
    let of_batches = batches.iter().flat_map(|batch| batch.problems.iter().take(MOST_TOLD));
    let mut problems: Vec<_> = of_batches.map(|p| (told(&p.what, &p.why), p.blind)).collect();
    for batch in batches.iter().filter(|batch| batch.problems.len() > MOST_TOLD) {
        problems.push((told(&batch.feed, &format!("{} more problems", batch.problems.len() - MOST_TOLD)), true));
    }
    problems
}

async fn inventory(live: &Live, before: Option<&Inventory>, now: Seconds) -> Inventory {
    let mut all = Inventory::default();
    for identity in live.identity() {
        let Some(config) = live.config(&identity.account, HOME) else { continue };
        let known = before.and_then(|before| before.accounts.get(&identity.account));
        let account = inventory::take(&identity.account, &config, known, now).await;
        all.accounts.insert(identity.account, account);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::DAY;

    #[test]
    fn a_feed_that_is_handed_in_is_judged_by_what_came() {
        let mut cursors = Cursors::default();
        cursors.note_handed("sqs both".to_owned(), 100);
        cursors.note_handed("sqs handed".to_owned(), 100);
        let batch = |feed: &str, requests| Batch { feed: feed.to_owned(), requests, ..Batch::default() };
        // Of a feed that is only handed in, a pass that asks has a batch for which nobody was asked.
        let batches = vec![batch("lookup", 2), batch("sqs both", 1), batch("sqs handed", 0)];
        let read = Read {
            batches,
            cursors: cursors.clone(),
            forgotten: BTreeSet::new(),
            regions: Regions::new(),
            inventory: Inventory::default(),
            problems: Vec::new(),
        };
        let asked = ["lookup", "account of before", "sqs both", "sqs handed"].map(|feed| read.is_read(feed, false));
        assert_eq!(asked, [true, true, true, false]);
        assert!(read.is_read("sqs handed", true) && !read.is_read("account of before", true));
        assert_eq!(cursors.forget_handed(100 + 7 * DAY - 1).len(), 0);
        cursors.note_handed("sqs both".to_owned(), 200);
        assert_eq!(cursors.forget_handed(100 + 7 * DAY), BTreeSet::from(["sqs handed".to_owned()]));
        assert!(cursors.is_handed("sqs both") && !cursors.is_handed("sqs handed"));
    }
}
