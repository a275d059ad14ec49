//! The record of every incident, decision and change: append-only, each line bound to the one before by its hash.
//!
//! Pure: data and times in, lines out. Where the lines are kept is the matter of `store`.

#[cfg(test)]
mod tests;
mod verify;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::event::{Seconds, time};
use crate::model::hex;

pub(crate) use verify::{Broken, Verified, verify};

/// What the first line names as the hash before it.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Reading a detail and writing it again settles a number at once, or after one more time.
const SETTLES: usize = 4;

/// What is to be recorded; its place in the chain gives it a number and a hash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// What happened, such as `incident.opened`.
    pub kind: String,
    /// The incident that it is about.
    pub incident: Option<String>,
    pub detail: Value,
}

impl Entry {
    /// An entry about an incident, or about none.
    pub(crate) fn new(kind: impl Into<String>, incident: Option<&str>, detail: Value) -> Self {
        Self { kind: kind.into(), incident: incident.map(str::to_owned), detail }
    }
}

/// One line of the journal. A field that is not known here is refused, because no hash covers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// Counted from 1 without a gap.
    pub seq: u64,
    /// RFC 3339, kept as it was written: every byte of it is under the hash.
    pub at: String,
    pub kind: String,
    pub incident: Option<String>,
    pub detail: Value,
    /// Hash of the line before; 64 zeros before the first.
    pub previous: String,
    pub hash: String,
}

impl Line {
    /// The hash that this line must carry: SHA-256 in hex over the hash before it and the JSON of the rest, keys sorted.
    fn digest(&self) -> String {
        let rest = json!({
            "at": self.at, "detail": self.detail, "incident": self.incident, "kind": self.kind, "seq": self.seq,
        });
        digest(&[self.previous.as_bytes(), rest.to_string().as_bytes()])
    }
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tip {
    /// Number of the last line; 0 where there is none.
    pub seq: u64,
    pub hash: String,
}

impl Default for Tip {
    fn default() -> Self {
        Self { seq: 0, hash: NOTHING.to_owned() }
    }
}

impl Tip {
    /// The lines that record entries behind this tip, and the tip behind them.
    pub(crate) fn extend(&self, at: Seconds, entries: Vec<Entry>) -> (Vec<Line>, Self) {
        let mut tip = self.clone();
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut line = Line {
                seq: tip.seq + 1,
                at: time::format(at),
                kind: entry.kind,
                incident: entry.incident,
                detail: settled(entry.detail),
                previous: tip.hash,
                hash: String::new(),
            };
            line.hash = line.digest();
            tip = Self { seq: line.seq, hash: line.hash.clone() };
            lines.push(line);
        }
        (lines, tip)
    }
}

/// A value that reads back as itself: the hash is made of what is read later. The reader of JSON may be off by the last
/// bit of a fraction, and refuses what nests too deeply, which is kept as text.
fn settled(mut detail: Value) -> Value {
    for _ in 0..SETTLES {
        let text = detail.to_string();
        match serde_json::from_str::<Value>(&text) {
            Ok(read) if read == detail => return detail,
            Ok(read) => detail = read,
            Err(_) => return Value::String(text),
        }
    }
    Value::String(detail.to_string())
}

/// SHA-256 over parts, in hex.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hex(&hash.finalize())
}
