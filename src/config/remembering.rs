//! What a state machine may have a Lambda function read and write.

use serde::{Deserialize, Serialize};

use super::value::S3Url;

/// Shares that anything is divided into, at most: more are more state than a state machine hands from one state to the next.
pub(crate) const MOST_SHARES: u32 = 10_000;

/// `[history]`: without `logs` and `out`, a function maps and reduces nothing, whoever asks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct History {
    /// The bucket of a trail, with the prefix that is before `AWSLogs/`: nothing else is read.
    pub logs: Option<S3Url>,
    /// Where parts and results go: `s3://name/prefix`. Nothing is written elsewhere.
    pub out: Option<S3Url>,
    /// Into how many shares groups of accounts are divided, each judged by an invocation of its own. Default: 128.
    pub shares: u32,
    /// Packed MiB of logs that become one part, where each object counts as 16 KiB more: what one invocation maps, in a few
    /// minutes. Default: 2048.
    pub part_mib: u32,
}

impl Default for History {
    fn default() -> Self {
        Self { logs: None, out: None, shares: 128, part_mib: 2_048 }
    }
}
