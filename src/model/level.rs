//! Severity, as Sigma spells it.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How bad a finding or an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Worth a line in a log.
    Informational,
    /// Worth knowing.
    Low,
    /// Worth a look.
    Medium,
    /// Needs somebody today.
    High,
    /// Needs somebody now.
    Critical,
}

impl Level {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
