//! Files with one record per line that are too large to be held in memory.

use std::io::Read;

use super::inflate::Buffer;
use super::outcome::io_reason;
use super::scan::first_byte;
use super::walk::Walk;

/// How much more is read at a time, in bytes.
const CHUNK: usize = 8 << 20;

/// Reads what is in `buffer` and then the rest of `source`, in pieces that end at line breaks.
/// A line longer than `limit` bytes ends the reading; gives why when there is one.
pub(super) fn read(walk: &mut Walk<'_>, buffer: &mut Buffer, source: &mut dyn Read, limit: usize) -> Option<String> {
    let start = first_byte(buffer.filled());
    buffer.consume(start);
    walk.base = start as u64;
    walk.outcome.bytes = walk.base;
    let mut ended = false;
    let mut failure = None;
    loop {
        let complete =
            if ended { buffer.len() } else { memchr::memrchr(b'\n', buffer.filled()).map_or(0, |at| at + 1) };
        walk.text(&buffer.filled()[..complete], 0, 0);
        walk.base += complete as u64;
        walk.outcome.bytes += complete as u64;
        buffer.consume(complete);
        if ended {
            return failure;
        }
        if buffer.len() >= limit {
            return Some("a line too long to read".to_owned());
        }
        let most = buffer.len().saturating_add(CHUNK).min(limit);
        match buffer.fill(source, CHUNK, most) {
            Ok(end) => ended = end,
            Err(error) => {
                ended = true;
                failure = Some(io_reason(&error));
            }
        }
    }
}
