//! One step: written down, looked at, done, read back, written down.

use serde_json::{Value, json};

use super::look::{Seen, pause};
use super::notebook::Halted;
use super::outcome::{End, StepOutcome};
use super::{Run, lanes};
use crate::aws::Refusal;
use crate::contain::hands::Hands;
use crate::contain::scribe::Scribe;
use crate::event::{Seconds, time};
use crate::journal::Entry;
use crate::model::plan::Step;

/// Looks after a call until its effect must have shown.
pub(super) const READS: u32 = 10;
/// For so long a step is tried again, in seconds from its first try.
const PATIENCE: Seconds = 60;

impl<H: Hands, S: Scribe> Run<'_, H, S> {
    /// Runs one step, unless an earlier run ended it.
    pub(super) async fn step(&self, step: &Step) -> Result<(), Halted> {
        if self.ended.borrow().contains_key(&step.n) {
            return Ok(());
        }
        let ended = match self.carried_out(step).await {
            Ok(ended) => self.end(step, ended).await,
            Err(Halted) => Err(Halted),
        };
        // Also where it halted: who waits for this step waits for nothing.
        self.news.notify_waiters();
        ended
    }

    async fn carried_out(&self, step: &Step) -> Result<StepOutcome, Halted> {
        if let Some(need) = self.unmet(step).await? {
            return Ok(StepOutcome::new(step, End::Refused, format!("it needs step {need}, which did not succeed")));
        }
        let _room = match lanes::is_identity(step) {
            true => None,
            false => self.room.acquire().await.ok(),
        };
        if self.book.is_halted() {
            return Err(Halted);
        }
        if self.is_paused() {
            return Err(Halted);
        }
        if self.is_aborted() && !self.earlier.has_started(step.n) {
            return Ok(StepOutcome::new(step, End::Skipped, "the run was stopped before it"));
        }
        if let (Some(late), false) = (self.late(step), self.earlier.has_started(step.n)) {
            return Ok(late);
        }
        self.book
            .note(vec![self.entry("step.started", step, json!({ "before": step.before, "after": step.after }))])
            .await?;
        match self.look(step).await {
            Seen::Holds if self.earlier.has_started(step.n) => {
                Ok(StepOutcome::new(step, End::Held, "an earlier run had done it"))
            }
            Seen::Holds => Ok(StepOutcome::new(step, End::Held, "")),
            Seen::State(state) if self.may_move(step, &state) => self.moved(step, state).await,
            Seen::State(state) => {
                let why = "its target changed since the plan was made";
                Ok(StepOutcome::new(step, End::Refused, why).with(json!({ "found": state })))
            }
            other => Ok(self.impossible(step, other)),
        }
    }

    /// How a step ends that would change something after the approval ended.
    fn late(&self, step: &Step) -> Option<StepOutcome> {
        if !step.is_change() || !self.is_expired() {
            return None;
        }
        Some(if self.earlier.has_started(step.n) {
            StepOutcome::new(step, End::Failed, "an earlier run died in it, and the approval ended since")
        } else {
            let at = time::format(self.expires_at);
            StepOutcome::new(step, End::Refused, format!("the approval ended at {at}"))
        })
    }

    /// The first step that it needs and that did not succeed; waits for those that still run.
    async fn unmet(&self, step: &Step) -> Result<Option<u32>, Halted> {
        for need in &step.needs {
            loop {
                // Made before the look, so that no end in between is missed.
                let news = self.news.notified();
                if self.book.is_halted() || self.is_paused() {
                    return Err(Halted);
                }
                let end = self.ended.borrow().get(need).map(|ended| ended.end);
                match end {
                    Some(end) if end.is_good() => break,
                    Some(_) => return Ok(Some(*need)),
                    None => news.await,
                }
            }
        }
        Ok(None)
    }

    /// Whether a target is where this step may take it from.
    fn may_move(&self, step: &Step, state: &Value) -> bool {
        !step.is_change()
            || *state == step.before
            || self.earlier.has_started(step.n) && self.hands.is_between(step, state)
    }

    /// What it means that there is no state to move from.
    fn impossible(&self, step: &Step, seen: Seen) -> StepOutcome {
        match seen {
            Seen::Gone(why) if self.may_be_gone() => {
                StepOutcome::new(step, End::Held, format!("its target is gone: {why}"))
            }
            Seen::Gone(why) => StepOutcome::new(step, End::Refused, format!("its target is gone: {why}")),
            Seen::Another(id) => {
                StepOutcome::new(step, End::Refused, format!("its target is another thing of the same name ({id})"))
            }
            Seen::Unread(refusal) => {
                StepOutcome::new(step, End::Failed, format!("its target cannot be read: {refusal}"))
            }
            Seen::Holds | Seen::State(_) => StepOutcome::new(step, End::Failed, "its target does not hold"),
        }
    }

    /// Moves a target, and reads until it is there. An answer that is lost or throttled is never taken for a failure:
    /// reading decides whether it is done, and only what is not is called for again.
    async fn moved(&self, step: &Step, mut from: Value) -> Result<StepOutcome, Halted> {
        // Writing it down and looking took their time.
        if self.book.is_halted() {
            return Err(Halted);
        }
        if let Some(late) = self.late(step) {
            return Ok(late);
        }
        let begun = self.hands.now();
        for tried in 1.. {
            let refusal = match self.hands.set(step, &from, &step.after).await {
                Ok(result) => return Ok(self.acknowledged(step, result).await),
                Err(refusal) => refusal,
            };
            let reads = match refusal {
                Refusal::Passing(_) => READS,
                _ => 1,
            };
            if refusal.is_passing() {
                self.hands.pause(pause(step.n, tried)).await;
            }
            match self.settle(step, reads).await {
                Seen::Holds => {
                    let why = format!("found done after: {refusal}");
                    return Ok(StepOutcome::new(step, self.good(step), why));
                }
                Seen::State(state) if refusal.is_passing() && self.hands.now() - begun < PATIENCE => {
                    let is_ours = !step.is_change() || state == step.before || self.hands.is_between(step, &state);
                    if !is_ours {
                        let why = format!("its target changed meanwhile, after: {refusal}");
                        return Ok(StepOutcome::new(step, End::Failed, why).with(json!({ "found": state })));
                    }
                    from = state;
                }
                // What is saved is not where it is saved: only saving it shows that it is gone.
                Seen::State(_) if matches!(refusal, Refusal::Gone(_)) && !step.is_change() => {
                    return Ok(self.impossible(step, Seen::Gone(refusal.to_string())));
                }
                Seen::State(state) => {
                    return Ok(StepOutcome::new(step, End::Failed, refusal.to_string()).with(json!({ "found": state })));
                }
                other => return Ok(self.impossible(step, other)),
            }
            if self.book.is_halted() {
                return Err(Halted);
            }
        }
        Err(Halted)
    }

    /// AWS took it: what it came to is read.
    async fn acknowledged(&self, step: &Step, result: Value) -> StepOutcome {
        match self.settle(step, READS).await {
            Seen::Holds => StepOutcome::new(step, self.good(step), "").with(result),
            Seen::Another(id) => {
                let why = format!("its target became another thing of the same name ({id})");
                StepOutcome::new(step, End::Failed, why).with(result)
            }
            Seen::Gone(why) if self.may_be_gone() => {
                StepOutcome::new(step, End::Done, format!("its target is gone since: {why}")).with(result)
            }
            Seen::State(_) | Seen::Gone(_) => {
                StepOutcome::new(step, End::Unproven, "AWS took it, and reading does not show it").with(result)
            }
            Seen::Unread(refusal) => {
                let why = format!("AWS took it, and it cannot be read back: {refusal}");
                StepOutcome::new(step, End::Unproven, why).with(result)
            }
        }
    }

    fn good(&self, step: &Step) -> End {
        if step.is_change() { End::Done } else { End::Saved }
    }

    /// Writes down how a step ended.
    pub(super) async fn end(&self, step: &Step, ended: StepOutcome) -> Result<(), Halted> {
        if let Some(kind) = ended.end.kind() {
            let mut detail = json!({ "end": ended.end, "why": ended.why, "result": ended.result });
            if let (End::Done, Some(detail)) = (ended.end, detail.as_object_mut()) {
                detail.insert("before".to_owned(), step.before.clone());
                detail.insert("after".to_owned(), step.after.clone());
            }
            self.book.note(vec![self.entry(kind, step, detail)]).await?;
        }
        self.ended.borrow_mut().insert(step.n, ended);
        Ok(())
    }

    /// A line about a step.
    pub(super) fn entry(&self, kind: &str, step: &Step, detail: Value) -> Entry {
        let mut told = json!({
            "plan": self.plan.digest, "n": step.n, "action": step.action, "target": step.target.arn,
            "account": step.target.account, "region": step.target.region,
        });
        if let (Some(told), Value::Object(detail)) = (told.as_object_mut(), detail) {
            told.extend(detail);
        }
        Entry::new(kind, Some(&self.plan.incident), told)
    }
}
