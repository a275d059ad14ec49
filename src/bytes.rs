//! Numbers and texts as bytes: small numbers are short. Reading never trusts a length.

use anyhow::{Context as _, Result, bail};

/// Writes.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    pub bytes: Vec<u8>,
}

impl Pen {
    /// One byte.
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes whose length the reader knows.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A number, seven bits a byte, the lowest first.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    /// A number that may need more than 64 bits, in the same way.
    pub(crate) fn wide(&mut self, mut number: u128) {
        loop {
            if let Ok(number) = u64::try_from(number) {
                return self.number(number);
            }
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
    }

    /// A length or a position.
    pub(crate) fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    /// A number that may be negative.
    pub(crate) fn signed(&mut self, number: i64) {
        self.number((number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned());
    }

    /// Bytes behind their length.
    pub(crate) fn text(&mut self, text: &[u8]) {
        self.length(text.len());
        self.raw(text);
    }

    /// Rising numbers: so many bytes for each step as the widest step needs.
    pub(crate) fn rising(&mut self, numbers: &[u64]) {
        self.length(numbers.len());
        let before = std::iter::once(0).chain(numbers.iter().copied());
        let steps = || numbers.iter().zip(before.clone()).map(|(number, before)| number.wrapping_sub(before));
        let widest = steps().max().unwrap_or(0);
        let width = 8 - widest.leading_zeros() as usize / 8;
        self.length(width);
        for step in steps() {
            self.bytes.extend(step.to_le_bytes().into_iter().take(width));
        }
    }
}

/// Reads what a [`Pen`] wrote.
pub(crate) struct Cursor<'b> {
    rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// So many bytes.
    ///
    /// # Errors
    /// The end.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).context("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// The end.
    pub(crate) fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.rest.split_first().context("it ends too early")?;
        self.rest = rest;
        Ok(*byte)
    }

    /// So many bytes, as the type tells.
    ///
    /// # Errors
    /// The end.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into()?)
    }

    /// A number.
    ///
    /// # Errors
    /// The end, or a number of more than 64 bits.
    pub(crate) fn number(&mut self) -> Result<u64> {
        u64::try_from(self.wide()?).context("a number beyond 64 bits")
    }

    /// A number that may need more than 64 bits.
    ///
    /// # Errors
    /// The end, or a number of more than 128 bits.
    pub(crate) fn wide(&mut self) -> Result<u128> {
        let mut number = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a number beyond 128 bits")
    }

    /// A position.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub(crate) fn position(&mut self) -> Result<usize> {
        usize::try_from(self.number()?).context("a position beyond memory")
    }

    /// How many things follow, of which each takes so many bytes at least: no more than there are bytes for.
    ///
    /// # Errors
    /// As [`Self::number`], or more things than bytes.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize> {
        let count = self.position()?;
        if count.saturating_mul(least) > self.rest.len() {
            bail!("{count} things in {} bytes", self.rest.len());
        }
        Ok(count)
    }

    /// A number that may be negative.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub(crate) fn signed(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Bytes behind their length.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub(crate) fn text(&mut self) -> Result<&'b [u8]> {
        let length = self.position()?;
        self.take(length)
    }

    /// Rising numbers.
    ///
    /// # Errors
    /// As [`Self::number`], or numbers that do not rise.
    pub(crate) fn rising(&mut self) -> Result<Vec<u64>> {
        let count = self.count(0)?;
        let width = self.position()?;
        if width > 8 || (width == 0 && count > 1) {
            bail!("numbers of {width} bytes");
        }
        let bytes = self.take(count.checked_mul(width).context("too many numbers")?)?;
        let mut numbers = Vec::with_capacity(bytes.len() / width.max(1) + 1);
        let mut last = 0_u64;
        for step in bytes.chunks_exact(width.max(1)) {
            let mut wide = [0; 8];
            wide.iter_mut().zip(step).for_each(|(wide, byte)| *wide = *byte);
            last = last.checked_add(u64::from_le_bytes(wide)).context("numbers that do not rise")?;
            numbers.push(last);
        }
        if width == 0 {
            numbers.resize(count, 0);
        }
        Ok(numbers)
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    /// Bytes that nothing asked for.
    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { bail!("{} bytes too many", self.rest.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_others_are_refused() {
        let wide = (0..128).flat_map(|bit| [(1_u128 << bit) - 1, 1 << bit]).chain([u128::MAX]);
        for number in wide {
            let mut pen = Pen::default();
            pen.wide(number);
            let mut cursor = Cursor::new(&pen.bytes);
            assert_eq!(cursor.wide().unwrap(), number);
            cursor.end().unwrap();
            assert!(Cursor::new(&pen.bytes[..pen.bytes.len() - 1]).wide().is_err());
            let narrow = Cursor::new(&pen.bytes).number();
            assert_eq!(narrow.ok(), u64::try_from(number).ok());
            if let Ok(number) = u64::try_from(number) {
                let mut narrow = Pen::default();
                narrow.number(number);
                assert_eq!(narrow.bytes, pen.bytes);
            }
        }
        let too_long = [&[0x80; 18][..], &[4]].concat();
        for bytes in [&too_long[..], &[0xff; 30], &[0x80], &[]] {
            assert!(Cursor::new(bytes).wide().is_err() && Cursor::new(bytes).number().is_err());
        }
    }
}
