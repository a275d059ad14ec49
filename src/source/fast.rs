//! The way nearly all bytes take: one array of sound records, cut up by a vectorised scanner.
//!
//! That scanner recurses as deep as its input is nested and cannot be told to stop. So it gets
//! the text in segments that hold too few opening brackets to matter.

use super::scan::{self, MAX_DEPTH, skip_blank};
use super::walk::Walk;

/// Granularity in which brackets are counted.
const BLOCK: usize = 4096;
/// Elements that begin with so many equal bytes are taken to be alike.
const ALIKE: usize = 12;
/// Bytes that can be summed up in one byte without overflow.
const SUMMED: usize = 128;

/// Gives the elements of the array that starts at `start`, up to the first that is not a sound
/// object, and says where to go on: behind the last one given.
///
/// A segment has to begin with a bracket, so the comma before it is overwritten by one.
pub(super) fn elements(walk: &mut Walk<'_>, text: &mut [u8], start: usize) -> usize {
    let mut at = start;
    loop {
        let limit = segment_end(text, at);
        let whole = limit == text.len();
        let comma = if whole { None } else { last_comma(text, at, limit) };
        text[at] = b'[';
        let mut behind = match comma {
            Some(comma) => {
                text[comma] = b']';
                let behind = segment(walk, text, at, comma + 1);
                text[comma] = b',';
                behind
            }
            None => segment(walk, text, at, limit),
        };
        if whole {
            return behind.max(at + 1);
        }
        if behind == at {
            // One element fills the segment.
            let object = skip_blank(text, at + 1);
            match scan::value(text, object).map(|end| (end, sonic_rs::from_slice(&text[object..end]))) {
                Ok((end, Ok(element))) if text[object] == b'{' => {
                    walk.element(element, object);
                    behind = end;
                }
                _ => return at + 1,
            }
        }
        at = skip_blank(text, behind);
        if text.get(at) != Some(&b',') {
            return behind;
        }
    }
}

/// Gives the elements of a segment, and says where the last one given ends.
fn segment(walk: &mut Walk<'_>, text: &[u8], at: usize, end: usize) -> usize {
    let segment = &text[at..end];
    let mut behind = at;
    for element in sonic_rs::to_array_iter(segment) {
        let Ok(element) = element else { break };
        let raw = element.as_raw_str();
        if !raw.starts_with('{') {
            break;
        }
        let offset = at + (raw.as_ptr() as usize - segment.as_ptr() as usize);
        behind = offset + raw.len();
        walk.element(element, offset);
    }
    behind
}

/// The last comma of a segment behind which something begins as the first element does. A segment that is closed there
/// ends without an error, and errors are dear: they count the lines before them. A wrong guess costs only that.
fn last_comma(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    let first = skip_blank(text, at + 1);
    let head = text.get(first..first + ALIKE).filter(|_| first + ALIKE < limit)?;
    let found = first + ALIKE + memchr::memmem::rfind(&text[first + ALIKE..limit], head)?;
    let before = text[..found].iter().rposition(|byte| !byte.is_ascii_whitespace())?;
    (text[before] == b',').then_some(before)
}

/// Where a segment that starts at `start` ends: before it could be nested too deeply, and at
/// the start of a character.
fn segment_end(text: &[u8], start: usize) -> usize {
    let mut opened = 0;
    let mut end = start;
    for block in text[start..].chunks(BLOCK) {
        opened += opening_brackets(block);
        if opened > MAX_DEPTH {
            while end > start && text[end] & 0xc0 == 0x80 {
                end -= 1;
            }
            return end;
        }
        end += block.len();
    }
    end
}

/// How many `{` and `[` there are. They and only they become `{` when that bit is set.
fn opening_brackets(block: &[u8]) -> usize {
    block
        .chunks(SUMMED)
        .map(|chunk| {
            let sum = chunk.iter().fold(0_u8, |sum, &byte| sum + u8::from(byte | 0x20 == b'{'));
            usize::from(sum)
        })
        .sum()
}
