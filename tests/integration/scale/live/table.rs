//! What is written to a table: how often to which item, and how much to which partition.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::stand_in::{Fate, Proxy, Request};

/// Writes of the head in one batch: the lease, the pass, what was printed, what was told, and the lease again; and what
/// another writer was faster with.
const HEAD_WRITES: usize = 8;
/// DynamoDB writes so many units to one partition key in a second.
const HOTTEST: usize = 1_000;
const UNIT: usize = 1_024;

/// Events in a second, to one state.
const FAST: usize = 1_000;

/// A write: to which item, and of how many bytes.
type Write = ([String; 2], usize);

/// Writes that passed a proxy.
pub(super) struct Writes(Arc<Mutex<Vec<Write>>>);

impl Writes {
    /// From here on.
    pub(super) fn seen_by(proxy: &Proxy) -> Self {
        let writes: Arc<Mutex<Vec<Write>>> = Arc::default();
        let seen = Arc::clone(&writes);
        proxy.rule(move |request, _| {
            if let Some(key) = written(request) {
                seen.lock().unwrap().push((key, request.text.len()));
            }
            Fate::Pass
        });
        Self(writes)
    }

    /// No item is written more often than so many batches of events need, and none is hot.
    pub(super) fn are_spread(&self, batches: usize, events: usize) {
        let writes = self.0.lock().unwrap();
        let mut items: BTreeMap<&[String; 2], usize> = BTreeMap::new();
        // A request is a little longer than its item.
        let mut partitions: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, bytes) in writes.iter() {
            *items.entry(key).or_default() += 1;
            *partitions.entry(&key[0]).or_default() += bytes.div_ceil(UNIT);
        }
        let units: usize = partitions.values().sum();
        let (hottest, heat) = partitions.iter().max_by_key(|(_, units)| **units).unwrap();
        // Of a second in which events come fast, however fast this test is.
        let heat = heat * FAST / events;
        let head = items.iter().find(|(key, _)| key[0] == "key/head").map_or(0, |(_, count)| *count);
        drop(writeln!(
            std::io::stderr(),
            "{} writes, {units} units in {batches} batches of {events} events: {:.2} units an event; the head {head} times; \
             {heat} a second to {hottest} at {FAST} events a second",
            writes.len(),
            units as f64 / events as f64,
        ));
        assert!(head <= HEAD_WRITES * batches, "the head is written {head} times in {batches} batches");
        for (key, count) in items.iter().filter(|(key, _)| key[0] != "key/head") {
            // Written once and removed once; the name of a blob holds whose it is.
            assert!(*count <= 2, "{key:?} is written {count} times");
        }
        assert!(heat < HOTTEST, "{heat} units a second to {hottest}");
    }
}

/// The item that a request writes.
fn written(request: &Request) -> Option<[String; 2]> {
    let key: &Value = match request.operation.as_str() {
        "PutItem" => &request.body["Item"],
        "UpdateItem" | "DeleteItem" => &request.body["Key"],
        _ => return None,
    };
    Some(["pk", "sk"].map(|name| key[name]["S"].as_str().unwrap_or_default().to_owned()))
}
