//! Live: polls, judges what is new together with what is kept, and tells what became of incidents.
//!
//! A pass reads everything first, judges without a network, makes all of it true by one write, and only then lets go of
//! what it read and tells anybody. So it can die at any point: what it read comes again, and what it wrote is told.
//!
//! - `read`: everything that is asked of AWS
//! - `memory`: what is kept from pass to pass
//! - `conclude`, with `observe`, `judge`, `life`, `change`: pure: what came in becomes findings, incidents, and news
//! - `commit`: one write makes it true; `say` prints it, `post` brings messages on their way, `tally` those that page nobody
//! - `learn`: history, before the first pass; `habits`: how often everybody calls, for plans
//! - `contained`: what is cut off, and calls all the same, or is missed

mod change;
mod commit;
mod conclude;
mod contained;
mod habits;
mod judge;
mod learn;
mod life;
mod memory;
mod observe;
mod post;
mod read;
mod regions;
mod say;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use anyhow::Result;

use crate::config::{Allow, Daily};
use crate::detect::Rules;
use crate::event::Seconds;
use crate::model::{FeedFacts, Level, PassFacts, Skipped, Status};
use crate::notify::Channel;
use crate::notify::slack::Names;
use crate::report::Report;
use crate::source::Bills;
use crate::source::inventory::exists;
use crate::source::live::{Handed, Live, Receipt};
use crate::store::{Acquired, Head, State, StateError, Store};

pub(crate) use change::Told;
use conclude::{Conclusion, Means, conclude};
pub(crate) use habits::{habits, habits_of};
pub(crate) use learn::{Lessons, learn};
use life::{Became, Update};
use memory::Memory;
pub(crate) use memory::{incident, minters};
pub(crate) use post::{outcome, replace};
use read::Read;

/// The slot of answers about costs, where no folder outlives the process.
pub(crate) const COSTS: &str = "costs";
/// Whoever holds the lease takes it anew after this part of its length.
const PART_OF_LEASE: u64 = 3;
/// What is taken anew is not taken again in this part of its length: every write of the head keeps others waiting.
const MOMENT_OF_LEASE: Seconds = 6;

/// What a watch works with.
pub(crate) struct Watch<'w> {
    pub live: &'w Live,
    /// What was handed in: it is read, and nothing else.
    pub handed: Option<&'w Handed>,
    /// What reading may take.
    pub reading: Duration,
    pub rules: &'w Rules,
    pub channels: &'w [Channel],
    /// Where notices and digests go beside Slack.
    pub notices: &'w [Channel],
    /// Channels of Slack, which a flow of its own keeps.
    pub slack: Names,
    /// When the digest of a day is sent.
    pub digest: Daily,
    /// What somebody answers for: the digest says what ends soon.
    pub allow: &'w [Allow],
    /// What people call the accounts, by id.
    pub account_names: BTreeMap<String, String>,
    /// What is known of costs.
    pub bills: &'w Bills,
    /// What else the pass is to keep, by its slot, where it changed.
    pub kept: Option<(&'static str, &'w [u8])>,
    /// How far back the first pass reads, and a feed that is new.
    pub first_lookback: Seconds,
    /// For how long the lease is taken.
    pub lease: Seconds,
    /// How late events may be before what they did not tell is a finding.
    pub patience: Seconds,
    /// What is below this level is kept and not told.
    pub min_level: Level,
    /// Who this is, for whoever finds the lease taken.
    pub holder: String,
    /// The time of day.
    pub clock: fn() -> Seconds,
}

/// What a pass came to.
pub(crate) struct Passed {
    pub facts: PassFacts,
    /// What could not be read, or told.
    pub problems: Vec<Skipped>,
    /// Entries of `[[allow]]` that end or hide nothing, at most once a day.
    pub remarks: Vec<String>,
    /// Incidents opened or changed.
    pub has_news: bool,
    /// No pass was before it.
    pub is_first: bool,
    pub history_days: i64,
}

/// What came of trying.
pub(crate) enum Turn<T> {
    Done(T),
    /// Somebody else works on the state until a time.
    Held {
        holder: String,
        until: Seconds,
    },
}

/// One pass. `print` gets what is new, after it is safe.
///
/// # Errors
/// The state, or what `print` says. What AWS refuses is in the result.
pub(crate) async fn pass<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    print: &mut dyn FnMut(&Report) -> Result<()>,
) -> Result<Turn<Passed>> {
    if let Some(handed) = watch.handed {
        // Whoever reads keeps nobody waiting.
        watch.live.fetch(handed, watch.reading).await;
    }
    leased(state, watch, async |state, begun| held(state, watch, begun, print).await).await
}

/// Works on the state while nobody else does.
async fn leased<S: Store, T>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    work: impl AsyncFnOnce(&mut State<S>, Seconds) -> Result<T>,
) -> Result<Turn<T>> {
    let begun = (watch.clock)();
    if let Acquired::HeldBy { holder, until } = state.acquire(&watch.holder, begun, watch.lease).await? {
        return Ok(Turn::Held { holder, until });
    }
    let done = work(state, begun).await;
    // The lease is given back also after a failure; where that fails too, it runs out.
    let released = state.release().await;
    let done = done?;
    released?;
    Ok(Turn::Done(done))
}

async fn held<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    begun: Seconds,
    print: &mut dyn FnMut(&Report) -> Result<()>,
) -> Result<Passed> {
    let (calls, started) = (state.calls(), tokio::time::Instant::now());
    let is_first = state.head().watch.last_pass.is_none();
    let since = state.head().watch.since.unwrap_or(begun - watch.first_lookback);
    let memory = Memory::load(state, watch.rules, begun).await?;
    // The first pass begins where learning ended; later, only a feed that is new has no place yet.
    let lookback = if is_first { begun - since } else { watch.first_lookback };
    let mut read = match watch.handed {
        None => holding(state, watch, read::read(watch.live, &memory, (begun, lookback), watch.reading)).await?,
        Some(handed) => holding(state, watch, read::take(watch.live, &memory, handed, begun, watch.reading)).await?,
    };
    let watched = state.head().watch.clone();
    let means = Means {
        rules: watch.rules,
        bills: watch.bills,
        watched: &watched,
        begun,
        since,
        patience: watch.patience,
        is_noting: watch.slack != Names::default() || !watch.notices.is_empty(),
        is_handed: watch.handed.is_some(),
    };
    // A judgement renews nothing while it lasts.
    renew(state, watch).await?;
    let mut concluded = conclude(memory, &mut read, &means)?;
    renew(state, watch).await?;
    holding(state, watch, look(watch.live, &mut concluded.updates)).await?;
    let remarks = commit::commit(state, watch, &concluded, &read, (begun, since)).await?;
    let mut problems = settle(state, watch, &mut read).await?;
    // Channels are told also where nobody reads what is printed.
    let printed = say::say(state, &concluded, print, begun).await;
    problems.extend(post::deliver(state, watch).await?);
    let has_news = printed?;
    let seconds = started.elapsed().as_secs_f64();
    let facts = facts(state, &mut concluded, &read, watch.handed.is_some(), (begun, seconds, calls));
    problems.extend(read.problems.into_iter().map(|(problem, _)| problem));
    problems.extend(concluded.summary.skipped);
    Ok(Passed { facts, problems, remarks, has_news, is_first, history_days: concluded.summary.history_days })
}

/// Does something that takes time, and keeps the lease meanwhile.
async fn holding<S: Store, T>(state: &mut State<S>, watch: &Watch<'_>, work: impl Future<Output = T>) -> Result<T> {
    let mut work = pin!(work);
    let wait = Duration::from_secs((watch.lease.unsigned_abs() / PART_OF_LEASE).max(1));
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(wait) => renew(state, watch).await?,
        }
    }
}

/// Holds the lease for its whole length again, unless that was done a moment ago.
///
/// # Errors
/// A lease that is lost.
async fn renew<S: Store>(state: &mut State<S>, watch: &Watch<'_>) -> Result<()> {
    let now = (watch.clock)();
    let until = state.head().lease.as_ref().map_or(now, |lease| lease.until);
    if until - now > watch.lease - watch.lease / MOMENT_OF_LEASE {
        return Ok(());
    }
    match state.renew(now, watch.lease).await {
        // A store that fails for a moment is asked again in time, and else by the commit.
        Ok(()) | Err(StateError::Store(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Keeps something by its slot without a pass, unless somebody else works on the state.
///
/// # Errors
/// The state.
pub(crate) async fn keep<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    (slot, bytes): (&str, &[u8]),
) -> Result<Turn<()>> {
    leased(state, watch, async |state, _| {
        let mut draft = memory::Draft::new(state);
        draft.put(slot.to_owned(), bytes.to_owned());
        let slots = draft.write().await?;
        let change = |head: &mut Head| {
            commit::name_blobs(head, &slots);
            Vec::new()
        };
        Ok(state.commit((watch.clock)(), change).await?)
    })
    .await
}

/// Asks the live accounts what of the things that incidents made is still there.
async fn look(live: &Live, updates: &mut [Update]) {
    for incident in updates.iter_mut().map(|update| &mut update.told.incident) {
        let answers = exists(|account, region| live.config(account, region), &incident.resources).await;
        for resource in &mut incident.resources {
            resource.exists = answers.get(&resource.arn).copied().unwrap_or(resource.exists);
        }
    }
}

/// Lets go of what is safe: messages of queues, and blobs that nothing names.
async fn settle<S: Store>(state: &mut State<S>, watch: &Watch<'_>, read: &mut Read) -> Result<Vec<Skipped>> {
    let receipts: Vec<Receipt> =
        read.batches.iter_mut().flat_map(|batch| std::mem::take(&mut batch.receipts)).collect();
    let problems = match watch.handed {
        None => holding(state, watch, watch.live.settle(receipts)).await?,
        Some(handed) => {
            handed.settle(receipts);
            Vec::new()
        }
    };
    state.sweep().await?;
    Ok(problems.into_iter().map(|problem| Skipped { path: problem.what, why: problem.why }).collect())
}

/// What a pass saw and did, for machines.
fn facts<S: Store>(
    state: &State<S>,
    concluded: &mut Conclusion,
    read: &Read,
    is_handed: bool,
    (begun, seconds, before): (Seconds, f64, (u64, u64)),
) -> PassFacts {
    let (reads, writes) = state.calls();
    let watched = &state.head().watch;
    let told = concluded.updates.iter().filter(|update| update.is_told());
    let (opened, changed): (Vec<_>, Vec<_>) = told.partition(|update| update.became == Became::Opened);
    let mut feeds = std::mem::take(&mut concluded.feeds);
    // What was handed in and could not be read is told by the passes that ask, for as long as it is so.
    let is_still = |feed: &FeedFacts| !is_handed && watched.blind.contains(&feed.feed);
    feeds.iter_mut().for_each(|feed| feed.blind |= is_still(feed));
    let is_blind = read.problems.iter().any(|(_, blind)| *blind) || !concluded.summary.skipped.is_empty();
    PassFacts {
        at: begun,
        seconds,
        opened: opened.len(),
        changed: changed.len(),
        feeds,
        open_incidents: watched.incidents.values().filter(|known| known.status == Status::Open).count(),
        findings: concluded.findings.len(),
        undelivered: watched.due.len(),
        state_reads: reads - before.0,
        state_writes: writes - before.1,
        is_handed,
        is_blind: is_blind || (!is_handed && !watched.blind.is_empty()),
    }
}
