//! How things are called in sentences.

/// `functions` for two of `lambda:function`.
pub(crate) fn noun(kind: &str, count: usize) -> String {
    let name = kind.rsplit(':').next().unwrap_or(kind).replace('-', " ");
    match count {
        1 => name,
        _ if name.ends_with('y') && !name.ends_with("ey") => format!("{}ies", &name[..name.len() - 1]),
        _ => format!("{name}s"),
    }
}
