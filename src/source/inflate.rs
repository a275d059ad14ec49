//! Unpacks gzip and deflate into a buffer that is used again for the next object.

use std::io::Read;

use libdeflater::{DecompressionError, Decompressor, crc32};
use memchr::memmem;

/// The first bytes of a gzip member: two of magic and the only method there is.
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];

const HEADER_AND_TRAILER: usize = 18;
/// Deflate cannot shrink anything more than this.
const BEST_RATIO: usize = 1032;
/// A corrupt stream loses what the failing step had unpacked, so the steps are small.
const STEP: usize = 4096;
/// A buffer that one huge object blew up beyond this is given back.
const KEEP: usize = 32 << 20;

/// Why unpacking stopped before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Truncated,
    Corrupt,
    TooLarge,
}

/// Bytes of which the first `used` count. The rest stays initialised for the next object.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    used: usize,
}

impl Buffer {
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub(super) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.used]
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Empties the buffer, and gives memory back when it holds far more than usual.
    pub(super) fn reset(&mut self) {
        self.used = 0;
        if self.bytes.len() > KEEP {
            self.bytes = Vec::new();
        }
    }

    /// Drops the first `count` bytes.
    pub(super) fn consume(&mut self, count: usize) {
        self.bytes.copy_within(count..self.used, 0);
        self.used -= count;
    }

    /// Reads until the source ends (true) or `limit` bytes are in the buffer (false).
    /// `expected` is how many bytes are likely to come.
    pub(super) fn fill(&mut self, source: &mut dyn Read, expected: usize, limit: usize) -> std::io::Result<bool> {
        let mut step = expected.saturating_add(1).max(STEP);
        while self.used < limit {
            if self.used == self.bytes.len() || self.used == 0 {
                self.reserve(step.min(limit - self.used));
                step = self.used.max(STEP);
            }
            let end = self.bytes.len().min(limit);
            match source.read(&mut self.bytes[self.used..end]) {
                Ok(0) => return Ok(true),
                Ok(count) => self.used += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Makes room for `room` bytes behind the used ones.
    fn reserve(&mut self, room: usize) {
        let wanted = self.used + room;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
    }
}

/// Owns the decompressor, which is worth keeping between objects.
pub(super) struct Inflater {
    decompressor: Decompressor,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { decompressor: Decompressor::new() }
    }

    /// Unpacks all members of a gzip file into `out`, at most `limit` bytes. What stands behind
    /// the last member is ignored, as gzip does. Whatever could be unpacked is in `out`.
    pub(super) fn gzip(&mut self, packed: &[u8], out: &mut Buffer, limit: usize) -> Option<Cut> {
        let mut rest = packed;
        loop {
            let start = out.used;
            if self.gzip_member(rest, out, limit).is_err() {
                let source = flate2::bufread::MultiGzDecoder::new(rest);
                return drain(source, out, limit);
            }
            match next_member(rest, &out.bytes[start..out.used]) {
                Some(next) => rest = &rest[next..],
                None => return None,
            }
        }
    }

    /// Unpacks the first member. Nothing is added to `out` when that fails.
    fn gzip_member(&mut self, packed: &[u8], out: &mut Buffer, limit: usize) -> Result<(), DecompressionError> {
        let mut room = size_hint(packed);
        loop {
            let most = limit - out.used;
            out.reserve(room.min(most));
            let end = out.bytes.len().min(limit);
            let free = &mut out.bytes[out.used..end];
            match self.decompressor.gzip_decompress(packed, free) {
                Ok(count) => {
                    out.used += count;
                    return Ok(());
                }
                Err(DecompressionError::InsufficientSpace) if end < limit => {
                    room = (end - out.used).saturating_mul(2).max(STEP);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Unpacks raw deflate data of a known size and checksum.
    pub(super) fn deflate(
        &mut self,
        packed: &[u8],
        size: u64,
        checksum: u32,
        out: &mut Buffer,
        limit: usize,
    ) -> Option<Cut> {
        let most = packed.len().saturating_mul(BEST_RATIO);
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(most);
        if size <= limit {
            out.reserve(size);
            let end = out.used + size;
            let free = &mut out.bytes[out.used..end];
            if let Ok(count) = self.decompressor.deflate_decompress(packed, free)
                && crc32(&free[..count]) == checksum
            {
                out.used += count;
                return None;
            }
        }
        let limit = limit.min(size);
        match drain(flate2::bufread::DeflateDecoder::new(packed), out, limit) {
            None => Some(Cut::Corrupt),
            cut => cut,
        }
    }
}

/// How many bytes the trailer of a single member claims, within what is possible at all.
fn size_hint(packed: &[u8]) -> usize {
    let most = packed.len().saturating_mul(BEST_RATIO);
    match packed.last_chunk::<4>() {
        Some(trailer) => {
            usize::try_from(u32::from_le_bytes(*trailer)).unwrap_or(usize::MAX).clamp(packed.len().min(most), most)
        }
        None => most,
    }
}

/// Where the member behind the first one starts. The decompressor does not tell how much it
/// read, but a member ends with checksum and length of what it unpacked, and another one begins
/// with a magic number that is rare enough to look for.
fn next_member(packed: &[u8], unpacked: &[u8]) -> Option<usize> {
    let rest = packed.get(HEADER_AND_TRAILER..)?;
    let length = u32::try_from(unpacked.len() & 0xffff_ffff).unwrap_or(0);
    let mut trailer = None;
    memmem::find_iter(rest, GZIP).map(|at| at + HEADER_AND_TRAILER).find(|&at| {
        packed[at - 4..at] == length.to_le_bytes() && {
            let checksum = trailer.get_or_insert_with(|| crc32(unpacked).to_le_bytes());
            packed[at - 8..at - 4] == *checksum
        }
    })
}

/// Unpacks step by step what cannot be unpacked in one go.
fn drain(mut source: impl Read, out: &mut Buffer, limit: usize) -> Option<Cut> {
    loop {
        let end = limit.min(out.used + STEP);
        if end == out.used {
            return match source.read(&mut [0]) {
                Ok(0) => None,
                _ => Some(Cut::TooLarge),
            };
        }
        if out.bytes.len() < end {
            let more = out.used.clamp(STEP, limit - out.used);
            out.reserve(more);
        }
        match source.read(&mut out.bytes[out.used..end]) {
            Ok(0) => return None,
            Ok(count) => out.used += count,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Some(Cut::Truncated);
            }
            Err(_) => return Some(Cut::Corrupt),
        }
    }
}
