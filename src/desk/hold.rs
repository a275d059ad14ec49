//! Who may say something, and how long to wait after a failure.

use std::time::Duration;

use crate::event::{HOUR, Seconds};
use crate::notify::Undelivered;
use crate::store::board::{Board, Pause};
use crate::store::head::Lease;

/// For how long the right to say something is taken.
const LEASE: Seconds = 30;
/// How long one call may take: it ends while the right to make it holds.
const CALL: Duration = Duration::from_secs(25);
/// The longest pause after failures in seconds, where Slack does not ask for a longer one.
const LONGEST: Seconds = 60;

/// Whether a time is still to come, and not further off than it can have been set.
pub(super) fn is_ahead(until: Seconds, most: Seconds, now: Seconds) -> bool {
    until > now && until <= now.saturating_add(most)
}

/// Takes the right to say something, or takes it for longer.
///
/// # Errors
/// Until when somebody else has it.
pub(super) fn take(board: &mut Board, holder: &str, now: Seconds) -> Result<(), Seconds> {
    match &board.lease {
        // One that ends later than any that is taken now is of a clock that ran ahead.
        Some(lease) if lease.holder != holder && is_ahead(lease.until, LEASE, now) => Err(lease.until),
        _ => {
            board.lease = Some(Lease { holder: holder.to_owned(), until: now.saturating_add(LEASE) });
            Ok(())
        }
    }
}

/// Gives it back.
pub(super) fn give(board: &mut Board, holder: &str) {
    board.lease = board.lease.take().filter(|lease| lease.holder != holder);
}

/// Whether it is held for as long as a call may take.
pub(super) fn holds(board: &Board, holder: &str, now: Seconds) -> bool {
    let enough = now.saturating_add(CALL.as_secs().try_into().unwrap_or(LEASE));
    board.lease.as_ref().is_some_and(|lease| lease.holder == holder && lease.until > enough)
}

/// Leaves a channel alone for a while after a failure: 1, 2, 4 seconds and so on, or as long as Slack asks for. `chance`
/// from 0 to 1 makes it up to a quarter longer, so that not all come back at once.
pub(super) fn pause(board: &mut Board, channel: &str, failure: &Undelivered, chance: f64, now: Seconds) -> Pause {
    let failures = board.pauses.get(channel).map_or(0, |pause| pause.failures).saturating_add(1);
    let doubled = grown(1, failures - 1, LONGEST);
    let wait = (doubled as f64 * (1.0 + chance.clamp(0.0, 1.0) / 4.0)).ceil() as Seconds;
    let wait = wait.min(LONGEST).max(failure.retry_after.unwrap_or(0));
    let pause = Pause { until: now.saturating_add(wait), failures };
    board.pauses.insert(channel.to_owned(), pause);
    pause
}

/// For how long one message is left alone that Slack has something against, after so many attempts, in seconds.
pub(super) fn alone(attempts: u32) -> Seconds {
    grown(30, attempts, HOUR)
}

/// A wait that doubles with each failure, in seconds.
pub(super) fn grown(first: Seconds, doublings: u32, longest: Seconds) -> Seconds {
    first.saturating_mul(1 << doublings.min(32)).min(longest)
}

/// One call. One without an answer may have arrived.
///
/// # Errors
/// What the call says, or that it took too long.
pub(super) async fn limited<T>(call: impl Future<Output = Result<T, Undelivered>>) -> Result<T, Undelivered> {
    let done = tokio::time::timeout(CALL, call).await;
    done.unwrap_or_else(|_| Err(Undelivered::passing("Slack did not answer in time")))
}
