//! Feeds against simulated services, in virtual time.

mod learn;
mod lookup;
mod queue;
mod trail;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::DAY;
use crate::source::Reader;

/// 2026-11-22T06:00:00Z.
const START: Seconds = 1_795_327_200;

/// Time that passes only while everybody waits.
struct Virtual {
    now: Cell<Duration>,
    sleepers: RefCell<BTreeSet<(Duration, u64)>>,
    chance: RefCell<fastrand::Rng>,
}

impl Virtual {
    fn new(seed: u64) -> Self {
        let chance = RefCell::new(fastrand::Rng::with_seed(seed));
        Self { now: Cell::default(), sleepers: RefCell::default(), chance }
    }

    fn second(&self) -> Seconds {
        START + i64::try_from(self.now.get().as_secs()).unwrap()
    }

    fn skip(&self, seconds: u64) {
        self.now.set(self.now.get() + Duration::from_secs(seconds));
    }

    fn one_in(&self, number: u32) -> bool {
        self.chance.borrow_mut().u32(0..number) == 0
    }

    /// Takes between 10 and 120 milliseconds, as an answer of AWS does.
    async fn latency(&self) {
        let wait = self.chance.borrow_mut().u64(10..120);
        self.sleep(Duration::from_millis(wait)).await;
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
                return result;
            }
            let (next, _) = *self.sleepers.borrow().first().expect("nobody waits for time to pass");
            self.now.set(self.now.get().max(next));
        }
    }
}

/// Removes a sleeper, also one that nobody waits for any more.
struct Sleeper<'a>(&'a Virtual, (Duration, u64));

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.sleepers.borrow_mut().remove(&self.1);
    }
}

impl Pace for Virtual {
    async fn sleep(&self, wait: Duration) {
        let place = (self.now.get() + wait, self.chance.borrow_mut().u64(..));
        self.sleepers.borrow_mut().insert(place);
        let sleeper = Sleeper(self, place);
        poll_fn(|_| if sleeper.0.now.get() >= place.0 { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn elapsed(&self) -> Duration {
        self.now.get()
    }

    fn random(&self) -> f64 {
        self.chance.borrow_mut().f64()
    }
}

/// One record as CloudTrail writes it.
fn record(id: &str) -> String {
    format!(r#"{{"eventVersion":"1.08","eventID":"{id}","eventName":"CreateUser","eventSource":"iam.amazonaws.com"}}"#)
}

/// The ids of all records in a batch, read as the pass reads them.
fn ids(batch: &Batch) -> Vec<String> {
    let mut reader = Reader::new(1 << 20);
    let mut ids = Vec::new();
    for object in &batch.objects {
        let outcome = reader.read(object, |record| {
            let value: serde_json::Value = serde_json::from_str(record.as_raw_str()).unwrap();
            ids.push(value["eventID"].as_str().unwrap().to_owned());
        });
        assert!(outcome.skipped.is_none(), "{}: {:?}", object.name(), outcome.skipped);
    }
    ids
}

/// Through the text in which the caller keeps it.
fn saved(cursors: &Cursors) -> Cursors {
    serde_json::from_str(&serde_json::to_string(cursors).unwrap()).unwrap()
}

#[test]
fn memory_is_read_like_a_file_and_archives_are_refused() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    write!(packed, r#"{{"Records":[{}]}}"#, record("a")).unwrap();
    let bridged = format!(r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{}}}"#, record("b"));
    let mut batch = Batch::default();
    batch.objects.push(Object::memory("s3://bucket/key.json.gz".to_owned(), packed.finish().unwrap()));
    batch.objects.push(Object::memory("sqs:queue/1".to_owned(), bridged.into_bytes()));
    assert_eq!(ids(&batch), ["a", "b"]);
    let mut reader = Reader::new(1 << 20);
    let notice = br#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","s3":{}}]}"#;
    let outcome = reader.read(&Object::memory("sqs:queue/2".to_owned(), *notice), |_| panic!("no record"));
    assert_eq!((outcome.not_a_log, outcome.skipped), (1, None));
    let outcome =
        reader.read(&Object::memory("s3://bucket/a.zip".to_owned(), *b"PK\x05\x06aaaaaaaaaaaaaaaaaa"), |_| {});
    assert!(outcome.skipped.unwrap().contains("zip"));
}
