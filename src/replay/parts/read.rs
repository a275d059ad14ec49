//! Reading a part: its directory, and then any section. Bytes that nobody wrote are an error that says so.

use std::cell::RefCell;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::directory::{Contents, Directory, Judged};
use super::frame::{Extent, unpack};
use crate::bytes::Cursor;
use crate::source::stored::{Closed, Stored};

/// How every part begins, before the version of its format.
pub(super) const HEADER: &[u8; 12] = b"stakeoutpart";
pub(super) const VERSION: u32 = 2;
/// How every part ends.
pub(super) const END: &[u8; 8] = b"part end";
const HEAD: u64 = 16;
/// Offset and length of the directory, its SHA-256, and how it ends.
const TRAILER: u64 = 8 + 8 + 32 + 8;

/// A part, by its directory. The file is opened again for each look, so that any number of parts can be at hand.
pub(in crate::replay) struct PartFile {
    pub name: String,
    /// Equal parts are equal here.
    pub id: String,
    pub directory: Directory,
    closed: Closed,
    /// Other files with the same directory, for what is damaged in this one.
    copies: Vec<Closed>,
    /// Where each frame of sections begins in the file, and each section in its frame.
    starts: Vec<u64>,
    places: Vec<u64>,
}

/// A part that is open.
pub(in crate::replay) struct OpenFile {
    stored: Stored,
    dictionary: Vec<u8>,
    /// The frame that was read last: days of one account lie together.
    last: RefCell<Option<(usize, Vec<u8>)>>,
}

/// A judged part, read whole.
pub(in crate::replay) struct JudgedFile {
    pub name: String,
    pub id: String,
    pub directory: Judged,
    /// JSON.
    pub verdict: Vec<u8>,
}

/// What a file is.
pub(in crate::replay) enum Opened {
    Part(Box<PartFile>),
    Judged(Box<JudgedFile>),
}

/// Opens a part and reads its directory.
///
/// # Errors
/// What is not there, cannot be read, is no part, is damaged or of another version.
pub(in crate::replay) fn open(name: &str) -> Result<Opened> {
    let stored = Stored::open(name)?;
    let (id, contents, end) = contents(&stored)?;
    let closed = stored.closed(name);
    let name = name.to_owned();
    match contents {
        Contents::Part(directory) => {
            let before = std::iter::once(&directory.hashes).chain(&directory.bills).chain(&directory.dictionary);
            let mut at = before.fold(HEAD, |at, extent| at.saturating_add(extent.0));
            let mut starts = Vec::with_capacity(directory.frames.len());
            for extent in &directory.frames {
                starts.push(at);
                at = at.saturating_add(extent.0);
            }
            let places = places(&directory)?;
            if directory.sections.iter().any(|section| section.day.is_some_and(|day| !directory.days.contains(&day))) {
                bail!("damaged: a section of a day that it does not have");
            }
            if at != end {
                bail!("damaged: its frames do not fill it");
            }
            let (directory, copies) = (*directory, Vec::new());
            Ok(Opened::Part(Box::new(PartFile { name, id, directory, closed, copies, starts, places })))
        }
        Contents::Judged(directory) => {
            if directory.verdict.iter().fold(HEAD, |at, extent| at.saturating_add(extent.0)) != end {
                bail!("damaged: its frames do not fill it");
            }
            let (mut at, mut verdict) = (HEAD, Vec::new());
            for extent in &directory.verdict {
                verdict.extend(frame(&stored, at, *extent, &[]).context("damaged")?);
                at += extent.0;
            }
            Ok(Opened::Judged(Box::new(JudgedFile { name, id, directory, verdict })))
        }
    }
}

/// Where each section begins in its frame.
fn places(directory: &Directory) -> Result<Vec<u64>> {
    let mut places = Vec::with_capacity(directory.sections.len());
    let (mut frame, mut at) = (0, 0_u64);
    for section in &directory.sections {
        if section.account >= directory.accounts.len() || section.frame >= directory.frames.len() {
            bail!("damaged: a section without an account or a frame");
        }
        if section.frame != frame {
            (frame, at) = (section.frame, 0);
        }
        places.push(at);
        at = at.saturating_add(section.size);
    }
    Ok(places)
}

/// The directory, with its hash and where it begins.
fn contents(stored: &Stored) -> Result<(String, Contents, u64)> {
    let length = stored.length();
    if length == 0 {
        bail!("not a part: it is empty");
    }
    let head = stored.read(0, usize::try_from(HEAD.min(length))?)?;
    let Some(version) = head.strip_prefix(HEADER).and_then(|version| <[u8; 4]>::try_from(version).ok()) else {
        bail!("not a part");
    };
    let version = u32::from_le_bytes(version);
    if version != VERSION {
        bail!("a part of version {version}; this program reads version {VERSION}");
    }
    let Some(at) = length.checked_sub(TRAILER).filter(|at| *at >= HEAD) else { bail!("damaged: it ends too early") };
    let trailer = stored.read(at, usize::try_from(TRAILER)?)?;
    let Some(trailer) = trailer.strip_suffix(END) else { bail!("damaged: it ends too early") };
    let number =
        |from: usize| -> Option<u64> { Some(u64::from_le_bytes(trailer.get(from..from + 8)?.try_into().ok()?)) };
    let (offset, size) = number(0).zip(number(8)).context("damaged: its end")?;
    if offset < HEAD || offset.checked_add(size) != Some(at) {
        bail!("damaged: its end does not fit its size");
    }
    let directory = stored.read(offset, usize::try_from(size)?)?;
    let digest = Sha256::digest(&directory);
    if trailer.get(16..) != Some(&digest[..]) {
        bail!("damaged: the checksum of its directory is wrong");
    }
    let bytes = unpack(&directory, Extent::of(&directory), &[]).context("damaged: its directory")?;
    let contents = serde_json::from_slice(&bytes).context("its directory")?;
    Ok((digest.iter().map(|byte| format!("{byte:02x}")).collect(), contents, offset))
}

fn frame(stored: &Stored, offset: u64, extent: Extent, dictionary: &[u8]) -> Result<Vec<u8>> {
    let length = usize::try_from(extent.0)?;
    if offset.checked_add(extent.0).is_none_or(|end| end > stored.length()) {
        bail!("it ends too early");
    }
    unpack(&stored.read(offset, length)?, extent, dictionary)
}

impl PartFile {
    /// Adds an equal part, of which is read what is damaged in this one.
    pub(in crate::replay) fn add_copy(&mut self, copy: Self) {
        self.copies.push(copy.closed);
        self.copies.extend(copy.copies);
    }

    /// This file, or a copy of it where it is gone.
    fn stored(&self) -> Result<Stored> {
        let copied = |why| self.copies.iter().find_map(|copy| copy.open().ok()).ok_or(why);
        Ok(self.closed.open().or_else(copied)?)
    }

    /// A frame of this file, or of a copy where it is damaged.
    fn frame(&self, stored: &Stored, offset: u64, extent: Extent, dictionary: &[u8]) -> Result<Vec<u8>> {
        frame(stored, offset, extent, dictionary).or_else(|why| {
            let copied = |copy: &Closed| frame(&copy.open().ok()?, offset, extent, dictionary).ok();
            self.copies.iter().find_map(copied).ok_or(why)
        })
    }

    /// The file, to read sections of it.
    ///
    /// # Errors
    /// What the file system says, or a dictionary that was not written so.
    pub(in crate::replay) fn opened(&self) -> Result<OpenFile> {
        let stored = self.stored()?;
        let dictionary = match self.directory.dictionary {
            Some(extent) => {
                let before = self.directory.bills.iter().fold(HEAD + self.directory.hashes.0, |at, bill| at + bill.0);
                self.frame(&stored, before, extent, &[]).context("its dictionary")?
            }
            None => Vec::new(),
        };
        Ok(OpenFile { stored, dictionary, last: RefCell::default() })
    }

    /// The bytes of a section, by its position in the directory.
    ///
    /// # Errors
    /// What the file says, or bytes that were not written so.
    pub(in crate::replay) fn section(&self, file: &OpenFile, position: usize) -> Result<Vec<u8>> {
        let section = self.directory.sections.get(position).context("no such section")?;
        let known = file.last.borrow().as_ref().is_some_and(|(frame, _)| *frame == section.frame);
        if !known {
            let found = self.starts.get(section.frame).zip(self.directory.frames.get(section.frame));
            let (start, extent) = found.context("no such frame")?;
            let bytes = self.frame(&file.stored, *start, *extent, &file.dictionary)?;
            file.last.replace(Some((section.frame, bytes)));
        }
        let from = usize::try_from(self.places.get(position).copied().unwrap_or_default())?;
        let until = from.saturating_add(usize::try_from(section.size)?);
        let last = file.last.borrow();
        let bytes = last.as_ref().and_then(|(_, bytes)| bytes.get(from..until));
        Ok(bytes.context("its frame is too short")?.to_vec())
    }

    /// Unpacked size of a section.
    pub(in crate::replay) fn size(&self, position: usize) -> u64 {
        self.directory.sections.get(position).map_or(0, |section| section.size)
    }

    /// Whether bills were mapped.
    pub(in crate::replay) fn has_bills(&self) -> bool {
        !self.directory.bills.is_empty()
    }

    /// The bills, each as it was folded.
    ///
    /// # Errors
    /// As [`Self::section`].
    pub(in crate::replay) fn bills(&self) -> Result<Vec<Vec<u8>>> {
        if self.directory.bills.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.stored()?;
        let mut at = HEAD + self.directory.hashes.0;
        let mut bills = Vec::with_capacity(self.directory.bills.len());
        for extent in &self.directory.bills {
            bills.push(self.frame(&stored, at, *extent, &[])?);
            at += extent.0;
        }
        Ok(bills)
    }

    /// Hashes of the objects that it covers, in order.
    ///
    /// # Errors
    /// As [`Self::section`].
    pub(in crate::replay) fn objects(&self) -> Result<Vec<u64>> {
        let bytes = self.frame(&self.stored()?, HEAD, self.directory.hashes, &[])?;
        Cursor::new(&bytes).rising()
    }
}
