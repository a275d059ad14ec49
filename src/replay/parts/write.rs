//! Writing a part: frames as they come into a draft, the directory when all is known, and then the name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use sha2::{Digest as _, Sha256};

use super::directory::{Contents, Directory, Judged, SectionAt, Terms};
use super::fold::Batch;
use super::frame::{Extent, Packer, dictionary, pack};
use super::read::{END, HEADER, VERSION};
use super::section::encode::Encoder;
use super::section::lexicon::Lexicon;
use super::share::Share;
use crate::bytes::Pen;
use crate::source::Object;
use crate::source::stored;

/// Days of one account are packed together as long as they have so few bytes: small ones have much in common.
const TOGETHER: usize = 64 << 10;
/// Bytes of a verdict in one frame, at most.
pub(super) const PIECE: usize = 64 << 20;

/// A file that nobody else knows yet.
struct Draft {
    place: stored::Draft,
    file: BufWriter<File>,
    length: u64,
}

/// A part that is being written.
pub(in crate::replay) struct Writer {
    name: String,
    draft: Draft,
    hashes: Extent,
    objects: u64,
    bills: Vec<Extent>,
    dictionary: Option<Extent>,
    /// The bytes of the dictionary, when the first sections are written.
    shared: Option<Vec<u8>>,
    threads: usize,
    accounts: BTreeMap<String, usize>,
    frames: Vec<Frame>,
}

/// Days of one account that are packed together.
struct Frame {
    /// In the draft.
    offset: u64,
    extent: Extent,
    account: usize,
    sections: Vec<Day>,
}

/// A day of delivery, and the size of its section.
type Day = (Option<i64>, u64);

impl Writer {
    /// Begins a part with hashes of the objects that it covers, and with bills.
    ///
    /// # Errors
    /// What the file system says, with the name.
    pub(in crate::replay) fn new(name: &str, objects: &[Object], bills: &[Vec<u8>], threads: usize) -> Result<Self> {
        let mut draft = Draft::new(name)?;
        let mut hashes: Vec<u64> = objects.iter().map(hash).collect();
        hashes.sort_unstable();
        let mut pen = Pen::default();
        pen.rising(&hashes);
        let hashes = draft.frame(&pack(&pen.bytes)?).with_context(|| name.to_owned())?;
        let mut extents = Vec::with_capacity(bills.len());
        for bill in bills {
            extents.push(draft.frame(&pack(bill)?).with_context(|| name.to_owned())?);
        }
        Ok(Self {
            name: name.to_owned(),
            draft,
            hashes,
            objects: objects.len() as u64,
            bills: extents,
            dictionary: None,
            shared: None,
            threads,
            accounts: BTreeMap::new(),
            frames: Vec::new(),
        })
    }

    /// Adds sections. One account and day may have several.
    ///
    /// # Errors
    /// What the file system says, with the name.
    pub(in crate::replay) fn add(&mut self, batch: &Batch) -> Result<()> {
        let (lexicon, sections) = (Lexicon::of(batch), &batch.sections);
        let encoded = spread(sections, self.threads, |some| {
            let mut encoder = Encoder::new(&lexicon);
            some.iter().map(|section| encoder.encode(section)).collect()
        })?;
        if self.shared.is_none() {
            let shared = dictionary(&encoded);
            if !shared.is_empty() {
                self.dictionary = Some(self.draft.frame(&pack(&shared)?).with_context(|| self.name.clone())?);
            }
            self.shared = Some(shared);
        }
        let shared = self.shared.as_deref().unwrap_or_default();
        let mut groups: Vec<(&str, Vec<u8>, Vec<Day>)> = Vec::new();
        for (folded, bytes) in sections.iter().zip(encoded) {
            let about = (folded.day, bytes.len() as u64);
            match groups.last_mut() {
                Some((account, group, of)) if *account == folded.account && group.len() + bytes.len() <= TOGETHER => {
                    group.extend(bytes);
                    of.push(about);
                }
                _ => groups.push((&folded.account, bytes, vec![about])),
            }
        }
        let packed = spread(&groups, self.threads, |groups| {
            let mut packer = Packer::new(shared)?;
            groups.iter().map(|(_, bytes, _)| packer.pack(bytes)).collect()
        })?;
        for ((account, _, sections), packed) in groups.into_iter().zip(packed) {
            let next = self.accounts.len();
            let account = *self.accounts.entry(account.to_owned()).or_insert(next);
            let offset = self.draft.length;
            let extent = self.draft.frame(&packed).with_context(|| self.name.clone())?;
            self.frames.push(Frame { offset, extent, account, sections });
        }
        Ok(())
    }

    /// Ends the part and gives it its name. `about` is the directory without what the writer knows. Returns its size.
    ///
    /// # Errors
    /// What the file system or S3 says, with the name.
    pub(in crate::replay) fn finish(mut self, mut about: Directory) -> Result<u64> {
        // Accounts are known by their place among all of them, in order.
        let names: Vec<&String> = self.accounts.keys().collect();
        let mut ranks = vec![0; names.len()];
        for (rank, name) in names.iter().enumerate() {
            let known = self.accounts.get(*name).and_then(|position| ranks.get_mut(*position));
            known.into_iter().for_each(|known| *known = rank);
        }
        for frame in &mut self.frames {
            frame.account = ranks.get(frame.account).copied().unwrap_or_default();
        }
        let first = self.frames.first().map_or(0, |frame| frame.offset);
        self.frames.sort_by_key(|frame| (frame.account, frame.sections.first().map(|(day, _)| *day), frame.offset));
        if !self.frames.is_sorted_by_key(|frame| frame.offset) {
            self.draft = self.draft.reordered(&self.name, first, &self.frames)?;
        }
        about.accounts = self.accounts.into_keys().collect();
        (about.hashes, about.objects, about.bills) = (self.hashes, self.objects, self.bills);
        about.dictionary = self.dictionary;
        for (position, Frame { extent, account, sections, .. }) in self.frames.into_iter().enumerate() {
            about.frames.push(extent);
            let section = |(day, size)| SectionAt { account, day, frame: position, size };
            about.sections.extend(sections.into_iter().map(section));
        }
        self.draft.end(&self.name, &Contents::Part(Box::new(about)))
    }
}

/// Writes what a share of the groups came to: `verdict` is JSON.
///
/// # Errors
/// What the file system or S3 says, with the name.
pub(in crate::replay) fn judged(name: &str, terms: Terms, job: String, share: Share, verdict: &[u8]) -> Result<u64> {
    let mut draft = Draft::new(name)?;
    let mut frames = Vec::new();
    for piece in verdict.chunks(PIECE) {
        frames.push(draft.frame(&pack(piece)?).with_context(|| name.to_owned())?);
    }
    draft.end(name, &Contents::Judged(Judged { terms, job, share, verdict: frames }))
}

/// Does the same with all things on several threads; what comes out is in their order.
fn spread<T: Sync>(
    things: &[T],
    threads: usize,
    work: impl Fn(&[T]) -> Result<Vec<Vec<u8>>> + Sync,
) -> Result<Vec<Vec<u8>>> {
    let share = things.len().div_ceil(threads.max(1)).max(1);
    let done = thread::scope(|scope| {
        let workers: Vec<_> = things.chunks(share).map(|things| scope.spawn(|| work(things))).collect();
        let done = workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow!("a writer thread panicked"))?);
        done.collect::<Result<Vec<_>>>()
    })?;
    Ok(done.into_iter().flatten().collect())
}

/// Tells objects apart: 48 bits of a hash of name and size.
fn hash(object: &Object) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(object.bytes().to_le_bytes());
    hasher.update(object.name());
    hasher.finalize().iter().take(6).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

impl Draft {
    fn new(name: &str) -> Result<Self> {
        let (place, file) = stored::Draft::new(name)?;
        let mut draft = Self { place, file: BufWriter::new(file), length: 0 };
        draft.write(&[&HEADER[..], &VERSION.to_le_bytes()].concat()).with_context(|| name.to_owned())?;
        Ok(draft)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn frame(&mut self, packed: &[u8]) -> Result<Extent> {
        self.write(packed)?;
        Ok(Extent::of(packed))
    }

    /// The same with its sections, of which the first begins at an offset, in another order.
    fn reordered(self, name: &str, first: u64, frames: &[Frame]) -> Result<Self> {
        let mut other = Self::new(name)?;
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error);
        let mut file = file.with_context(|| name.to_owned())?;
        let head = other.length;
        let spans = frames.iter().map(|frame| (frame.offset, frame.extent.0));
        for (offset, length) in std::iter::once((head, first - head)).chain(spans) {
            let mut bytes = vec![0; usize::try_from(length)?];
            file.seek(SeekFrom::Start(offset))
                .and_then(|_| file.read_exact(&mut bytes))
                .with_context(|| name.to_owned())?;
            other.write(&bytes).with_context(|| name.to_owned())?;
        }
        Ok(other)
    }

    /// Ends the file and gives it its name.
    fn end(mut self, name: &str, contents: &Contents) -> Result<u64> {
        let directory = pack(&serde_json::to_vec(contents)?)?;
        let (offset, length) = (self.length, directory.len() as u64);
        let digest = Sha256::digest(&directory);
        let trailer = [&offset.to_le_bytes()[..], &length.to_le_bytes(), &digest, END].concat();
        self.write(&directory).and_then(|()| self.write(&trailer)).with_context(|| name.to_owned())?;
        let Self { place, mut file, length } = self;
        file.flush().and_then(|()| file.get_ref().sync_all()).with_context(|| name.to_owned())?;
        place.publish()?;
        Ok(length)
    }
}
