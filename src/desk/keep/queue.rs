//! What clicks asked for and is not done yet: pure. Each thing is done once at a time, for everybody who waits for it.

use std::collections::BTreeSet;

use crate::desk::clicks::{Job, Task};
use crate::model::click::{Click, SlackUser};

/// Jobs in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: Vec<Job>,
    /// What is under way.
    busy: BTreeSet<Task>,
}

impl Queue {
    /// Whoever asks for what is under way, or waits, waits with the others.
    pub(super) fn push(&mut self, job: Job) {
        match self.jobs.iter_mut().find(|known| known.task == job.task) {
            Some(known) => known.clicks.extend(job.clicks),
            None => self.jobs.push(job),
        }
    }

    /// Whether nobody asked for anything that is not done.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.busy.is_empty()
    }

    /// The next that may begin, which is then under way, and who asked for it first.
    pub(super) fn begin(&mut self) -> Option<(Task, Option<SlackUser>)> {
        let job = self.jobs.iter().find(|job| !self.busy.contains(&job.task))?;
        let first = job.clicks.first().map(|click| click.user.clone());
        self.busy.insert(job.task.clone());
        Some((job.task.clone(), first))
    }

    /// Everybody who waits for it at this moment. Who comes later waits for the next time.
    pub(super) fn take(&mut self, task: &Task) -> Vec<Click> {
        let place = self.jobs.iter().position(|job| job.task == *task);
        place.map(|place| self.jobs.remove(place).clicks).unwrap_or_default()
    }

    pub(super) fn ended(&mut self, task: &Task) {
        self.busy.remove(task);
    }

    /// Everybody who waits, at the end.
    pub(super) fn drain(&mut self) -> Vec<Click> {
        self.jobs.drain(..).flat_map(|job| job.clicks).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::click::{Aim, Button};

    fn job(user: usize, digest: &str) -> Job {
        let (incident, digest) = ("inc-1".to_owned(), digest.to_owned());
        let button = Button::Approve { incident: incident.clone(), digest: digest.clone() };
        let user = SlackUser { team: "T1".to_owned(), id: format!("U{user}") };
        let click = Click { id: user.id.clone(), user, button, channel: None, message: None, response_url: None };
        Job { task: Task::Renew { incident, digest }, clicks: vec![click] }
    }

    #[test]
    fn many_clicks_on_an_expired_plan_make_it_anew_once() {
        let mut queue = Queue::default();
        (0..5).for_each(|user| queue.push(job(user, "a")));
        let (task, first) = queue.begin().unwrap();
        assert_eq!(first.unwrap().id, "U0");
        (5..10).for_each(|user| queue.push(job(user, "a")));
        assert_eq!(queue.begin(), None, "it is under way");
        queue.push(job(0, "b"));
        assert_ne!(queue.begin().unwrap().0, task, "another one is not");
        assert_eq!(queue.take(&task).len(), 10, "all of them wait for the one");
        queue.push(job(10, "a"));
        assert_eq!(queue.begin(), None, "it is still being counted");
        queue.ended(&task);
        assert_eq!(queue.begin().unwrap().0, task, "whoever came too late is looked after");
        let aim = Aim::Contain;
        queue.push(Job { task: Task::Plan { incident: "inc-1".to_owned(), aim }, ..job(0, "") });
        assert_eq!(queue.drain().len(), 3);
        assert!(queue.take(&task).is_empty());
    }
}
