//! A trail's bucket: every object once, in whatever order and however late its key appears.
//!
//! Today's and yesterday's folders are listed in each pass, older ones until they were read to their end.
//! What appears later than that comes only through notifications.

pub(super) mod layout;
mod list;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::cursor::{Cursor, Cursors, FolderCursor};
use super::pace::{Effort, Pace};
use super::{Batch, Fed};
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::{DAY, HOUR, Seconds};
use crate::source::{Object, Problem};

pub(crate) use layout::Location;
pub(super) use list::{Folder, folders, keys};

/// Objects that one pass reads.
const MOST_OBJECTS: usize = 2_000;
/// Bytes that one pass keeps in memory.
pub(super) const MOST_BYTES: u64 = 64 << 20;
/// However long the listing takes, some objects are read.
const LEAST_FETCH: Duration = Duration::from_secs(4);
/// Days after which an object that AWS refuses no longer keeps its folder listed.
const GIVE_UP: i64 = 7;
/// Requests at the same time.
pub(super) const ABREAST: usize = 8;

/// A key of a listing.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub key: String,
    /// When it was stored.
    pub modified: Option<Seconds>,
    pub bytes: u64,
}

/// One page of a listing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pub keys: Vec<Key>,
    /// Prefixes up to the next slash, where they were asked for.
    pub folders: Vec<String>,
    pub next: Option<String>,
}

/// Who has objects.
pub(crate) trait Bucket {
    /// One page of what begins with a prefix; with `folders` only up to the next slash.
    async fn list(&self, bucket: &str, prefix: &str, folders: bool, token: Option<&str>) -> Result<Listing, Refusal>;
    /// The bytes of an object.
    async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Refusal>;
}

/// A key that is to be read, with its folder's position and its day.
struct Wanted {
    folder: usize,
    day: i64,
    key: Key,
}

/// What became of a key: requests, and the object or the refusal where there was time.
type Fetched = (Wanted, u32, Option<Result<Vec<u8>, Refusal>>);

/// A folder with its keys of some days.
struct Listed {
    feed: String,
    cursor: FolderCursor,
    batch: Batch,
    /// Days that were listed to their end.
    days: Vec<i64>,
    /// What is to be read, with its day, by key.
    wanted: BTreeMap<String, (i64, Key)>,
    /// How many of them were refused for a while.
    failed: usize,
}

/// One pass over a bucket; a batch for each folder with anything to say.
pub(super) async fn pass<B: Bucket, P: Pace>(
    bucket: &B,
    location: &Location,
    cursors: &Cursors,
    (now, first_lookback): (Seconds, Seconds),
    (pace, end): (&P, Duration),
) -> Vec<Fed> {
    let effort = Effort::new(pace, end);
    let mut whole = Batch::of(format!("s3 {location}"), None, None);
    let mut known = cursors.folder(&whole.feed).cloned().unwrap_or_else(|| beginning(now - first_lookback));
    // A folder that is new since the last pass is read from its first day on.
    let fresh = known.clone();
    let folders = folders(bucket, location, &effort, &mut whole.problems).await;
    if whole.problems.is_empty() {
        known.day = known.day.max(now.div_euclid(DAY) - 1);
    }
    whole.requests = effort.requests();
    if folders.is_empty() && whole.problems.is_empty() {
        whole.problems.push(nothing_below(location));
    }
    let work = folders.into_iter().map(|folder| -> Work<'_, Listed> {
        let fresh = &fresh;
        let effort = &effort;
        Box::pin(async move {
            let feed = format!("s3 {}/{}", location.bucket, folder.prefix.trim_end_matches('/'));
            let cursor = cursors.folder(&feed).unwrap_or(fresh).clone();
            listed(bucket, location, feed, folder, cursor, now, &effort.again()).await
        })
    });
    let listed = side_by_side(ABREAST, work).await;
    let wanted = choose(&listed);
    let effort = Effort::new(pace, end.max(pace.elapsed() + LEAST_FETCH));
    let fetched = fetch(bucket, &location.bucket, wanted, &effort).await;
    let mut all = settle(listed, fetched, &location.bucket, now);
    all.push(Fed { cursor: Some((whole.feed.clone(), Cursor::Folder(known))), batch: whole });
    all
}

/// An empty bucket is no silence.
pub(super) fn nothing_below(location: &Location) -> Problem {
    let why = format!("no trail delivers here: nothing lies below {}", location.root());
    Problem::blind(format!("s3 {location}"), why)
}

fn beginning(since: Seconds) -> FolderCursor {
    // A file lies in the folder of the day on which it was written, an hour before it may be stored.
    FolderCursor { since, day: (since - HOUR).div_euclid(DAY), ..FolderCursor::default() }
}

/// Lists the days of a folder that may have something new.
async fn listed<B: Bucket, P: Pace>(
    bucket: &B,
    location: &Location,
    feed: String,
    folder: Folder,
    cursor: FolderCursor,
    now: Seconds,
    effort: &Effort<'_, P>,
) -> Listed {
    let mut batch = Batch::of(feed.clone(), Some(&folder.account), Some(&folder.region));
    let (mut days, mut wanted) = (Vec::new(), BTreeMap::new());
    let today = now.div_euclid(DAY);
    // A day more than today, because the clock here may be behind.
    for day in cursor.day.min(today - 1)..=(now + HOUR).div_euclid(DAY) {
        // What is new is listed however little time there is.
        if day < today - 1 && (effort.is_over() || wanted.len() > MOST_OBJECTS) {
            continue;
        }
        match keys(bucket, &location.bucket, &folder.day(day), effort).await {
            Ok(keys) => {
                days.push(day);
                let keys = keys.into_iter().filter(|key| is_new(key, day, &cursor));
                wanted.extend(keys.map(|key| (key.key.clone(), (day, key))));
            }
            Err(refusal) => {
                batch.problems.push(Problem::blind(&feed, refusal.to_string()));
                break;
            }
        }
    }
    batch.requests = effort.requests();
    Listed { feed, cursor, batch, days, wanted, failed: 0 }
}

fn is_new(key: &Key, day: i64, cursor: &FolderCursor) -> bool {
    layout::is_log(&key.key)
        && key.modified.is_none_or(|modified| modified >= cursor.since)
        && !cursor.taken.get(&day).is_some_and(|taken| taken.holds(&key.key))
}

/// The oldest keys of all folders that one pass may read; the others are told.
fn choose(listed: &[Listed]) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for (folder, listed) in listed.iter().enumerate() {
        wanted.extend(listed.wanted.values().map(|(day, key)| Wanted { folder, day: *day, key: key.clone() }));
    }
    wanted.sort_by(|one, other| {
        let order = |wanted: &Wanted| (wanted.day, wanted.key.modified);
        order(one).cmp(&order(other)).then_with(|| one.key.key.cmp(&other.key.key))
    });
    let mut bytes = 0;
    let most = wanted.iter().take(MOST_OBJECTS).take_while(|wanted| {
        // One that is larger than everything may be is read alone.
        let is_first = bytes == 0;
        bytes += wanted.key.bytes.max(1);
        is_first || bytes <= MOST_BYTES
    });
    let most = most.count();
    wanted.truncate(most);
    wanted
}

/// Gets objects side by side while there is time; `None` where there was not.
async fn fetch<B: Bucket, P: Pace>(
    bucket: &B,
    name: &str,
    wanted: Vec<Wanted>,
    effort: &Effort<'_, P>,
) -> Vec<Fetched> {
    let any = Cell::new(false);
    let any = &any;
    let work = wanted.into_iter().map(|wanted| -> Work<'_, _> {
        let effort = effort.again();
        Box::pin(async move {
            if any.replace(true) && effort.is_over() {
                return (wanted, 0, None);
            }
            let answer = effort.ask(async || bucket.get(name, &wanted.key.key).await).await;
            (wanted, effort.requests(), Some(answer))
        })
    });
    side_by_side(ABREAST, work).await
}

/// Puts objects and refusals into the batches of their folders, and moves the cursors.
fn settle(mut listed: Vec<Listed>, fetched: Vec<Fetched>, bucket: &str, now: Seconds) -> Vec<Fed> {
    for (wanted, requests, answer) in fetched {
        let Some(folder) = listed.get_mut(wanted.folder) else { continue };
        folder.batch.requests += requests;
        let is_settled = match answer {
            Some(Ok(bytes)) => {
                let name = format!("s3://{bucket}/{}", wanted.key.key);
                folder.batch.objects.push(Object::memory(name, bytes));
                folder.cursor.taken.entry(wanted.day).or_default().add(&wanted.key.key);
                true
            }
            Some(Err(refusal)) => {
                let what = format!("{} {}", folder.feed, wanted.key.key);
                folder.batch.problems.push(Problem::blind(&what, refusal.to_string()));
                let is_given_up = wanted.day < now.div_euclid(DAY) - GIVE_UP && !refusal.is_passing();
                folder.failed += usize::from(!is_given_up);
                is_given_up
            }
            None => false,
        };
        if is_settled {
            folder.wanted.remove(&wanted.key.key);
        }
    }
    listed.into_iter().map(|listed| advance(listed, now)).collect()
}

/// Says what waits, and no longer lists days that were read to their end.
fn advance(listed: Listed, now: Seconds) -> Fed {
    let Listed { feed, mut cursor, mut batch, days, wanted, failed } = listed;
    let waiting = wanted.len().saturating_sub(failed);
    if waiting > 0 {
        batch.reads_left = true;
        batch.problems.push(Problem::blind(&feed, format!("{waiting} objects wait for the next pass")));
    }
    let yesterday = now.div_euclid(DAY) - 1;
    let is_open = |day: &i64| !days.contains(day) || wanted.values().any(|(other, _)| other == day);
    let unlisted = (cursor.day..yesterday).filter(|day| !days.contains(day)).count();
    if unlisted > 0 {
        batch.reads_left = true;
        batch.problems.push(Problem::blind(&feed, format!("{unlisted} older days wait for the next pass")));
    }
    cursor.day = (cursor.day.min(yesterday)..yesterday).find(is_open).unwrap_or(yesterday);
    cursor.taken.retain(|day, _| *day >= cursor.day);
    Fed { batch, cursor: Some((feed, Cursor::Folder(cursor))) }
}
