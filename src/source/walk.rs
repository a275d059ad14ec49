//! Walks over the values of a text, in whatever way they are strung together, and gives every
//! record among them. Survives anything: what is broken is counted and stepped over.

use sonic_rs::LazyValue;

use super::notice;
use super::outcome::Outcome;
use super::resync;
use super::scan::{self, Fault, skip_blank};
use super::shape::{self, Kind};

/// How deep JSON text inside JSON strings is followed.
const MAX_STRINGS: u8 = 4;
/// How deep envelopes inside envelopes are followed.
const MAX_ENVELOPES: u8 = 12;
/// Bytes that may be looked at again behind faults, per byte of text.
const SECOND_LOOKS: usize = 8;

/// How far inside other values a text stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Level {
    strings: u8,
    envelopes: u8,
}

/// The counts of one object and the callback for its records.
pub(super) struct Walk<'c> {
    each: &'c mut dyn FnMut(LazyValue<'_>),
    pub(super) outcome: Outcome,
    /// Where the text at hand starts in the object.
    pub(super) base: u64,
    /// Where the value at hand starts in the object.
    position: u64,
    /// The text ended inside of a value.
    pub(super) cut: bool,
    /// Other text than JSON is expected between the values.
    pub(super) mixed: bool,
    /// What was read last was broken, so that more of the same counts once.
    broken: bool,
    second_looks: usize,
}

impl<'c> Walk<'c> {
    pub(super) fn new(each: &'c mut dyn FnMut(LazyValue<'_>)) -> Self {
        Self {
            each,
            outcome: Outcome::default(),
            base: 0,
            position: 0,
            cut: false,
            mixed: false,
            broken: false,
            second_looks: 0,
        }
    }

    /// Gives one record. Bytes that are no UTF-8 are replaced.
    pub(super) fn give(&mut self, record: &[u8]) {
        match sonic_rs::from_str(&String::from_utf8_lossy(record)) {
            Ok(record) => self.sound(record),
            Err(_) => self.malformed("not a JSON object"),
        }
    }

    fn sound(&mut self, record: LazyValue<'_>) {
        (self.each)(record);
        self.outcome.records += 1;
        self.broken = false;
    }

    /// Counts something that should have been a record.
    pub(super) fn malformed(&mut self, why: &str) {
        let position = self.position;
        self.malformed_at(&format!("byte {position}"), why);
    }

    /// The same with a place of another kind than a byte offset.
    pub(super) fn malformed_at(&mut self, place: &str, why: &str) {
        self.outcome.malformed += 1;
        self.broken = true;
        if self.outcome.first_malformed.is_none() {
            self.outcome.first_malformed = Some(format!("{place}: {why}"));
        }
    }

    /// Counts something that is no record and need not be one.
    pub(super) fn not_a_log(&mut self) {
        self.outcome.not_a_log += 1;
        self.broken = false;
    }

    /// A cell of a table that holds JSON text.
    pub(super) fn cell(&mut self, text: &[u8], place: &str) {
        let before = self.outcome.clone();
        self.text(text, 0, 0);
        if std::mem::take(&mut self.cut) && self.outcome.counted() == before.counted() {
            self.malformed(scan::ENDED);
        }
        if before.first_malformed.is_none()
            && let Some(first) = &mut self.outcome.first_malformed
        {
            first.insert_str(0, &format!("{place}, "));
        }
    }

    /// An element that the fast path has cut out and found sound.
    pub(super) fn element(&mut self, record: LazyValue<'_>, at: usize) {
        self.position = self.base + at as u64;
        if shape::is_plain_record(record.as_raw_str().as_bytes()) {
            self.sound(record);
        } else {
            self.object(record.as_raw_str().as_bytes(), Level::default());
        }
    }

    /// Everything in `text` from `at` on, with `open` brackets open there. Sets `cut` when the
    /// text ends before they are closed.
    pub(super) fn text(&mut self, text: &[u8], at: usize, open: usize) {
        self.second_looks = text.len().saturating_mul(SECOND_LOOKS);
        self.cut = false;
        let left = self.values(text, at, open, Level::default());
        self.cut |= left > 0 && !self.mixed;
    }

    /// Gives what is in `text` and says how many brackets are left open at its end.
    fn values(&mut self, text: &[u8], mut at: usize, mut open: usize, level: Level) -> usize {
        // Scalars count where only values stand before them on their line; those up to `scalars` do.
        let (mut fresh, mut scalars) = (true, at);
        while let Some(&byte) = text.get(at) {
            let outside = open == 0 && level.strings == 0 && level.envelopes == 0;
            if level.strings == 0 && level.envelopes == 0 {
                self.position = self.base + at as u64;
            }
            fresh |= matches!(byte, b'\n' | 0x1e);
            if outside && fresh && at >= scalars && !b" \t\r\n,\x1e{[".contains(&byte) {
                let end = scan::scalars(text, at, !self.mixed && !self.broken);
                scalars = end.unwrap_or(at);
                fresh = end.is_some();
            }
            at = match byte {
                _ if outside && at < scalars && !b" \t\r\x1e".contains(&byte) => self.scalar(text, at, level),
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | 0x1e | 0 => at + 1,
                b']' | b'}' => {
                    fresh |= open > 0 || !self.mixed;
                    open = open.saturating_sub(1);
                    at + 1
                }
                b'[' => {
                    open += 1;
                    at + 1
                }
                b'{' => {
                    let next = if let Some(array) = shape::records_ahead(text, at) {
                        open += 1;
                        array
                    } else {
                        self.braced(text, at, &mut open, level)
                    };
                    fresh = text[next - 1] == b'}';
                    next
                }
                b'"' => self.quoted(text, at, level),
                _ => self.stray(text, at),
            };
        }
        open
    }

    /// The sound scalar at `at` that stands by itself; gives where it ends.
    fn scalar(&mut self, text: &[u8], at: usize, level: Level) -> usize {
        let end = scan::value(text, at).unwrap_or_else(|fault| fault.at.max(at + 1));
        if text[at] != b'"' || !self.encoded(&text[at..end], level) {
            self.not_a_log();
        }
        end
    }

    /// The object at `at`; gives where to go on.
    fn braced(&mut self, text: &[u8], at: usize, open: &mut usize, level: Level) -> usize {
        let fault = match scan::value(text, at) {
            Ok(end) => {
                self.object(&text[at..end], level);
                return end;
            }
            Err(fault) => fault,
        };
        let again = self.may_look_again(at, &fault);
        if self.mixed && !resync::starts_record(text, at) {
            return if again { at + 1 } else { fault.at.max(at + 1) };
        }
        if again && let Some(array) = shape::array_inside(text, at) {
            *open += 1;
            return array;
        }
        self.malformed(fault.why);
        self.resume(text, at, &fault, again)
    }

    /// Whether there is enough left to read once more what stands between the start of a broken
    /// value and its fault. Without such a bound a text could be made that takes for ever.
    fn may_look_again(&mut self, start: usize, fault: &Fault) -> bool {
        match self.second_looks.checked_sub(fault.at - start) {
            Some(left) => {
                self.second_looks = left;
                true
            }
            None => false,
        }
    }

    /// Where to go on behind a fault in the value that starts at `start`: in front of the fault
    /// only where it may be looked at `again`.
    fn resume(&mut self, text: &[u8], start: usize, fault: &Fault, again: bool) -> usize {
        if again && let Some(at) = resync::next_record(text, start + 1, fault.at) {
            return at;
        }
        let at = resync::resume(text, fault);
        self.cut |= at == text.len() && fault.is_end();
        at.max(start + 1)
    }

    /// The string at `at`: the key of an envelope that was stepped into, or JSON inside a string.
    fn quoted(&mut self, text: &[u8], at: usize, level: Level) -> usize {
        let end = match scan::value(text, at) {
            Ok(end) => end,
            Err(fault) => return self.stray_fault(text, at, &fault),
        };
        let colon = skip_blank(text, end);
        if text.get(colon) != Some(&b':') {
            if !self.encoded(&text[at..end], level) && !self.mixed && !self.broken {
                self.malformed("a string where a record is expected");
            }
            return end;
        }
        let value = skip_blank(text, colon + 1);
        if text.get(value) == Some(&b'[') && shape::is_container_key(&text[at + 1..end - 1]) {
            return value;
        }
        match scan::value(text, value) {
            Ok(end) => end,
            Err(fault) => self.stray_fault(text, at, &fault),
        }
    }

    fn stray_fault(&mut self, text: &[u8], at: usize, fault: &Fault) -> usize {
        let again = self.may_look_again(at, fault);
        if self.mixed {
            return if again { at + 1 } else { fault.at.max(at + 1) };
        }
        if !self.broken {
            self.malformed(fault.why);
        }
        self.resume(text, at, fault, again)
    }

    /// Whatever else stands at `at`: a comment, a number, an ellipsis, text.
    fn stray(&mut self, text: &[u8], at: usize) -> usize {
        if let Some(end) = resync::comment(text, at) {
            return end;
        }
        if !self.mixed && !self.broken {
            self.malformed("expected a record");
        }
        let length = text[at..].iter().position(|byte| b"{}[]\",\n".contains(byte));
        length.map_or(text.len(), |length| at + length.max(1))
    }

    /// A sound object.
    fn object(&mut self, object: &[u8], level: Level) {
        if level.envelopes >= MAX_ENVELOPES {
            self.malformed("envelopes nested too deeply");
            return;
        }
        let inside = Level { envelopes: level.envelopes + 1, ..level };
        match shape::kind(object) {
            Kind::Record => self.give(object),
            Kind::NotALog => self.not_a_log(),
            Kind::Notice(envelope) => self.notice(envelope),
            Kind::Object(inner) => self.object(inner, inside),
            Kind::Array(array) => {
                let before = self.outcome.counted();
                self.values(array, 0, 0, inside);
                if self.outcome.counted() == before {
                    self.not_a_log();
                }
            }
            Kind::Encoded { text, required } => {
                if !self.encoded(text, inside) {
                    if required {
                        self.malformed("the string of an event is not JSON");
                    } else {
                        self.not_a_log();
                    }
                }
            }
        }
    }

    /// What AWS itself tells, as records; something of which there are none is no log.
    fn notice(&mut self, envelope: &[u8]) {
        let records = notice::records(envelope);
        if records.is_empty() {
            self.not_a_log();
        }
        records.iter().for_each(|record| self.give(record.as_bytes()));
    }

    /// JSON text inside the JSON string `raw`; false when it holds other text.
    fn encoded(&mut self, raw: &[u8], level: Level) -> bool {
        let Ok(text) = serde_json::from_str::<String>(&String::from_utf8_lossy(raw)) else {
            // Only half of a surrogate pair gets here, so there is text that cannot be read.
            self.malformed("a string with half a character");
            return true;
        };
        let text = text.as_bytes();
        let start = skip_blank(text, 0);
        let Some(b'{' | b'[') = text.get(start) else {
            return false;
        };
        if level.strings >= MAX_STRINGS {
            self.malformed("strings inside strings nested too deeply");
            return true;
        }
        let inside = Level { strings: level.strings + 1, ..level };
        let before = self.outcome.counted();
        let (cut, looks) = (self.cut, self.second_looks);
        self.second_looks = text.len().saturating_mul(SECOND_LOOKS);
        let open = self.values(text, start, 0, inside);
        self.second_looks = looks;
        self.cut = cut;
        if self.outcome.counted() == before {
            if open > 0 {
                self.malformed(scan::ENDED);
            } else {
                self.not_a_log();
            }
        }
        true
    }
}
