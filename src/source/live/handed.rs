//! Messages that somebody hands in: they are read by the rules of a queue, and nobody is asked for more.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cloud::Cloud;
use super::queue::{self, Message, Queue, Receipt};
use super::trail::{Bucket, Listing};
use super::{Batch, Live, RealPace};
use crate::aws::Refusal;

/// As many as a queue gives at once.
const TOGETHER: usize = 10;

/// Messages that were handed in, by the queue that they come from, and which of them are safe.
pub(crate) struct Handed {
    /// Queues by their ARN. Of an event that comes without one, the service that hands it in.
    queues: BTreeMap<String, Vec<Message>>,
    safe: RefCell<BTreeSet<(String, String)>>,
    /// What they say, once it was read, until somebody takes it.
    read: RefCell<Option<Vec<Batch>>>,
}

impl Handed {
    /// Messages, each with its queue.
    pub(crate) fn new(messages: impl IntoIterator<Item = (String, Message)>) -> Self {
        let mut queues: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        for (queue, message) in messages {
            queues.entry(queue).or_default().push(message);
        }
        Self { queues, safe: RefCell::default(), read: RefCell::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.queues.values().map(Vec::len).sum()
    }

    /// The effect of these is safe: their queues may forget them.
    pub(crate) fn settle(&self, receipts: Vec<Receipt>) {
        self.safe.borrow_mut().extend(receipts.into_iter().map(|receipt| (receipt.queue, receipt.handle)));
    }

    /// Ids of the messages of which that is not said, in their order.
    pub(crate) fn left(&self) -> Vec<String> {
        let safe = self.safe.borrow();
        let is_left = |queue: &str, message: &Message| !safe.contains(&(queue.to_owned(), message.handle.clone()));
        let left = self.queues.iter().flat_map(|(queue, messages)| {
            messages.iter().filter(|message| is_left(queue, message)).map(|message| message.id.clone())
        });
        left.collect()
    }
}

/// One reading of them. Logs that they name are in the buckets of the cloud.
struct Reading<'a> {
    cloud: &'a Cloud,
    handed: &'a Handed,
    /// How many of the queue that is read were given.
    given: Cell<usize>,
    /// How often it was asked for more.
    asked: Cell<u32>,
}

impl Queue for Reading<'_> {
    async fn receive(&self, url: &str) -> Result<Vec<Message>, Refusal> {
        self.asked.set(self.asked.get().saturating_add(1));
        let all = self.handed.queues.get(url).into_iter().flatten();
        let some: Vec<Message> = all.skip(self.given.get()).take(TOGETHER).cloned().collect();
        self.given.set(self.given.get() + some.len());
        Ok(some)
    }

    async fn delete(&self, _: &str, receipts: &[Receipt]) -> Result<Vec<String>, Refusal> {
        self.handed.settle(receipts.to_vec());
        Ok(Vec::new())
    }
}

impl Bucket for Reading<'_> {
    async fn list(&self, bucket: &str, prefix: &str, folders: bool, token: Option<&str>) -> Result<Listing, Refusal> {
        self.cloud.list(bucket, prefix, folders, token).await
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Refusal> {
        self.cloud.get(bucket, key).await
    }
}

impl Live {
    /// Reads what was handed in, unless that was done; `budget` is what it may take.
    pub(crate) async fn fetch(&self, handed: &Handed, budget: Duration) {
        if handed.read.borrow().is_none() {
            let read = self.read(handed, budget).await;
            handed.read.replace(Some(read));
        }
    }

    /// Gives what was handed in, and nothing else, and reads it where nobody did. What is safe is said to
    /// [`Handed::settle`].
    pub(crate) async fn take(&self, handed: &Handed, budget: Duration) -> Vec<Batch> {
        let read = handed.read.take();
        match read {
            Some(read) => read,
            None => self.read(handed, budget).await,
        }
    }

    async fn read(&self, handed: &Handed, budget: Duration) -> Vec<Batch> {
        let pace = RealPace::start();
        let mut batches = Vec::new();
        for url in handed.queues.keys() {
            let reading = Reading { cloud: &self.cloud, handed, given: Cell::new(0), asked: Cell::new(0) };
            let batch = queue::pass(&reading, url, &pace, budget).await;
            // Nobody else was asked for them.
            batches.push(Batch { requests: batch.requests.saturating_sub(reading.asked.get()), ..batch });
        }
        batches
    }
}
