//! How fast messages go out: Slack takes about one a second in each channel.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between posts in a channel, and between changes of its messages, of which Slack takes about fifty a minute.
pub(super) const POSTS: Duration = Duration::from_secs(1);
pub(super) const CHANGES: Duration = Duration::from_millis(1_300);

/// When the next one may go where.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: BTreeMap<String, Instant>,
}

impl Pace {
    /// Takes the next turn of those that are so far apart, and returns how long it is until then.
    pub(super) fn turn(&mut self, place: &str, apart: Duration, now: Instant) -> Duration {
        self.next.retain(|_, at| *at > now);
        let at = self.next.get(place).copied().unwrap_or(now);
        self.next.insert(place.to_owned(), at + apart);
        at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_out_each_second_and_place() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let turns: Vec<_> = (0..3).map(|_| pace.turn("post C1", POSTS, start).as_millis()).collect();
        assert_eq!(turns, [0, 1_000, 2_000]);
        assert_eq!(pace.turn("update C1", CHANGES, start), Duration::ZERO, "another place waits for nobody");
        assert_eq!(pace.turn("update C1", CHANGES, start), CHANGES);
        let later = start + Duration::from_millis(2_500);
        assert_eq!(pace.turn("post C1", POSTS, later).as_millis(), 500, "turns that were taken count");
        assert_eq!(pace.turn("post C1", POSTS, start + Duration::from_secs(60)), Duration::ZERO, "nothing is saved up");
        assert_eq!(pace.next.len(), 1, "places that may go at once are forgotten");
    }
}
