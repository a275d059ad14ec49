//! Reads one object after the other with the same buffers.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom};
use std::path::Path;

use sonic_rs::LazyValue;

use super::archive::{self, Member, Packing};
use super::inflate::{Buffer, Cut, GZIP, Inflater};
use super::object::{Object, Place};
use super::outcome::{Outcome, io_reason, size};
use super::remote::Stream;
use super::walk::Walk;
use super::{lines, recognise, scan, table};

/// Up to this many bytes a file is read as a whole; beyond, line by line where it has lines.
const WHOLE: usize = 64 << 20;
/// How often something may be packed: a gzip file inside a gzip file inside an archive.
const MAX_LAYERS: usize = 3;

/// Reads objects, one at a time. Each thread has its own, which keeps the decompressor and the
/// buffers from one object to the next.
pub(crate) struct Reader {
    inflater: Inflater,
    packed: Buffer,
    text: Buffer,
    limit: usize,
}

impl Reader {
    /// A reader that unpacks no object further than `max_object_bytes`.
    pub(crate) fn new(max_object_bytes: u64) -> Self {
        Self {
            inflater: Inflater::new(),
            packed: Buffer::default(),
            text: Buffer::default(),
            limit: usize::try_from(max_object_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Gives the JSON text of every record in an object. Never fails: what could not be read is
    /// in the outcome.
    pub(crate) fn read(&mut self, object: &Object, mut each: impl FnMut(LazyValue<'_>)) -> Outcome {
        let mut walk = Walk::new(&mut each);
        let result = self.place(object, &mut walk);
        self.packed.reset();
        self.text.reset();
        finish(walk, result)
    }

    fn place(&mut self, object: &Object, walk: &mut Walk<'_>) -> Result<(), String> {
        match object.place() {
            Place::Named => self.file(Path::new(object.name()), object.bytes(), walk),
            Place::Path(path) => self.file(path, object.bytes(), walk),
            Place::Stdin => self.stream(&mut io::stdin().lock(), 0, walk),
            Place::Memory(bytes) if archive::is_zip(bytes) => {
                Err("a zip archive, which AWS does not deliver".to_owned())
            }
            Place::Fetched(bytes) => self.stream(&mut &bytes[..], object.bytes(), walk),
            Place::Remote => self.stream(&mut Stream::new(object.name()), object.bytes(), walk),
            Place::Memory(bytes) => self.stream(&mut &bytes[..], object.bytes(), walk),
            Place::Member(path, member) => {
                let mut archive = File::open(path).map_err(|error| io_reason(&error))?;
                archive.seek(SeekFrom::Start(member.start)).map_err(|error| io_reason(&error))?;
                self.member(member, &mut archive, walk)
            }
            Place::EmptyArchive => {
                walk.not_a_log();
                Ok(())
            }
            Place::Unreadable(why) => Err(why.clone()),
        }
    }

    fn file(&mut self, path: &Path, bytes: u64, walk: &mut Walk<'_>) -> Result<(), String> {
        let mut file = File::open(path).map_err(|error| io_reason(&error))?;
        self.stream(&mut file, bytes, walk)
    }

    /// Reads a file or a pipe; `bytes` is how long it is likely to be.
    fn stream(&mut self, source: &mut dyn Read, bytes: u64, walk: &mut Walk<'_>) -> Result<(), String> {
        let expected = usize::try_from(bytes).unwrap_or(WHOLE).min(WHOLE);
        let packed = &mut self.packed;
        let mut failure = None;
        let mut fill = |buffer: &mut Buffer, expected, limit| {
            buffer.fill(source, expected, limit).unwrap_or_else(|error| {
                failure = Some(io_reason(&error));
                true
            })
        };
        let mut ended = fill(packed, expected, WHOLE + 1);
        if !ended {
            let head = packed.filled();
            if !is_packed(head) && recognise::is_lines(head) {
                return lines::read(walk, packed, source, self.limit.max(WHOLE + 1)).map_or(Ok(()), Err);
            }
            if !is_packed(head) && table::is_table(head) {
                let start = scan::first_byte(head);
                walk.outcome.bytes = bytes.max(head.len() as u64);
                table::read(walk, Cursor::new(&head[start..]).chain(source));
                return Ok(());
            }
            let most = self.limit.max(WHOLE).saturating_add(1);
            ended = fill(packed, expected, most);
        }
        if !ended || packed.len() > self.limit {
            return Err(format!("larger than {}", size(self.limit as u64)));
        }
        let result = self.layers(walk, 0);
        failure.map_or(result, Err)
    }

    /// A member of an archive, with `source` at the start of its data.
    fn member(&mut self, member: &Member, source: &mut dyn Read, walk: &mut Walk<'_>) -> Result<(), String> {
        if let Packing::Other(why) = &member.packing {
            return Err(why.clone());
        }
        if member.exceeds(self.limit as u64) {
            return Err("the archive unpacks to far more than it may".to_owned());
        }
        let expected = usize::try_from(member.packed).unwrap_or(usize::MAX);
        if expected > self.limit {
            return Err(format!("larger than {}", size(self.limit as u64)));
        }
        let complete = match self.packed.fill(source, expected, expected) {
            Ok(_) => self.packed.len() == expected,
            Err(error) => return Err(io_reason(&error)),
        };
        let mut cut = None;
        if matches!(member.packing, Packing::Deflated) {
            let (packed, text) = (self.packed.filled(), &mut self.text);
            let (size, checksum) = (member.size, member.checksum);
            cut = self.inflater.deflate(packed, size, checksum, text, self.limit);
            self.swap();
        }
        self.layers(walk, 1)?;
        match cut {
            _ if !complete => Err(reason("zip", Cut::Truncated, self.limit)),
            Some(cut) => Err(reason("zip", cut, self.limit)),
            None => Ok(()),
        }
    }

    /// Unpacks what is in the first buffer as often as it is packed, and reads the text.
    fn layers(&mut self, walk: &mut Walk<'_>, mut layer: usize) -> Result<(), String> {
        let mut cut = None;
        while self.packed.filled().starts_with(GZIP) && layer < MAX_LAYERS && cut.is_none() {
            let packed = self.packed.filled();
            cut = self.inflater.gzip(packed, &mut self.text, self.limit);
            self.swap();
            layer += 1;
        }
        if archive::is_zip(self.packed.filled()) {
            if layer > 0 {
                return Err("an archive inside an archive".to_owned());
            }
            return self.archive(walk);
        }
        walk.outcome.bytes += self.packed.len() as u64;
        let before = walk.outcome.counted();
        recognise::text(walk, self.packed.filled_mut(), 0);
        let Some(cut) = cut else { return Ok(()) };
        if walk.outcome.counted() == before {
            walk.malformed(scan::ENDED);
        }
        Err(reason("gzip", cut, self.limit))
    }

    /// An archive that came through a pipe or under another name is read here and now.
    fn archive(&mut self, walk: &mut Walk<'_>) -> Result<(), String> {
        let whole = self.packed.filled().to_vec();
        let members = archive::members(Cursor::new(&whole))?;
        let mut first_failure = Ok(());
        for member in &members {
            let start = usize::try_from(member.start).unwrap_or(usize::MAX);
            let mut data = whole.get(start..).unwrap_or(&[]);
            self.packed.reset();
            self.text.reset();
            let result = self.member(member, &mut data, walk);
            if first_failure.is_ok() {
                first_failure = result.map_err(|why| format!("{}: {why}", member.name));
            }
        }
        if members.is_empty() {
            walk.not_a_log();
        }
        first_failure
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.packed, &mut self.text);
        self.text.reset();
    }
}

fn is_packed(head: &[u8]) -> bool {
    head.starts_with(GZIP) || archive::is_zip(head)
}

fn reason(format: &str, cut: Cut, limit: usize) -> String {
    match cut {
        Cut::Truncated => format!("{format}: truncated"),
        Cut::Corrupt => format!("{format}: corrupt"),
        Cut::TooLarge => format!("larger than {} unpacked", size(limit as u64)),
    }
}

/// Adds how far the reading came to why it ended.
fn finish(walk: Walk<'_>, result: Result<(), String>) -> Outcome {
    let mut outcome = walk.outcome;
    let read = outcome.counted() > 0;
    let records = match outcome.records {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    };
    outcome.skipped = match result {
        Err(why) if read => Some(format!("{why} after {records}")),
        Err(why) => return Outcome::unreadable(why),
        Ok(()) if walk.cut => Some(format!("truncated after {records}")),
        Ok(()) => None,
    };
    outcome
}
