//! Where each feed stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::event::{DAY, Seconds};

/// A feed that is handed in is forgotten when nothing of it came for so long.
const FORGOTTEN: Seconds = 7 * DAY;

/// Where each feed stands, by the feed's name; saved by the caller after what was read is safe.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cursors(BTreeMap<String, Cursor>);

impl Cursors {
    pub(super) fn set(&mut self, feed: String, cursor: Cursor) {
        self.0.insert(feed, cursor);
    }

    /// Messages of a feed were handed in at a time.
    pub(crate) fn note_handed(&mut self, feed: String, now: Seconds) {
        self.set(feed, Cursor::Handed(now));
    }

    /// Feeds that are handed in: of which something was lately. One that is silent for longer may be no feed any more.
    pub(super) fn handed(&self, now: Seconds) -> impl Iterator<Item = &String> {
        let is_alive = move |cursor: &Cursor| matches!(cursor, Cursor::Handed(at) if now - at < DAY);
        self.0.iter().filter(move |(_, cursor)| is_alive(cursor)).map(|(feed, _)| feed)
    }

    /// Whether messages of a feed come by themselves.
    pub(crate) fn is_handed(&self, feed: &str) -> bool {
        matches!(self.0.get(feed), Some(Cursor::Handed(_)))
    }

    /// Forgets feeds of which nothing was handed in for a week, and names them: whoever sends messages names queues.
    pub(crate) fn forget_handed(&mut self, now: Seconds) -> BTreeSet<String> {
        let is_old = |cursor: &Cursor| matches!(cursor, Cursor::Handed(at) if now - at >= FORGOTTEN);
        let old = self.0.iter().filter(|(_, cursor)| is_old(cursor)).map(|(feed, _)| feed.clone());
        let old: BTreeSet<String> = old.collect();
        self.0.retain(|feed, _| !old.contains(feed));
        old
    }

    pub(super) fn lookup(&self, feed: &str) -> Option<&LookupCursor> {
        match self.0.get(feed) {
            Some(Cursor::Lookup(cursor)) => Some(cursor),
            _ => None,
        }
    }

    pub(super) fn folder(&self, feed: &str) -> Option<&FolderCursor> {
        match self.0.get(feed) {
            Some(Cursor::Folder(cursor)) => Some(cursor),
            _ => None,
        }
    }
}

/// Where one feed stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cursor {
    Lookup(LookupCursor),
    Folder(FolderCursor),
    /// Messages that come by themselves: when the last did.
    Handed(Seconds),
}

/// LookupEvents of one account and region.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LookupCursor {
    /// When it was last asked.
    pub polled: Seconds,
    /// Events that the last pass over a usual window gave.
    #[serde(default)]
    pub events: usize,
    /// Whether the last window was long.
    #[serde(default)]
    pub busy: bool,
    #[serde(default)]
    pub unread: Vec<Range>,
}

/// Which events a lookup asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// `ReadOnly=false`.
    Writes,
    /// Also what AWS marks neither as reading nor as writing.
    Everything,
}

/// A range of event time that is read from its end to its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub kind: Kind,
    /// The first second that is asked for.
    pub from: Seconds,
    /// The last second that is asked for.
    pub until: Seconds,
    /// The last second that the first lookup of this range asked for.
    pub whole: Seconds,
    /// Every event from here to `whole` was given.
    pub reached: Seconds,
    /// The oldest event that was given.
    pub lowest: Seconds,
    /// Goes on where the reading stopped, with the same `from` and `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl Range {
    pub(super) fn new(kind: Kind, from: Seconds, until: Seconds) -> Self {
        Self { kind, from, until, whole: until, reached: until, lowest: until, token: None }
    }

    /// Asks anew for what is unread. Where pages are short it trusts their order, so that it always goes on.
    pub(super) fn restart(&mut self) {
        let next = if self.reached < self.until { self.reached } else { self.lowest };
        (self.until, self.reached, self.lowest) = (next, next, next);
        self.token = None;
    }

    /// Whether everything that is unread here lies in another range, the part of it that was given included.
    pub(super) fn is_inside(&self, other: &Self) -> bool {
        self.from >= other.from && self.reached <= other.whole
    }
}

/// One account's and region's folder in a trail's bucket.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FolderCursor {
    /// What was stored earlier is not read.
    pub since: Seconds,
    /// The oldest day that is still listed, in days since 1970-01-01.
    pub day: i64,
    /// What was read, by day.
    #[serde(default)]
    pub taken: BTreeMap<i64, Taken>,
}

/// Short hashes of keys; as text 16 hexadecimal digits each.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) struct Taken(BTreeSet<u64>);

impl Taken {
    pub(super) fn holds(&self, key: &str) -> bool {
        self.0.contains(&short(key))
    }

    pub(super) fn add(&mut self, key: &str) {
        self.0.insert(short(key));
    }
}

fn short(key: &str) -> u64 {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl From<String> for Taken {
    fn from(text: String) -> Self {
        let words = text.as_bytes().chunks(16).filter_map(|word| std::str::from_utf8(word).ok());
        Self(words.filter_map(|word| u64::from_str_radix(word, 16).ok()).collect())
    }
}

impl From<Taken> for String {
    fn from(taken: Taken) -> Self {
        taken.0.iter().map(|number| format!("{number:016x}")).collect()
    }
}
