//! Where it may be tried out what an intruder does.

use serde::{Deserialize, Serialize};

use super::value::AccountId;

/// `[drill]`: what a live drill may touch besides a stand-in on this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Drill {
    /// Accounts in which nothing is at stake, by id. A live drill there wants `--confirm` with the id besides. Default:
    /// none.
    pub sandbox: Vec<AccountId>,
}
