//! The form of an export: a line that says what it is, then a line for each key, sorted.
//!
//! The value is `text` where it is UTF-8, else `base64`.

use std::io::{self, Write};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::model::base64;
use crate::store::transfer::Items;

const KIND: &str = "stakeout-state";
const VERSION: u32 = 1;

/// The first line. The number of items shows a file that was cut off.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: String,
    version: u32,
    items: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// Writes an export.
pub(super) fn write(items: &Items, out: &mut dyn Write) -> io::Result<()> {
    let header = Header { kind: KIND.to_owned(), version: VERSION, items: items.len() };
    writeln!(out, "{}", serde_json::to_string(&header)?)?;
    for (key, value) in items {
        let text = std::str::from_utf8(value).ok().map(str::to_owned);
        let base64 = text.is_none().then(|| base64::encode(value));
        writeln!(out, "{}", serde_json::to_string(&Row { key: key.clone(), text, base64 })?)?;
    }
    Ok(())
}

/// Whether bytes begin as an export does.
pub(in crate::cli) fn is_export(bytes: &[u8]) -> bool {
    first_line(bytes).is_ok()
}

fn first_line(bytes: &[u8]) -> Result<Header> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header: Header = serde_json::from_slice(line).context("line 1 is not the first of a state export")?;
    if header.kind != KIND {
        bail!("line 1 is not the first of a state export: its kind is {:?}", header.kind);
    }
    if header.version != VERSION {
        bail!("this export has version {}, this program knows {VERSION}", header.version);
    }
    Ok(header)
}

/// Reads an export.
///
/// # Errors
/// The line that is none, or a file that was cut off.
pub(in crate::cli) fn read(bytes: &[u8]) -> Result<Items> {
    let header = first_line(bytes)?;
    let mut items = Items::new();
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().skip(1);
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let at = || format!("line {}", number + 1);
        let row: Row = serde_json::from_slice(line).with_context(at)?;
        let value = match (row.text, row.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => base64::decode(&text).with_context(|| format!("{}: no base64", at()))?,
            _ => bail!("{}: needs either text or base64", at()),
        };
        if items.insert(row.key.clone(), value).is_some() {
            bail!("{}: the key {:?} for the second time", at(), row.key);
        }
    }
    if items.len() != header.items {
        bail!("has {} items instead of {}: it was cut off or changed", items.len(), header.items);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{read, write};
    use crate::store::transfer::Items;

    proptest! {
        #[test]
        fn an_export_reads_back_and_shows_that_it_was_cut_off(
            items in proptest::collection::btree_map(".{1,9}", any::<Vec<u8>>(), 1..6),
        ) {
            let items: Items = items;
            let mut out = Vec::new();
            write(&items, &mut out).unwrap();
            prop_assert_eq!(&read(&out).unwrap(), &items);
            let end = out[..out.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
            prop_assert!(read(&out[..=end]).is_err());
        }
    }
}
