//! Answers that wait to be sent: pure. One that does not arrive is tried again for as long as its address is good.

use std::collections::VecDeque;

use crate::desk::clicks::Answered;
use crate::desk::hold::grown;
use crate::event::Seconds;
use crate::notify::Undelivered;

/// Slack takes an answer for 30 minutes after the press.
const GOOD: Seconds = 25 * 60;
/// The longest pause between two tries, where Slack does not ask for a longer one. The first is a second.
const LONGEST: Seconds = 60;
/// Answers that wait. When there are more, the oldest is dropped.
const MOST: usize = 4_096;

/// An answer on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Letter {
    pub answered: Answered,
    /// When it was to be sent first.
    since: Seconds,
    /// Not before.
    at: Seconds,
    tries: u32,
}

/// Answers that wait.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Letter>,
    is_full: bool,
    /// Why the last one failed, if nothing went well since.
    failing: Option<String>,
}

impl Outbox {
    /// Takes an answer. What comes back is to be said: others are dropped for it.
    pub(super) fn push(&mut self, answered: Answered, now: Seconds) -> Option<String> {
        self.put(Letter { answered, since: now, at: now, tries: 0 })
    }

    fn put(&mut self, letter: Letter) -> Option<String> {
        self.waiting.push_back(letter);
        if self.waiting.len() <= MOST {
            return None;
        }
        self.waiting.pop_front();
        let is_known = std::mem::replace(&mut self.is_full, true);
        (!is_known).then(|| format!("more than {MOST} answers in Slack wait to be sent: the oldest are dropped"))
    }

    /// The next that may be sent.
    pub(super) fn next(&mut self, now: Seconds) -> Option<Letter> {
        let place = self.waiting.iter().position(|letter| letter.at <= now)?;
        self.waiting.remove(place)
    }

    /// In how many seconds the next one may be sent; none where nothing waits.
    pub(super) fn wait(&self, now: Seconds) -> Option<u64> {
        self.waiting.iter().map(|letter| letter.at.saturating_sub(now).max(0).unsigned_abs()).min()
    }

    /// One arrived.
    pub(super) fn arrived(&mut self) {
        self.failing = None;
        self.is_full = self.waiting.len() >= MOST;
    }

    /// One did not arrive: it waits, or is given up. What comes back is to be said; the same failure is said once.
    pub(super) fn failed(&mut self, mut letter: Letter, failure: &Undelivered, now: Seconds) -> Option<String> {
        let doubled = grown(1, letter.tries, LONGEST);
        letter.tries = letter.tries.saturating_add(1);
        letter.at = now.saturating_add(doubled.max(failure.retry_after.unwrap_or(0)));
        if failure.is_final || letter.at > letter.since.saturating_add(GOOD) {
            return Some(format!("an answer in Slack is given up: {failure}"));
        }
        let is_known = self.failing.as_ref() == Some(&failure.why);
        let full = self.put(letter);
        if is_known {
            return full;
        }
        self.failing = Some(failure.why.clone());
        Some(format!("an answer in Slack: {failure}; it is tried again"))
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::slack::words;

    fn answered(number: usize) -> Answered {
        Answered { response_url: number.to_string(), words: words::answer("Yes.") }
    }

    #[test]
    fn an_answer_is_tried_for_as_long_as_its_address_is_good() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(answered(0), 0), None);
        let failure = Undelivered::passing("status 503");
        let (mut now, mut times) = (0, Vec::new());
        let said = loop {
            let letter = outbox.next(now).unwrap();
            times.push(now);
            assert_eq!((outbox.next(now), outbox.len()), (None, 0), "one is sent once at a time");
            let said = outbox.failed(letter, &failure, now);
            let Some(wait) = outbox.wait(now) else { break said };
            assert_eq!(said.is_some(), times.len() == 1, "the same is said once");
            now += i64::try_from(wait).unwrap();
        };
        assert_eq!(times[..8], [0, 1, 3, 7, 15, 31, 63, 123]);
        assert!(times.last().is_some_and(|last| (GOOD - LONGEST..=GOOD).contains(last)), "{times:?}");
        assert!(said.unwrap().contains("given up: status 503"));
    }

    #[test]
    fn slack_says_how_long_an_answer_waits_and_whether_at_all() {
        let mut outbox = Outbox::default();
        outbox.push(answered(0), 100);
        let letter = outbox.next(100).unwrap();
        let asked = Undelivered { retry_after: Some(30), ..Undelivered::passing("ratelimited") };
        outbox.failed(letter, &asked, 100);
        assert_eq!((outbox.wait(100), outbox.next(129)), (Some(30), None));
        let letter = outbox.next(130).unwrap();
        assert!(outbox.failed(letter, &Undelivered::last("410"), 130).unwrap().contains("given up"));
        assert_eq!(outbox.wait(130), None);
    }

    #[test]
    fn answers_that_wait_are_bounded_and_the_oldest_go_first() {
        let mut outbox = Outbox::default();
        let said: Vec<String> = (0..MOST + 10).filter_map(|number| outbox.push(answered(number), 0)).collect();
        assert_eq!((said.len(), outbox.len()), (1, MOST), "it is said once");
        assert_eq!(outbox.next(0).unwrap().answered, answered(10));
    }
}
