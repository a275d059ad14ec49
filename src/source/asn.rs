//! Tables of networks as they are published: iptoasn.com, MaxMind's CSV and its `.mmdb`. What a file is, its content says.

mod mmdb;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};

use super::inflate::{Buffer, Cut, GZIP, Inflater};
use super::outcome::size;
use super::stored::Stored;
use crate::event::Networks;
use crate::event::networks::Draft;
use rows::Table;

/// A table is not unpacked any further.
const LARGEST: usize = 1 << 30;
/// Bad lines of one file that are named one by one.
const MOST_NAMED: usize = 5;

/// A line that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadLine {
    pub file: String,
    /// From 1; 0 where it is about several lines.
    pub line: usize,
    pub why: String,
}

/// What is read so far.
#[derive(Default)]
struct Reading {
    draft: Draft,
    /// Countries by the number that MaxMind gives a place.
    places: HashMap<u32, String>,
    bad: Vec<BadLine>,
}

/// Reads tables, on this machine or at `s3://bucket/key`, plain or packed with gzip. A later one goes before an earlier one
/// where both know a range. Lines that cannot be read are named, and the rest is used.
///
/// # Errors
/// A file that cannot be read, that is no such table, or of which no line can be used; and MaxMind's list of blocks by country
/// without the list of the places that it names.
pub(crate) fn networks(names: &[String]) -> Result<(Networks, Vec<BadLine>)> {
    let mut reading = Reading::default();
    let mut waiting = Vec::new();
    for name in names {
        let bytes = bytes(name)?;
        if mmdb::is_database(&bytes) {
            mmdb::read(&bytes, &mut reading.draft).with_context(|| name.clone())?;
            continue;
        }
        let Some(table) = Table::of(&bytes) else {
            bail!("{name}: no table of networks: neither iptoasn.com's, nor MaxMind's CSV, nor a .mmdb file");
        };
        if table.names_places() {
            reading.places(name, &table, &bytes);
        } else {
            waiting.push((name, table, bytes));
        }
    }
    for (name, table, bytes) in waiting {
        reading.ranges(name, &table, &bytes)?;
    }
    Ok((reading.draft.build(), reading.bad))
}

/// All bytes of a file, unpacked.
fn bytes(name: &str) -> Result<Vec<u8>> {
    let stored = Stored::open(name).with_context(|| name.to_owned())?;
    let length = usize::try_from(stored.length()).ok().filter(|length| *length <= LARGEST);
    let Some(length) = length else { bail!("{name}: larger than {}", size(LARGEST as u64)) };
    let packed = stored.read(0, length).with_context(|| name.to_owned())?;
    if !packed.starts_with(GZIP) {
        return Ok(packed);
    }
    let mut text = Buffer::default();
    match Inflater::new().gzip(&packed, &mut text, LARGEST) {
        None => Ok(text.filled().to_vec()),
        Some(Cut::TooLarge) => bail!("{name}: unpacks to more than {}", size(LARGEST as u64)),
        Some(Cut::Truncated | Cut::Corrupt) => bail!("{name}: gzip: truncated or corrupt"),
    }
}

impl Reading {
    fn places(&mut self, name: &str, table: &Table, bytes: &[u8]) {
        let Self { places, bad, .. } = self;
        each_line(name, table, bytes, bad, |fields| {
            let (number, country) = table.place(fields)?;
            if !country.is_empty() {
                places.insert(number, country);
            }
            Ok(())
        });
    }

    fn ranges(&mut self, name: &str, table: &Table, bytes: &[u8]) -> Result<()> {
        let Self { places, bad, draft } = self;
        let (mut used, mut unknown) = (0_usize, 0_usize);
        each_line(name, table, bytes, bad, |fields| {
            let row = table.row(fields)?;
            used += 1;
            if let Some((asn, operator)) = row.operator {
                draft.operator(row.span, asn, operator);
            }
            let named = row.place.and_then(|place| places.get(&place).map(String::as_str));
            unknown += usize::from(row.place.is_some() && named.is_none());
            if let Some(country) = row.country.or(named) {
                draft.country(row.span, country);
            }
            Ok(())
        });
        if used == 0 {
            let first = bad.iter().find(|bad| bad.file == name).map_or("it is empty", |bad| bad.why.as_str());
            bail!("{name}: no line of it can be used: {first}");
        }
        if unknown == used {
            bail!("{name}: it names places by number; give the file with Locations in its name, too");
        }
        Ok(())
    }
}

/// Gives the fields of every line but headers and comments. Lines that cannot be used are kept in `bad`.
fn each_line(
    name: &str,
    table: &Table,
    bytes: &[u8],
    bad: &mut Vec<BadLine>,
    mut take: impl FnMut(&[String]) -> Result<(), &'static str>,
) {
    let mut more = 0_usize;
    let mut named = 0_usize;
    let mut fields = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')).skip(table.header_lines()) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let taken = match std::str::from_utf8(line) {
            Ok(line) => table.split(line, &mut fields).and_then(|()| take(&fields)),
            Err(_) => Err("it is not UTF-8"),
        };
        match taken {
            Ok(()) => {}
            Err(why) if named < MOST_NAMED => {
                named += 1;
                bad.push(BadLine { file: name.to_owned(), line: number, why: why.to_owned() });
            }
            Err(_) => more += 1,
        }
    }
    if more > 0 {
        let why = format!("{more} more lines that cannot be used");
        bad.push(BadLine { file: name.to_owned(), line: 0, why });
    }
}
