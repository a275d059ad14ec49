//! Whether a journal is the one that was written: no line changed, missing, moved, repeated or cut off.

use super::{Line, Tip};

/// What an unbroken journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub lines: usize,
    /// Times of the first and the last line, RFC 3339.
    pub first: Option<String>,
    pub last: Option<String>,
    pub tip: Tip,
}

/// Where a journal is not the one that was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal line {seq}: {why}")]
pub(crate) struct Broken {
    pub seq: u64,
    pub why: String,
}

/// Checks a whole journal in its order. Only a tip that is kept apart from the lines shows that the end was cut off.
///
/// # Errors
/// The first line that is not as it was written, and why.
pub(crate) fn verify(lines: &[Line], tip: Option<&Tip>) -> Result<Verified, Broken> {
    let mut end = Tip::default();
    for line in lines {
        follows(&end, line)?;
        end = Tip { seq: line.seq, hash: line.hash.clone() };
    }
    if let Some(tip) = tip {
        ends(&end, tip)?;
    }
    Ok(Verified {
        lines: lines.len(),
        first: lines.first().map(|line| line.at.clone()),
        last: lines.last().map(|line| line.at.clone()),
        tip: end,
    })
}

/// Whether a line is whole and stands behind what ends in `end`.
fn follows(end: &Tip, line: &Line) -> Result<(), Broken> {
    let due = end.seq.saturating_add(1);
    let broken = |seq, why: String| Err(Broken { seq, why });
    if line.digest() != line.hash {
        return broken(due, format!("was changed: what it says (number {}) does not give its hash", line.seq));
    }
    if line.seq > due {
        return broken(due, format!("is missing: line {} stands in its place", line.seq));
    }
    if line.seq < due {
        return broken(due, format!("is out of order: line {} stands in its place", line.seq));
    }
    if line.previous != end.hash {
        return broken(due, "does not follow the line before it: that one has another hash".to_owned());
    }
    Ok(())
}

/// Whether the lines end where the state says.
fn ends(end: &Tip, tip: &Tip) -> Result<(), Broken> {
    let broken = |seq, why: String| Err(Broken { seq, why });
    if end.seq < tip.seq {
        return broken(end.seq + 1, format!("is cut off: the state counts {} lines", tip.seq));
    }
    if end.seq > tip.seq {
        return broken(tip.seq + 1, format!("was added: the state counts {} lines", tip.seq));
    }
    if end.hash != tip.hash {
        return broken(tip.seq, "is not the last line that the state names: another hash".to_owned());
    }
    Ok(())
}
