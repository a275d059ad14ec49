//! The members of a zip archive, listed once and then read independently of each other.

use std::io::{Read, Seek};

use zip::{CompressionMethod, ZipArchive};

/// The first bytes of a zip archive, and of one without members.
const MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// How many times the limit of one object the members of one archive may unpack to.
const TOTAL: u64 = 64;

/// What the directory of an archive tells about one file in it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Offset of the packed data in the archive.
    pub(super) start: u64,
    /// Packed size in bytes.
    pub(super) packed: u64,
    /// Unpacked size in bytes, as claimed.
    pub(super) size: u64,
    pub(super) checksum: u32,
    pub(super) packing: Packing,
    /// Unpacked size in bytes of all members before this one, as claimed.
    before: u64,
}

/// How a member is packed.
#[derive(Clone, Debug)]
pub(super) enum Packing {
    Stored,
    Deflated,
    /// In a way that is not understood, and which.
    Other(String),
}

impl Member {
    /// Whether the archive up to and with this member unpacks to more than it may.
    pub(super) fn exceeds(&self, max_object_bytes: u64) -> bool {
        self.before.saturating_add(self.size) > max_object_bytes.saturating_mul(TOTAL)
    }
}

/// Whether these are the first bytes of a zip archive.
pub(super) fn is_zip(head: &[u8]) -> bool {
    MAGIC.iter().any(|magic| head.starts_with(magic))
}

/// The files in an archive, without directories, hidden files and what macOS adds.
pub(super) fn members(source: impl Read + Seek) -> Result<Vec<Member>, String> {
    let mut archive = ZipArchive::new(source).map_err(|error| format!("zip: {error}"))?;
    let mut members = Vec::new();
    let mut before = 0_u64;
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| format!("zip: member {index}: {error}"))?;
        let name = file.name().map_err(|error| format!("zip: member {index}: {error}"))?.into_owned();
        if file.is_dir() || is_hidden(&name) {
            continue;
        }
        let packing = if file.encrypted() {
            Packing::Other("zip: encrypted".to_owned())
        } else {
            match file.compression() {
                CompressionMethod::STORE => Packing::Stored,
                CompressionMethod::DEFLATE => Packing::Deflated,
                other => Packing::Other(format!("zip: packed with {other}, which is not read")),
            }
        };
        let size = file.size();
        members.push(Member {
            name,
            start: file.data_start().unwrap_or(u64::MAX),
            packed: file.compressed_size(),
            size,
            checksum: file.crc32(),
            packing,
            before,
        });
        before = before.saturating_add(size);
    }
    Ok(members)
}

fn is_hidden(name: &str) -> bool {
    name.split(['/', '\\']).any(|part| part == "__MACOSX" || (part.starts_with('.') && part != "." && part != ".."))
}
