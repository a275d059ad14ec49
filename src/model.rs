//! The nouns that stages hand on: findings, incidents, the summary of a run. No logic.

mod allow;
pub(crate) mod approval;
pub(crate) mod base64;
mod chain;
pub(crate) mod click;
pub(crate) mod escape;
pub(crate) mod finding;
mod hex;
pub(crate) mod incident;
pub(crate) mod level;
mod news;
mod pass;
pub(crate) mod plan;
pub(crate) mod rfc3339;
mod spend;
pub(crate) mod summary;
mod words;

pub(crate) use allow::{AllowEntry, Allowed};
pub(crate) use chain::chain;
pub(crate) use finding::Finding;
pub(crate) use hex::hex;
pub(crate) use incident::{Basis, Confidence, Created, Incident, Member, Members, Root, Status};
pub(crate) use level::Level;
pub(crate) use news::What;
pub(crate) use pass::{FeedFacts, PassFacts};
pub(crate) use spend::Spend;
pub(crate) use summary::{Cost, Skipped, Summary, Total};
pub(crate) use words::{burn, counted, dollars, grouped, money, money_exact, noun, number};

/// An id derived from content: a kind and the first 48 bits of a SHA-256 over the parts.
pub(crate) fn id(kind: &str, parts: &[&str]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("{kind}-{}", hex(hash.finalize().get(..6).unwrap_or_default()))
}
