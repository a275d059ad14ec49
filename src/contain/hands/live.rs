//! Hands at AWS: each step through the action that it names.

use std::time::Duration;

use serde_json::Value;

use super::loose::loose;
use super::whereabouts::Whereabouts;
use super::{Hands, Loose};
use crate::approve::Permit;
use crate::aws::Refusal;
use crate::contain::action::{Action, Knobs, Observed, by_name};
use crate::contain::cloud::Cloud;
use crate::event::Seconds;
use crate::model::plan::{Plan, Step};

/// Hands that change AWS, where they hold a permit.
pub(crate) struct Live<'a> {
    cloud: &'a Cloud,
    incident: &'a str,
    clock: &'a dyn Fn() -> Seconds,
    permit: Option<Permit>,
    whereabouts: Whereabouts,
}

impl<'a> Live<'a> {
    /// Without a permit they only look.
    pub(crate) fn new(
        cloud: &'a Cloud,
        incident: &'a str,
        clock: &'a dyn Fn() -> Seconds,
        permit: Option<Permit>,
    ) -> Self {
        Self { cloud, incident, clock, permit, whereabouts: Whereabouts::default() }
    }
}

/// The action of a step.
fn action_of(step: &Step) -> Result<&'static dyn Action, Refusal> {
    let unknown = || Refusal::Other { action: "none", why: format!("there is no action {}", step.action) };
    by_name(&step.action).ok_or_else(unknown)
}

impl Hands for Live<'_> {
    fn may(&self, plan: &Plan) -> Option<Seconds> {
        self.permit.as_ref().filter(|permit| permit.digest() == plan.digest).map(Permit::expires_at)
    }

    async fn observe(&self, step: &Step) -> Result<Observed, Refusal> {
        let (action, target) = (action_of(step)?, self.whereabouts.of(&step.target));
        let answer = action.observe(self.cloud, &target).await;
        if !self.whereabouts.is_lost(&step.target, &answer) {
            return answer;
        }
        match self.whereabouts.follow(self.cloud, &step.target, &target).await? {
            Some(target) => action.observe(self.cloud, &target).await,
            None => answer,
        }
    }

    async fn set(&self, step: &Step, from: &Value, to: &Value) -> Result<Value, Refusal> {
        if self.permit.is_none() {
            return Err(Refusal::Other { action: "none", why: "no approval is held".to_owned() });
        }
        let knobs = Knobs { incident: self.incident.to_owned(), now: self.now() };
        // It was just read, so its name is known.
        action_of(step)?.set(self.cloud, &self.whereabouts.of(&step.target), from, to, &knobs).await
    }

    fn holds(&self, step: &Step, state: &Value) -> bool {
        by_name(&step.action).is_some_and(|action| action.holds(state, &step.after))
    }

    fn is_between(&self, step: &Step, state: &Value) -> bool {
        by_name(&step.action).is_some_and(|action| action.is_between(state, &step.before, &step.after))
    }

    async fn loose(&self, plan: &Plan) -> Result<Loose, Refusal> {
        loose(self.cloud, &plan.steps, |target| self.whereabouts.of(target)).await
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Seconds {
        (self.clock)()
    }
}
