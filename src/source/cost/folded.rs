//! What one bill comes to by itself: nothing in it depends on another bill, so that bills can be folded apart from each
//! other and put together later, in any order.

use std::sync::Arc;

use super::answers::Answers;
use super::twin::Sample;
use crate::cost::ledger::Entry;
use crate::cost::{Anomaly, Series, Sightings};

/// Series, each once, with what was seen of them.
pub(super) type AllSeries = Vec<(Arc<Series>, Sightings)>;

/// One bill, folded.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(super) name: String,
    /// Packed size in bytes; 0 where it is unknown.
    pub(super) bytes: u64,
    /// How many bills of this name stand before it in what one command names. A bill that two commands name is one bill;
    /// one that a command names twice counts as often.
    pub(super) occurrence: u64,
    /// The id of the delivery that it names as the newest, where it is a manifest.
    pub(super) newest: Option<String>,
    /// None where it is not read, because a newer delivery replaces it for good.
    pub(super) pieces: Option<Vec<Piece>>,
}

/// A file, or one inside of it.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// It is no bill or cannot be read, and why.
    Skipped(String),
    Bill(Box<Bill>),
}

#[derive(Debug)]
pub(super) struct Bill {
    /// Of the unpacked content.
    pub(super) fingerprint: [u8; 32],
    /// How many rows only repeat others where another file has the same content.
    pub(super) rows: u64,
    pub(super) counts: Counts,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A table; the sample is empty where its rows name no line items.
    Table { series: AllSeries, entry: Entry, sample: Sample },
    /// What AWS answered.
    Json { answers: Answers, anomalies: Vec<Anomaly> },
}

/// What became of one file, whatever its format.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows: u64,
    pub(super) duplicate: u64,
    pub(super) malformed: u64,
    pub(super) first_malformed: Option<String>,
    /// Why all or some of it is not used.
    pub(super) notes: Vec<String>,
}

impl Counts {
    /// Counts a row that cannot be read.
    pub(super) fn bad(&mut self, why: String) {
        self.rows += 1;
        self.malformed += 1;
        self.first_malformed.get_or_insert(why);
    }

    /// Everything that is wrong with a file; none where nothing is.
    pub(super) fn complaint(self) -> Option<String> {
        let mut why = self.notes;
        if let Some(first) = self.first_malformed {
            why.push(match self.malformed {
                1 => format!("1 row cannot be read, at {first}"),
                count => format!("{count} rows cannot be read, the first at {first}"),
            });
        }
        (!why.is_empty()).then(|| why.join("; "))
    }
}

impl Folded {
    /// What tells it from others of its name.
    pub(super) fn identity(&self) -> (u64, u64, Option<Vec<PieceIdentity<'_>>>) {
        let pieces = self.pieces.as_ref().map(|pieces| pieces.iter().map(Piece::identity).collect());
        (self.bytes, self.occurrence, pieces)
    }
}

/// The name of a piece, and its content or why there is none.
pub(super) type PieceIdentity<'a> = (&'a str, Result<&'a [u8; 32], &'a str>);

impl Piece {
    fn identity(&self) -> PieceIdentity<'_> {
        let content = match &self.outcome {
            Outcome::Skipped(why) => Err(why.as_str()),
            Outcome::Bill(bill) => Ok(&bill.fingerprint),
        };
        (&self.name, content)
    }
}
