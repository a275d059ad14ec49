//! What carries out steps: `Live` at AWS, `Dry` only in thought.

mod dry;
mod live;
mod loose;
#[cfg(test)]
mod tests;
mod whereabouts;

use std::time::Duration;

use serde_json::Value;

use super::action::Observed;
use crate::aws::Refusal;
use crate::event::Seconds;
use crate::model::plan::{Plan, Step};

pub(crate) use dry::Dry;
pub(crate) use live::Live;
pub(crate) use loose::{ACCESS_KEYS, Loose, access_keys};

/// Looks at the targets of steps, and moves them.
pub(crate) trait Hands {
    /// Until when steps of this plan may begin with these hands; none where they may not touch it at all.
    fn may(&self, plan: &Plan) -> Option<Seconds>;

    /// The target of a step as it is.
    async fn observe(&self, step: &Step) -> Result<Observed, Refusal>;

    /// Moves the target of a step from what was just read to another state. What it came to is to be read.
    async fn set(&self, step: &Step, from: &Value, to: &Value) -> Result<Value, Refusal>;

    /// Whether a state does what the step is for.
    fn holds(&self, step: &Step, state: &Value) -> bool;

    /// Whether a state is one that the step itself leaves when it dies half way.
    fn is_between(&self, step: &Step, state: &Value) -> bool;

    /// Credentials of the users in a plan that none of its steps is about. Only access keys are an error where they cannot be
    /// read; other kinds are left out.
    async fn loose(&self, plan: &Plan) -> Result<Loose, Refusal>;

    async fn pause(&self, duration: Duration);

    fn now(&self) -> Seconds;
}
