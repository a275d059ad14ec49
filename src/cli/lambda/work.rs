//! What an invocation does with the state: a pass over all feeds or over what was handed in, and Slack.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::shape;
use super::shop::{Kept, Shop};
use super::span::Span;
use crate::cli::watch::setup::{Setup, holder};
use crate::cli::watch::turn::{Said, turn};
use crate::cli::{complain, now, output};
use crate::desk::{Desk, Hours, Office, is_wanted, shift};
use crate::event::Seconds;
use crate::model::click::Click;
use crate::notify::slack::Names;
use crate::report::{Format, Report};
use crate::source::Bills;
use crate::source::live::{Handed, Message};
use crate::store::{AnyStore, State};
use crate::watch::{COSTS, Passed, Turn, Watch, keep};

/// The longest lease and the shortest: an environment that is killed does not give it back. In seconds.
const LEASE: Seconds = 120;
const SHORTEST: Seconds = 10;
/// Between two tries at a state that somebody else works on: the first wait, which is halved each time, and the shortest.
const WAIT: Duration = Duration::from_millis(800);
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
/// Who has just worked on the state leaves it to others for longer than they wait between two tries, so that of several who
/// always have messages none is kept from it until its time is over.
const COURTESY: Duration = Duration::from_millis(260);
/// Messages that bring no news ask another invocation to tell Slack once in so many seconds.
const PACE: Seconds = 60;
/// Invocations in a row for what is not done. The schedule goes on with it anyway.
const MOST_TURNS: u32 = 5;

/// An invocation with its times.
pub(super) struct Work<'w> {
    pub shop: &'w Shop,
    pub begun: Instant,
    pub span: Span,
}

impl Work<'_> {
    /// A pass over all feeds, then Slack.
    ///
    /// # Errors
    /// Why the pass came to nothing.
    pub(super) async fn scheduled(&self) -> Result<Value> {
        let kept = self.shop.kept().await?;
        let mut state = kept.open().await?;
        let setup = kept.setup(&state, self.shop.voice).await?;
        let (bills, packed) = self.shop.costs.bills(&kept.config, &state).await;
        let watch = Watch { kept: packed.as_deref().map(|bytes| (COSTS, bytes)), ..setup.watch(&bills) };
        // One that overlaps with another waits as long as one that died holds the state.
        let patience = self.begun + Duration::from_secs(LEASE.unsigned_abs() + 5);
        let passed = self.pass(&mut state, setup, watch, patience).await;
        if let (Ok(Turn::Done(_)), true) = (&passed, packed.is_some()) {
            self.shop.costs.kept(&state);
        }
        let shown = self.slack(&kept, setup, Vec::new(), 0).await;
        if matches!(passed, Ok(Turn::Done(_)))
            && let Err(error) = self.ask_costs(&kept, setup, &mut state).await
        {
            complain(&format!("stakeout: costs: {error:#}"));
        }
        let passed = passed?;
        shown?;
        Ok(match passed {
            Turn::Done(passed) => told(&passed),
            Turn::Held { holder, until } => {
                let until = crate::event::time::format(until);
                self.shop
                    .voice
                    .remark(&format!("{holder} works on this state, until {until} at most; nothing was done"));
                json!({ "held": true })
            }
        })
    }

    /// A pass over messages alone. Gives the ids of those whose effect is not safe.
    ///
    /// # Errors
    /// Why none of them is.
    pub(super) async fn handed(&self, messages: Vec<(String, Message)>) -> Result<Vec<String>> {
        let handed = Handed::new(messages);
        let kept = self.shop.kept().await?;
        let mut state = kept.open().await?;
        let setup = kept.setup(&state, self.shop.voice).await?;
        let (bills, _) = self.shop.costs.bills(&kept.config, &state).await;
        let watch = Watch { handed: Some(&handed), ..setup.watch(&bills) };
        if let Some(ended) = self.shop.ended.get() {
            sleep_until(ended + COURTESY).await;
        }
        let passed = self.pass(&mut state, setup, watch, self.begun + self.span.reading).await;
        self.shop.ended.set(Some(Instant::now()));
        let has_news = match passed {
            Ok(Turn::Done(passed)) => passed.has_news,
            Ok(Turn::Held { holder, .. }) => {
                complain(&format!("stakeout: {holder} works on this state; the messages come again"));
                return Ok(handed.left());
            }
            // What was committed is safe, whatever came behind it.
            Err(error) if handed.left().len() < handed.len() => {
                complain(&format!("stakeout: {error:#}"));
                true
            }
            Err(error) => return Err(error),
        };
        self.hand_on(&kept, setup, &state, has_news).await;
        Ok(handed.left())
    }

    /// Slack is told by another invocation, so that messages never wait for it; by this one where there is none.
    /// What is wanted without news may be what cannot be done.
    async fn hand_on(&self, kept: &Kept, setup: &Setup, state: &State<AnyStore>, has_news: bool) {
        let (names, now) = (Names::of(&kept.config.slack), now());
        if names == Names::default() || !is_wanted(&state.head().watch, &names, now) {
            return;
        }
        let is_lately = self.shop.handed_on.get().is_some_and(|at| now.abs_diff(at) < PACE.unsigned_abs());
        if is_lately && !has_news {
            return;
        }
        self.shop.handed_on.set(Some(now));
        let Err(refusal) = self.again(1).await else { return };
        complain(&format!("stakeout: {refusal:#}; Slack is told by this invocation"));
        if let Err(error) = self.slack(kept, setup, Vec::new(), MOST_TURNS).await {
            complain(&format!("stakeout: {error:#}"));
        }
    }

    /// What clicks ask for and what is not done: decided, made, run and shown. `turns` is how many invocations in a row
    /// were for it.
    ///
    /// # Errors
    /// A state or a Slack that cannot be opened.
    pub(super) async fn desk(&self, clicks: Vec<Click>, turns: u32) -> Result<Value> {
        let kept = self.shop.kept().await?;
        let state = kept.open().await?;
        let setup = kept.setup(&state, self.shop.voice).await?;
        if !clicks.is_empty() && kept.client().await?.is_none() {
            bail!("Slack is not set up: a press wants `channel` and `token` of [slack]");
        }
        let is_over = self.slack(&kept, setup, clicks, turns).await?;
        Ok(json!({ "over": is_over }))
    }

    /// Until nothing is left to do, or the time is over: then another invocation goes on.
    async fn slack(&self, kept: &Kept, setup: &Setup, clicks: Vec<Click>, turns: u32) -> Result<bool> {
        let Some(client) = kept.client().await? else { return Ok(true) };
        let desk = Desk::new(client, &kept.config, setup.account_names(), holder(), now);
        let stir = Notify::new();
        let office =
            Office { desk: &desk, live: &setup.live, open: async || kept.open().await, stir: &stir, say: complain };
        let hours = Hours { closing: self.begun + self.span.closing, last: self.span.last };
        let done = timeout_at(self.begun + self.span.end, shift(&office, clicks, hours)).await;
        let is_over = done.unwrap_or(Ok(false))?;
        if !is_over {
            self.go_on(turns).await;
        }
        Ok(is_over)
    }

    async fn go_on(&self, turns: u32) {
        if turns >= MOST_TURNS {
            complain("stakeout: not everything is done; the next pass goes on");
        } else if let Err(refusal) = self.again(turns + 1).await {
            complain(&format!("stakeout: {refusal:#}; the next pass goes on with what is not done"));
        }
    }

    /// Another invocation of this function, for what is not done.
    async fn again(&self, turn: u32) -> Result<()> {
        let payload = shape::go_on(turn).to_string().into_bytes();
        self.shop.again().await.invoke(payload).await.context("invoking this function again")
    }

    /// Asks for costs in what is left of the time, and keeps what came at once: it was paid for. The next pass judges
    /// it.
    async fn ask_costs(&self, kept: &Kept, setup: &Setup, state: &mut State<AnyStore>) -> Result<()> {
        let closing = self.begun + self.span.closing;
        let Some(bytes) = self.shop.costs.ask(&kept.config, closing, self.shop.voice).await? else { return Ok(()) };
        let bills = Bills::default();
        let mut watch = setup.watch(&bills);
        watch.lease = SHORTEST;
        let kept = alone(closing, async || keep(state, &watch, (COSTS, &bytes)).await).await?;
        // Where somebody else worked on it all the time, the next pass keeps it.
        if matches!(kept, Turn::Done(())) {
            self.shop.costs.kept(state);
        }
        Ok(())
    }

    /// How long a lease is good for: hardly longer than this invocation lasts.
    fn lease(&self, most: Seconds) -> Seconds {
        let left = (self.begun + self.span.end).saturating_duration_since(Instant::now());
        let left = Seconds::try_from(left.as_secs()).unwrap_or(LEASE).saturating_add(5);
        most.min(LEASE).min(left).max(SHORTEST)
    }

    /// One pass, in the time that there is. While somebody else works on the state it is tried again for a while.
    async fn pass(
        &self,
        state: &mut State<AnyStore>,
        setup: &Setup,
        mut watch: Watch<'_>,
        patience: Instant,
    ) -> Result<Turn<Passed>> {
        let reading = self.begun + self.span.reading;
        let most = watch.reading;
        watch.lease = self.lease(watch.lease);
        let mut print = |report: &Report| print(report, self.shop.voice);
        let work = async {
            let once = async || {
                watch.reading = most.min(reading.saturating_duration_since(Instant::now()));
                let said = Said { learned: false, print: &mut print };
                turn(state, setup, &watch, said, self.shop.voice).await
            };
            alone(patience.min(reading), once).await
        };
        let done = timeout_at(self.begun + self.span.closing + self.span.last, work).await;
        let Ok(done) = done else {
            // It may die at any point and loses nothing; only the lease would be missed.
            _ = timeout_at(self.begun + self.span.end, state.release()).await;
            bail!("the time was over before the pass came to its end; what it read comes again");
        };
        done
    }
}

/// Tries until nobody else works on the state, or somebody still does at a time.
async fn alone<T>(patience: Instant, mut once: impl AsyncFnMut() -> Result<Turn<T>>) -> Result<Turn<T>> {
    let mut wait = WAIT;
    loop {
        let turn = once().await?;
        let Turn::Held { until, .. } = &turn else { return Ok(turn) };
        if Instant::now() >= patience {
            return Ok(turn);
        }
        let held = Duration::from_secs(until.saturating_sub(now()).max(0).unsigned_abs());
        // Not all who wait come back at once, and who waits for long comes before who has just come.
        sleep(wait.min(held).max(SHORTEST_WAIT).mul_f64(0.75 + fastrand::f64() / 2.0)).await;
        wait = SHORTEST_WAIT.max(wait / 2);
    }
}

/// What is new, one object a line. Nobody wants a line about nothing.
fn print(report: &Report, voice: crate::cli::Voice) -> Result<()> {
    if report.findings.is_empty() && report.incidents.is_empty() {
        return Ok(());
    }
    output::to(None, voice, |look, _, out| report.write(Format::Ndjson, look, out))
}

/// What a pass came to, for whoever invoked it.
fn told(passed: &Passed) -> Value {
    let facts = &passed.facts;
    json!({
        "opened": facts.opened, "changed": facts.changed, "open": facts.open_incidents, "findings": facts.findings,
        "blind": facts.is_blind,
    })
}
