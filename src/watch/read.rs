//! Everything that a pass asks of AWS.

use super::memory::Memory;
use crate::event::Seconds;
use crate::model::Skipped;
use crate::source::inventory::{self, Inventory};
use crate::source::live::{Batch, Cursors, HOME, Live, RealPace, Regions};

/// Problems of one feed that are told one by one.
const MOST_TOLD: usize = 20;

/// What AWS said.
pub(super) struct Read {
    pub batches: Vec<Batch>,
    /// Where the feeds stand behind what was read.
    pub cursors: Cursors,
    /// Enabled regions of accounts, where AWS listed them.
    pub regions: Regions,
    pub inventory: Inventory,
    /// What could not be read, and whether events may be missing for it.
    pub problems: Vec<(Skipped, bool)>,
}

impl Read {
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

/// Reads all feeds, and what is in the accounts.
pub(super) async fn read(live: &Live, memory: &Memory, now: Seconds, first_lookback: Seconds) -> Read {
    let mut cursors = memory.cursors.clone();
    let listed = live.regions().await;
    let pace = RealPace::start();
    let (polled, inventory) = tokio::join!(
        live.poll(&mut cursors, &listed.all, now, first_lookback, &pace),
        inventory(live, memory.inventory.as_ref(), now)
    );
    let mut batches = listed.batches;
    batches.extend(polled);
    let told = |what: &str, why: &str| Skipped { path: what.to_owned(), why: why.to_owned() };
    let of_batches = batches.iter().flat_map(|batch| batch.problems.iter().take(MOST_TOLD));
    let mut problems: Vec<_> = of_batches.map(|p| (told(&p.what, &p.why), p.blind)).collect();
    for batch in batches.iter().filter(|batch| batch.problems.len() > MOST_TOLD) {
        problems.push((told(&batch.feed, &format!("{} more problems", batch.problems.len() - MOST_TOLD)), true));
    }
    let of_inventory = inventory.accounts.values().flat_map(|account| &account.problems);
    problems.extend(of_inventory.map(|p| (told(&p.what, &p.why), false)));
    Read { batches, cursors, regions: listed.real, inventory, problems }
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
