//! Rows of parquet files as frames of text, row group by row group.
//!
//! The columns are decoded below the frame reader of polars, which knows times only when built with a calendar library
//! of its own. Reading one row group's columns at a time also bounds the memory.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars::datatypes::{ArrowDataType, ArrowTimeUnit, StaticArray as _};
use polars::io::mmap::MmapBytesReader;
use polars::io::parquet::read::{_internal::to_deserializer, FileMetadata, ParquetReader, infer_schema};
use polars::prelude::{
    ArrayRef, ArrowField, Float32Type, Float64Type, Int32Type, Int64Type, Int128Type, PlSmallStr, PolarsDataType,
    SerReader as _, StringChunked, StringType,
};
use rust_decimal::Decimal;

use super::frame::Frame;
use super::open::Parquet;
use crate::event::{DAY, time};

/// Cells of a row group that are decoded at once. A few bytes can claim any number of them.
const LARGEST: usize = 1 << 27;

/// The shape of a parquet file.
pub(super) struct Shape {
    metadata: FileMetadata,
    fields: Vec<ArrowField>,
}

/// Reads the shape of a file: the names of its columns.
pub(super) fn shape(file: &Parquet) -> Result<Shape, String> {
    guarded(|| match file {
        Parquet::File(file) => shape_of(file.try_clone().map_err(|error| error.to_string())?),
        Parquet::Memory(bytes) => shape_of(Cursor::new(bytes.as_slice())),
    })
}

fn shape_of(source: impl MmapBytesReader) -> Result<Shape, String> {
    let mut reader = ParquetReader::new(source);
    let metadata = reader.get_metadata().map_err(|error| error.to_string())?.as_ref().clone();
    let schema = infer_schema(&metadata).map_err(|error| error.to_string())?;
    Ok(Shape { fields: schema.iter_values().cloned().collect(), metadata })
}

impl Shape {
    pub(super) fn names(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.name.to_string()).collect()
    }

    /// How many row groups there are.
    pub(super) fn groups(&self) -> usize {
        self.metadata.row_groups.len()
    }

    /// One row group, and how many rows stand before it.
    pub(super) fn frame(&self, file: &mut Parquet, columns: &[usize], group: usize) -> Result<(Frame, usize), String> {
        let groups = &self.metadata.row_groups;
        let before = groups.iter().take(group).map(|group| group.num_rows()).fold(0, usize::saturating_add);
        let own = groups.get(group).map_or(0, |group| group.num_rows());
        if own.saturating_mul(columns.len()) > LARGEST {
            return Err(format!("{own} rows are more than can be read at once"));
        }
        let fields = columns.iter().filter_map(|column| self.fields.get(*column));
        let columns: Result<Vec<_>, String> = fields
            .map(|field| {
                let bytes = self.bytes(file, field, group)?;
                guarded(|| self.column(field, group, bytes)).map_err(|why| format!("column {}: {why}", field.name))
            })
            .collect();
        Ok((Frame::new(columns?), before))
    }

    /// The packed bytes of a column in a row group.
    fn bytes(&self, file: &mut Parquet, field: &ArrowField, group: usize) -> Result<Vec<u8>, String> {
        let chunk = self.metadata.row_groups.get(group).and_then(|group| {
            let mut chunks = group.columns_under_root_iter(&field.name)?;
            chunks.next()
        });
        let range = chunk.ok_or_else(|| format!("column {}: not in every row group", field.name))?.byte_range();
        let read = match file {
            Parquet::File(file) => section(file, range),
            Parquet::Memory(bytes) => section(&mut Cursor::new(bytes.as_slice()), range),
        };
        read.map_err(|error| format!("column {}: {error}", field.name))
    }

    fn column(&self, field: &ArrowField, group: usize, bytes: Vec<u8>) -> Result<StringChunked, String> {
        let chunk = self.metadata.row_groups.get(group).and_then(|group| {
            let mut chunks = group.columns_under_root_iter(&field.name)?;
            chunks.next()
        });
        let chunk = chunk.ok_or("not in every row group")?;
        let dtype = plain(&field.dtype);
        let wanted = ArrowField::new(field.name.clone(), dtype.clone(), true);
        let (arrays, _) =
            to_deserializer(vec![(chunk, bytes.into())], wanted, None).map_err(|error| error.to_string())?;
        let mut column = StringChunked::from_iter(std::iter::empty::<Option<String>>());
        for array in &arrays {
            let texts = texts(&dtype, array)?;
            column.append_owned(texts).map_err(|error| error.to_string())?;
        }
        Ok(column)
    }
}

fn section(file: &mut (impl Read + Seek), range: std::ops::Range<u64>) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start))?;
    let length = range.end.saturating_sub(range.start);
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// How a column is decoded: what is text in any way as text.
fn plain(dtype: &ArrowDataType) -> ArrowDataType {
    match dtype {
        ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Binary | ArrowDataType::LargeBinary => {
            ArrowDataType::Utf8View
        }
        ArrowDataType::BinaryView => ArrowDataType::Utf8View,
        ArrowDataType::Dictionary(_, values, _) => plain(values),
        other => other.clone(),
    }
}

/// The values of an array as the text that a table would have.
fn texts(dtype: &ArrowDataType, array: &ArrayRef) -> Result<StringChunked, String> {
    use ArrowDataType as Type;
    match dtype {
        Type::Utf8View => {
            let values = typed::<StringType>(array)?;
            Ok(StringChunked::with_chunk(PlSmallStr::EMPTY, values.clone()))
        }
        Type::Float64 => each::<Float64Type>(array, |value| Some(value.to_string())),
        Type::Float32 => each::<Float32Type>(array, |value| Some(value.to_string())),
        Type::Int64 => each::<Int64Type>(array, |value| Some(value.to_string())),
        Type::Int32 => each::<Int32Type>(array, |value| Some(value.to_string())),
        Type::Date32 => each::<Int32Type>(array, |days| Some(time::format(i64::from(days) * DAY))),
        Type::Decimal(_, scale) => each::<Int128Type>(array, |digits| {
            let scale = u32::try_from(*scale).ok()?;
            Decimal::try_from_i128_with_scale(digits, scale).ok().map(|value| value.to_string())
        }),
        Type::Timestamp(unit, _) => {
            each::<Int64Type>(array, |ticks| Some(time::format(ticks.div_euclid(per_second(*unit)))))
        }
        other => Err(format!("a type that is not read: {other:?}")),
    }
}

fn per_second(unit: ArrowTimeUnit) -> i64 {
    match unit {
        ArrowTimeUnit::Second => 1,
        ArrowTimeUnit::Millisecond => 1_000,
        ArrowTimeUnit::Microsecond => 1_000_000,
        ArrowTimeUnit::Nanosecond => 1_000_000_000,
    }
}

fn typed<T: PolarsDataType>(array: &ArrayRef) -> Result<&T::Array, String> {
    array.as_any().downcast_ref::<T::Array>().ok_or_else(|| "values of another type than declared".to_owned())
}

fn each<T: PolarsDataType>(
    array: &ArrayRef,
    text: impl Fn(T::Physical<'_>) -> Option<String>,
) -> Result<StringChunked, String> {
    Ok(typed::<T>(array)?.iter().map(|value| value.and_then(&text)).collect())
}

/// A file that is broken in the right way makes the decoder panic, which must not end the run.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("corrupt".to_owned()))
}
