//! The nouns that stages hand on: findings, incidents, the summary of a run. No logic.

pub(crate) mod finding;
pub(crate) mod incident;
pub(crate) mod level;
mod spend;
pub(crate) mod summary;
mod words;

pub(crate) use finding::Finding;
pub(crate) use incident::{Confidence, Created, Incident, Root, Status};
pub(crate) use level::Level;
pub(crate) use spend::Spend;
pub(crate) use summary::{Cost, Skipped, Summary, Total};
pub(crate) use words::{counted, dollars, grouped, money, money_exact, noun, number};

/// An id derived from content: a kind and the first 48 bits of a SHA-256 over the parts.
pub(crate) fn id(kind: &str, parts: &[&str]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}-{hex}")
}
