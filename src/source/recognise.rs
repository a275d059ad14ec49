//! What kind of text an unpacked object is, and who reads it.

use super::outcome::Outcome;
use super::scan::{first_byte, scalars, skip_blank, value};
use super::walk::Walk;
use super::{fast, resync, shape, table};

/// Words of which every log has at least one, however broken it is.
const EVIDENCE: [&[u8]; 5] = [b"eventVersion", b"eventName", b"eventSource", b"\"Records\"", b"CloudTrailEvent"];

/// Reads a whole text. `base` is its offset in the object.
pub(super) fn text(walk: &mut Walk<'_>, text: &mut [u8], base: u64) {
    walk.base = base;
    if let Some(mut decoded) = from_utf16(text) {
        whole(walk, &mut decoded);
    } else {
        whole(walk, text);
    }
}

fn whole(walk: &mut Walk<'_>, text: &mut [u8]) {
    let start = first_byte(text);
    match text.get(start) {
        None => walk.not_a_log(),
        Some(b'{' | b'[') => json(walk, text, start),
        Some(_) if table::is_table(text) => table::read(walk, &text[start..]),
        Some(_) if has_records(text) || scalars(text, start, false).is_some() => {
            walk.mixed = true;
            walk.text(text, start, 0);
        }
        Some(_) => walk.not_a_log(),
    }
    if walk.outcome.records == 0 && walk.outcome.malformed > 0 && !has_evidence(text) {
        walk.cut = false;
        walk.outcome = Outcome { not_a_log: 1, bytes: walk.outcome.bytes, ..Outcome::default() };
    }
    if walk.outcome.counted() == 0 {
        if walk.cut {
            walk.malformed("the text ends before the first record");
        } else {
            walk.not_a_log();
        }
    }
}

/// One or more JSON values; the usual single array of records goes the fast way as far as it can.
pub(super) fn json(walk: &mut Walk<'_>, text: &mut [u8], start: usize) {
    let (array, open) = match shape::records_ahead(text, start) {
        Some(array) => (array, 2),
        None => (start, 1),
    };
    if text[array] == b'[' {
        let behind = fast::elements(walk, text, array);
        walk.text(text, behind, open);
    } else {
        walk.text(text, start, 0);
    }
}

/// Whether these are the first lines of a file with one JSON object per line.
pub(super) fn is_lines(head: &[u8]) -> bool {
    let start = first_byte(head);
    if head.get(start) != Some(&b'{') {
        return false;
    }
    let line = memchr::memchr(b'\n', &head[start..]).map(|length| &head[start..start + length]);
    line.is_some_and(|line| value(line, 0).is_ok_and(|end| skip_blank(line, end) == line.len()))
}

/// Whether records stand between other text, as in lines that begin with a time.
fn has_records(text: &[u8]) -> bool {
    memchr::memchr_iter(b'{', text).any(|at| resync::starts_record(text, at))
}

pub(super) fn has_evidence(text: &[u8]) -> bool {
    EVIDENCE.iter().any(|word| memchr::memmem::find(text, word).is_some())
}

/// Text from a shell that writes UTF-16, with its byte order mark.
pub(super) fn from_utf16(text: &[u8]) -> Option<Vec<u8>> {
    let join: fn([u8; 2]) -> u16 = match text {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units = text[2..].chunks_exact(2).map(|pair| join([pair[0], pair[1]]));
    let decoded: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Some(decoded.into_bytes())
}
