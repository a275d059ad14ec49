//! Reading targets: what is there, and what it means for a step.

use std::time::Duration;

use serde_json::Value;

use super::Run;
use crate::aws::Refusal;
use crate::contain::action::Observed;
use crate::contain::hands::Hands;
use crate::contain::scribe::Scribe;
use crate::model::plan::{Class, Step};

/// How often a target is read before its silence is an answer.
const TRIES: u32 = 5;
/// Between two looks at a target that changes: IAM takes some seconds.
const SETTLING: Duration = Duration::from_secs(1);
/// The first pause after a refusal; each is twice as long as the one before, up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// What was read.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// As the step wants it.
    Holds,
    State(Value),
    /// Another thing of the same name, by its id.
    Another(String),
    Gone(String),
    Unread(Refusal),
}

impl<H: Hands, S: Scribe> Run<'_, H, S> {
    /// Reads a target once.
    async fn glance(&self, step: &Step) -> Seen {
        match self.hands.observe(step).await {
            Ok(Observed { id, .. }) if !step.target.id.is_empty() && id != step.target.id => Seen::Another(id),
            Ok(Observed { state, .. }) if self.hands.holds(step, &state) => Seen::Holds,
            Ok(Observed { state, .. }) => Seen::State(state),
            // What is to be deleted is to be gone.
            Err(Refusal::Gone(_)) if step.class == Class::R3 => Seen::Holds,
            Err(Refusal::Gone(why)) => Seen::Gone(why),
            Err(refusal) => Seen::Unread(refusal),
        }
    }

    /// Reads a target, again where the answer may come later.
    pub(super) async fn look(&self, step: &Step) -> Seen {
        let mut seen = self.glance(step).await;
        for tried in 1..TRIES {
            if !matches!(&seen, Seen::Unread(refusal) if refusal.is_passing()) {
                break;
            }
            self.hands.pause(pause(step.n, tried)).await;
            seen = self.glance(step).await;
        }
        seen
    }

    /// Reads a target until it is as the step wants it, so many times at most.
    pub(super) async fn settle(&self, step: &Step, times: u32) -> Seen {
        let mut seen = self.look(step).await;
        for _ in 1..times {
            if matches!(seen, Seen::Holds | Seen::Another(_)) || self.book.is_halted() {
                break;
            }
            self.hands.pause(SETTLING).await;
            seen = self.look(step).await;
        }
        seen
    }
}

/// How long to wait before another try: longer each time, and not the same for all steps, so that they do not come back
/// all at once.
pub(super) fn pause(n: u32, tried: u32) -> Duration {
    let grown = FIRST.saturating_mul(1 << tried.min(8)).min(LONGEST);
    let spread = n.wrapping_mul(37).wrapping_add(tried.wrapping_mul(61)) % 50;
    grown * (75 + spread) / 100
}
