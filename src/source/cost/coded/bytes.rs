//! What bills have beside numbers: amounts, and texts that come again, which take a number.

use std::sync::Arc;

use ahash::AHashMap;
use anyhow::{Context as _, Result, bail, ensure};
use rust_decimal::Decimal;

use crate::bytes::{Cursor, Pen};

/// 10^20: no honest sum is larger, as it takes a hundred million rows of the largest amount. Sums of what is below stay in
/// the range of [`Decimal`] for almost a billion of them.
const LARGEST: Decimal = Decimal::from_parts(0x6310_0000, 0x6bc7_5e2d, 5, false, 0);
/// The bit beside a scale that says that an amount is negative.
const NEGATIVE: u8 = 0x80;

/// Collects bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub pen: Pen,
    texts: Vec<Arc<str>>,
    places: AHashMap<Arc<str>, usize>,
}

impl Writer {
    /// How an amount is written: its decimal places and its sign.
    pub(super) fn shape(&mut self, amount: Decimal) {
        // A scale is at most 28.
        let sign = if amount.is_sign_negative() { NEGATIVE } else { 0 };
        self.pen.byte(amount.scale() as u8 | sign);
    }

    /// The digits of an amount.
    pub(super) fn digits(&mut self, amount: Decimal) {
        self.pen.wide(amount.mantissa().unsigned_abs());
    }

    pub(super) fn float(&mut self, number: f64) {
        self.pen.raw(&number.to_le_bytes());
    }

    /// A text that stands nowhere else.
    pub(super) fn text(&mut self, text: &str) {
        self.pen.text(text.as_bytes());
    }

    pub(super) fn maybe(&mut self, text: Option<&str>) {
        self.pen.byte(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// A text that many things share.
    pub(super) fn shared(&mut self, text: &Arc<str>) {
        let place = match self.places.get(text) {
            Some(place) => *place,
            None => {
                let place = self.texts.len();
                self.texts.push(Arc::clone(text));
                self.places.insert(Arc::clone(text), place);
                place
            }
        };
        self.pen.length(place);
    }

    /// The version, the shared texts and then everything else.
    pub(super) fn finish(self, version: u8) -> Vec<u8> {
        let mut whole = Pen::default();
        whole.byte(version);
        whole.length(self.texts.len());
        for text in &self.texts {
            whole.text(text.as_bytes());
        }
        whole.raw(&self.pen.bytes);
        whole.bytes
    }
}

/// Takes bytes apart. Nothing that it gives is larger than a small multiple of the bytes.
pub(super) struct Reader<'a> {
    pub cursor: Cursor<'a>,
    texts: Vec<Arc<str>>,
}

impl<'a> Reader<'a> {
    /// Reads the version and the shared texts.
    ///
    /// # Errors
    /// Another version; bytes that are none of a writer.
    pub(super) fn new(bytes: &'a [u8], version: u8) -> Result<Self> {
        let mut reader = Self { cursor: Cursor::new(bytes), texts: Vec::new() };
        let own = reader.cursor.byte()?;
        ensure!(own == version, "version {own} of a folded bill, which is not read; this one reads {version}");
        for _ in 0..reader.count()? {
            let text = reader.text()?;
            reader.texts.push(Arc::from(text));
        }
        Ok(reader)
    }

    /// How many things follow, each of a byte at least.
    pub(super) fn count(&mut self) -> Result<usize> {
        self.cursor.count(1)
    }

    /// An amount whose shape was read before.
    pub(super) fn amount(&mut self, shape: u8) -> Result<Decimal> {
        let digits = i128::try_from(self.cursor.wide()?)?;
        let mut amount = Decimal::try_from_i128_with_scale(digits, (shape & !NEGATIVE).into())?;
        ensure!(amount <= LARGEST, "an amount that is none");
        amount.set_sign_negative(shape & NEGATIVE != 0);
        Ok(amount)
    }

    pub(super) fn float(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.cursor.array()?))
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        Ok(std::str::from_utf8(self.cursor.text()?)?)
    }

    pub(super) fn maybe(&mut self) -> Result<Option<&'a str>> {
        match self.cursor.byte()? {
            0 => Ok(None),
            1 => self.text().map(Some),
            other => bail!("{other} where a text may be"),
        }
    }

    pub(super) fn shared(&mut self) -> Result<Arc<str>> {
        let place = self.cursor.position()?;
        self.texts.get(place).map(Arc::clone).context("a text that is not there")
    }
}
