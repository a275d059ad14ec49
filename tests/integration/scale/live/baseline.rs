//! What is usual, as facts: out of an exported state and out of a replay.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::harness::{finish, root};

/// Facts by what they are about; when it was seen first and last, and the days.
pub(super) type Facts = BTreeMap<String, (Option<i64>, Option<i64>, BTreeMap<i64, u128>)>;

/// What a state holds, put together from all of its blobs.
pub(super) fn learned(export: &Path) -> Facts {
    let text = std::fs::read_to_string(export).unwrap();
    let items: BTreeMap<String, Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|item| Some((item["key"].as_str()?.to_owned(), item)))
        .collect();
    let head: Value = serde_json::from_str(items["head"]["text"].as_str().unwrap()).unwrap();
    let mut facts = Facts::new();
    for (slot, name) in head["watch"]["blobs"].as_object().unwrap() {
        if slot.starts_with("baseline/") || slot.starts_with("learned/") {
            let packed = base64(items[&format!("blob/{}", name.as_str().unwrap())]["base64"].as_str().unwrap());
            add(&String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap(), &mut facts);
        }
    }
    let blobs = head["watch"]["blobs"].as_object().unwrap();
    let slots = ["baseline/", "learned/"].map(|start| blobs.keys().filter(|slot| slot.starts_with(start)).count());
    assert!(slots[0] > 10 && (1..=12).contains(&slots[1]), "{slots:?}: both kinds of what is learned are there");
    facts
}

/// What a replay of records learns, and its incidents.
pub(super) fn replayed(folder: &Path, records: &[Value]) -> (Facts, Vec<Value>) {
    let (file, baseline) = (folder.join("all.jsonl"), folder.join("usual.ndjson"));
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    std::fs::write(&file, text).unwrap();
    let mut replay = crate::harness::command(["replay", "--quiet", "--format", "ndjson", "--save-baseline"]);
    replay.arg(&baseline).arg(&file).current_dir(root());
    let run = finish(replay, b"");
    assert_eq!(run.status, 1, "{run:?}");
    let mut facts = Facts::new();
    add(&std::fs::read_to_string(&baseline).unwrap(), &mut facts);
    (facts, run.incidents())
}

/// Adds the facts of a baseline's file: the union of the days, which are bits of a block, and the greatest of the counts.
fn add(text: &str, facts: &mut Facts) {
    for line in text.lines().skip(1) {
        let mut fact: Value = serde_json::from_str(line).unwrap();
        let fields = fact.as_object_mut().unwrap();
        let mut number = |name: &str| fields.remove(name).and_then(|value| value.as_i64());
        let first = number("first").or(number("at")).or(number("since"));
        let last = number("last");
        let days = fields.remove("days").map_or_else(BTreeMap::new, |days| blocks(days.as_str().unwrap()));
        let is_count = fields["fact"] == "peak";
        let known = facts.entry(fact.to_string()).or_insert((first, last, BTreeMap::new()));
        known.0 = known.0.min(first);
        known.1 = known.1.max(last);
        for (block, bits) in days {
            let seen = known.2.entry(block).or_default();
            *seen = if is_count { bits.max(*seen) } else { bits | *seen };
        }
    }
}

fn blocks(text: &str) -> BTreeMap<i64, u128> {
    let block = |part: &str| {
        let (number, bits) = part.split_once(':').unwrap();
        (number.parse().unwrap(), u128::from_str_radix(bits, 16).unwrap())
    };
    text.split(';').map(block).collect()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut places = [0_u32; 256];
    (0..).zip(DIGITS).for_each(|(place, digit)| places[usize::from(*digit)] = place);
    let mut bytes = Vec::new();
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | places[usize::from(*digit)]) << (6 * (4 - four.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}
