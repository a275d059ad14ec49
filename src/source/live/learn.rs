//! Older history, read to its end however long it takes.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::Batch;
use super::cursor::{Kind, Range};
use super::lookup::{End, KEPT, Lookups, Reading};
use super::pace::{Effort, Pace};
use super::trail::{ABREAST, Bucket, Folder, Location, folders, keys, layout, nothing_below};
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::{DAY, Seconds, time};
use crate::source::{Object, Problem};

/// Pages of LookupEvents, 50 events each, that make one batch.
const PAGES: u32 = 20;
/// Logs that make one batch.
const OBJECTS: usize = 64;
/// Problems of one feed that are told one by one.
const MOST_NAMED: usize = 3;
/// History has no end of time.
const FOREVER: Duration = Duration::MAX;

/// Gives batches on, and tells how far the reading has come.
pub(super) struct Teller<'a> {
    give: RefCell<&'a mut dyn FnMut(Batch)>,
    progress: &'a dyn Fn(f64, usize),
    events: Cell<usize>,
    parts: RefCell<Vec<f64>>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(give: &'a mut dyn FnMut(Batch), progress: &'a dyn Fn(f64, usize)) -> Self {
        Self { give: RefCell::new(give), progress, events: Cell::new(0), parts: RefCell::default() }
    }

    /// So many parts are read side by side.
    fn expect(&self, parts: usize) {
        *self.parts.borrow_mut() = vec![0.0; parts];
    }

    /// Gives a batch of one part, which has come so far, from 0 to 1.
    fn give(&self, part: usize, done: f64, batch: Batch) {
        self.events.set(self.events.get() + batch.events);
        (self.give.borrow_mut())(batch);
        let mut parts = self.parts.borrow_mut();
        if let Some(part) = parts.get_mut(part) {
            *part = part.max(done);
        }
        let mean = parts.iter().sum::<f64>() / parts.len().max(1) as f64;
        drop(parts);
        (self.progress)(mean, self.events.get());
    }
}

/// Reads LookupEvents of all accounts and regions at the same time.
pub(super) async fn from_lookups<L: Lookups, P: Pace>(
    readers: &[(String, String, L)],
    since: Seconds,
    until: Seconds,
    teller: &Teller<'_>,
    pace: &P,
) -> Vec<Problem> {
    let from = since.max(until - KEPT).min(until);
    teller.expect(readers.len());
    let work = readers.iter().enumerate().map(|(part, (account, region, lookups))| -> Work<'_, Vec<Problem>> {
        Box::pin(async move {
            let mut reading = Reading::new(lookups, pace, FOREVER, account, region);
            let mut range = Range::new(Kind::Everything, from, until);
            let mut missed = Missed::default();
            loop {
                let end = reading.read(&mut range, PAGES).await;
                let read = (until - range.reached) as f64 / (until - from).max(1) as f64;
                let done = if end == End::Pages { read } else { 1.0 };
                let batch = reading.take();
                let feed = batch.feed.clone();
                missed.note(&batch.problems);
                teller.give(part, done, batch);
                match end {
                    End::Done => return missed.told(&feed),
                    End::Pages => {}
                    End::Time | End::Stuck | End::Refused => {
                        let mut problems = missed.told(&feed);
                        problems.push(unread(&feed, from, range.reached));
                        return problems;
                    }
                }
            }
        })
    });
    let mut problems: Vec<_> = side_by_side(usize::MAX, work).await.into_iter().flatten().collect();
    if from > since {
        let why = format!("LookupEvents keeps 90 days, so that history begins on {}", time::format(from));
        problems.push(Problem::minor("history", why));
    }
    problems
}

fn unread(feed: &str, from: Seconds, until: Seconds) -> Problem {
    let why = format!("history from {} to {} was not read", time::format(from), time::format(until));
    Problem::blind(feed, why)
}

/// What the batches of one feed could not give: the first few, and how many more.
#[derive(Default)]
struct Missed {
    named: Vec<Problem>,
    others: usize,
    any_blind: bool,
}

impl Missed {
    fn note(&mut self, problems: &[Problem]) {
        let room = MOST_NAMED - self.named.len().min(MOST_NAMED);
        let (named, others) = problems.split_at(problems.len().min(room));
        self.named.extend_from_slice(named);
        self.others += others.len();
        self.any_blind |= others.iter().any(|problem| problem.blind);
    }

    fn told(mut self, feed: &str) -> Vec<Problem> {
        if self.others > 0 {
            let why = format!("{} more such problems", self.others);
            self.named.push(Problem { what: feed.to_owned(), why, blind: self.any_blind });
        }
        self.named
    }
}

/// Reads the logs of a trail's bucket, one account and region after the other, day by day.
pub(super) async fn from_bucket<B: Bucket, P: Pace>(
    bucket: &B,
    location: &Location,
    since: Seconds,
    until: Seconds,
    teller: &Teller<'_>,
    pace: &P,
) -> Vec<Problem> {
    let effort = Effort::new(pace, FOREVER);
    let mut problems = Vec::new();
    let folders = folders(bucket, location, &effort, &mut problems).await;
    if folders.is_empty() && problems.is_empty() {
        problems.push(nothing_below(location));
    }
    teller.expect(folders.len());
    let (first, last) = (since.div_euclid(DAY), until.div_euclid(DAY));
    for (part, folder) in folders.iter().enumerate() {
        let feed = format!("s3 {}/{}", location.bucket, folder.prefix.trim_end_matches('/'));
        let mut missed = Missed::default();
        for day in first..=last {
            let effort = effort.again();
            let listed = keys(bucket, &location.bucket, &folder.day(day), &effort).await;
            let listed = listed.unwrap_or_else(|refusal| {
                let what = format!("s3 {}/{}", location.bucket, folder.day(day));
                missed.note(&[Problem::blind(what, refusal.to_string())]);
                Vec::new()
            });
            let logs: Vec<_> = listed.into_iter().map(|key| key.key).filter(|key| layout::is_log(key)).collect();
            for some in logs.chunks(OBJECTS) {
                let batch = batch(bucket, location, folder, some, &effort).await;
                missed.note(&batch.problems);
                let done = (day - first) as f64 / (last - first + 1) as f64;
                teller.give(part, done, batch);
            }
        }
        problems.extend(missed.told(&feed));
        teller.give(part, 1.0, Batch::of(feed, Some(&folder.account), Some(&folder.region)));
    }
    problems
}

async fn batch<B: Bucket, P: Pace>(
    bucket: &B,
    location: &Location,
    folder: &Folder,
    keys: &[String],
    effort: &Effort<'_, P>,
) -> Batch {
    let name = location.bucket.as_str();
    let feed = format!("s3 {name}/{}", folder.prefix.trim_end_matches('/'));
    let mut batch = Batch::of(feed, Some(&folder.account), Some(&folder.region));
    let before = effort.requests();
    let work = keys.iter().map(|key| -> Work<'_, (&String, Result<Vec<u8>, Refusal>)> {
        Box::pin(async move { (key, effort.ask(async || bucket.get(name, key).await).await) })
    });
    for (key, answer) in side_by_side(ABREAST, work).await {
        let name = format!("s3://{name}/{key}");
        match answer {
            Ok(bytes) => batch.objects.push(Object::memory(name, bytes)),
            Err(refusal) => batch.problems.push(Problem::blind(name, refusal.to_string())),
        }
    }
    batch.requests = effort.requests() - before;
    batch
}
