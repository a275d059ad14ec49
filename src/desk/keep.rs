//! Everything side by side, for as long as a process lasts, or until nothing is left to do (`rounds`). None of the parts
//! waits for another.
//!
//! - `answering`: clicks become decisions, and answers are sent; `mail` sends them, and `outbox` is what waits
//! - `working`: plans are made and run; `queue` is what clicks asked for, `bench` what is under way or failed
//! - `showing`: Slack shows the record

mod answering;
mod bench;
mod mail;
mod outbox;
mod queue;
mod rounds;
mod showing;
#[cfg(test)]
mod tests;
mod working;

use std::cell::Cell;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::mpsc::{Receiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::Desk;
use super::clicks::Job;
use crate::model::click::Click;
use crate::notify::slack::workspace::Workspace;
use crate::source::live::Live;
use crate::store::{State, Store};
use answering::answering;
use rounds::Rounds;
use showing::showing;
use working::working;

pub(crate) use showing::catch_up;

/// How often the record is looked at where nothing says that it changed: others change it too.
const LOOK: Duration = Duration::from_secs(3);
/// How long answers are still sent at the end of a process, and how long Slack is brought up to date.
const LAST: Duration = Duration::from_secs(10);

/// When a shift ends that does not end by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hours {
    /// From here on nothing begins.
    pub closing: Instant,
    /// How long answers are still sent behind it, and how long Slack is brought up to date.
    pub last: Duration,
}

/// What a process keeps open for Slack.
pub(crate) struct Office<'o, W, O> {
    pub desk: &'o Desk<'o, W>,
    pub live: &'o Live,
    /// Opens the state: each of what goes on side by side has its own.
    pub open: O,
    /// Says that the record changed.
    pub stir: &'o Notify,
    /// Says what went wrong.
    pub say: fn(&str),
}

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Nothing new begins; runs come to the end of the steps that have begun.
    Closing,
    /// Nothing is done any more, and what was done is shown.
    Shut,
}

/// What the parts tell each other, and others.
struct Lines<'o> {
    phase: watch::Receiver<Phase>,
    /// There may be something to make or to run.
    work: Notify,
    jobs: UnboundedSender<Job>,
    rounds: Rounds,
    /// How long answers are still sent at the end, and how long Slack is brought up to date.
    last: Duration,
    /// A run that does not come to its end is left to whoever comes next.
    pauses: bool,
    /// As the office has them.
    stir: &'o Notify,
    say: fn(&str),
}

impl Lines<'_> {
    /// The record changed, by whoever says so.
    fn changed(&self) {
        self.rounds.changed();
        self.work.notify_one();
        self.stir.notify_one();
    }

    async fn until(&self, phase: Phase) {
        // Whoever says so outlives whoever waits for it.
        _ = self.phase.clone().wait_for(|at| *at >= phase).await;
    }
}

/// Answers these clicks, makes plans and runs them, and makes Slack true, until nothing is left to do or the hours are
/// over. Says whether nothing is left: what can only be done later than in half a minute is nothing.
///
/// # Errors
/// As [`keep`].
pub(crate) async fn shift<S, W, O>(office: &Office<'_, W, O>, clicks: Vec<Click>, hours: Hours) -> Result<bool>
where
    S: Store,
    W: Workspace,
    O: AsyncFn() -> Result<State<S>>,
{
    let (press, pressed) = channel(clicks.len().max(1));
    clicks.into_iter().for_each(|click| _ = press.try_send(click));
    drop(press);
    let is_over = Cell::new(false);
    let stop = async |rounds: &Rounds| {
        tokio::select! {
            () = rounds.over() => is_over.set(true),
            () = sleep_until(hours.closing) => {}
        }
    };
    tend(office, pressed, (hours.last, true), stop).await?;
    Ok(is_over.get())
}

/// Answers clicks, makes plans and runs them, and keeps Slack true, until `stop` ends and what had begun came to its end.
///
/// # Errors
/// A state that cannot be opened. What fails later is said, and tried again.
pub(crate) async fn keep<S, W, O>(
    office: &Office<'_, W, O>,
    clicks: Receiver<Click>,
    stop: impl Future<Output = ()>,
) -> Result<()>
where
    S: Store,
    W: Workspace,
    O: AsyncFn() -> Result<State<S>>,
{
    tend(office, clicks, (LAST, false), async |_: &Rounds| stop.await).await
}

async fn tend<S, W, O>(
    office: &Office<'_, W, O>,
    clicks: Receiver<Click>,
    (last, pauses): (Duration, bool),
    stop: impl AsyncFnOnce(&Rounds),
) -> Result<()>
where
    S: Store,
    W: Workspace,
    O: AsyncFn() -> Result<State<S>>,
{
    let (phase, seen) = watch::channel(Phase::Open);
    let (jobs, to_do) = unbounded_channel();
    let (answers, to_say) = unbounded_channel();
    let rounds = Rounds::default();
    let lines =
        Lines { phase: seen, work: Notify::new(), jobs, rounds, last, pauses, stir: office.stir, say: office.say };
    let close = |at: Phase| _ = phase.send_if_modified(|now| at > std::mem::replace(now, at.max(*now)));
    // A part that cannot work ends the others.
    let part = |done: Result<()>| done.inspect_err(|_| close(Phase::Closing));
    let doing = async {
        let answering = async { part(answering(office.desk, &office.open, &lines, clicks, to_say).await) };
        let working = async { part(working(office, &lines, to_do, answers).await) };
        let (answered, worked) = tokio::join!(answering, working);
        close(Phase::Shut);
        answered.and(worked)
    };
    let showing = async { part(showing(office, &lines).await) };
    let ending = async {
        tokio::select! {
            () = stop(&lines.rounds) => close(Phase::Closing),
            () = lines.until(Phase::Closing) => {}
        }
    };
    let (done, shown, ()) = tokio::join!(doing, showing, ending);
    done.and(shown)
}
