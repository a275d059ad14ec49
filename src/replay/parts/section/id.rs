//! A record by its time and id, from which its fingerprint is known, so that it is not written.

use crate::event::{Event, EventId, Seconds, Shape};
use crate::replay::fingerprint::{of_record, written};
use crate::replay::part::Noted;

/// Bytes of an id that is a UUID in its usual spelling.
pub(super) const UUID: usize = 16;
/// Its characters, where its hyphens are, and where the digits of each byte begin.
const SPELT: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const DIGITS: [usize; UUID] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

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

/// A record that is to be written.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call<'p> {
    pub at: Seconds,
    pub id: &'p str,
    pub print: Print,
    pub fingerprint: u64,
}

/// A record that was read.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub at: Seconds,
    pub id: EventId,
    pub print: Print,
}

impl<'p> Call<'p> {
    /// A call by its fingerprint.
    pub(super) fn of(call: &'p Noted, shape: &Shape, account: &str) -> Self {
        let Noted { at, id, fingerprint } = call;
        let (at, id, fingerprint) = (*at, id.as_str(), *fingerprint);
        let print = if of_record(at, id, &shape.source, &shape.raw_name, account) == fingerprint {
            Print::Derived
        } else if of_id(id) == Some(fingerprint) {
            Print::Id
        } else {
            Print::Told(fingerprint)
        };
        Self { at, id, print, fingerprint }
    }

    /// An event, which does not know its fingerprint; it may be among those that were seen.
    pub(super) fn of_event(event: &'p Event, seen: &[u64]) -> Self {
        let (at, id) = (event.time, &*event.id);
        let derived = of_record(at, id, &event.shape.source, &event.shape.raw_name, &event.place.account);
        let told = of_id(id);
        let is_seen = |fingerprint: u64| seen.binary_search(&fingerprint).is_ok();
        let (print, fingerprint) = match told {
            _ if is_seen(derived) => (Print::Derived, derived),
            Some(told) if is_seen(told) => (Print::Id, told),
            _ => (Print::None, 0),
        };
        Self { at, id, print, fingerprint }
    }
}

impl Record {
    /// Its fingerprint, where it has one.
    pub(super) fn fingerprint_of(&self, shape: &Shape, account: &str) -> Option<u64> {
        let id = self.id.as_str();
        match self.print {
            Print::Derived => Some(of_record(self.at, id, &shape.source, &shape.raw_name, account)),
            Print::Id => of_id(id),
            Print::Told(fingerprint) => Some(fingerprint),
            Print::None => None,
        }
    }
}

/// The fingerprint that an id is.
fn of_id(id: &str) -> Option<u64> {
    let may_be = id.len() == 16;
    may_be.then(|| u64::from_str_radix(id, 16).ok()).flatten().filter(|fingerprint| written(*fingerprint) == id)
}

/// The bytes of a UUID that is spelt in small letters with its hyphens.
pub(super) fn packed(id: &str) -> Option<[u8; UUID]> {
    let text: &[u8; SPELT] = id.as_bytes().try_into().ok()?;
    let mut packed = [0; UUID];
    let mut unknown = HYPHENS.iter().fold(0, |unknown, at| unknown | (text[*at] ^ b'-'));
    for (byte, at) in packed.iter_mut().zip(DIGITS) {
        let [high, low] = [text[at], text[at + 1]].map(|digit| VALUES[usize::from(digit)]);
        unknown |= (high | low) & 0xf0;
        *byte = high << 4 | low;
    }
    (unknown == 0).then_some(packed)
}

/// The id of such bytes.
pub(super) fn spelt(bytes: &[u8; UUID]) -> EventId {
    let mut text = [b'-'; SPELT];
    for (byte, at) in bytes.iter().zip(DIGITS) {
        [text[at], text[at + 1]] = [byte >> 4, byte & 15].map(|digit| NAMES[usize::from(digit)]);
    }
    EventId::new(std::str::from_utf8(&text).unwrap_or_default())
}

const NAMES: &[u8; 16] = b"0123456789abcdef";

/// The value of each digit; what is none has more than four bits.
const VALUES: [u8; 256] = {
    let (mut values, mut n) = ([0xff; 256], 0);
    while n < NAMES.len() {
        values[NAMES[n] as usize] = n as u8;
        n += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_come_back_and_nothing_else_is_one() {
        let text = "0d6b8a0c-3d6e-4f6a-9d0e-2f3b1c4a5e6f";
        assert_eq!(spelt(&packed(text).unwrap()).as_str(), text);
        assert_eq!(packed(text).unwrap()[..4], [0x0d, 0x6b, 0x8a, 0x0c]);
        assert_eq!(packed(&text.to_uppercase()), None);
        for at in 0..text.len() {
            let mut other = text.to_owned().into_bytes();
            other[at] = b'g';
            assert_eq!(packed(&String::from_utf8(other).unwrap()), None, "{at}");
        }
        assert_eq!(packed(&text[1..]), None);
        assert_eq!(packed(""), None);
    }
}
