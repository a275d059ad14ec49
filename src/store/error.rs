//! Why a store, or the state in it, does not do what was asked.

use std::error::Error;

use crate::event::{Seconds, time};

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The store or the way to it failed.
    #[error("{place}: cannot {doing}")]
    Failed {
        place: String,
        doing: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store cannot be used as it is; the text says what to do.
    #[error("{place}: {why}")]
    Refused { place: String, why: String },
}

/// Why a state did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error(transparent)]
    Store(StoreError),
    /// Somebody else took the lease: what was about to be written is void.
    #[error("the lease on the state is lost: somebody else took it, nothing was written")]
    LostLease,
    /// Somebody else holds the lease.
    #[error("{holder} works on this state until {}", time::format(*.until))]
    Held { holder: String, until: Seconds },
    #[error("others write to the state so often that this write found no gap")]
    Busy,
    #[error(
        "the state would have {bytes} bytes in its head ({lines} journal lines), more than {most}; commit in smaller steps"
    )]
    TooLarge { bytes: usize, most: usize, lines: usize },
    #[error("the state has version {version}, this program knows up to {known}; a newer stakeout wrote it")]
    Newer { version: u32, known: u32 },
    #[error("an import into this state did not come to its end; run it again with --replace")]
    HalfImported,
    /// Something that is there is not what was written.
    #[error("{key} in the state is damaged: {why}")]
    Damaged { key: String, why: String },
    /// A blob that something names is not there.
    #[error("{key} is missing in the state")]
    Missing { key: String },
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
