//! Objects of S3 that are read in pieces: anywhere (`Pieces`), or from begin to end (`Stream`).

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use super::address::split;
use super::io_error;
use super::store::{Bytes, Piece, is_behind_end, wait};
use crate::aws::Refusal;

/// Bytes that are read ahead: what is wanted next lies behind what is wanted first.
const AHEAD: u64 = 1 << 20;
/// Bytes that are read at the end when an object is opened: the directory of most parts.
const END: u64 = 64 << 10;
/// Bytes of one request for an object that is read to its end.
const STEP: u64 = 8 << 20;

/// An object of which any piece can be read. It is the same object from the first piece to the last.
#[derive(Debug)]
pub(crate) struct Pieces {
    address: String,
    length: u64,
    etag: Option<String>,
    /// What was read last, with its offset.
    block: Mutex<(u64, Vec<u8>)>,
}

impl Pieces {
    /// Opens an object, whose end is where a file of parts tells what is in it.
    ///
    /// # Errors
    /// What S3 refuses; of the kind `NotFound` where there is no such object.
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        let empty = || Piece { bytes: Vec::new(), start: 0, total: 0, etag: None };
        let piece = match get(address, Bytes::Last(END), None, END) {
            Ok(Some(piece)) => piece,
            // A store without ranges gives everything.
            Ok(None) => return Err(io::Error::other("the store gives no ranges of objects")),
            Err(refusal) if is_behind_end(&refusal) => empty(),
            Err(refusal) => return Err(io_error(refusal)),
        };
        let Piece { bytes, start, total, etag } = piece;
        Ok(Self { address: address.to_owned(), length: total, etag, block: Mutex::new((start, bytes)) })
    }

    /// An object whose size and tag are known.
    pub(crate) fn again(address: &str, length: u64, etag: Option<String>) -> Self {
        Self { address: address.to_owned(), length, etag, block: Mutex::default() }
    }

    /// Size and tag.
    pub(crate) fn known(&self) -> (u64, Option<String>) {
        (self.length, self.etag.clone())
    }

    /// Size in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads exactly so many bytes from an offset on.
    ///
    /// # Errors
    /// What S3 refuses, an object that is shorter or is not any more what it was.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = within(&block, offset, length) {
            return Ok(bytes);
        }
        // Whoever looks how an object begins goes on elsewhere, perhaps at its end, which is at hand.
        let ahead = if offset == 0 { 0 } else { AHEAD };
        let wanted = (end - offset).max(ahead).min(self.length - offset);
        let piece = get(&self.address, Bytes::From(offset, wanted), self.etag.as_deref(), wanted).map_err(io_error)?;
        let piece = piece.filter(|piece| piece.start == offset && piece.bytes.len() as u64 == wanted);
        let piece = piece.ok_or_else(|| io::Error::other("S3 gives other bytes than were asked for"))?;
        if length as u64 >= ahead {
            return Ok(piece.bytes);
        }
        *block = (offset, piece.bytes);
        within(&block, offset, length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn within((start, bytes): &(u64, Vec<u8>), offset: u64, length: usize) -> Option<Vec<u8>> {
    let from = usize::try_from(offset.checked_sub(*start)?).ok()?;
    Some(bytes.get(from..from.checked_add(length)?)?.to_vec())
}

fn get(address: &str, wanted: Bytes, etag: Option<&str>, most: u64) -> Result<Option<Piece>, Refusal> {
    let place = split(address).ok_or_else(|| Refusal::Gone("no bucket is named".to_owned()))?;
    wait(async |store| store.bytes(place, wanted, etag, most).await)?
}

/// An object from its begin to its end, some megabytes at a time.
pub(crate) struct Stream {
    address: String,
    etag: Option<String>,
    /// Known from the first piece on.
    total: Option<u64>,
    /// The offset behind `block`.
    at: u64,
    block: Vec<u8>,
    used: usize,
}

impl Stream {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), etag: None, total: None, at: 0, block: Vec::new(), used: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        (self.block, self.used) = (Vec::new(), 0);
        if self.total.is_some_and(|total| self.at >= total) {
            return Ok(());
        }
        let piece = match get(&self.address, Bytes::From(self.at, STEP), self.etag.as_deref(), STEP) {
            // Of an object without a byte there is no range.
            Err(refusal) if is_behind_end(&refusal) && self.at == 0 => return Ok(()),
            piece => piece.map_err(io_error)?,
        };
        let piece = piece.filter(|piece| piece.start == self.at && (!piece.bytes.is_empty() || piece.total == self.at));
        let piece = piece.ok_or_else(|| io::Error::other("S3 gives other bytes than were asked for"))?;
        self.at += piece.bytes.len() as u64;
        (self.total, self.etag, self.block) = (Some(piece.total), piece.etag, piece.bytes);
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used >= self.block.len() {
            self.fill()?;
        }
        let count = self.block.get(self.used..).unwrap_or_default().read(into)?;
        self.used += count;
        Ok(count)
    }
}
