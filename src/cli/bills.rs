//! Bills in parts.

use anyhow::Result;

use crate::replay::parts::Share;
use crate::source::{Folded, fold_bills};

/// Bills of a share, each folded by itself, and what of them cannot be read.
///
/// # Errors
/// A path that does not exist, or a pattern that is none.
pub(super) fn folded(paths: &[String], limit: u64, share: Share) -> Result<(Vec<Vec<u8>>, Vec<crate::model::Skipped>)> {
    let folds = fold_bills(paths, limit, (share.number, share.of))?;
    let bytes = folds.iter().map(Folded::encode).collect();
    Ok((bytes, crate::source::join_bills(folds).skipped))
}
