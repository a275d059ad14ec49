//! Deletes an event source mapping: those of a deleted function stay otherwise.

use serde_json::{Value, json};

use super::function::{self, unless_gone};
use super::gone::{self, is_to_go};
use super::mapping::{self, Course, on_mappings};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

/// Mappings that the incident made.
pub(crate) struct DeleteEventSource;

impl Action for DeleteEventSource {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-event-source",
                about: "Deletes the event source mappings of a function that the incident made",
                on: mapping::ON,
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: mapping::READS,
                writes: &[on_mappings("lambda:DeleteEventSourceMapping")],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(mapping::find(cloud, subject))
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = function::client(cloud, &target.account, &target.region)?;
            let uuid = mapping::uuid(target);
            let state = unless_gone(mapping::state(&client, uuid).await)?;
            let is_there = state.is_some_and(|state| Course::of(&state) != Course::Gone);
            Ok(gone::observed(target, is_there.then(|| uuid.to_owned())))
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        gone::goal(state)
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("deletes {}", mapping::words(target)), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            is_to_go(to, "lambda:DeleteEventSourceMapping")?;
            let client = function::client(cloud, &target.account, &target.region)?;
            let uuid = mapping::uuid(target);
            if unless_gone(mapping::settled(&client, uuid).await)?.is_some() {
                let answer = client.delete_event_source_mapping().uuid(uuid).send().await;
                unless_gone(answer.map_err(|error| Refusal::of("lambda:DeleteEventSourceMapping", &error)))?;
            }
            Ok(json!({ "deleted": uuid }))
        })
    }
}
