//! Addresses in S3: `s3://bucket`, `s3://bucket/prefix`, `s3://bucket/key`.

const SCHEME: &str = "s3://";

/// Whether a path is one of S3.
pub(crate) fn is_remote(path: &str) -> bool {
    path.starts_with(SCHEME)
}

/// The bucket, and the key or prefix in it, which may be empty. Nothing where no bucket is named.
pub(super) fn split(address: &str) -> Option<(&str, &str)> {
    let rest = address.strip_prefix(SCHEME)?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, key))
}

/// The address of a key or of a prefix.
pub(super) fn join(bucket: &str, key: &str) -> String {
    format!("{SCHEME}{bucket}/{key}")
}

/// The folder that a key is in, with a slash at its end; empty at the top.
pub(super) fn folder(key: &str) -> &str {
    key.rfind('/').and_then(|at| key.get(..=at)).unwrap_or("")
}

/// A key as S3 writes it where it is asked to encode what XML cannot hold.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|_| *first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.filter(|two| !two.starts_with('+')).and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if byte.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
