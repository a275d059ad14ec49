//! Which presses came in lately, so that one that comes again is answered and not done again.

use std::collections::{BTreeSet, VecDeque};

use super::receive::WINDOW;
use crate::event::Seconds;

/// A signature of a clock that runs ahead is good for two windows.
const REMEMBERED: Seconds = 2 * WINDOW;
/// The most that is remembered. Only what Slack sends is, so that nobody else can push something out.
const MOST: usize = 20_000;

/// Clicks by their id, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    order: VecDeque<(Seconds, String)>,
    ids: BTreeSet<String>,
}

impl Seen {
    /// Whether it came in for the first time. From then on it did.
    pub(super) fn is_new(&mut self, id: &str, now: Seconds) -> bool {
        let is_old = |at: Seconds| at.saturating_add(REMEMBERED) < now;
        while self.order.len() >= MOST || self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            let Some((_, id)) = self.order.pop_front() else { break };
            self.ids.remove(&id);
        }
        let is_new = self.ids.insert(id.to_owned());
        if is_new {
            self.order.push_back((now, id.to_owned()));
        }
        is_new
    }

    /// It could not be handed on: the next time is the first.
    pub(crate) fn forget(&mut self, id: &str) {
        if self.ids.remove(id) {
            self.order.retain(|(_, other)| other != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_known_for_as_long_as_its_signature_is_good() {
        let mut seen = Seen::default();
        assert!(seen.is_new("a", 1_000) && !seen.is_new("a", 1_001) && !seen.is_new("a", 1_600));
        assert!(seen.is_new("a", 1_601), "by then the signature is too old");
        seen.forget("a");
        seen.forget("never seen");
        assert!(seen.is_new("a", 1_601) && !seen.is_new("a", 1_602));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        for number in 0..MOST + 5 {
            assert!(seen.is_new(&number.to_string(), 0));
        }
        assert_eq!((seen.order.len(), seen.ids.len()), (MOST, MOST));
        assert!(!seen.is_new(&(MOST + 4).to_string(), 0) && seen.is_new("0", 0), "the oldest goes first");
    }
}
