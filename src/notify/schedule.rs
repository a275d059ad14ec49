//! When a message that did not arrive is sent again.

use crate::event::{HOUR, Seconds};

/// How long to wait after the first attempt, the second and so on; after those an hour.
const WAITS: [Seconds; 3] = [60, 5 * 60, 15 * 60];
/// How long a message is tried, from its first attempt on.
const PATIENCE: Seconds = 48 * HOUR;

/// Whether a message is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At once.
    Now,
    /// Not before this time.
    At(Seconds),
    /// Never again: 48 hours of attempts have failed.
    GivenUp,
}

/// Whether a message is to be sent that was tried so often, the last time at `last_try`.
///
/// Patience is counted in attempts: a machine that was off for three days still tries what it could not send before.
pub(crate) fn due(attempts: u32, last_try: Option<Seconds>, now: Seconds) -> When {
    let Some((last, earlier)) = last_try.zip(attempts.checked_sub(1)) else { return When::Now };
    let before: Seconds = (0..earlier).map(wait).take(100).sum();
    let wait = wait(earlier);
    if before + wait > PATIENCE {
        return When::GivenUp;
    }
    // A last attempt in the future is a clock that was wrong, and no reason to be silent.
    if last > now || last.saturating_add(wait) <= now { When::Now } else { When::At(last.saturating_add(wait)) }
}

/// The wait after an attempt, counted from 0.
fn wait(attempt: u32) -> Seconds {
    usize::try_from(attempt).ok().and_then(|number| WAITS.get(number)).copied().unwrap_or(HOUR)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_waits_longer_and_gives_up_once() {
        let mut at = 0;
        let mut times = vec![0];
        for attempts in 1.. {
            match due(attempts, Some(at), at) {
                When::At(next) => {
                    assert_eq!(
                        (due(attempts, Some(at), next - 1), due(attempts, Some(at), next)),
                        (When::At(next), When::Now)
                    );
                    at = next;
                    times.push(at);
                }
                When::GivenUp => break,
                When::Now => panic!("at once after {attempts}"),
            }
        }
        assert_eq!(times[..6], [0, 60, 360, 1_260, 1_260 + HOUR, 1_260 + 2 * HOUR]);
        assert_eq!(times.len(), 51);
        assert!(at <= PATIENCE && at + HOUR > PATIENCE, "{at}");
    }

    proptest! {
        #[test]
        fn it_is_never_silent_for_more_than_an_hour(attempts in 0_u32..51, last in any::<Seconds>(), now in any::<Seconds>()) {
            match due(attempts, Some(last), now) {
                When::Now => {}
                When::At(at) => prop_assert!(at > now && at - now <= HOUR),
                When::GivenUp => prop_assert!(false),
            }
        }
    }
}
