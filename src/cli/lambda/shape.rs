//! What an invocation is about, from the shape of its payload: pure.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::history;
use crate::door::url::Posted;
use crate::source::live::Message;

/// The field of payloads that this function or its state machine sends.
const OWN: &str = "stakeout";
const CLICK: &str = "click";
const GO_ON: &str = "go-on";
/// The queue of what comes without one.
pub(super) const EVENTBRIDGE: &str = "eventbridge";
/// Names of fields that an error tells, and how long each may be.
const MOST_NAMED: usize = 8;
const LONGEST: usize = 40;
const NOT_OURS: &str = "it says that it is of Stakeout itself, and is nothing that this version knows";

/// What an invocation is about.
#[derive(Debug)]
pub(super) enum Shape {
    /// It is time for a pass.
    Schedule,
    /// Messages, each with the ARN of its queue.
    Batch(Vec<(String, Message)>),
    /// One event, as a message.
    Event((String, Message)),
    /// Somebody asks the function's URL.
    Url(Value),
    /// A press that came through the URL, from this function or from somebody who says so.
    Click(Posted),
    /// What was not done for lack of time; this is the so-manieth invocation in a row for it.
    GoOn(u32),
    /// A part of a history, for a state machine.
    History(history::Task),
}

/// The payload that hands a press on.
pub(super) fn click(posted: &Posted) -> Value {
    let mut payload = json!(posted);
    if let Some(fields) = payload.as_object_mut() {
        fields.insert(OWN.to_owned(), CLICK.into());
    }
    payload
}

/// The payload that asks for what was not done.
pub(super) fn go_on(turn: u32) -> Value {
    json!({ OWN: GO_ON, "turn": turn })
}

/// What a payload asks for.
///
/// # Errors
/// What was understood of it, without any of its values.
pub(super) fn shape(payload: Value) -> Result<Shape, String> {
    let Some(fields) = payload.as_object() else { return Err("the payload is no JSON object".to_owned()) };
    if let Some(own) = fields.get(OWN) {
        let own = own.as_str().unwrap_or_default().to_owned();
        return of_own(&own, payload);
    }
    if fields.is_empty() {
        return Ok(Shape::Schedule);
    }
    if let Some(records) = fields.get("Records").and_then(Value::as_array) {
        return batch(records).map(Shape::Batch);
    }
    if payload.pointer("/requestContext/http").is_some_and(Value::is_object) {
        return Ok(Shape::Url(payload));
    }
    match fields.get("detail-type").and_then(Value::as_str) {
        Some("Scheduled Event") => Ok(Shape::Schedule),
        Some(_) if fields.get("detail").is_some_and(Value::is_object) => Ok(Shape::Event(event(&payload))),
        Some(_) => Err("it has a detail-type as events of EventBridge have, and its detail is no object".to_owned()),
        None => Err(format!("it is nothing that Stakeout knows: an object with {}", named(fields.keys()))),
    }
}

fn of_own(what: &str, payload: Value) -> Result<Shape, String> {
    match what {
        CLICK => serde_json::from_value(payload)
            .map(Shape::Click)
            .map_err(|_| "it says that it is a press handed on, and lacks a part of one".to_owned()),
        GO_ON => {
            let turn = payload.get("turn").and_then(Value::as_u64).and_then(|turn| u32::try_from(turn).ok());
            turn.map(Shape::GoOn).ok_or_else(|| "it asks to go on, and does not count how often".to_owned())
        }
        _ => match history::task(what, &payload) {
            Some(task) => task.map(Shape::History),
            None => Err(NOT_OURS.to_owned()),
        },
    }
}

/// The messages of a batch of SQS.
fn batch(records: &[Value]) -> Result<Vec<(String, Message)>, String> {
    let text = |record: &Value, key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let source = |record: &Value| text(record, "eventSource");
    if records.is_empty() || records.iter().any(|record| source(record) != "aws:sqs") {
        return Err("its records are not all messages of SQS; other services are to send theirs to a queue".to_owned());
    }
    // A queue of Lambda's gives all records of an invocation. Of what has no name of one, another part is missing too.
    let queues: BTreeSet<String> = records.iter().map(|record| text(record, "eventSourceARN")).collect();
    if queues.iter().filter(|queue| !queue.is_empty()).count() > 1 {
        return Err("its records are of several queues, by eventSourceARN; Lambda hands in one queue's".to_owned());
    }
    let message = |(place, record): (usize, &Value)| {
        let received = record.pointer("/attributes/ApproximateReceiveCount").and_then(Value::as_str);
        let message = Message {
            id: text(record, "messageId"),
            handle: place.to_string(),
            tries: received.and_then(|received| received.parse().ok()).unwrap_or(1),
            body: text(record, "body"),
        };
        (text(record, "eventSourceARN"), message)
    };
    Ok(records.iter().enumerate().map(message).collect())
}

/// An event as a message. EventBridge does not say how often it tried.
fn event(payload: &Value) -> (String, Message) {
    let id = payload.get("id").and_then(Value::as_str).unwrap_or(EVENTBRIDGE).to_owned();
    (EVENTBRIDGE.to_owned(), Message { id, handle: String::new(), tries: 1, body: payload.to_string() })
}

/// Names of fields: enough to know what sent them.
fn named<'k>(keys: impl Iterator<Item = &'k String>) -> String {
    let keys: Vec<&String> = keys.collect();
    let cut = |key: &&String| key.chars().take(LONGEST).collect::<String>();
    let mut named: Vec<String> = keys.iter().take(MOST_NAMED).map(cut).collect();
    if keys.len() > MOST_NAMED {
        named.push(format!("{} more", keys.len() - MOST_NAMED));
    }
    named.join(", ")
}
