//! After the steps: whether all of it holds, and holds against somebody who takes it back.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::look::Seen;
use super::notebook::Halted;
use super::outcome::{End, StepOutcome, name};
use super::step::READS;
use super::{LANES, Run, STEPS};
use crate::aws::{Work, side_by_side};
use crate::contain::action::phase;
use crate::contain::hands::Hands;
use crate::contain::scribe::Scribe;
use crate::event::{Seconds, time};
use crate::model::plan::{Step, Way};

/// Seconds between looks at identities, who could take everything back, and at the rest.
const IDENTITIES: Seconds = 3;
const REST: Seconds = 15;
/// Looks that must agree that something was taken back: a single answer may be an old one.
const AGREE: u32 = 2;
/// The watch begins anew when something is taken back, and takes so many times its own time at most.
const MOST: Seconds = 3;

/// How often somebody took back what a step did, and when last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    pub times: u32,
    pub last: Seconds,
}

impl<H: Hands, S: Scribe> Run<'_, H, S> {
    /// Watches what was done for as long as the limits say, does it again where somebody took it back, and says what
    /// remains in the end.
    pub(super) async fn verify(&self) -> Result<Vec<String>, Halted> {
        let done: Vec<&Step> = self.plan.steps.iter().filter(|step| self.is_watched(step)).collect();
        let fights = self.plan.way == Way::Contain && self.began < self.expires_at && self.limits.reassert > 0;
        if fights {
            self.watch(&done).await?;
        }
        if self.is_paused() {
            return Err(Halted);
        }
        let is_cut_short = fights && self.is_aborted();
        let watched_until = self.hands.now();
        let looks = done.iter().map(|step| Box::pin(self.last(step, fights)) as Work<'_, _>);
        let last = side_by_side(LANES * STEPS, looks).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut remains = self.not_done();
        remains.extend(last.into_iter().flatten());
        remains.extend(self.fought_over(watched_until));
        if is_cut_short {
            remains
                .push("the run was stopped while it watched: whether somebody takes it back was not seen".to_owned());
        }
        remains.extend(self.strangers().await);
        Ok(remains)
    }

    /// Whether a step's target is to be as the step wants it.
    fn is_watched(&self, step: &Step) -> bool {
        let end = self.ended.borrow().get(&step.n).map(|ended| ended.end);
        step.is_change() && matches!(end, Some(End::Done | End::Held | End::Unproven))
    }

    /// Watches until nobody took anything back for as long as the limits say, which a look at everything shows at the end,
    /// or until it took too long.
    async fn watch(&self, done: &[&Step]) -> Result<(), Halted> {
        let (began, quiet) = (self.hands.now(), self.limits.reassert);
        let most = began.saturating_add(quiet.saturating_mul(MOST));
        let until = || self.last_taken().unwrap_or(began).max(began).saturating_add(quiet).min(most);
        let mut rest_at = began.saturating_add(REST);
        loop {
            let left = until() - self.hands.now();
            if left > 0 && !self.is_aborted() {
                self.hands.pause(Duration::from_secs(left.min(IDENTITIES).unsigned_abs())).await;
            }
            if self.is_aborted() {
                return Ok(());
            }
            let now = self.hands.now();
            let is_all = left <= 0 || now >= rest_at;
            if is_all {
                rest_at = now.saturating_add(REST);
            }
            let due = done.iter().filter(|step| is_all || matches!(step.phase, phase::DENY | phase::CREDENTIALS));
            let work = due.map(|step| Box::pin(self.hold(step)) as Work<'_, Result<(), Halted>>);
            side_by_side(LANES * STEPS, work).await.into_iter().collect::<Result<(), _>>()?;
            if left <= 0 && self.hands.now() >= until() {
                return Ok(());
            }
        }
    }

    /// When somebody last took something back.
    fn last_taken(&self) -> Option<Seconds> {
        self.taken.borrow().values().map(|taken| taken.last).max()
    }

    /// What somebody took back so late that nobody knows whether it lasts.
    fn fought_over(&self, watched_until: Seconds) -> Vec<String> {
        let since = watched_until.saturating_sub(self.limits.reassert);
        let taken = self.taken.borrow();
        let told = |step: &Step| {
            let Taken { times, last } = *taken.get(&step.n).filter(|taken| taken.last > since)?;
            let (name, last) = (name(step), time::format(last));
            Some(match times {
                1 => format!("{name}: somebody took it back at {last}, and it was not watched long enough since"),
                _ => format!("{name}: somebody takes it back again and again, {times} times, the last time at {last}"),
            })
        };
        self.plan.steps.iter().filter_map(told).collect()
    }

    /// Does a step again where its target is no longer as it is to be.
    async fn hold(&self, step: &Step) -> Result<(), Halted> {
        let Seen::State(found) = self.settle(step, AGREE).await else { return Ok(()) };
        if self.book.is_halted() {
            return Err(Halted);
        }
        self.book
            .note(vec![self.entry("step.reasserted", step, json!({ "found": found, "after": step.after }))])
            .await?;
        {
            let mut taken = self.taken.borrow_mut();
            let taken = taken.entry(step.n).or_default();
            *taken = Taken { times: taken.times + 1, last: self.hands.now() };
        }
        // Whatever the answer is, the next look says what it came to.
        drop(self.hands.set(step, &found, &step.after).await);
        Ok(())
    }

    /// The last look at a target: what remains there.
    async fn last(&self, step: &Step, fights: bool) -> Result<Option<String>, Halted> {
        let mut seen = self.settle(step, READS).await;
        if fights && matches!(seen, Seen::State(_)) && !self.is_aborted() {
            self.hold(step).await?;
            seen = self.settle(step, READS).await;
        }
        let why = match seen {
            Seen::Holds => {
                self.proven(step).await?;
                return Ok(None);
            }
            Seen::Gone(_) if self.may_be_gone() => return Ok(None),
            Seen::State(_) => "it does not hold".to_owned(),
            Seen::Gone(why) => format!("its target is gone: {why}"),
            Seen::Another(id) => format!("its target became another thing of the same name ({id})"),
            Seen::Unread(refusal) => format!("its target cannot be read: {refusal}"),
        };
        Ok(Some(format!("{}: {why}", name(step))))
    }

    /// Reading shows at last what AWS took.
    async fn proven(&self, step: &Step) -> Result<(), Halted> {
        let unproven = self.ended.borrow().get(&step.n).filter(|ended| ended.end == End::Unproven).cloned();
        match unproven {
            Some(ended) => {
                let ended = StepOutcome { end: End::Done, why: "reading showed it late".to_owned(), ..ended };
                self.end(step, ended).await
            }
            None => Ok(()),
        }
    }

    /// Steps that did not come to a good end, but for those that are looked at.
    fn not_done(&self) -> Vec<String> {
        let ended = self.ended.borrow();
        let what = |step: &Step| match ended.get(&step.n) {
            Some(ended) if ended.end.is_good() || ended.end == End::Unproven => None,
            Some(ended) => Some(format!("{}: {}: {}", name(step), ended.end.as_str(), ended.why)),
            None => Some(format!("{}: not run", name(step))),
        };
        self.plan.steps.iter().filter_map(what).collect()
    }

    /// Credentials that appeared meanwhile on users of the plan.
    async fn strangers(&self) -> Vec<String> {
        if self.plan.way == Way::Undo {
            return Vec::new();
        }
        let found = match self.hands.loose(self.plan).await {
            Ok(found) => found,
            Err(refusal) => return vec![format!("whether new credentials appeared cannot be read: {refusal}")],
        };
        let before = self.credentials.borrow();
        // Of a kind that could not be read before, nobody knows what is new.
        let known = found.iter().filter_map(|(kind, found)| Some((before.get(kind)?, found)));
        let new: BTreeSet<&String> = known.flat_map(|(before, found)| found.difference(before)).collect();
        new.into_iter().map(|arn| format!("{arn} appeared meanwhile, and no step is about it")).collect()
    }
}
