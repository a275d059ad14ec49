//! Random identifiers in the shapes AWS uses, drawn from a seeded generator.

use fastrand::Rng;

const UPPER: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const ALNUM: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// `length` characters of `alphabet`.
fn drawn(rng: &mut Rng, alphabet: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(alphabet[rng.usize(..alphabet.len())])).collect()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(rng: &mut Rng, length: usize) -> String {
    drawn(rng, HEX, length)
}

/// Letters of both cases and digits, as in the name of a delivered file.
pub(crate) fn alphanumeric(rng: &mut Rng, length: usize) -> String {
    drawn(rng, ALNUM, length)
}

/// An access key id of 20 characters. `EXAMPLE` and the closing digit (0, 1, 8 or 9, which
/// no real key contains) keep secret scanners quiet.
pub(crate) fn access_key(rng: &mut Rng, prefix: &str) -> String {
    let middle = drawn(rng, UPPER, 8);
    let last = drawn(rng, b"0189", 1);
    format!("{prefix}EXAMPLE{middle}{last}")
}

/// The stable id (21 characters, e.g. `AIDA...`, `AROA...`) of the entity called `name`.
/// It follows from the name, so that every record agrees on it.
pub(crate) fn entity_id(prefix: &str, name: &str) -> String {
    let letters: Vec<char> =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    let mut id = String::with_capacity(21);
    id.push_str(prefix);
    id.push_str("EXAMPLE");
    // Both ends count: names of a family differ in their last characters.
    let tail = letters.len().saturating_sub(4).max(6);
    id.extend(letters.iter().take(6));
    id.extend(letters.iter().skip(tail));
    while id.len() < 21 {
        id.push('0');
    }
    id
}

/// What STS returns beside a temporary key: long, opaque and different every time.
pub(crate) fn session_token(rng: &mut Rng) -> String {
    format!("IQoJb3JpZ2luX2Vj{}==", alphanumeric(rng, 340))
}

/// Appends `bits` as a version 4 UUID.
pub(crate) fn push_uuid(out: &mut String, bits: u128) {
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    for digit in 0..32 {
        if matches!(digit, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        let nibble = (bits >> (124 - 4 * digit)) & 0xf;
        out.push(char::from(HEX[nibble as usize]));
    }
}

/// `bits` as a version 4 UUID.
pub(crate) fn uuid(bits: u128) -> String {
    let mut out = String::with_capacity(36);
    push_uuid(&mut out, bits);
    out
}
