//! Who decides, what may be done, and what is left alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::value::{Arn, S3Url, Words};
use crate::event::{Seconds, time::duration};

/// `[approval]`: who may approve a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Approval {
    /// Slack user ids (`U...`), user groups of Slack (`S...`), or names. In Slack only ids and groups count. With none,
    /// nobody approves in Slack, and the operator at the command line approves R1 and R2.
    pub approvers: Vec<Words>,
    /// How long an approval holds. Default: `20m`.
    #[serde(with = "duration")]
    pub expires: Seconds,
    /// Whether who asked for a plan may approve it. Default: false.
    pub self_approval: bool,
    /// How many people each class of plan needs.
    pub quorum: Quorum,
}

impl Default for Approval {
    fn default() -> Self {
        Self { approvers: Vec::new(), expires: 1_200, self_approval: false, quorum: Quorum::default() }
    }
}

/// People that a plan needs, by its class. Default: `{ R1 = 1, R2 = 1, R3 = 2 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quorum {
    #[serde(rename = "R1")]
    pub r1: u32,
    #[serde(rename = "R2")]
    pub r2: u32,
    #[serde(rename = "R3")]
    pub r3: u32,
}

impl Default for Quorum {
    fn default() -> Self {
        Self { r1: 1, r2: 1, r3: 2 }
    }
}

/// `[contain]`: how a plan is carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Contain {
    /// How long what was denied is watched and denied again. Default: `60s`.
    #[serde(with = "duration")]
    pub reassert: Seconds,
    /// The role that may change things. Default: the credentials as they are.
    pub responder_role: Option<Arn>,
    /// No plan has more targets. Default: 1000.
    pub most_targets: u32,
}

impl Default for Contain {
    fn default() -> Self {
        Self { reassert: 60, responder_role: None, most_targets: 1_000 }
    }
}

/// `[protect]`: what no plan touches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Protect {
    /// ARNs, in which `*` stands for anything.
    pub principals: Vec<Arn>,
    /// Tags that protect what carries them.
    pub tags: BTreeMap<String, String>,
}

/// `[evidence]`: where code, configuration and policies are saved before a change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evidence {
    /// A folder. Default: `evidence` beside the state.
    pub dir: Option<PathBuf>,
    /// A bucket in place of the folder.
    pub s3: Option<S3Url>,
}
