//! Stops a queue or stream from starting a function. What waits in it stays there.

use serde_json::{Value, json};

use super::mapping::{self, Course, on_mappings};
use super::{Action, Asking, Card, Knobs, Observed, Right, function, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

/// Event source mappings, each a target.
pub(crate) struct DisableEventSource;

const WRITES: &[Right] = &[on_mappings("lambda:UpdateEventSourceMapping")];

impl Action for DisableEventSource {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "disable-event-source",
                about: "Disables the event source mappings of a function",
                on: mapping::ON,
                class: Class::R1,
                phase: phase::DOORS,
                reads: mapping::READS,
                writes: WRITES,
                undoes: WRITES,
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
            match mapping::course(&client, uuid).await? {
                Course::Gone => Err(Refusal::Gone(format!("mapping {uuid} is being deleted"))),
                course => Ok(Observed { id: uuid.to_owned(), state: json!({ "enabled": course == Course::On }) }),
            }
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["enabled"] == true).then(|| json!({ "enabled": false }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let mapping = mapping::words(target);
        (format!("disables {mapping}"), Some(format!("enables {mapping} again")))
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
            let client = function::client(cloud, &target.account, &target.region)?;
            let uuid = mapping::uuid(target);
            mapping::settled(&client, uuid).await?;
            let enabled = to["enabled"] == true;
            let answer = client.update_event_source_mapping().uuid(uuid).enabled(enabled).send().await;
            answer.map_err(|error| Refusal::of("lambda:UpdateEventSourceMapping", &error))?;
            Ok(Value::Null)
        })
    }
}
