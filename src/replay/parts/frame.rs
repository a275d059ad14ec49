//! Packed bytes with a checksum. Small frames that are alike pack against a dictionary of what they have in common.

use std::io::{BufRead, Read as _};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;

/// What a frame unpacks to is less: a damaged or hostile one must not fill memory.
pub(super) const MOST_UNPACKED: u64 = 256 << 20;
/// Packs well enough at several hundred MB a second.
const LEVEL: i32 = 3;
/// Of how many frames a dictionary is made at most, and how much of each goes into it.
const MOST_FRAMES: usize = 8;
const OF_ONE: usize = 16 << 10;
/// So many frames are there for each that goes into a dictionary: it costs as much as they do.
const FOR_EACH: usize = 4;

/// Length and checksum of a frame. Frames lie one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent(pub u64, pub u64);

impl Extent {
    /// Of packed bytes.
    pub(super) fn of(packed: &[u8]) -> Self {
        Self(packed.len() as u64, checksum(packed))
    }
}

/// Packs frames, against the same dictionary if there is one.
pub(super) struct Packer {
    compressor: Compressor<'static>,
}

impl Packer {
    /// With a dictionary, which may be empty.
    ///
    /// # Errors
    /// None that input could cause.
    pub(super) fn new(dictionary: &[u8]) -> Result<Self> {
        Ok(Self { compressor: Compressor::with_dictionary(LEVEL, dictionary).context("packing")? })
    }

    /// Packs.
    ///
    /// # Errors
    /// More bytes than [`unpack`] takes.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        ensure_bounded(bytes)?;
        self.compressor.compress(bytes).context("packing")
    }
}

/// A dictionary for frames like these: how the largest of them begin. Empty where there are few.
pub(super) fn dictionary(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut largest: Vec<&Vec<u8>> = frames.iter().collect();
    largest.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    largest.truncate((frames.len() / FOR_EACH).min(MOST_FRAMES));
    largest.iter().rev().flat_map(|frame| frame.iter().take(OF_ONE)).copied().collect()
}

/// Packs without a dictionary.
///
/// # Errors
/// More bytes than [`unpack`] takes.
pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    ensure_bounded(bytes)?;
    zstd::bulk::compress(bytes, LEVEL).context("packing")
}

fn ensure_bounded(bytes: &[u8]) -> Result<()> {
    ensure!((bytes.len() as u64) < MOST_UNPACKED, "{} bytes in one frame; {MOST_UNPACKED} are too many", bytes.len());
    Ok(())
}

/// Unpacks what has the checksum that it must have.
///
/// # Errors
/// Other bytes than were written.
pub(super) fn unpack(packed: &[u8], extent: Extent, dictionary: &[u8]) -> Result<Vec<u8>> {
    if Extent::of(packed) != extent {
        bail!("its checksum is wrong");
    }
    let bytes = read(zstd::Decoder::with_dictionary(packed, dictionary)?).context("unpacking")?;
    if bytes.len() as u64 == MOST_UNPACKED {
        bail!("it unpacks to {MOST_UNPACKED} bytes or more");
    }
    Ok(bytes)
}

fn read(decoder: zstd::Decoder<'_, impl BufRead>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    decoder.take(MOST_UNPACKED).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first eight bytes of the SHA-256.
fn checksum(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_unpacked_is_not_packed() {
        let mut bytes = vec![0; usize::try_from(MOST_UNPACKED).unwrap()];
        assert!(pack(&bytes).is_err() && Packer::new(&[]).unwrap().pack(&bytes).is_err());
        bytes.pop();
        let packed = pack(&bytes).unwrap();
        assert_eq!(unpack(&packed, Extent::of(&packed), &[]).unwrap().len(), bytes.len());
    }
}
