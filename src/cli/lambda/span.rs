//! What of an invocation's time is for what: pure.

use std::time::Duration;

/// Nothing begins so shortly before the end, nor in the last quarter of a short invocation.
const MARGIN: Duration = Duration::from_secs(10);
/// What comes behind reading: judging, writing, telling.
const RESERVE: Duration = Duration::from_secs(45);
/// Lambda gives no invocation more.
const LONGEST: Duration = Duration::from_secs(900);

/// Parts of an invocation's time, each from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Reading ends by then.
    pub reading: Duration,
    /// From here on nothing begins.
    pub closing: Duration,
    /// What goes on is left as it is: whatever it is, it may die at any point.
    pub end: Duration,
    /// How long answers are still sent behind `closing`, and how long Slack is brought up to date: both fit before the end.
    pub last: Duration,
}

impl Span {
    /// Of an invocation that has so much time left.
    pub(super) fn of(left: Duration) -> Self {
        let left = left.min(LONGEST);
        let margin = MARGIN.min(left / 4);
        let closing = left - margin;
        Self {
            reading: closing.saturating_sub(RESERVE).max(closing / 2),
            closing,
            end: left - margin / 10,
            last: margin / 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_come_one_behind_the_other(left in 0_u64..2_000_000) {
            let left = Duration::from_millis(left);
            let Span { reading, closing, end, last } = Span::of(left);
            prop_assert!(reading <= closing && closing + last + last <= end && end <= left.min(LONGEST));
            prop_assert!(reading >= closing / 2);
        }
    }

    #[test]
    fn a_short_invocation_keeps_a_quarter_and_a_long_one_ten_seconds() {
        let seconds = Duration::from_secs;
        let Span { reading, closing, end, .. } = Span::of(seconds(300));
        assert_eq!((reading, closing, end), (seconds(245), seconds(290), seconds(299)));
        let Span { reading, closing, .. } = Span::of(seconds(12));
        assert_eq!((reading, closing), (Duration::from_millis(4_500), seconds(9)));
        assert_eq!(Span::of(Duration::ZERO).end, Duration::ZERO);
    }
}
