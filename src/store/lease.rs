//! Who may act.

use serde::{Deserialize, Serialize};

use crate::event::Seconds;

/// Who may act until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub holder: String,
    pub until: Seconds,
}
