//! Comma-separated text in pieces of a few MiB that end where a row ends.
//!
//! A quote that does not belong where it stands would make everything up to the next one a single cell, so a row with
//! such a quote is taken out and counted, and the reading goes on with the next line.

use std::io::{ErrorKind, Read};

use memchr::{memchr, memchr_iter, memchr3, memrchr};

use super::super::scan::first_byte;
use super::open::reason;

/// How much text becomes one frame, in bytes.
const CHUNK: usize = 4 << 20;
/// A row longer than this many bytes is none.
const LONGEST: usize = 1 << 20;
/// A text without the end of a row in this many bytes is not read on.
const ENDLESS: usize = 16 << 20;

/// A text that is read piece by piece.
pub(super) struct Rows<R> {
    source: R,
    buffer: Vec<u8>,
    ended: bool,
    separator: u8,
    /// Number of the line that the buffer begins with, from 1.
    line: u64,
    /// Why the text ended early.
    pub(super) failure: Option<String>,
}

/// Some rows, all complete.
pub(super) struct Piece<'a> {
    pub(super) text: &'a [u8],
    /// Number of its first line in the file, from 1.
    pub(super) line: u64,
    /// How many lines were taken out and are blank in `text`, and the number of the first.
    pub(super) broken: u64,
    pub(super) first_broken: Option<u64>,
}

impl<R: Read> Rows<R> {
    /// Reads the first piece of a text.
    pub(super) fn new(source: R) -> Self {
        let mut rows = Self { source, buffer: Vec::new(), ended: false, separator: b',', line: 1, failure: None };
        rows.fill(CHUNK);
        rows
    }

    /// What is in memory of the text so far.
    pub(super) fn head(&self) -> &[u8] {
        &self.buffer
    }

    /// Everything from here on, when it is at most `limit` bytes.
    pub(super) fn whole(&mut self, limit: usize) -> Option<&[u8]> {
        self.fill(limit.saturating_add(1));
        (self.ended && self.buffer.len() <= limit).then_some(&self.buffer)
    }

    /// Gives back what was read from.
    pub(super) fn into_source(self) -> R {
        self.source
    }

    /// Drops the header, `length` bytes long.
    pub(super) fn skip(&mut self, length: usize, separator: u8) {
        self.separator = separator;
        self.consume(length);
    }

    /// Reads until the buffer holds `wanted` bytes or the text ends.
    fn fill(&mut self, wanted: usize) {
        let mut filled = self.buffer.len();
        while !self.ended && filled < wanted {
            self.buffer.resize(wanted.min(filled.saturating_add(CHUNK)), 0);
            let Some(free) = self.buffer.get_mut(filled..) else { break };
            match self.source.read(free) {
                Ok(0) => self.ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(reason(&error));
                    self.ended = true;
                }
            }
        }
        self.buffer.truncate(filled);
    }

    fn consume(&mut self, length: usize) {
        let length = length.min(self.buffer.len());
        self.line += lines(self.buffer.get(..length).unwrap_or_default());
        self.buffer.drain(..length);
    }

    /// Hands the next piece to a reader; false when there is none.
    pub(super) fn next(&mut self, mut each: impl FnMut(Piece<'_>)) -> bool {
        let mut wanted = CHUNK;
        let sieved = loop {
            self.fill(wanted);
            if self.ended && self.failure.is_none() && self.buffer.last().is_some_and(|last| *last != b'\n') {
                self.buffer.push(b'\n');
            }
            let sieved = self.sieve();
            if sieved.end > 0 {
                break sieved;
            }
            if self.ended || self.buffer.len() > ENDLESS {
                self.failure = self.failure.take().or_else(|| (!self.ended).then(|| "a row without end".to_owned()));
                return false;
            }
            wanted = self.buffer.len().saturating_add(CHUNK);
        };
        let text = self.buffer.get(..sieved.end).unwrap_or_default();
        let first_broken = sieved.first_broken.map(|at| self.line + lines(text.get(..at).unwrap_or_default()));
        each(Piece { text, line: self.line, broken: sieved.broken, first_broken });
        self.consume(sieved.end);
        true
    }

    /// Finds where the last complete row ends. Rows that are none are blanked.
    fn sieve(&mut self) -> Sieved {
        let mut sieved = Sieved { end: 0, broken: 0, first_broken: None };
        loop {
            let rest = self.buffer.get(sieved.end..).unwrap_or_default();
            let Some(quote) = memchr(b'"', rest) else {
                sieved.end += memrchr(b'\n', rest).map_or(0, |newline| newline + 1);
                return sieved;
            };
            sieved.end += memrchr(b'\n', rest.get(..quote).unwrap_or_default()).map_or(0, |newline| newline + 1);
            let start = sieved.end;
            match row_end(&self.buffer, start, self.separator) {
                Row::Ends(end) => sieved.end = end,
                Row::Open if !self.ended && self.buffer.len() - start < LONGEST => return sieved,
                Row::Open | Row::Broken => {
                    let Some(length) = memchr(b'\n', self.buffer.get(start..).unwrap_or_default()) else {
                        return sieved;
                    };
                    sieved.broken += 1;
                    sieved.first_broken.get_or_insert(start);
                    sieved.end += length + 1;
                    self.buffer.get_mut(start..start + length).unwrap_or_default().fill(b' ');
                }
            }
        }
    }
}

/// How far a buffer holds rows, in bytes, and what among them was none.
struct Sieved {
    end: usize,
    broken: u64,
    first_broken: Option<usize>,
}

/// What stands at the start of a line.
enum Row {
    /// A row up to this offset.
    Ends(usize),
    /// A row whose end is not there.
    Open,
    /// No row: a quote where none may be.
    Broken,
}

/// Where the row that begins at `at` ends.
fn row_end(text: &[u8], mut at: usize, separator: u8) -> Row {
    let start = at;
    loop {
        if text.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let Some(quote) = memchr(b'"', text.get(at..).unwrap_or_default()) else { return Row::Open };
                at += quote + 1;
                if at - start > LONGEST {
                    return Row::Broken;
                }
                if text.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
            match text.get(at..).unwrap_or_default() {
                [byte, ..] if *byte == separator => at += 1,
                [b'\n', ..] => return Row::Ends(at + 1),
                [b'\r', b'\n', ..] => return Row::Ends(at + 2),
                [] | [b'\r'] => return Row::Open,
                _ => return Row::Broken,
            }
            continue;
        }
        let Some(next) = memchr3(separator, b'\n', b'"', text.get(at..).unwrap_or_default()) else { return Row::Open };
        at += next + 1;
        match text.get(at - 1) {
            Some(b'\n') => return Row::Ends(at),
            Some(b'"') => return Row::Broken,
            _ => {}
        }
    }
}

/// The first row of a text, and where it ends.
pub(super) fn header(text: &[u8], separator: u8) -> Option<(Vec<String>, usize)> {
    let start = first_byte(text);
    let end = match row_end(text, start, separator) {
        Row::Ends(end) => end,
        Row::Open if text.len() < LONGEST => text.len(),
        _ => return None,
    };
    let mut rows = csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(text.get(start..end)?);
    let row = rows.byte_records().next()?.ok()?;
    Some((row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect(), end))
}

/// How many lines stand before a row of a piece.
pub(super) fn lines_before(text: &[u8], separator: u8, row: usize) -> u64 {
    let mut at = 0;
    for _ in 0..row {
        match row_end(text, at, separator) {
            Row::Ends(end) => at = end,
            _ => break,
        }
    }
    lines(text.get(..at).unwrap_or_default())
}

pub(super) fn lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}
