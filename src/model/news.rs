//! What there is to tell.

use serde::{Deserialize, Serialize};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    Opened,
    Changed,
    Reopened,
    Closed,
    /// A plan cut it off, wholly or in part.
    Contained,
    /// What a plan did was taken back.
    Undone,
    /// Stakeout does not see all it should; there is no incident.
    Telemetry,
    /// Findings that inform and page nobody.
    Notices,
    /// What a day had that paged nobody.
    Digest,
}

impl What {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Changed => "changed",
            Self::Reopened => "reopened",
            Self::Closed => "closed",
            Self::Contained => "contained",
            Self::Undone => "undone",
            Self::Telemetry => "telemetry",
            Self::Notices => "notices",
            Self::Digest => "digest",
        }
    }
}
