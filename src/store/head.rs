//! The one item that a pass replaces: everything that it did becomes true with it, at once.

use serde::{Deserialize, Serialize};

use super::StateError;
pub(crate) use super::lease::Lease;
use super::watched::Watched;
use crate::journal::{Line, Tip};

/// Its key.
pub(super) const HEAD: &str = "head";
/// The version of its schema.
const SCHEMA: u32 = 1;
/// The largest head in bytes that every store takes in one piece.
pub(super) const LARGEST: usize = 375_000;
/// How much of that a pass fills. The rest is left for people, who could not close or contain anything otherwise.
pub(crate) const FILLED: usize = 350_000;
/// Names of the last writes that are kept: as many as others can write while an answer is lost.
const RECENT: usize = 16;

/// What is small and changes with every pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Head {
    /// Of the schema.
    pub version: u32,
    /// Raised each time that the lease is taken: who holds an older one no longer writes.
    pub token: u64,
    pub lease: Option<Lease>,
    /// Where the journal ends.
    pub tip: Tip,
    /// The last lines of the journal. The next write of the head copies them to items of their own and leaves them out.
    pub lines: Vec<Line>,
    /// What the flow keeps.
    pub watch: Watched,
    /// A holder of the lease died, and may have left blobs that nothing names.
    pub(super) unswept: bool,
    /// An import began and did not end.
    pub(super) importing: bool,
    /// Names of the last writes, newest last, by which a writer knows its own when the answer was lost.
    pub(super) recent: Vec<String>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            version: SCHEMA,
            token: 0,
            lease: None,
            tip: Tip::default(),
            lines: Vec::new(),
            watch: Watched::default(),
            unswept: false,
            importing: false,
            recent: Vec::new(),
        }
    }
}

impl Head {
    /// Reads a head.
    ///
    /// # Errors
    /// One that is damaged, or of a newer schema.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, StateError> {
        /// The one field that every schema has.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |error: serde_json::Error| StateError::Damaged { key: HEAD.to_owned(), why: error.to_string() };
        let Version { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version > SCHEMA {
            return Err(StateError::Newer { version, known: SCHEMA });
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// The bytes that are stored.
    ///
    /// # Errors
    /// A head of more bytes than `most`.
    pub(super) fn bytes(&self, most: usize) -> Result<Vec<u8>, StateError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| StateError::Damaged { key: HEAD.to_owned(), why: error.to_string() })?;
        if bytes.len() > most {
            return Err(StateError::TooLarge { bytes: bytes.len(), most, lines: self.lines.len() });
        }
        Ok(bytes)
    }

    /// Notes the name of a write.
    pub(super) fn note(&mut self, write: &str) {
        self.recent.push(write.to_owned());
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
    }
}

/// Where a line of the journal lies when it is no longer in the head.
pub(super) fn line_key(seq: u64) -> String {
    format!("{JOURNAL}{seq:020}")
}

/// The keys of all lines begin with it.
pub(super) const JOURNAL: &str = "journal/";

/// Reads a line of the journal from its item.
pub(super) fn read_line(key: &str, bytes: &[u8]) -> Result<Line, StateError> {
    let damaged = |why: String| StateError::Damaged { key: key.to_owned(), why };
    let line: Line = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if line_key(line.seq) == key { Ok(line) } else { Err(damaged(format!("it holds line {}", line.seq))) }
}

/// The bytes of a line in its item.
pub(super) fn line_bytes(line: &Line) -> Result<Vec<u8>, StateError> {
    serde_json::to_vec(line).map_err(|error| StateError::Damaged { key: line_key(line.seq), why: error.to_string() })
}
