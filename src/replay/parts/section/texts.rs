//! The texts of a section, each once, sorted, and without what it begins with as the one before does.

use anyhow::{Context as _, Result, ensure};

use super::super::frame::MOST_UNPACKED;
use crate::bytes::{Cursor, Pen};

/// A longer beginning in common is not looked for.
const MOST_SHARED: usize = 1 << 12;

/// Writes texts that are in order.
///
/// # Errors
/// More bytes of text than [`read`] takes.
pub(super) fn write<'t>(pen: &mut Pen, texts: impl Iterator<Item = &'t str>) -> Result<()> {
    let texts: Vec<&str> = texts.collect();
    ensure_bounded(texts.iter().map(|text| text.len()))?;
    let before = std::iter::once("").chain(texts.iter().copied());
    let shared: Vec<usize> = texts.iter().zip(before).map(|(text, before)| shared(text, before)).collect();
    pen.length(texts.len());
    shared.iter().for_each(|shared| pen.length(*shared));
    texts.iter().zip(&shared).for_each(|(text, shared)| pen.length(text.len() - shared));
    for (text, shared) in texts.iter().zip(&shared) {
        pen.raw(text.as_bytes().get(*shared..).unwrap_or_default());
    }
    Ok(())
}

/// A few bytes can repeat thousands of the text before: they must not fill memory.
fn ensure_bounded(lengths: impl Iterator<Item = usize>) -> Result<()> {
    let total = lengths.fold(0_u64, |sum, length| sum.saturating_add(length as u64));
    ensure!(total < MOST_UNPACKED, "{total} bytes of text; {MOST_UNPACKED} are too many");
    Ok(())
}

fn shared(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take(MOST_SHARED).take_while(|(a, b)| a == b).count()
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// Bytes that it did not write.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let count = cursor.count(2)?;
    let mut sizes = Vec::with_capacity(2 * count);
    for _ in 0..2 * count {
        sizes.push(cursor.position()?);
    }
    let (shared, own) = sizes.split_at(count);
    ensure_bounded(shared.iter().zip(own).map(|(shared, own)| (*shared).min(MOST_SHARED).saturating_add(*own)))?;
    let mut texts: Vec<String> = Vec::with_capacity(count);
    for (shared, own) in shared.iter().zip(own) {
        let before = texts.last().map_or("", String::as_str).as_bytes();
        let beginning = before.get(..(*shared).min(MOST_SHARED)).context("a text with more in common than there is")?;
        let text = [beginning, cursor.take(*own)?].concat();
        texts.push(String::from_utf8(text).context("a text that is none")?);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_do_not_become_all_of_memory() {
        let count = usize::try_from(MOST_UNPACKED).unwrap() / MOST_SHARED;
        let mut pen = Pen::default();
        pen.length(count);
        (0..count).for_each(|n| pen.length(if n == 0 { 0 } else { MOST_SHARED }));
        (0..count).for_each(|n| pen.length(if n == 0 { MOST_SHARED } else { 0 }));
        pen.bytes.extend(vec![b'a'; MOST_SHARED]);
        assert!(pen.bytes.len() < 1 << 20);
        let why = read(&mut Cursor::new(&pen.bytes)).unwrap_err();
        assert!(why.to_string().contains("bytes of text"), "{why}");
    }
}
