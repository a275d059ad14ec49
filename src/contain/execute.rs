//! Carries out an approved plan and proves it: looks at every target first, then runs the steps in their order, writes down
//! what it is about to do before it does it, believes only what it reads back, and for a while does again what somebody
//! takes back.
//!
//! - `lanes`: which steps run side by side; `step`: one step; `look`: reading targets
//! - `verify`: after the steps; `notebook`: the journal, written for many steps together
//! - `progress`: what an earlier run of the plan did; `outcome`: what came of it

mod lanes;
mod look;
mod notebook;
mod outcome;
mod progress;
mod step;
#[cfg(test)]
mod tests;
mod verify;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use super::hands::{ACCESS_KEYS, Hands, Loose};
use super::scribe::Scribe;
use crate::aws::{Work, side_by_side};
use crate::event::Seconds;
use crate::journal::Entry;
use crate::model::plan::{Plan, Step, Way};
use look::Seen;
use notebook::{Halted, Notebook};

pub(crate) use outcome::{End, Outcome, StepOutcome};
pub(crate) use progress::Progress;

/// Regions that work at the same time, and steps in each: their control planes allow about 15 calls a second.
const LANES: usize = 16;
const STEPS: usize = 8;

/// What bounds a run.
pub(crate) struct Limits<'a> {
    /// For how long nobody must have taken back what was contained: it is watched, and contained again, until then. Three
    /// times as long at most.
    pub reassert: Seconds,
    /// Set by whoever wants it to stop: what is under way is finished, and nothing new begins.
    pub abort: &'a AtomicBool,
    /// What had not begun when it was stopped is left to a later run, which goes on. Else the run ends there, and says what
    /// was skipped.
    pub pauses: bool,
}

/// Why a run has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Halt {
    /// Nothing was done: targets are not as they were when the plan was approved.
    #[error("the approval is void, because the account changed since the plan was made; plan again:\n{}", .0.join("\n"))]
    Void(Vec<String>),
    #[error("nobody approved this plan")]
    NotPermitted,
    /// It was stopped, and a later run goes on.
    #[error("stopped before its end; it goes on later")]
    Paused,
    /// The journal could not be written, or the run is another's. What was begun is told by the journal.
    #[error("stopped, because nothing can be written down: {0}")]
    Journal(String),
}

/// A run under way.
struct Run<'a, H, S> {
    plan: &'a Plan,
    hands: &'a H,
    book: Notebook<'a, S>,
    limits: &'a Limits<'a>,
    /// What an earlier run began.
    earlier: &'a Progress,
    /// Steps that have ended.
    ended: RefCell<BTreeMap<u32, StepOutcome>>,
    /// Somebody may wait for a step that has just ended.
    news: Notify,
    /// Calls of steps at the same time, but for identities: those are never kept waiting by anything else.
    room: Semaphore,
    /// Credentials that were there before.
    credentials: RefCell<Loose>,
    /// Steps that somebody took back, by number.
    taken: RefCell<BTreeMap<u32, verify::Taken>>,
    began: Seconds,
    /// From here on no step begins.
    expires_at: Seconds,
}

/// Carries out a plan, or goes on where an earlier run of it died.
///
/// # Errors
/// Why nothing was done, or why it had to stop without knowing what came of it.
pub(crate) async fn execute<H: Hands, S: Scribe>(
    plan: &Plan,
    progress: &Progress,
    hands: &H,
    scribe: &S,
    limits: &Limits<'_>,
) -> Result<Outcome, Halt> {
    let Some(expires_at) = hands.may(plan) else { return Err(Halt::NotPermitted) };
    let disorder = lanes::disorder(plan);
    if !disorder.is_empty() {
        return Err(Halt::Void(disorder));
    }
    let run = Run {
        plan,
        hands,
        book: Notebook::new(scribe),
        limits,
        earlier: progress,
        ended: RefCell::new(progress.outcomes(plan)),
        news: Notify::new(),
        room: Semaphore::new(LANES * STEPS),
        credentials: RefCell::default(),
        taken: RefCell::default(),
        began: hands.now(),
        expires_at,
    };
    let work = run.whole();
    tokio::select! {
        biased;
        outcome = work => outcome,
        halt = run.stay_alive() => Err(halt),
    }
}

impl<H: Hands, S: Scribe> Run<'_, H, S> {
    /// All of it, one part after another.
    async fn whole(&self) -> Result<Outcome, Halt> {
        self.check().await?;
        let lanes = lanes::lanes(self.plan);
        let work = lanes.iter().map(|lane| Box::pin(self.lane(lane)) as Work<'_, Result<(), Halted>>);
        let ran = side_by_side(lanes.len(), work).await;
        if ran.into_iter().any(|ran| ran.is_err()) {
            return Err(self.halt());
        }
        match self.verify().await {
            Ok(remains) => Ok(self.outcome(remains)),
            Err(Halted) => Err(self.halt()),
        }
    }

    /// Shows from time to time that the run is alive. The run is not ended from here: it notices by itself when it may not
    /// go on, and finishes what is under way.
    async fn stay_alive(&self) -> Halt {
        if let Some(time) = self.book.beat() {
            loop {
                self.hands.pause(time).await;
                if self.book.note(Vec::new()).await.is_err() {
                    break;
                }
            }
        }
        std::future::pending().await
    }

    /// Looks at every target before the first is touched. A run that goes on has looked already, and looks step by step.
    async fn check(&self) -> Result<(), Halt> {
        if !self.earlier.has_begun() {
            let changes = lanes::identities_first(self.plan).into_iter().filter(|step| step.is_change());
            let looks = changes.map(|step| Box::pin(self.changed(step)) as Work<'_, Option<String>>);
            let void: Vec<String> = side_by_side(LANES * STEPS, looks).await.into_iter().flatten().collect();
            if !void.is_empty() {
                return Err(Halt::Void(void));
            }
        }
        let mut known = match self.earlier.credentials() {
            Some(known) => known.clone(),
            // What cannot be listed is looked for again at the end, and told there.
            None => self.hands.loose(self.plan).await.unwrap_or_default(),
        };
        // Between the plan and its run a key may have come.
        if self.plan.way == Way::Contain {
            known.insert(ACCESS_KEYS.to_owned(), self.plan.credentials.iter().cloned().collect());
        }
        let detail = json!({ "plan": self.plan.digest, "credentials": known });
        self.credentials.replace(known);
        let checked = Entry::new("plan.checked", Some(&self.plan.incident), detail);
        self.book.note(vec![checked]).await.map_err(|Halted| self.halt())
    }

    /// Why a step voids the approval. What cannot be read or is gone does not: it concerns that step alone.
    async fn changed(&self, step: &Step) -> Option<String> {
        let what = match self.look(step).await {
            Seen::Another(id) => format!("it is another thing of the same name ({id})"),
            Seen::State(state) if state != step.before => "it changed since the plan was made".to_owned(),
            Seen::State(_) | Seen::Holds | Seen::Gone(_) | Seen::Unread(_) => return None,
        };
        Some(format!("{}: {what}", outcome::name(step)))
    }

    /// One account and region: phase after phase, the steps of a phase side by side.
    async fn lane(&self, phases: &[Vec<&Step>]) -> Result<(), Halted> {
        for steps in phases {
            let work = steps.iter().map(|step| Box::pin(self.step(step)) as Work<'_, Result<(), Halted>>);
            side_by_side(STEPS, work).await.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }

    fn is_aborted(&self) -> bool {
        self.limits.abort.load(Ordering::Relaxed)
    }

    /// Whether what has not begun is left to a later run.
    fn is_paused(&self) -> bool {
        self.limits.pauses && self.is_aborted()
    }

    /// Whether no step may begin any more.
    fn is_expired(&self) -> bool {
        self.hands.now() >= self.expires_at
    }

    /// Whether a target that is gone needs nothing more. An undo must bring something back.
    fn may_be_gone(&self) -> bool {
        self.plan.way == Way::Contain
    }

    fn halt(&self) -> Halt {
        if self.is_paused() && !self.book.is_halted() { Halt::Paused } else { Halt::Journal(self.book.failure()) }
    }

    fn outcome(&self, remains: Vec<String>) -> Outcome {
        Outcome {
            steps: self.ended.borrow().values().cloned().collect(),
            remains,
            reasserted: self.taken.borrow().values().map(|taken| taken.times).sum(),
            seconds: self.hands.now() - self.began,
            aborted: self.is_aborted(),
        }
    }
}
