//! What deletions share: a thing is there or it is not, and it does not come back.

use serde_json::{Value, json};

use super::Observed;
use crate::aws::Refusal;
use crate::model::plan::Target;

/// A thing with its id, or that it is gone. What is gone has the id that it had.
pub(super) fn observed(target: &Target, id: Option<String>) -> Observed {
    let exists = id.is_some();
    Observed { id: id.unwrap_or_else(|| target.id.clone()), state: json!({ "exists": exists }) }
}

/// That it is gone, unless it is.
pub(super) fn goal(state: &Value) -> Option<Value> {
    (state["exists"] == true).then(|| json!({ "exists": false }))
}

/// Whether a state is that of a thing that is gone.
///
/// # Errors
/// Any other: nothing is made again.
pub(super) fn is_to_go(to: &Value, action: &'static str) -> Result<(), Refusal> {
    if to["exists"] == false {
        return Ok(());
    }
    Err(Refusal::Other { action, why: "what is deleted cannot be brought back".to_owned() })
}
