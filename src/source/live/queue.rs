//! Messages of SQS: read all that is there, keep a receipt for what was given, put aside what never can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Batch;
use super::message::{Meaning, meaning};
use super::pace::{Effort, Pace};
use super::trail::{ABREAST, Bucket, MOST_BYTES};
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::model::hex;
use crate::source::{Object, Problem};

/// Messages that one pass takes from one queue.
const MOST_MESSAGES: usize = 5_000;
/// What deleting may take.
pub(super) const SETTLE: Duration = Duration::from_secs(30);
/// After so many receipts a message that cannot be read goes aside.
pub(crate) const MOST_TRIES: u32 = 5;
/// Receipts that one request may return.
const TOGETHER: usize = 10;
/// Requests to one queue at the same time, once it has proved full.
const WIDE: usize = 4;

/// One message as SQS gives it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub id: String,
    pub handle: String,
    /// How often it was received, this time included.
    pub tries: u32,
    pub body: String,
}

/// Deletes a message, once its effect is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The URL of the queue.
    pub queue: String,
    pub message_id: String,
    pub handle: String,
}

/// A message that never could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aside {
    /// The name of the queue.
    pub queue: String,
    pub message_id: String,
    pub tries: u32,
    pub why: String,
    /// Size of the body, and its SHA-256 in hex: the body itself may hold anything.
    pub bytes: usize,
    pub digest: String,
}

/// Who has messages.
pub(crate) trait Queue {
    /// At most ten messages; waits a second where there is none.
    async fn receive(&self, url: &str) -> Result<Vec<Message>, Refusal>;
    /// Deletes at most ten messages; gives the reasons for those that stay.
    async fn delete(&self, url: &str, receipts: &[Receipt]) -> Result<Vec<String>, Refusal>;
}

/// The last part of a queue's URL or ARN.
pub(super) fn name(url: &str) -> &str {
    url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(url)
}

/// One queue while it is read.
struct Reading<'a, C, P> {
    cloud: &'a C,
    url: &'a str,
    effort: Effort<'a, P>,
    batch: Batch,
    /// Logs that this pass has, by bucket and key.
    had: BTreeSet<(String, String)>,
    bytes: u64,
}

/// One pass: messages until there are none, or too many for the time or for the memory.
pub(super) async fn pass<C: Queue + Bucket, P: Pace>(cloud: &C, url: &str, pace: &P, end: Duration) -> Batch {
    let batch = Batch::of(format!("sqs {}", name(url)), None, None);
    let effort = Effort::new(pace, end);
    let mut reading = Reading { cloud, url, effort, batch, had: BTreeSet::new(), bytes: 0 };
    let (mut taken, mut wide) = (0, 1);
    let left = loop {
        if taken > 0 && reading.effort.is_over() {
            break Some(("the time", true));
        }
        if taken >= MOST_MESSAGES {
            break Some(("the number of messages of one pass", false));
        }
        if reading.bytes >= MOST_BYTES {
            break Some(("the memory of one pass", true));
        }
        let effort = &reading.effort;
        let receive = |_| -> Work<'_, _> { Box::pin(effort.ask(async || cloud.receive(url).await)) };
        let answers = side_by_side(wide, (0..wide).map(receive)).await;
        let mut messages = Vec::new();
        for answer in answers {
            match answer {
                Ok(some) => messages.extend(some),
                Err(refusal) => reading.batch.problem(refusal.to_string()),
            }
        }
        if messages.is_empty() {
            break None;
        }
        taken += messages.len();
        wide = if messages.len() >= wide * TOGETHER { WIDE } else { wide };
        reading.take(messages).await;
    };
    if let Some((what, blind)) = left {
        reading.batch.reads_left = true;
        let why = format!("{what} ended the reading after {taken} messages; what remains waits for the next pass");
        let what = reading.batch.feed.clone();
        reading.batch.problems.push(Problem { what, why, blind });
    }
    reading.batch.requests += reading.effort.requests();
    reading.batch
}

impl<C: Queue + Bucket, P: Pace> Reading<'_, C, P> {
    async fn take(&mut self, messages: Vec<Message>) {
        let meanings: Vec<_> = messages.iter().map(|message| meaning(&message.body)).collect();
        let named = meanings.iter().filter_map(|meaning| match meaning {
            Meaning::Objects(objects) => Some(objects),
            _ => None,
        });
        let new: BTreeSet<_> = named.flatten().filter(|object| !self.had.contains(*object)).cloned().collect();
        let refused = self.fetch(new).await;
        for (message, meaning) in messages.into_iter().zip(meanings) {
            match meaning {
                Meaning::Events(text) => {
                    let place = format!("sqs:{}/{}", name(self.url), message.id);
                    self.bytes += text.len() as u64;
                    self.batch.events += 1;
                    self.batch.objects.push(Object::memory(place, text.into_bytes()));
                    self.receipt(&message);
                }
                Meaning::Objects(objects) => {
                    match objects.iter().find_map(|object| refused.get(object).map(|why| (object, why))) {
                        None => self.receipt(&message),
                        Some(((bucket, key), refusal)) => {
                            let why = format!("s3://{bucket}/{key}: {refusal}");
                            self.fail(message, why, refusal.is_final());
                        }
                    }
                }
                Meaning::Garbage(why) => self.fail(message, why.to_owned(), true),
            }
        }
    }

    /// Gets logs side by side; gives the refusals.
    async fn fetch(&mut self, objects: BTreeSet<(String, String)>) -> BTreeMap<(String, String), Refusal> {
        let (cloud, effort) = (self.cloud, &self.effort);
        let work = objects.into_iter().map(|(bucket, key)| -> Work<'_, _> {
            Box::pin(async move {
                let answer = effort.ask(async || cloud.get(&bucket, &key).await).await;
                ((bucket, key), answer)
            })
        });
        let mut refused = BTreeMap::new();
        for (object, answer) in side_by_side(ABREAST, work).await {
            match answer {
                Ok(bytes) => {
                    self.bytes += bytes.len() as u64;
                    self.batch.objects.push(Object::memory(format!("s3://{}/{}", object.0, object.1), bytes));
                    self.had.insert(object);
                }
                Err(refusal) => {
                    refused.insert(object, refusal);
                }
            }
        }
        refused
    }

    fn receipt(&mut self, message: &Message) {
        let (message_id, handle) = (message.id.clone(), message.handle.clone());
        self.batch.receipts.push(Receipt { queue: self.url.to_owned(), message_id, handle });
    }

    /// Leaves a message in the queue so that it comes again, or puts it aside once it has come too often.
    fn fail(&mut self, message: Message, why: String, for_good: bool) {
        let what = self.batch.feed.clone();
        let why = format!("message {}: {why}", message.id);
        if !for_good || message.tries < MOST_TRIES {
            let why = format!("{why}; it comes again (receipt {} of {MOST_TRIES})", message.tries);
            self.batch.problems.push(Problem::blind(&what, why));
            return;
        }
        self.receipt(&message);
        let problem = format!("{why}; it goes aside after {} receipts", message.tries);
        self.batch.problems.push(Problem::blind(&what, problem));
        let Message { id: message_id, tries, body, .. } = message;
        let (bytes, digest) = (body.len(), hex(&Sha256::digest(&body)));
        self.batch.aside.push(Aside { queue: name(self.url).to_owned(), message_id, tries, why, bytes, digest });
    }
}

/// Deletes messages; those that stay come again, which does no harm.
pub(super) async fn settle<C: Queue, P: Pace>(
    cloud: &C,
    receipts: Vec<Receipt>,
    effort: &Effort<'_, P>,
) -> Vec<Problem> {
    let mut queues: BTreeMap<String, Vec<Receipt>> = BTreeMap::new();
    for receipt in receipts {
        queues.entry(receipt.queue.clone()).or_default().push(receipt);
    }
    let some = queues.iter().flat_map(|(url, receipts)| receipts.chunks(TOGETHER).map(move |some| (url, some)));
    let work = some.map(|(url, some)| -> Work<'_, _> {
        Box::pin(async move {
            match effort.ask(async || cloud.delete(url, some).await).await {
                Ok(failures) => (url, failures.len(), failures.into_iter().next()),
                Err(refusal) => (url, some.len(), Some(refusal.to_string())),
            }
        })
    });
    let mut stay: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for (url, count, why) in side_by_side(ABREAST, work).await {
        if let Some(why) = why {
            stay.entry(url).or_insert((0, why)).0 += count;
        }
    }
    let problem = |(url, (count, why)): (&str, (usize, String))| Problem {
        what: format!("sqs {}", name(url)),
        why: format!("{count} messages that were read could not be deleted and come again: {why}"),
        blind: false,
    };
    stay.into_iter().map(problem).collect()
}
