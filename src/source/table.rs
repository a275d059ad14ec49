//! Comma-separated exports with a header: CloudTrail Lake, Athena, the console's event history.

use std::io::Read;

use serde_json::{Map, Value};

use super::athena;
use super::walk::Walk;

/// A header line longer than this many bytes is none.
const MAX_HEADER: usize = 64 << 10;
/// Columns that hold a whole record as JSON text, as their names are once stripped.
const WHOLE: [&str; 8] = ["eventjson", "cloudtrailevent", "event", "record", "raw", "message", "detail", "json"];
/// Columns that no other table has.
const TELLING: [&str; 8] = [
    "eventname",
    "eventsource",
    "eventtime",
    "eventversion",
    "eventid",
    "useridentity",
    "sourceipaddress",
    "awsregion",
];

/// Whether a text begins with the header of a table of events.
pub(super) fn is_table(text: &[u8]) -> bool {
    let start = super::scan::first_byte(text);
    let head = &text[start..text.len().min(start.saturating_add(MAX_HEADER))];
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
    let Ok(line) = std::str::from_utf8(line) else {
        return false;
    };
    let names: Vec<String> = line.split([',', '\t', ';']).map(stripped).collect();
    let telling = names.iter().filter(|name| TELLING.contains(&name.as_str()));
    telling.count() >= 2 || names.iter().any(|name| WHOLE[..2].contains(&name.as_str()))
}

/// A column name without blanks, punctuation and capitals.
fn stripped(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Reads all rows of a table; the header is the first.
pub(super) fn read(walk: &mut Walk<'_>, mut text: impl Read) {
    let mut head = vec![0; MAX_HEADER];
    let mut filled = 0;
    while filled < head.len() {
        match text.read(&mut head[filled..]) {
            Ok(0) | Err(_) => break,
            Ok(count) => filled += count,
        }
    }
    head.truncate(filled);
    let delimiter = delimiter(&head);
    let mut rows =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(head.as_slice().chain(text));
    let columns: Vec<Column> = match rows.byte_headers() {
        Ok(names) => names.iter().map(Column::new).collect(),
        Err(error) => return walk.malformed_at("row 1", &error.to_string()),
    };
    let mut row = csv::ByteRecord::new();
    loop {
        match rows.read_byte_record(&mut row) {
            Ok(false) => return,
            Ok(true) => {
                let line = row.position().map_or(0, csv::Position::line);
                take_row(walk, &columns, &row, line);
            }
            Err(error) => {
                walk.malformed_at("a row", &error.to_string());
                if error.is_io_error() {
                    walk.cut = true;
                    return;
                }
            }
        }
    }
}

fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
    let count = |wanted: u8| line.iter().filter(|&&byte| byte == wanted).count();
    [b',', b'\t', b';'].into_iter().rev().max_by_key(|&candidate| count(candidate)).unwrap_or(b',')
}

struct Column {
    /// CloudTrail's name where it has one, else the table's own.
    key: String,
    is_whole: bool,
    /// The name inside `userIdentity`, for exports that have no such column.
    identity: Option<&'static str>,
}

impl Column {
    fn new(header: &[u8]) -> Self {
        let header = String::from_utf8_lossy(header);
        let stripped = stripped(&header);
        let key = athena::name(&stripped).map_or_else(|| header.trim().to_owned(), str::to_owned);
        let identity = match stripped.as_str() {
            "username" => Some("userName"),
            "awsaccesskey" => Some("accessKeyId"),
            _ => None,
        };
        Self { key, is_whole: WHOLE.contains(&stripped.as_str()), identity }
    }
}

fn take_row(walk: &mut Walk<'_>, columns: &[Column], row: &csv::ByteRecord, line: u64) {
    let place = format!("line {line}");
    let cells = || columns.iter().zip(row.iter());
    let whole = cells()
        .find(|(column, cell)| column.is_whole && cell.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'));
    if let Some((_, cell)) = whole {
        return walk.cell(cell, &place);
    }
    if row.len() != columns.len() {
        return walk.malformed_at(&place, "not as many cells as columns");
    }
    let mut record = Map::new();
    let mut identity = Map::new();
    for (column, cell) in cells() {
        let cell = String::from_utf8_lossy(cell);
        let Some(value) = athena::value(&column.key, &cell) else {
            continue;
        };
        match column.identity {
            Some(inner) => identity.insert(inner.to_owned(), value),
            None => record.insert(column.key.clone(), value),
        };
    }
    if !identity.is_empty() && !record.contains_key("userIdentity") {
        record.insert("userIdentity".to_owned(), Value::Object(identity));
    }
    if !["eventName", "eventSource", "eventTime"].iter().any(|key| record.contains_key(*key)) {
        return walk.malformed_at(&place, "a row without an event");
    }
    walk.give(Value::Object(record).to_string().as_bytes());
}
