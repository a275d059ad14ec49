//! Names that are safe in a file system and in a bucket, whatever they were made from.

use sha2::{Digest as _, Sha256};

use crate::model::hex;

/// Bytes of one part of a path; file systems take 255.
const LONGEST: usize = 150;
/// Bytes of a long name that stay before its hash.
const KEPT: usize = 100;
/// Digits of a hash within a name.
const DIGITS: usize = 16;

/// One part of a path: letters, digits, `.`, `_` and `-` stay, every other byte becomes `%XX`. No part is empty, begins
/// with a dot or is longer than file systems allow; different names stay different.
pub(crate) fn part(name: &str) -> String {
    clean(name, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// A path whose parts may be clean already.
pub(super) fn path(path: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'%');
    let parts: Vec<_> = path.split('/').map(|part| clean(part, stays)).collect();
    parts.join("/")
}

/// The name with some of a content's hash before its extension.
pub(super) fn with_hash(name: &str, digest: &str) -> String {
    let digits = digest.get(..DIGITS).unwrap_or(digest);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}-{digits}.{extension}"),
        _ => format!("{name}-{digits}"),
    }
}

fn clean(name: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut safe = String::with_capacity(name.len());
    for (place, byte) in name.bytes().enumerate() {
        if stays(byte) && !(place == 0 && byte == b'.') {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    match safe.len() {
        0 => "%".to_owned(),
        length if length > LONGEST => {
            let digest = hex(&Sha256::digest(name.as_bytes()));
            format!("{}-{}", safe.get(..KEPT).unwrap_or_default(), digest.get(..2 * DIGITS).unwrap_or_default())
        }
        _ => safe,
    }
}
