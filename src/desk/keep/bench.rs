//! What is under way, and what failed and waits: pure.

use std::collections::{BTreeMap, BTreeSet};

use super::rounds::is_soon;
use crate::desk::hold::grown;
use crate::desk::shown::view;
use crate::desk::work;
use crate::event::{HOUR, Seconds};
use crate::model::Status;
use crate::model::approval::Stage;
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

    /// Whether something that failed is tried again soon.
    pub(super) fn is_soon(&self, key: &str, now: Seconds) -> bool {
        self.failed.get(key).is_none_or(|(_, until)| is_soon(*until, now))
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
pub(super) struct Again {
    known: BTreeMap<String, (u32, u32, Seconds)>,
    /// What failed before this process or this shift is tried once at its beginning, for so long after the incident changed.
    at_once: Option<Seconds>,
}

impl Again {
    /// For a shift, which may be over before anything is due: what failed in an earlier one is tried at its beginning.
    pub(super) fn of_shift() -> Self {
        Self { at_once: Some(HOUR), ..Self::default() }
    }

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
        self.known.retain(|id, (revision, ..)| failed.get(id) == Some(revision));
        let at_once = self.at_once.take();
        let mut due = Vec::new();
        for (id, revision) in failed {
            let changed_at = watched.incidents.get(id).map_or(0, |known| known.changed_at);
            let is_new = at_once.is_some_and(|most| changed_at.saturating_add(most) > now);
            let wait = if is_new { 0 } else { FIRST_AGAIN };
            let (_, tries, at) =
                self.known.entry(id.clone()).or_insert_with(|| (revision, 0, now.saturating_add(wait)));
            if *tries < MOST_AGAIN && *at <= now {
                *tries += 1;
                *at = now.saturating_add(grown(FIRST_AGAIN, *tries, LONGEST_AGAIN));
                due.push((id.clone(), revision));
            }
        }
        due
    }
}

/// Runs of others, by plan: until when each was held when it was seen first.
#[derive(Debug, Default)]
pub(super) struct Others(BTreeMap<String, Seconds>);

impl Others {
    /// Whether some run may be dead, which shows soon: its hold was not renewed since it was seen. Who is alive renews it
    /// every few seconds.
    pub(super) fn may_be_dead(&mut self, watched: &Watched, now: Seconds) -> bool {
        let mut may_be = false;
        for (digest, planned) in &watched.plans {
            let Stage::Running { until, .. } = planned.stage else { continue };
            let is_ours = planned.votes.iter().any(|vote| vote.person.slack.is_some());
            let seen = *self.0.entry(digest.clone()).or_insert(until);
            may_be |= is_ours && seen == until && until > now && is_soon(until, now);
        }
        may_be
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::tests::{NOW, known, person, planned};
    use crate::model::approval::Vote;
    use crate::store::board::Post;

    #[test]
    fn a_shift_tries_once_at_its_beginning_what_failed_before() {
        let failed = Post { planned: Some(1), unplanned: Some("throttled".to_owned()), ..Post::default() };
        let mut watched = Watched::default();
        watched.incidents.insert("i".to_owned(), known(1));
        watched.slack.posts.insert("i".to_owned(), failed);
        let mut again = Again::of_shift();
        assert_eq!(again.due(&watched, NOW).len(), 1);
        assert_eq!((again.due(&watched, NOW).len(), again.due(&watched, NOW + 59).len()), (0, 0));
        assert!(Again::of_shift().due(&watched, NOW + HOUR).is_empty(), "it is no news any more");
        let mut later = Again::of_shift();
        later.due(&Watched::default(), NOW);
        assert!(later.due(&watched, NOW).is_empty(), "what fails in a shift waits");
    }

    #[test]
    fn a_run_whose_hold_is_not_renewed_may_be_dead() {
        let mut watched = Watched::default();
        let until = |until| Stage::Running { holder: "they".to_owned(), until };
        let mut plan = planned("i", NOW, until(NOW + 15));
        assert!(!Others::default().may_be_dead(&watched, NOW));
        watched.plans.insert("p".to_owned(), plan.clone());
        assert!(!Others::default().may_be_dead(&watched, NOW), "it is the command line's");
        plan.votes.push(Vote { person: person("U1"), at: NOW, why: None });
        watched.plans.insert("p".to_owned(), plan.clone());
        let mut others = Others::default();
        assert!(others.may_be_dead(&watched, NOW) && others.may_be_dead(&watched, NOW + 14));
        assert!(!others.may_be_dead(&watched, NOW + 15), "it is dead, and may be taken up");
        plan.stage = until(NOW + 19);
        watched.plans.insert("p".to_owned(), plan);
        assert!(!others.may_be_dead(&watched, NOW + 5), "it lives");
    }

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
