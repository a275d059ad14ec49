//! `stakeout watch`: what AWS delivers, as it comes.

pub(super) mod bills;
pub(super) mod setup;
mod told;
pub(super) mod turn;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::sync::Notify;

use super::input::Extra;
use super::{Status, Voice, now};
use crate::baseline::{Baseline, file};
use crate::config::Config;
use crate::desk::{Desk, catch_up};
use crate::event::{Seconds, time};
use crate::model::counted;
use crate::notify::slack::Names;
use crate::notify::slack::client::Client;
use crate::report::{Format, Report};
use crate::source::Bills;
use crate::store::{AnyStore, State};
use crate::watch::{Lessons, Passed, Turn, learn};
use setup::{Manner, Setup, holder};

/// Watch AWS accounts: poll, detect, tell what became of incidents.
///
/// Without settings it asks CloudTrail's LookupEvents in every enabled region, with the usual AWS_* variables, and keeps
/// its state under $XDG_STATE_HOME/stakeout. A cron job runs it with --once every five minutes; without --once it goes on
/// by itself. What is new goes to stdout; an incident is told once, and again when it changes in a way that matters.
///
/// The first pass reads the last 24 hours. Detectors that ask what is new need 14 days of history before they page:
/// --learn 30d reads it at once, from the trail's bucket where one is set, else from LookupEvents, at 100 events a second
/// and region. Nothing opens on what is learned from.
///
/// Exit status with --once: 0 nothing new, 1 incidents opened or changed, 2 could not run, 3 blind somewhere.
#[derive(Args)]
pub(super) struct Arguments {
    /// One pass, for cron.
    #[arg(long, conflicts_with = "interval")]
    once: bool,
    #[command(flatten)]
    passes: Passes,
    /// Exit with 0 where incidents opened or changed.
    #[arg(long)]
    exit_zero: bool,
}

/// How passes are made, by whoever makes them.
#[derive(Args)]
pub(super) struct Passes {
    /// From the start of one pass to the start of the next [default: `interval` of `[watch]`, 5m].
    #[arg(long, value_name = "DURATION", value_parser = length)]
    interval: Option<Seconds>,
    /// First read so much history, which teaches what is usual and opens nothing. Read once: later runs skip it.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    learn: Option<Seconds>,
    /// First take in what replays learned (`stakeout replay --save-baseline`).
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Add a folder of Sigma rules. Their findings open an incident only beside one of Stakeout's own.
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Whose network an address is in: tables of iptoasn.com, or of MaxMind as CSV or .mmdb, here or at s3://bucket/key
    /// [default: `asn` of `[networks]`]. May be given several times.
    #[arg(long, value_name = "FILE")]
    asn: Vec<String>,
    /// How to write what is new [default: table on a terminal, else ndjson].
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// What replays learned, by what tells their files from others.
pub(super) type Baselines = Vec<(String, Baseline)>;

impl Passes {
    /// What is new is told to a person at a terminal.
    fn is_table(&self) -> bool {
        let is_terminal = std::io::stdout().is_terminal();
        is_terminal && self.format.is_none_or(|format| format == Format::Table)
    }

    pub(super) fn manner(&self) -> Manner {
        Manner { is_table: self.is_table(), is_fed: false }
    }

    /// Reads the files that replays wrote.
    ///
    /// # Errors
    /// A file that cannot be read, or is something else.
    pub(super) fn baselines(&self) -> Result<Baselines> {
        self.baseline.iter().map(|path| Ok((digest(path)?, file::load(path)?))).collect()
    }

    /// What is looked for beside what the program brings along.
    pub(super) fn extra(&self) -> Extra<'_> {
        Extra { rules: &self.rules, prices: None, asn: &self.asn }
    }
}

/// What follows each pass.
pub(super) enum After<'a> {
    Nothing,
    /// What is due in Slack is said there.
    CatchUp(&'a Desk<'a, Client>),
    /// Whoever keeps Slack is told.
    Stir(&'a Notify),
}

fn length(text: &str) -> Result<Seconds, String> {
    time::parse_duration(text).ok_or_else(|| format!("{text:?} is no length of time such as 30d or 5m"))
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let mut config = Config::load(config)?;
    let passes = &arguments.passes;
    let baselines = passes.baselines()?;
    super::state::block_on(async {
        config.unlock().await;
        let config = Rc::new(config);
        let mut state = State::open(AnyStore::open(&super::state::place(&config)?).await?).await?;
        let setup = Setup::new(&config, passes.extra(), state.head().watch.created, passes.manner(), voice).await?;
        teach(&mut state, &setup, passes, baselines, voice).await?;
        let client = client(&config, voice);
        let desk = |client| Desk::new(client, &config, setup.account_names(), holder(), now);
        let desk = client.as_ref().map(desk);
        let after = desk.as_ref().map_or(After::Nothing, After::CatchUp);
        if arguments.once {
            return once(&mut state, &setup, arguments, &after, voice).await;
        }
        go_on(&mut state, &setup, passes, &after, voice).await
    })
}

/// Slack, where it is set up. One that cannot be asked is a remark: what is due there waits for it.
fn client(config: &Config, voice: Voice) -> Option<Client> {
    if Names::of(&config.slack) == Names::default() {
        return None;
    }
    Client::connect(&config.slack).inspect_err(|why| voice.remark(&format!("slack: {why}"))).ok()
}

/// What tells a file from others: taken in once, it is not taken in again.
fn digest(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(crate::model::id("baseline", &[&String::from_utf8_lossy(&bytes)]))
}

/// Reads history, where some is wanted and was not read before.
pub(super) async fn teach(
    state: &mut State<AnyStore>,
    setup: &Setup,
    passes: &Passes,
    baselines: Baselines,
    voice: Voice,
) -> Result<()> {
    let bills = Bills::default();
    let bar = told::progress(voice);
    let progress = |share: f64, events: usize| told::tell_progress(&bar, share, events);
    let lessons = Lessons { back: passes.learn, baselines, progress: &progress };
    let turn = learn(state, &setup.watch(&bills), lessons).await?;
    bar.finish_and_clear();
    match turn {
        Turn::Done(None) => {}
        Turn::Done(Some(learned)) => {
            voice.name(&learned.problems);
            let (from, until) = (time::format(learned.from), time::format(learned.until));
            voice.remark(&format!("learned from {} of {from} to {until}", counted(learned.events, "event")));
        }
        Turn::Held { holder, until } => voice.remark(&told::held(&holder, until)),
    }
    Ok(())
}

async fn once(
    state: &mut State<AnyStore>,
    setup: &Setup,
    arguments: &Arguments,
    after: &After<'_>,
    voice: Voice,
) -> Result<Status> {
    let passed = turn(state, setup, (&arguments.passes, true), voice).await;
    follow(state, setup, after, voice).await;
    let Some(passed) = passed? else {
        return Ok(Status::Quiet);
    };
    let is_partial = passed.facts.is_blind || !setup.rules.problems.is_empty();
    Ok(match (is_partial, passed.has_news && !arguments.exit_zero) {
        (true, _) => Status::Partial,
        (false, true) => Status::Found,
        (false, false) => Status::Quiet,
    })
}

/// Passes until somebody ends the process. A pass that fails is told, and the next one is tried.
pub(super) async fn go_on(
    state: &mut State<AnyStore>,
    setup: &Setup,
    passes: &Passes,
    after: &After<'_>,
    voice: Voice,
) -> Result<Status> {
    let interval = passes.interval.unwrap_or(setup.config.watch.interval).max(1);
    let mut ticks = tokio::time::interval(Duration::from_secs(interval.unsigned_abs()));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut end = std::pin::pin!(super::stopped());
    loop {
        tokio::select! {
            _ = &mut end => return Ok(Status::Quiet),
            _ = ticks.tick() => {}
        }
        // A pass that has begun comes to its end: dying in it would cost the next one its time.
        if let Err(error) = turn(state, setup, (passes, false), voice).await {
            if super::is_broken_pipe(&error) {
                return Err(error);
            }
            super::complain(&format!("stakeout: {error:#}"));
        }
        follow(state, setup, after, voice).await;
    }
}

/// What follows a pass. What fails is said, and is no matter of the pass.
async fn follow(state: &mut State<AnyStore>, setup: &Setup, after: &After<'_>, voice: Voice) {
    match after {
        After::Nothing => {}
        After::Stir(stir) => stir.notify_one(),
        After::CatchUp(desk) => match catch_up(state, desk, &setup.live).await {
            Ok(problems) => voice.name(&problems),
            Err(error) => super::complain(&format!("stakeout: slack: {error:#}")),
        },
    }
}

/// One pass over all feeds. Nothing where somebody else works on the state.
async fn turn(
    state: &mut State<AnyStore>,
    setup: &Setup,
    (passes, is_once): (&Passes, bool),
    voice: Voice,
) -> Result<Option<Passed>> {
    let bills = bills::bills(&setup.config, voice).await;
    let mut print = |report: &Report| print(report, (passes, is_once), voice);
    let said = turn::Said { learned: passes.learn.is_some(), print: &mut print };
    match turn::turn(state, setup, &setup.watch(&bills), said, voice).await? {
        Turn::Done(passed) => Ok(Some(passed)),
        Turn::Held { holder, until } => {
            voice.remark(&told::held(&holder, until));
            Ok(None)
        }
    }
}

fn print(report: &Report, (passes, is_once): (&Passes, bool), voice: Voice) -> Result<()> {
    // Nobody wants a page of nothing every five minutes.
    let is_empty = report.findings.is_empty() && report.incidents.is_empty();
    if passes.is_table() && is_empty && !is_once {
        return Ok(());
    }
    let usual = if passes.is_table() { Format::Table } else { Format::Ndjson };
    super::output::to(None, voice, |look, _, out| report.write(passes.format.unwrap_or(usual), look, out))
}
