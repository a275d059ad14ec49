//! Queues: every form of a message, poison, receipts only for what was given.

use std::collections::VecDeque;

use super::super::message::{Meaning, meaning};
use super::super::queue::{MOST_TRIES, Message, Queue, pass, settle};
use super::super::trail::{Bucket, Listing};
use super::*;

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/events";
const KEY: &str =
    "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/22/111122223333_CloudTrail_eu-west-1_20261122T0555Z_Ab.json.gz";

/// A queue whose messages return until they are deleted, and a bucket.
#[derive(Default)]
struct Simulated {
    waiting: RefCell<VecDeque<Message>>,
    away: RefCell<Vec<Message>>,
    objects: BTreeMap<String, Vec<u8>>,
    gets: Cell<usize>,
    down: Cell<bool>,
}

impl Simulated {
    fn of(bodies: &[String]) -> Self {
        let message = |(number, body): (usize, &String)| Message {
            id: number.to_string(),
            handle: format!("handle {number}"),
            tries: 0,
            body: body.clone(),
        };
        Self { waiting: RefCell::new(bodies.iter().enumerate().map(message).collect()), ..Self::default() }
    }

    /// What was received and not deleted is visible again.
    fn reappear(&self) {
        self.waiting.borrow_mut().extend(self.away.take());
    }

    fn left(&self) -> usize {
        self.waiting.borrow().len() + self.away.borrow().len()
    }
}

impl Queue for Simulated {
    async fn receive(&self, _: &str) -> Result<Vec<Message>, Refusal> {
        let mut waiting = self.waiting.borrow_mut();
        let count = waiting.len().min(10);
        let mut messages: Vec<_> = waiting.drain(..count).collect();
        messages.iter_mut().for_each(|message| message.tries += 1);
        self.away.borrow_mut().extend(messages.iter().cloned());
        Ok(messages)
    }

    async fn delete(&self, _: &str, receipts: &[Receipt]) -> Result<Vec<String>, Refusal> {
        assert!(receipts.len() <= 10);
        let is_kept = |message: &Message| !receipts.iter().any(|receipt| receipt.handle == message.handle);
        self.away.borrow_mut().retain(is_kept);
        Ok(Vec::new())
    }
}

impl Bucket for Simulated {
    async fn list(&self, _: &str, _: &str, _: bool, _: Option<&str>) -> Result<Listing, Refusal> {
        Ok(Listing::default())
    }

    async fn get(&self, _: &str, key: &str) -> Result<Vec<u8>, Refusal> {
        self.gets.set(self.gets.get() + 1);
        if self.down.get() {
            return Err(Refusal::Passing("HTTP status 500".to_owned()));
        }
        self.objects.get(key).cloned().ok_or_else(|| Refusal::Gone("NoSuchKey".to_owned()))
    }
}

fn poll(service: &Simulated) -> Batch {
    let clock = Virtual::new(3);
    clock.run(pass(service, URL, &clock, Duration::from_secs(8)))
}

fn delete(service: &Simulated, batch: &mut Batch) {
    let clock = Virtual::new(3);
    let effort = Effort::new(&clock, Duration::from_secs(8));
    assert_eq!(clock.run(settle(service, std::mem::take(&mut batch.receipts), &effort)), []);
}

fn notification(key: &str) -> String {
    let s3 = serde_json::json!({ "bucket": { "name": "trail" }, "object": { "key": key } });
    let record = serde_json::json!({ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3 });
    serde_json::json!({ "Records": [record] }).to_string()
}

fn through_sns(message: &str) -> String {
    serde_json::json!({ "Type": "Notification", "Message": message }).to_string()
}

#[test]
fn messages_are_known_by_their_content() {
    let one = |key: &str| Meaning::Objects(vec![("trail".to_owned(), key.to_owned())]);
    let odd = KEY.replace("AWSLogs", "a b+c/AWSLogs");
    let encoded = odd.replace('+', "%2B").replace(' ', "+");
    assert_eq!(meaning(&notification(KEY)), one(KEY));
    assert_eq!(meaning(&notification(&encoded)), one(&odd));
    assert_eq!(meaning(&through_sns(&notification(KEY))), one(KEY));
    let own = serde_json::json!({ "s3Bucket": "trail", "s3ObjectKey": [KEY] }).to_string();
    assert_eq!(meaning(&through_sns(&own)), one(KEY));
    let detail = serde_json::json!({ "bucket": { "name": "trail" }, "object": { "key": odd } });
    let bridged =
        serde_json::json!({ "detail-type": "Object Created", "source": "aws.s3", "detail": detail }).to_string();
    assert_eq!(meaning(&bridged), one(&odd));

    let event =
        format!(r#"{{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{}}}"#, record("a"));
    assert_eq!(meaning(&event), Meaning::Events(event.clone()));
    assert_eq!(meaning(&through_sns(&event)), Meaning::Events(event));
    assert_eq!(meaning(&record("a")), Meaning::Events(record("a")));

    let nothing = Meaning::Objects(Vec::new());
    let removed = notification(KEY).replace("ObjectCreated:Put", "ObjectRemoved:Delete");
    let digest = notification(&KEY.replace("CloudTrail", "CloudTrail-Digest"));
    let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}"#.to_owned();
    for quiet in [removed, digest, test, notification("photos/cat.jpg")] {
        assert_eq!(meaning(&quiet), nothing, "{quiet}");
    }
    let nested = (0..5).fold(record("a"), |inner, _| through_sns(&inner));
    for garbage in ["", "hello", "[]", "{}", "null", r#"{"Records":[{}]}"#, r#"{"Records":7}"#, "{\"detail\":", &nested]
    {
        assert!(matches!(meaning(garbage), Meaning::Garbage(_)), "{garbage}");
    }
}

#[test]
fn receipts_are_for_what_was_given_and_poison_goes_aside() {
    let missing = KEY.replace("Ab.json", "Zz.json");
    let bodies = [record("a"), notification(KEY), notification(KEY), notification(&missing), "poison".to_owned()];
    let mut service = Simulated::of(&bodies);
    service.objects.insert(KEY.to_owned(), format!(r#"{{"Records":[{}]}}"#, record("b")).into_bytes());
    let mut batch = poll(&service);
    assert_eq!(ids(&batch), ["b", "a"]);
    assert_eq!(service.gets.get(), 2, "the same log is not fetched twice");
    assert_eq!((batch.receipts.len(), batch.problems.len(), batch.aside.len()), (3, 2, 0));
    assert!(batch.problems.iter().all(|problem| problem.blind));
    delete(&service, &mut batch);
    assert_eq!(service.left(), 2);
    for _ in 1..MOST_TRIES {
        service.reappear();
        batch = poll(&service);
        let asides: Vec<_> = batch.aside.iter().map(|aside| aside.tries).collect();
        assert_eq!(batch.receipts.len(), asides.len());
        assert!(asides.iter().all(|tries| *tries == MOST_TRIES));
        delete(&service, &mut batch);
    }
    assert_eq!(service.left(), 0);
    assert_eq!(batch.aside[1].bytes, "poison".len());
    assert!(batch.aside[0].why.contains("Zz.json.gz"), "{:?}", batch.aside);
}

#[test]
fn an_outage_puts_nothing_aside_and_many_messages_are_read() {
    let service = Simulated::of(&[notification(KEY)]);
    service.down.set(true);
    for _ in 0..10 {
        let batch = poll(&service);
        assert_eq!((batch.receipts.len(), batch.aside.len(), batch.problems.len()), (0, 0, 1));
        service.reappear();
    }
    let bodies: Vec<_> = (0..1_234).map(|number| record(&number.to_string())).collect();
    let service = Simulated::of(&bodies);
    let mut batch = poll(&service);
    assert_eq!(ids(&batch).len(), 1_234);
    assert_eq!((batch.events, batch.receipts.len(), batch.problems.len()), (1_234, 1_234, 0));
    delete(&service, &mut batch);
    assert_eq!(service.left(), 0);
}
