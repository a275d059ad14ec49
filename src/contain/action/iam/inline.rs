//! An inline policy of one incident as a state: the document that is there, or null.

use serde_json::{Value, json};

use super::super::super::cloud::Cloud;
use super::super::{Asking, Observed};
use super::Principal;
use super::document::{at, timeless};
use crate::aws::Refusal;
use crate::event::Seconds;
use crate::model::plan::Target;

/// An inline policy that an action puts on principals. Each incident has its own.
pub(in super::super) struct Inline {
    /// Its name, before the incident's id.
    pub(in super::super) name: &'static str,
}

impl Inline {
    pub(in super::super) fn policy(&self, incident: &str) -> String {
        format!("{}-{incident}", self.name)
    }

    pub(in super::super) fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let principal = Principal::of(cloud, target)?;
            let id = principal.head().await?.id;
            let document = principal.inline(&self.policy(&cloud.incident)).await?;
            Ok(Observed { id, state: json!({ "document": document }) })
        })
    }

    /// Whether the document is what a plan wants, with any time.
    pub(in super::super) fn holds(state: &Value, after: &Value) -> bool {
        match (state["document"].as_str(), after["document"].as_str()) {
            (Some(document), Some(wanted)) => document == wanted || timeless(document) == wanted,
            (document, wanted) => document == wanted,
        }
    }

    /// How the policy is taken back.
    pub(in super::super) fn undo_words(&self, before: &Value) -> String {
        let Self { name } = self;
        if before["document"].is_string() {
            format!("writes the former text of the inline policy {name}-... back")
        } else {
            format!("deletes the inline policy {name}-...")
        }
    }

    /// Writes the document, or takes the policy away. `time` takes the place that a plan keeps for it.
    pub(in super::super) async fn set(
        &self,
        cloud: &Cloud,
        target: &Target,
        (from, to): (&Value, &Value),
        time: Seconds,
    ) -> Result<Value, Refusal> {
        let principal = Principal::of(cloud, target)?;
        let policy = self.policy(&cloud.incident);
        match to["document"].as_str() {
            Some(wanted) => {
                let document = at(wanted, time);
                principal.put_inline(&policy, &document).await?;
                Ok(json!({ "policy": policy, "document": document }))
            }
            None if from["document"].is_null() => Ok(json!({ "policy": policy })),
            None => {
                principal.delete_inline(&policy).await?;
                Ok(json!({ "policy": policy }))
            }
        }
    }
}
