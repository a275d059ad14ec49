//! Closing an incident: a person's judgement of it.

use serde_json::json;

use crate::approve::{self, Answer};
use crate::journal::Entry;
use crate::model::Status;
use crate::model::approval::Person;
use crate::store::watched::{Closed, Watched};

/// Closes an incident in the record, and says so to the journal; whoever is to be told of it is told no more. With a
/// revision only where the incident is still as it was seen then. What is refused to somebody in Slack is journalled.
pub(crate) fn close(
    watched: &mut Watched,
    id: &str,
    closed: &Closed,
    by: &Person,
    revision: Option<u32>,
) -> Answer<()> {
    match try_close(watched, id, closed, by, revision) {
        Ok(entry) => Answer::yes((), vec![entry]),
        Err(why) => {
            let refused = by.slack.is_some().then(|| approve::refused(&why, "close", None, id, by));
            Answer { said: Err(why), entries: refused.into_iter().collect() }
        }
    }
}

fn try_close(
    watched: &mut Watched,
    id: &str,
    closed: &Closed,
    by: &Person,
    revision: Option<u32>,
) -> Result<Entry, String> {
    let is_running = watched.plans.values().any(|plan| plan.incident == id && plan.stage.is_running());
    if is_running {
        return Err(format!(
            "a plan of {id} runs, or died half way: `stakeout contain {id} --execute` goes on with it"
        ));
    }
    // By what is stored at this moment: somebody else may have been faster.
    let open = watched.incidents.get_mut(id).filter(|known| known.status != Status::Closed);
    let Some(known) = open else { return Err(format!("{id} is closed already")) };
    if revision.is_some_and(|seen| seen != known.revision) {
        return Err(format!("{id} changed since this button was shown: look at it again"));
    }
    (known.status, known.closed, known.changed_at) = (Status::Closed, Some(closed.clone()), closed.at);
    // Nobody is told any more what a person has judged.
    watched.due.retain(|due| due.incident != id);
    let mut detail = json!({
        "as": closed.resolution.as_str(), "by": closed.by, "os_user": by.os_user, "why": closed.why,
    });
    if let (Some(detail), Some(user)) = (detail.as_object_mut(), &by.slack) {
        detail.insert("slack".to_owned(), json!(user));
    }
    Ok(Entry::new("incident.closed", Some(id), detail))
}
