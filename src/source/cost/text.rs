//! Comma-separated tables and parquet files: which kind they are, and reading them piece by piece.

use std::io::{self, Cursor, Read, Seek as _};

use super::super::object::Object;
use super::super::recognise::{from_utf16, has_evidence};
use super::super::scan::first_byte;
use super::super::table::is_table;
use super::folded::{Bill, Body, Counts};
use super::frame::Csv;
use super::json::CLOUDTRAIL;
use super::layout::Layout;
use super::open::{Content, Fingerprint, Parquet, open};
use super::reading::Reading;
use super::rows::{Rows, header, lines, lines_before};
use super::table::Table;
use super::twin::Sample;
use super::value::quoted;
use super::{console, parquet};
use crate::cost::ledger::Entry;

/// Bytes by which a bill is told from a log.
const HEAD: u64 = 256 << 10;
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

impl Reading {
    /// Reads a text of any kind.
    pub(super) fn text(&mut self, name: &str, source: Box<dyn Read>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut rows = Rows::new(Fingerprint::new(source));
        if rows.head().starts_with(&[0xff, 0xfe]) || rows.head().starts_with(&[0xfe, 0xff]) {
            return match rows.whole(limit).and_then(from_utf16) {
                Some(decoded) => self.text(name, Box::new(Cursor::new(decoded))),
                None => self.too_large(name),
            };
        }
        let head = rows.head();
        if let Some(b'{' | b'[') = head.get(first_byte(head)) {
            if !is_answer(head) && has_evidence(head) {
                return self.skip(name, format!("not a cost file: {CLOUDTRAIL}"));
            }
            return match rows.whole(limit) {
                Some(text) => {
                    let text = text.get(first_byte(text)..).unwrap_or_default();
                    self.json(name, text);
                }
                None => self.too_large(name),
            };
        }
        match columns(rows.head()) {
            Some((Columns::Table(layout, end), separator)) => {
                rows.skip(end, separator);
                self.table(name, rows, *layout, separator);
            }
            Some((Columns::Console, separator)) => {
                let Some(text) = rows.whole(limit) else { return self.too_large(name) };
                let console = console::read(text, separator);
                self.console(name, rows, console);
            }
            None => self.skip(name, format!("not a cost file: {}", otherwise(rows.head()))),
        }
    }

    fn too_large(&mut self, name: &str) {
        let size = super::super::outcome::size(self.limit);
        self.skip(name, format!("larger than {size}"));
    }

    fn table<R: Read>(&mut self, name: &str, mut rows: Rows<Fingerprint<R>>, layout: Layout, separator: u8) {
        let sample = Sample::of_text(layout.identity, rows.head(), separator);
        let mut table = Table::new(layout);
        let mut csv = Csv::new(table.layout(), separator);
        while rows.next(|piece| {
            match csv.frame(piece.text) {
                Ok(frame) => table.take(&frame, |row| piece.line + lines_before(piece.text, separator, row)),
                Err(error) => table.broken(lines(piece.text), piece.line, error.to_string()),
            }
            let first = piece.first_broken.unwrap_or(piece.line);
            table.broken(piece.broken, first, "a quote where none may be");
        }) {}
        let failure = rows.failure.take();
        let notes = failure.map(|why| format!("{why} after {} rows", table.rows)).into_iter().collect();
        let counts = table.counts("line", notes);
        self.folded(name, table, sample, rows.into_source().finish(), counts);
    }

    fn folded(&mut self, name: &str, table: Table, sample: Sample, fingerprint: [u8; 32], counts: Counts) {
        let (rows, entry) = (counts.rows, table.entry());
        let body = Body::Table { series: table.fold.into_series(), entry, sample };
        self.bill(name, Bill { fingerprint, rows, counts, body });
    }

    fn console<R: Read>(&mut self, name: &str, rows: Rows<Fingerprint<R>>, console: console::Console) {
        let (fingerprint, counts) = (rows.into_source().finish(), console.counts);
        let (series, sample) = (console.fold.into_series(), Sample::default());
        let body = Body::Table { series, entry: Entry::Statement, sample };
        self.bill(name, Bill { fingerprint, rows: counts.rows, counts, body });
    }

    /// Reads a parquet file row group by row group.
    pub(super) fn parquet(&mut self, name: &str, mut file: Parquet) {
        let shape = match parquet::shape(&file) {
            Ok(shape) => shape,
            Err(why) => return self.skip(name, format!("parquet: {why}")),
        };
        let names = shape.names();
        let Some(layout) = Layout::of(&names) else {
            let why = format!("not a cost file: parquet with the columns {}", quoted(&names.join(", ")));
            return self.skip(name, why);
        };
        let fingerprint = match fingerprint(&mut file) {
            Ok(fingerprint) => fingerprint,
            Err(error) => return self.skip(name, super::open::reason(&error)),
        };
        // What fails here fails again, and is told, where the rows are read.
        let sample = layout.identity.and_then(|identity| {
            let (frame, _) = shape.frame(&mut file, &identity.columns(), 0).ok()?;
            Some(Sample::of_frame(identity, &frame))
        });
        let (mut table, mut notes) = (Table::new(layout), Vec::new());
        for group in 0..shape.groups() {
            match shape.frame(&mut file, &table.layout().columns, group) {
                Ok((frame, before)) => table.take(&frame, |row| before.saturating_add(row + 1) as u64),
                Err(why) => notes.push(format!("row group {}: {why}", group + 1)),
            }
        }
        let counts = table.counts("row", notes);
        self.folded(name, table, sample.unwrap_or_default(), fingerprint, counts);
    }
}

/// What a header announces.
enum Columns {
    /// One amount in each row, from this byte on.
    Table(Box<Layout>, usize),
    Console,
}

/// The kind of a table, and what parts its cells.
fn columns(head: &[u8]) -> Option<(Columns, u8)> {
    SEPARATORS.into_iter().find_map(|separator| {
        let (cells, end) = header(head, separator)?;
        let console = || console::is_console(&cells).then_some(Columns::Console);
        let columns = Layout::of(&cells).map(|layout| Columns::Table(Box::new(layout), end)).or_else(console)?;
        Some((columns, separator))
    })
}

fn is_answer(head: &[u8]) -> bool {
    ["ResultsByTime", "Anomalies", "assemblyId"].iter().any(|word| contains(head, word))
}

/// Whether a file, not one inside another, begins like a bill.
pub(super) fn is_bill(path: &str) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    let object = Object::file(path.into(), metadata.len());
    if !metadata.is_file() || object.delivered_day().is_some() {
        return false;
    }
    match open(&object, HEAD) {
        Ok(Content::Text(source)) => {
            let mut head = Vec::new();
            // What cannot be read to here is named by whoever reads it as a log.
            if source.take(HEAD).read_to_end(&mut head).is_err() {
                return false;
            }
            let head = from_utf16(&head).unwrap_or(head);
            match head.get(first_byte(&head)) {
                Some(b'{' | b'[') => is_answer(&head) && !has_evidence(&head),
                _ => !is_table(&head) && columns(&head).is_some(),
            }
        }
        Ok(Content::Parquet(file)) => parquet::shape(&file).is_ok_and(|shape| Layout::of(&shape.names()).is_some()),
        _ => false,
    }
}

fn fingerprint(file: &mut Parquet) -> io::Result<[u8; 32]> {
    match file {
        Parquet::File(file) => {
            // The handle's position is where the shape was read.
            file.rewind()?;
            let mut source = Fingerprint::new(file);
            io::copy(&mut source, &mut io::sink())?;
            Ok(source.finish())
        }
        Parquet::Memory(bytes) => {
            let mut source = Fingerprint::new(Cursor::new(bytes));
            io::copy(&mut source, &mut io::sink())?;
            Ok(source.finish())
        }
    }
}

fn contains(text: &[u8], word: &str) -> bool {
    memchr::memmem::find(text, word.as_bytes()).is_some()
}

/// What a text is that is no cost file.
fn otherwise(head: &[u8]) -> String {
    if is_table(head) || has_evidence(head) {
        return CLOUDTRAIL.to_owned();
    }
    let start = head.get(first_byte(head)..).unwrap_or_default();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.get(..line.len().min(200)).unwrap_or_default();
    match line {
        [] => "nothing in it".to_owned(),
        _ => format!("it begins with {}", quoted(String::from_utf8_lossy(line).trim())),
    }
}
