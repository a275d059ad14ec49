//! What a part says of itself: of what it is made, what is where, and what must agree between parts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::links::Links;
use super::super::map::Range;
use super::super::part::Counts;
use super::frame::Extent;
use super::share::Share;
use crate::detect::Rules;
use crate::event::Seconds;

/// Where a section is, and of what.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::replay) struct SectionAt {
    /// Position of the account in the directory.
    pub account: usize,
    /// The day of delivery; none for objects whose name does not tell it.
    pub day: Option<i64>,
    /// Position of its frame, which it may share with other days of the account, and how many bytes of that it is.
    pub(super) frame: usize,
    pub(super) size: u64,
}

/// By what parts were made. Parts that differ in it do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::replay) struct Terms {
    /// Version of the program.
    pub program: String,
    /// A hash of the rules, one of the prices.
    pub rules: String,
    pub prices: String,
    /// Of the table of networks; empty without one.
    pub networks: String,
    /// Of what the settings call one's own: accounts, parts of trails, canaries.
    #[serde(default)]
    pub own: String,
    /// The range that is judged.
    pub start: Seconds,
    pub end: Seconds,
}

/// What is in a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::replay) struct Directory {
    pub terms: Terms,
    /// Names the listing and the options that this is a share of.
    pub job: String,
    pub share: Share,
    /// Of delivery, of all objects, also of those that hold nothing.
    pub days: BTreeSet<i64>,
    /// Times of the first call and the last.
    pub span: Option<(Seconds, Seconds)>,
    pub accounts: Vec<String>,
    pub links: Links,
    pub counts: Counts,
    /// Objects that were read. Their hashes are in the first frame.
    pub objects: u64,
    pub(super) hashes: Extent,
    /// Bills, each folded by itself.
    pub(super) bills: Vec<Extent>,
    /// What sections have in common, where there are many.
    pub(super) dictionary: Option<Extent>,
    /// The frames of sections.
    pub(super) frames: Vec<Extent>,
    /// By account and day, as they lie in the frames.
    pub sections: Vec<SectionAt>,
}

/// What is in a judged part: what some groups of accounts came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::replay) struct Judged {
    pub terms: Terms,
    /// Names the parts that were judged.
    pub job: String,
    pub share: Share,
    /// Frames, of which the verdict is a piece each.
    pub(super) verdict: Vec<Extent>,
}

/// What the end of a file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(super) enum Contents {
    #[serde(rename = "stakeout-part")]
    Part(Box<Directory>),
    #[serde(rename = "stakeout-judged-part")]
    Judged(Judged),
}

impl Directory {
    /// Of a share, without what its writer knows: accounts, objects, bills and sections.
    pub(in crate::replay) fn new(terms: Terms, job: String, share: Share, counts: Counts) -> Self {
        Self {
            terms,
            job,
            share,
            counts,
            days: BTreeSet::new(),
            span: None,
            accounts: Vec::new(),
            links: Links::default(),
            objects: 0,
            hashes: Extent(0, 0),
            bills: Vec::new(),
            dictionary: None,
            frames: Vec::new(),
            sections: Vec::new(),
        }
    }
}

impl Terms {
    /// Of this program, with these rules and this range.
    pub(in crate::replay) fn of(rules: &Rules, range: Range) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            rules: rules.fingerprint.clone(),
            prices: rules.prices.fingerprint(),
            networks: rules.networks.fingerprint().to_owned(),
            own: rules.own.fingerprint(),
            start: range.start,
            end: range.end,
        }
    }

    /// The range that is judged.
    pub(in crate::replay) fn range(&self) -> Range {
        Range { start: self.start, end: self.end }
    }

    /// In what others differ, where they do.
    pub(in crate::replay) fn difference(&self, other: &Self) -> Option<&'static str> {
        let differs = [
            (self.program != other.program, "by another version of the program"),
            (self.rules != other.rules, "with other rules (--rules)"),
            (self.prices != other.prices, "with other prices (--prices)"),
            (self.networks != other.networks, "with another table of networks (--asn)"),
            (self.own != other.own, "with other settings of accounts, the trail's bucket or canaries (--config)"),
            ((self.start, self.end) != (other.start, other.end), "for another time (--start, --end)"),
        ];
        differs.into_iter().find_map(|(differs, how)| differs.then_some(how))
    }
}

/// A short name for things that are told by their hashes.
pub(in crate::replay) fn name_of<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
