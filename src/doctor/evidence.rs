//! Where evidence goes before anything is changed.

use std::path::Path;

use super::{Check, Room, state};
use crate::config::state_folder;

const WHAT: &str = "evidence";

pub(super) fn all(room: &Room<'_>) -> Vec<Check> {
    let evidence = &room.config.evidence;
    if let Some(bucket) = &evidence.s3 {
        // The rights on it are the responder's, and are told there.
        return vec![Check::works(WHAT, format!("it goes to {bucket}, by the responder's rights"))];
    }
    let beside = || match &room.config.state.path {
        Some(path) => path.parent().map(|folder| folder.join("evidence")),
        None => state_folder().map(|folder| folder.join("evidence")),
    };
    match evidence.dir.clone().or_else(beside) {
        Some(folder) => vec![folder_check(&folder)],
        None => vec![Check::fails(WHAT, "neither HOME nor XDG_STATE_HOME is set").mend("[evidence] dir = \"...\"")],
    }
}

fn folder_check(folder: &Path) -> Check {
    let shown = folder.display();
    match state::writable(folder) {
        Ok(()) if folder.exists() => Check::works(WHAT, format!("it goes to {shown}, which can be written")),
        Ok(()) => Check::works(WHAT, format!("it goes to {shown}, which the first plan makes")),
        Err(why) => Check::fails(WHAT, format!("{shown}: {why}")).mend("[evidence] dir = \"...\" of a folder of yours"),
    }
}
