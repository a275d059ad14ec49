//! Whether anything is left to do: pure. What one part does is work for the others, so that all have to have looked at the
//! record as it is.

use std::cell::Cell;

use tokio::sync::Notify;

use crate::event::Seconds;

/// What is due so soon is waited for; what comes later is left to whoever comes next. In seconds.
const SOON: Seconds = 30;

/// Whether something that is to be done at a time is worth waiting for.
pub(super) fn is_soon(at: Seconds, now: Seconds) -> bool {
    at <= now.saturating_add(SOON)
}

/// Who looks at the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Working,
    Showing,
}

/// What each part has left to do.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    changes: Cell<u64>,
    /// The change of the record up to which a part has nothing left to do.
    working: Cell<Option<u64>>,
    showing: Cell<Option<u64>>,
    /// Whoever answers waits for nothing.
    is_answered: Cell<bool>,
    news: Notify,
}

impl Rounds {
    /// The record changed: whoever looks at it has to look again.
    pub(super) fn changed(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    /// The change that a look which begins at this moment sees.
    pub(super) fn at(&self) -> u64 {
        self.changes.get()
    }

    /// What a look found that began at a change: nothing left to do, or something.
    pub(super) fn looked(&self, part: Part, at: u64, is_over: bool) {
        let place = match part {
            Part::Working => &self.working,
            Part::Showing => &self.showing,
        };
        place.set(is_over.then_some(at));
        self.tell();
    }

    /// Whether every click is decided, and every answer sent that can be.
    pub(super) fn answered(&self, is_over: bool) {
        self.is_answered.set(is_over);
        self.tell();
    }

    fn tell(&self) {
        if self.is_over() {
            self.news.notify_one();
        }
    }

    fn is_over(&self) -> bool {
        let now = Some(self.changes.get());
        self.is_answered.get() && self.working.get() == now && self.showing.get() == now
    }

    /// Ends when nothing is left to do.
    pub(super) async fn over(&self) {
        while !self.is_over() {
            self.news.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_when_all_have_looked_at_the_last_change() {
        let rounds = Rounds::default();
        assert!(!rounds.is_over(), "nobody looked");
        rounds.answered(true);
        rounds.looked(Part::Working, rounds.at(), true);
        rounds.looked(Part::Showing, rounds.at(), true);
        assert!(rounds.is_over());
        let before = rounds.at();
        rounds.changed();
        rounds.looked(Part::Working, rounds.at(), true);
        rounds.looked(Part::Showing, before, true);
        assert!(!rounds.is_over(), "one look began before the change");
        rounds.looked(Part::Showing, rounds.at(), true);
        assert!(rounds.is_over());
        rounds.looked(Part::Working, rounds.at(), false);
        assert!(!rounds.is_over());
        rounds.looked(Part::Working, rounds.at(), true);
        rounds.answered(false);
        assert!(!rounds.is_over());
        assert!(is_soon(10, 10) && is_soon(40, 10) && !is_soon(41, 10));
    }
}
