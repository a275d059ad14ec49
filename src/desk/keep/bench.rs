//! What is under way, and what failed and waits: pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::hold::grown;
use crate::desk::shown::view;
use crate::desk::work;
use crate::event::Seconds;
use crate::model::Status;
use crate::store::watched::Watched;

/// A plan that could not be made is tried again so often for one revision of its incident.
const MOST_AGAIN: u32 = 5;
/// The wait before the first of these, which doubles, and the longest.
const FIRST_AGAIN: Seconds = 30;
const LONGEST_AGAIN: Seconds = 300;

/// What is under way, and what failed and waits, each by its key.
#[derive(Debug, Default)]
pub(super) struct Bench {
    busy: BTreeSet<String>,
    failed: BTreeMap<String, (u32, Seconds)>,
}

impl Bench {
    /// Whether something may begin; it is then under way.
    pub(super) fn begins(&mut self, key: &str, now: Seconds) -> bool {
        let may = self.failed.get(key).is_none_or(|(_, until)| *until <= now);
        may && self.busy.insert(key.to_owned())
    }

    pub(super) fn ended(&mut self, key: &str, is_well: bool, now: Seconds) {
        self.busy.remove(key);
        if is_well {
            self.failed.remove(key);
            return;
        }
        let failures = self.failed.get(key).map_or(0, |(failures, _)| *failures).saturating_add(1);
        self.failed.insert(key.to_owned(), (failures, now.saturating_add(work::wait(failures))));
    }
}

/// Plans that could not be made, by incident: for which revision, how often it was tried again, and when it is next.
#[derive(Debug, Default)]
pub(super) struct Again(BTreeMap<String, (u32, u32, Seconds)>);

impl Again {
    /// Incidents whose plan is to be tried again, with their revision.
    pub(super) fn due(&mut self, watched: &Watched, now: Seconds) -> Vec<(String, u32)> {
        let failed: BTreeMap<&String, u32> = watched
            .slack
            .posts
            .iter()
            .filter_map(|(id, post)| {
                let known = watched.incidents.get(id)?;
                let is_open = known.status == Status::Open && known.merged_into.is_none();
                let is_failed = post.unplanned.is_some() && post.planned == Some(known.revision);
                (is_open && is_failed && view(watched, id).plan.is_none()).then_some((id, known.revision))
            })
            .collect();
        self.0.retain(|id, (revision, ..)| failed.get(id) == Some(revision));
        let mut due = Vec::new();
        for (id, revision) in failed {
            let first = || (revision, 0, now.saturating_add(FIRST_AGAIN));
            let (_, tries, at) = self.0.entry(id.clone()).or_insert_with(first);
            if *tries < MOST_AGAIN && *at <= now {
                *tries += 1;
                *at = now.saturating_add(grown(FIRST_AGAIN, *tries, LONGEST_AGAIN));
                due.push((id.clone(), revision));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::tests::{NOW, known};
    use crate::store::board::Post;

    #[test]
    fn a_plan_that_could_not_be_made_is_tried_again_five_times() {
        let failed = Post { planned: Some(1), unplanned: Some("throttled".to_owned()), ..Post::default() };
        let mut watched = Watched::default();
        watched.incidents.insert("i".to_owned(), known(1));
        watched.slack.posts.insert("i".to_owned(), failed);
        let mut again = Again::default();
        let mut times = |watched: &Watched, from: Seconds| -> Vec<Seconds> {
            (from..from + 3_600).filter(|at| !again.due(watched, NOW + at).is_empty()).collect()
        };
        assert_eq!(times(&watched, 0), [30, 90, 210, 450, 750]);
        watched.incidents.insert("i".to_owned(), known(2));
        assert!(times(&watched, 4_000).is_empty(), "a plan for the new revision is wanted first");
        watched.slack.posts.get_mut("i").unwrap().planned = Some(2);
        assert_eq!(times(&watched, 8_000).len(), 5);
    }
}
