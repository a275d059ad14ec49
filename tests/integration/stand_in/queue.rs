//! A queue and a bucket whose time a test turns: what was received and not deleted comes back when the test says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::account::{answer, refuse};
use super::fake::{Fake, Request};

struct Message {
    body: String,
    received: usize,
    in_hand: bool,
    deleted: bool,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// The first that may be visible: everything before is deleted or in hand.
    begin: usize,
    objects: BTreeMap<String, Vec<u8>>,
}

/// An account with one queue and any bucket.
pub(crate) struct QueueFake {
    fake: Fake,
    state: Arc<Mutex<State>>,
}

impl QueueFake {
    pub(crate) fn start(account: &str) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let (shared, account) = (Arc::clone(&state), account.to_owned());
        let fake = Fake::start(move |request, _| match request.service.as_str() {
            "sqs" => text(shared.lock().unwrap().queue(request)),
            "s3" => shared.lock().unwrap().object(request),
            _ => text(answer(request, &account)),
        });
        Self { fake, state }
    }

    pub(crate) fn url(&self) -> String {
        self.fake.url()
    }

    /// The queue's URL.
    pub(crate) fn queue(&self) -> String {
        format!("{}/111122223333/trail", self.fake.url())
    }

    /// Puts an object.
    pub(crate) fn object(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.state.lock().unwrap().objects.insert(format!("/{bucket}/{key}"), bytes.to_owned());
    }

    /// Empties the queue and fills it.
    pub(crate) fn fill(&self, bodies: &[String]) {
        let message = |body: &String| Message { body: body.clone(), received: 0, in_hand: false, deleted: false };
        let mut state = self.state.lock().unwrap();
        state.messages = bodies.iter().map(message).collect();
        state.begin = 0;
    }

    /// What is in somebody's hand is visible again. Gives how many messages there are.
    pub(crate) fn release(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.begin = 0;
        let left = state.messages.iter_mut().filter(|message| !message.deleted);
        left.map(|message| message.in_hand = false).count()
    }
}

impl State {
    fn queue(&mut self, request: &Request) -> (u16, String) {
        let body = &request.body;
        let answer = match request.operation.as_str() {
            "ReceiveMessage" => self.receive(body),
            "DeleteMessage" => {
                self.delete(&body["ReceiptHandle"]);
                json!({})
            }
            "DeleteMessageBatch" => {
                let entries = body["Entries"].as_array().map_or(&[][..], Vec::as_slice);
                entries.iter().for_each(|entry| self.delete(&entry["ReceiptHandle"]));
                let done: Vec<_> = entries.iter().map(|entry| json!({ "Id": entry["Id"] })).collect();
                json!({ "Successful": done, "Failed": [] })
            }
            "ChangeMessageVisibility" => json!({}),
            "ChangeMessageVisibilityBatch" => json!({ "Successful": [], "Failed": [] }),
            "GetQueueAttributes" => {
                let waiting = self.messages.iter().filter(|m| !m.deleted && !m.in_hand).count().to_string();
                let arn = "arn:aws:sqs:us-east-1:111122223333:trail";
                json!({ "Attributes": { "ApproximateNumberOfMessages": waiting, "QueueArn": arn } })
            }
            _ => return refuse("UnsupportedOperation", &format!("nobody plays {} here", request.operation)),
        };
        (200, answer.to_string())
    }

    fn receive(&mut self, body: &Value) -> Value {
        let most = body["MaxNumberOfMessages"].as_u64().map_or(1, |most| usize::try_from(most).unwrap());
        let mut given = Vec::new();
        while given.len() < most && self.begin < self.messages.len() {
            let place = self.begin;
            self.begin += 1;
            let message = &mut self.messages[place];
            if message.deleted || message.in_hand {
                continue;
            }
            message.in_hand = true;
            message.received += 1;
            given.push(json!({
                "MessageId": format!("message-{place}"),
                // Each receipt is another, and only the last is good.
                "ReceiptHandle": format!("{place}-{}", message.received),
                "Body": message.body,
                "Attributes": { "ApproximateReceiveCount": message.received.to_string() },
            }));
        }
        if given.is_empty() { json!({}) } else { json!({ "Messages": given }) }
    }

    fn delete(&mut self, receipt: &Value) {
        let receipt = receipt.as_str().unwrap_or_default();
        let place = receipt.split('-').next().and_then(|place| place.parse::<usize>().ok());
        if let Some((place, message)) = place.and_then(|place| Some((place, self.messages.get_mut(place)?)))
            && receipt == format!("{place}-{}", message.received)
        {
            message.deleted = true;
        }
    }

    fn object(&self, request: &Request) -> (u16, Vec<u8>) {
        let path = request.operation.split([' ', '?']).nth(1).unwrap_or_default();
        let missing = "<Error><Code>NoSuchKey</Code><Message>there is no such object</Message></Error>";
        self.objects.get(path).map_or_else(|| (404, missing.into()), |bytes| (200, bytes.clone()))
    }
}

fn text((status, text): (u16, String)) -> (u16, Vec<u8>) {
    (status, text.into_bytes())
}
