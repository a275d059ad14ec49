//! Fingerprints that are the same on every machine: parts made on different ones agree on what is a duplicate.
//!
//! Whoever chooses the bytes can make two fingerprints equal; the ids of events are chosen by AWS.

/// Odd numbers without a pattern: the fraction of pi.
const SEEDS: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// A hash of several texts in their order.
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(SEEDS[0])
    }

    /// Adds a text; where it ends counts, too.
    pub(super) fn text(self, text: &str) -> Self {
        let mut state = self.0;
        let (chunks, rest) = text.as_bytes().as_chunks::<16>();
        let mut last = [0; 16];
        last.iter_mut().zip(rest).for_each(|(byte, rest)| *byte = *rest);
        for chunk in chunks.iter().chain((!rest.is_empty()).then_some(&last)) {
            let (low, high) = halves(u128::from_le_bytes(*chunk));
            state = fold(low ^ state, high ^ SEEDS[1]);
        }
        Self(fold(state ^ text.len() as u64, SEEDS[2]))
    }

    /// Adds a number.
    pub(super) fn number(self, number: i64) -> Self {
        Self(fold(self.0 ^ number.cast_unsigned(), SEEDS[1]))
    }

    pub(super) fn finish(self) -> u64 {
        self.0
    }
}

/// Of a record with an id: what tells its copies from other records. What two accounts recorded are two records, whatever
/// their ids say.
pub(super) fn of_record(time: i64, id: &str, source: &str, name: &str, account: &str) -> u64 {
    [id, source, name, account].into_iter().fold(Fingerprint::new().number(time), Fingerprint::text).finish()
}

/// As the id of a record that has none.
pub(super) fn written(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// Both halves of the product, mixed.
fn fold(a: u64, b: u64) -> u64 {
    let (low, high) = halves(u128::from(a) * u128::from(b));
    low ^ high
}

fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Fingerprint;

    #[test]
    fn a_fingerprint_is_the_same_everywhere_and_tells_texts_apart() {
        let of = |texts: &[&str]| texts.iter().fold(Fingerprint::new(), |print, text| print.text(text)).finish();
        assert_eq!(of(&["0d6b8a0c-3d6e-4f6a-9d0e-2f3b1c4a5e6f", "111122223333"]), KNOWN);
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a"]), of(&["a\0"]));
        assert_ne!(of(&[""]), of(&["", ""]));
        let all: HashSet<u64> =
            (0..200_000).map(|n| Fingerprint::new().text(&format!("{n:036}")).number(n % 7).finish()).collect();
        assert_eq!(all.len(), 200_000);
        let low: HashSet<u64> = all.iter().map(|print| print & 0xffff_ffff).collect();
        assert!(low.len() > 199_980, "{}", low.len());
    }

    const KNOWN: u64 = 11_956_754_770_080_714_833;
}
