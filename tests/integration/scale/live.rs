//! Consumers side by side on one state lose nothing.
//!
//! Four functions take batches of one queue at once and keep their state in one table. What they learned has to be what a
//! replay of the same events learns, however the batches fall, with messages that come twice and batches that come again.

mod baseline;
mod table;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::baseline::{learned, replayed};
use self::table::Writes;
use super::organisation::renamed;
use crate::contain::scene::told;
use crate::stand_in::{Function, Moto, Proxy};
use crate::watch::desk::{Desk, Station, core, only};
use crate::watch::lookup::{history, now, shifted};

const CONSUMERS: usize = 4;
/// Messages of a batch.
const BATCH: usize = 250;
/// Of so many messages one comes twice.
const TWICE: usize = 25;
/// Every so-manieth batch that was done comes again: SQS may hand over what is deleted.
const AGAIN: usize = 5;
/// The time of an invocation.
const WITHIN: Duration = Duration::from_secs(120);
/// What all of them may take in a build for tests, with a table that answers one request after the other.
const BOUND: Duration = Duration::from_secs(100);

/// An attack in one account, with life in it and in three others, in order of time.
fn events() -> Vec<Value> {
    let shift = |records: &[Value], by: i64| shifted(records, by, now() - 20 * 3_600, now() - 60);
    let (attacked, begun) = history("lambda-ddos-all-regions", "2", &["--days", "2"]);
    let mut events = shift(&attacked, now() - 2 * 3_600 - begun);
    for (number, seed) in (1..).zip(["5", "6", "7"]) {
        let (quiet, _) = history("ordinary", "1", &["--days", "2", "--seed", seed]);
        let of_account: Vec<Value> =
            quiet.iter().map(|record| serde_json::from_str(&renamed(&record.to_string(), number)).unwrap()).collect();
        // The drill's days begin at midnight.
        let last = of_account.iter().map(|record| record["eventTime"].as_str().unwrap()).max().unwrap();
        let last = last.parse::<jiff::Timestamp>().unwrap().as_second();
        events.extend(shift(&of_account, now() - 120 - last));
    }
    events.sort_by_key(|event| event["eventTime"].as_str().unwrap().to_owned());
    events
}

/// What is left to do, and what was done.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(usize, usize)>,
    done: BTreeSet<usize>,
    batches: usize,
    returned: usize,
}

impl Queue {
    /// Every message once, and some of them once more a little later.
    fn of(count: usize) -> Self {
        let again = (0..count).filter(|number| number.is_multiple_of(TWICE));
        let mut order: Vec<_> = (0..count).map(|number| (number, number)).collect();
        order.extend(again.map(|number| (number + 3 * BATCH / 2, number)));
        order.sort_unstable();
        let waiting = order.into_iter().map(|(_, number)| (number, 1)).collect();
        Self { waiting, ..Self::default() }
    }
}

/// A queue over events that several functions take from.
struct Shared {
    queue: Mutex<Queue>,
    events: Vec<Value>,
}

impl Shared {
    /// Takes batches until there are none.
    fn work(&self, mut function: Function) -> Function {
        loop {
            let batch: Vec<_> = {
                let mut queue = self.queue.lock().unwrap();
                let length = queue.waiting.len().min(BATCH);
                queue.waiting.drain(..length).collect()
            };
            if batch.is_empty() {
                return function;
            }
            let message = |(place, (number, tries)): (usize, &(usize, usize))| {
                // One message that came twice is in a batch under two handles.
                message(&format!("{number}-{place}"), &self.events[*number], *tries)
            };
            let records: Vec<_> = batch.iter().enumerate().map(message).collect();
            let answer = function.invoke(&json!({ "Records": records }), WITHIN).well();
            let failed: BTreeSet<String> = answer["batchItemFailures"].as_array().unwrap().iter().map(failed).collect();
            let mut queue = self.queue.lock().unwrap();
            queue.batches += 1;
            let comes_again = queue.batches.is_multiple_of(AGAIN);
            for (place, (number, tries)) in batch.into_iter().enumerate() {
                if failed.contains(&format!("{number}-{place}")) {
                    queue.returned += 1;
                    queue.waiting.push_back((number, tries + 1));
                } else if queue.done.insert(number) && comes_again {
                    queue.waiting.push_back((number, tries + 1));
                }
            }
        }
    }
}

fn failed(failure: &Value) -> String {
    failure["itemIdentifier"].as_str().unwrap().to_owned()
}

/// A call as EventBridge tells it, in a message of a queue.
fn message(id: &str, record: &Value, tries: usize) -> Value {
    let source = record["eventSource"].as_str().unwrap().replace(".amazonaws.com", "");
    let event = json!({
        "version": "0", "id": record["eventID"], "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{source}"), "account": record["recipientAccountId"], "time": record["eventTime"],
        "region": record["awsRegion"], "resources": [], "detail": record,
    });
    json!({
        "messageId": id, "receiptHandle": id, "body": event.to_string(), "messageAttributes": {},
        "attributes": { "ApproximateReceiveCount": tries.to_string() }, "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:stakeout-events", "awsRegion": "us-east-1",
    })
}

/// Has some functions take everything from a queue. Gives how long that took.
fn consume(station: &Station, shared: &Arc<Shared>) -> Duration {
    let mut functions: Vec<_> = (0..CONSUMERS).map(|_| Function::start(station.function())).collect();
    functions.iter_mut().for_each(|function| _ = function.is_up());
    let begun = Instant::now();
    let work = |function| {
        let shared = Arc::clone(shared);
        thread::spawn(move || shared.work(function))
    };
    let working: Vec<_> = functions.into_iter().map(work).collect();
    let functions: Vec<_> = working.into_iter().map(|thread| thread.join().unwrap()).collect();
    let took = begun.elapsed();
    let said: Vec<_> = functions.iter().map(Function::said).collect();
    assert!(said.iter().all(|said| !said.contains("time was over")), "{said:#?}");
    took
}

#[test]
fn consumers_side_by_side_lose_no_update_and_heat_no_item() {
    let Some(moto) = Moto::start() else { return };
    moto.table("stakeout");
    let proxy = Proxy::before(&moto.url());
    let writes = Writes::seen_by(&proxy);
    let desk = Desk::at(proxy.url(), "AKIAIOSFODNN7EXAMPLE");
    let station = desk.station_on("table", "dynamodb = \"stakeout\"", "[aws]\nregions = [\"us-east-1\"]\n");
    let events = events();
    let count = events.len();
    let shared = Arc::new(Shared { queue: Mutex::new(Queue::of(count)), events });
    let took = consume(&station, &shared);
    let queue = std::mem::take(&mut *shared.queue.lock().unwrap());
    told(&format!("{count} events by {CONSUMERS} consumers, a build for tests"), took);
    told(&format!("events a second: {:.0}", count as f64 / took.as_secs_f64()), took);
    assert!(took < BOUND, "{took:?}");
    assert_eq!(queue.done.len(), count, "every message is done");
    assert!(queue.returned <= BATCH, "who finds the state taken waits: {} came again", queue.returned);
    writes.are_spread(queue.batches, count);

    let folder = desk.path();
    let (expected, incidents) = replayed(folder, &shared.events);
    let export = folder.join("state.ndjson");
    let exported = station.run(&["state", "export", "--output", export.to_str().unwrap()]);
    assert_eq!(exported.status, 0, "{exported:?}");
    let learned = learned(&export);
    assert!(learned.len() > 500, "{} facts", learned.len());
    let both = expected.iter().map(|(fact, seen)| (fact, seen, learned.get(fact)));
    let lost: Vec<_> = both.filter(|(_, seen, learned)| *learned != Some(*seen)).take(5).collect();
    assert!(lost.is_empty(), "what it is about, what it should be, what was learned: {lost:#?}");
    assert_eq!(learned.len(), expected.len(), "learned, and in no event");
    let mut expected = core(only(&incidents));
    let incident = only(&station.incidents()).clone();
    // It keeps the id that it opened with.
    expected["id"] = incident["id"].clone();
    assert_eq!(core(&incident), expected);
    assert!(!station.keys().is_empty(), "it is told, and nothing of it twice");
    station.verify();
}
