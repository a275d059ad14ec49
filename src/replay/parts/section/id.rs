//! A record by its time and id, from which its fingerprint is known, so that it is not written.

use crate::event::{Event, EventId, Seconds, Shape};
use crate::replay::fingerprint::{of_record, written};

/// Bytes of an id that is a UUID in its usual spelling.
pub(super) const UUID: usize = 16;
/// Where its hyphens are.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// How the fingerprint of a record is known.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Print {
    /// From its id, time and kind of call.
    #[default]
    Derived,
    /// It is the id, as the record has none.
    Id,
    /// Only by itself.
    Told(u64),
    /// Not at all.
    None,
}

/// A record.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub at: Seconds,
    pub id: String,
    pub print: Print,
    /// Not meant for a record that was read: there, what `print` says is not looked up yet.
    pub fingerprint: u64,
}

impl Record {
    /// A call by its fingerprint.
    pub(super) fn of(at: Seconds, id: &EventId, fingerprint: u64, shape: &Shape, account: &str) -> Self {
        let id = id.as_str();
        let print = if of_record(at, id, &shape.source, &shape.raw_name, account) == fingerprint {
            Print::Derived
        } else if written(fingerprint) == id {
            Print::Id
        } else {
            Print::Told(fingerprint)
        };
        Self { at, id: id.to_owned(), print, fingerprint }
    }

    /// An event, which does not know its fingerprint; it may be among those that were seen.
    pub(super) fn of_event(event: &Event, seen: &[u64]) -> Self {
        let (at, id) = (event.time, event.id.to_string());
        let derived = of_record(at, &id, &event.shape.source, &event.shape.raw_name, &event.place.account);
        let told = of_id(&id);
        let is_seen = |fingerprint: u64| seen.binary_search(&fingerprint).is_ok();
        let (print, fingerprint) = match told {
            _ if is_seen(derived) => (Print::Derived, derived),
            Some(told) if is_seen(told) => (Print::Id, told),
            _ => (Print::None, 0),
        };
        Self { at, id, print, fingerprint }
    }

    /// Its fingerprint, where it has one.
    pub(super) fn fingerprint_of(&self, shape: &Shape, account: &str) -> Option<u64> {
        match self.print {
            Print::Derived => Some(of_record(self.at, &self.id, &shape.source, &shape.raw_name, account)),
            Print::Id => of_id(&self.id),
            Print::Told(fingerprint) => Some(fingerprint),
            Print::None => None,
        }
    }
}

/// The fingerprint that an id is.
fn of_id(id: &str) -> Option<u64> {
    u64::from_str_radix(id, 16).ok().filter(|fingerprint| written(*fingerprint) == id)
}

/// The bytes of a UUID that is spelt in small letters with its hyphens.
pub(super) fn packed(id: &str) -> Option<[u8; UUID]> {
    let text = id.as_bytes();
    if text.len() != 36 || HYPHENS.iter().any(|at| text.get(*at) != Some(&b'-')) {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digits = text.iter().enumerate().filter(|(at, _)| !HYPHENS.contains(at)).map(|(_, byte)| digit(*byte));
    let mut packed = [0; UUID];
    for byte in &mut packed {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    Some(packed)
}

/// The text of such bytes.
pub(super) fn spelt(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}
