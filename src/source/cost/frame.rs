//! Rows as frames of text columns, out of comma-separated text.

use std::io::Cursor;
use std::sync::Arc;

use polars::prelude::{
    ChunkedArray, CsvEncoding, CsvReadOptions, DataType, PlSmallStr, PolarsError, Schema, SerReader as _,
    StringChunked, StringType,
};

use super::layout::Layout;

/// Columns of text, all of one length.
pub(super) struct Frame {
    columns: Vec<StringChunked>,
    pub(super) rows: usize,
}

impl Frame {
    pub(super) fn new(columns: Vec<StringChunked>) -> Self {
        let columns: Vec<StringChunked> = columns.into_iter().map(|column| column.rechunk().into_owned()).collect();
        let rows = columns.iter().map(ChunkedArray::<StringType>::len).min().unwrap_or_default();
        Self { columns, rows }
    }

    /// The text of a cell without blanks around it; none where nothing is, which some exports write as a word.
    pub(super) fn cell(&self, column: usize, row: usize) -> Option<&str> {
        let text = self.columns.get(column)?.get(row)?.trim();
        (!text.is_empty() && text != "NULL" && text != "null" && text != "\\N").then_some(text)
    }
}

/// Reads comma-separated rows into frames.
pub(super) struct Csv {
    options: CsvReadOptions,
    text: Vec<u8>,
}

impl Csv {
    pub(super) fn new(layout: &Layout, separator: u8) -> Self {
        let name = |column: usize| PlSmallStr::from_string(column.to_string());
        let schema: Schema = (0..layout.width).map(|column| (name(column), DataType::String)).collect();
        let options = CsvReadOptions::default()
            .with_has_header(true)
            .with_infer_schema_length(Some(0))
            .with_raise_if_empty(false)
            .with_n_threads(Some(1))
            .with_schema(Some(Arc::new(schema)))
            .with_projection(Some(Arc::new(layout.columns.clone())))
            .map_parse_options(|options| {
                options.with_separator(separator).with_encoding(CsvEncoding::LossyUtf8).with_truncate_ragged_lines(true)
            });
        Self { options, text: Vec::new() }
    }

    /// The rows of a text without header. A line is put in front, because the reader takes a text that begins like a
    /// compressed one for that.
    pub(super) fn frame(&mut self, rows: &[u8]) -> Result<Frame, PolarsError> {
        self.text.clear();
        self.text.extend_from_slice(b"#\n");
        self.text.extend_from_slice(rows);
        let read = self.options.clone().into_reader_with_file_handle(Cursor::new(self.text.as_slice())).finish()?;
        let columns: Result<Vec<_>, _> = read.columns().iter().map(|column| column.str().cloned()).collect();
        Ok(Frame::new(columns?))
    }
}
