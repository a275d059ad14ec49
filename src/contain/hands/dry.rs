//! A rehearsal: reads what is there, and remembers what it would have done.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Hands, Loose};
use crate::aws::Refusal;
use crate::contain::action::Observed;
use crate::event::Seconds;
use crate::model::plan::{Plan, Step};

/// Hands that only look. They need no approval.
pub(crate) struct Dry<H> {
    inner: H,
    /// What targets would be by now, by action and ARN.
    imagined: RefCell<BTreeMap<(String, String), Value>>,
}

impl<H: Hands> Dry<H> {
    pub(crate) fn new(inner: H) -> Self {
        Self { inner, imagined: RefCell::default() }
    }
}

fn key(step: &Step) -> (String, String) {
    (step.action.clone(), step.target.arn.clone())
}

impl<H: Hands> Hands for Dry<H> {
    fn may(&self, _: &Plan) -> Option<Seconds> {
        Some(Seconds::MAX)
    }

    async fn observe(&self, step: &Step) -> Result<Observed, Refusal> {
        let imagined = self.imagined.borrow().get(&key(step)).cloned();
        match imagined {
            Some(state) => Ok(Observed { id: step.target.id.clone(), state }),
            None => self.inner.observe(step).await,
        }
    }

    async fn set(&self, step: &Step, _: &Value, to: &Value) -> Result<Value, Refusal> {
        self.imagined.borrow_mut().insert(key(step), to.clone());
        Ok(json!({ "dry": true }))
    }

    fn holds(&self, step: &Step, state: &Value) -> bool {
        self.inner.holds(step, state)
    }

    fn is_between(&self, step: &Step, state: &Value) -> bool {
        self.inner.is_between(step, state)
    }

    async fn loose(&self, _: &Plan) -> Result<Loose, Refusal> {
        Ok(Loose::new())
    }

    /// Nothing takes time in thought.
    async fn pause(&self, _: Duration) {}

    fn now(&self) -> Seconds {
        self.inner.now()
    }
}
