//! From an object to its unpacked bytes, as a stream.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use sha2::{Digest as _, Sha256};

use super::super::archive::{self, Member, Packing};
use super::super::inflate::GZIP;
use super::super::object::{Object, Place};
use super::super::outcome::{io_reason, size};
use super::super::remote::Stream;

/// How often something may be packed.
const LAYERS: usize = 3;
const BUFFER: usize = 256 << 10;
const PARQUET: &[u8] = b"PAR1";

/// Unpacked bytes.
pub(super) enum Content {
    Text(Box<dyn Read>),
    /// A parquet file, read in place where that can be.
    Parquet(Parquet),
    /// An archive inside something else, as a whole, and its members.
    Archive(Arc<[u8]>, Vec<Member>),
}

/// Where the bytes of a parquet file are.
pub(super) enum Parquet {
    File(File),
    Memory(Vec<u8>),
}

/// Opens an object. What has to be in memory as a whole may have at most `limit` bytes.
pub(super) fn open(object: &Object, limit: u64) -> Result<Content, String> {
    let file = |path: &Path| File::open(path).map_err(|error| io_reason(&error));
    match object.place() {
        Place::Named => from_file(file(Path::new(object.name()))?, limit),
        Place::Path(path) => from_file(file(path)?, limit),
        Place::Stdin => unpack(Box::new(io::stdin()), limit),
        Place::Remote => unpack(Box::new(Stream::new(object.name())), limit),
        Place::Memory(bytes) | Place::Fetched(bytes) => unpack(Box::new(io::Cursor::new(Arc::clone(bytes))), limit),
        Place::Member(path, inner) => {
            let mut archive = file(path)?;
            archive.seek(SeekFrom::Start(inner.start)).map_err(|error| io_reason(&error))?;
            member(inner, Box::new(archive), limit)
        }
        Place::EmptyArchive => Err("not a cost file: an archive without files".to_owned()),
        Place::Unreadable(why) => Err(why.clone()),
    }
}

fn from_file(mut file: File, limit: u64) -> Result<Content, String> {
    let (head, _) = peek(&mut file).map_err(|error| io_reason(&error))?;
    file.rewind().map_err(|error| io_reason(&error))?;
    if head.starts_with(PARQUET) {
        return Ok(Content::Parquet(Parquet::File(file)));
    }
    unpack(Box::new(file), limit)
}

/// Opens a member of an archive, with `source` at the start of its data.
pub(super) fn member(member: &Member, source: Box<dyn Read>, limit: u64) -> Result<Content, String> {
    if member.exceeds(limit) {
        return Err("the archive unpacks to far more than it may".to_owned());
    }
    let packed = source.take(member.packed);
    let unpacked: Box<dyn Read> = match &member.packing {
        Packing::Stored => Box::new(packed),
        Packing::Deflated => Box::new(DeflateDecoder::new(packed)),
        Packing::Other(why) => return Err(why.clone()),
    };
    let checked = Checked { source: unpacked, checksum: flate2::Crc::new(), expected: (member.size, member.checksum) };
    unpack(Box::new(checked), limit)
}

/// Unpacks a stream as often as it is packed.
fn unpack(mut source: Box<dyn Read>, limit: u64) -> Result<Content, String> {
    let mut layers = 0;
    loop {
        let (head, empty) = peek(&mut source).map_err(|error| reason(&error))?;
        let whole: Box<dyn Read> = Box::new(Cursor::new(head.clone()).chain(source));
        if head.starts_with(GZIP) && layers < LAYERS {
            source = Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole)));
            layers += 1;
        } else if head.starts_with(PARQUET) {
            return Ok(Content::Parquet(Parquet::Memory(all(whole, limit)?)));
        } else if archive::is_zip(&head) {
            let bytes: Arc<[u8]> = all(whole, limit)?.into();
            let members = archive::members(Cursor::new(&bytes))?;
            return Ok(Content::Archive(bytes, members));
        } else if empty {
            return Err("not a cost file: nothing in it".to_owned());
        } else {
            return Ok(Content::Text(whole));
        }
    }
}

/// The first four bytes, and whether there is not even one.
fn peek(source: &mut impl Read) -> io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    source.by_ref().take(4).read_to_end(&mut head)?;
    let empty = head.is_empty();
    Ok((head, empty))
}

fn all(source: Box<dyn Read>, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > limit {
        return Err(format!("larger than {}", size(limit)));
    }
    Ok(bytes)
}

/// Why unpacking stopped.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "truncated".to_owned(),
        _ => io_reason(error),
    }
}

/// Notices when what was unpacked is not what was packed.
struct Checked {
    source: Box<dyn Read>,
    checksum: flate2::Crc,
    /// Size in bytes and checksum.
    expected: (u64, u32),
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        self.checksum.update(into.get(..count).unwrap_or_default());
        let (size, checksum) = self.expected;
        if count == 0 && !into.is_empty() {
            // The checksum knows the size modulo 2^32 only.
            let complete = u64::from(self.checksum.amount()) == size & u64::from(u32::MAX);
            if !complete {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.checksum.sum() != checksum {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "corrupt"));
            }
        }
        Ok(count)
    }
}

/// Takes the fingerprint of everything that is read.
pub(super) struct Fingerprint<R> {
    source: R,
    hash: Sha256,
}

impl<R: Read> Fingerprint<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, hash: Sha256::new() }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

impl<R: Read> Read for Fingerprint<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        self.hash.update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}
