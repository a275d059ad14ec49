//! Waiting, time passing and chance, which tests replace.

use std::cell::Cell;
use std::future::Future;
use std::time::{Duration, Instant};

use crate::aws::Refusal;

/// Attempts at one request that AWS throttles, the first included.
const THROTTLED_TRIES: u32 = 8;
/// Attempts at one request that fails on the way.
const PASSING_TRIES: u32 = 3;
/// The longest wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(700);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A request that is under way when the time is over may still end.
const LEAST_ANSWER: Duration = Duration::from_secs(5);
const MOST_ANSWER: Duration = Duration::from_secs(60);

/// How time passes for who waits for AWS.
pub(crate) trait Pace {
    /// Waits.
    async fn sleep(&self, wait: Duration);
    /// The time since some fixed moment.
    fn elapsed(&self) -> Duration;
    /// Chance, from 0 to 1.
    fn random(&self) -> f64;
}

/// The pace of the real world, on a tokio runtime.
pub(crate) struct RealPace(Instant);

impl RealPace {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Pace for RealPace {
    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }
}

/// The time that requests may take, and how often each is tried.
pub(super) struct Effort<'a, P> {
    pace: &'a P,
    end: Duration,
    requests: Cell<u32>,
}

impl<'a, P: Pace> Effort<'a, P> {
    /// Requests that may go on until `end` on the clock of the pace.
    pub(super) fn new(pace: &'a P, end: Duration) -> Self {
        Self { pace, end, requests: Cell::new(0) }
    }

    /// Another count of requests against the same end.
    pub(super) fn again(&self) -> Self {
        Self::new(self.pace, self.end)
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Requests that were sent, the refused ones too.
    pub(super) fn requests(&self) -> u32 {
        self.requests.get()
    }

    fn left(&self) -> Duration {
        self.end.saturating_sub(self.pace.elapsed())
    }

    /// Asks until there is an answer, with waits of full jitter. The last refusal is the answer when tries or time end.
    pub(super) async fn ask<T>(&self, request: impl AsyncFn() -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut longest = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            self.requests.set(self.requests.get().saturating_add(1));
            let patience = self.left().clamp(LEAST_ANSWER, MOST_ANSWER);
            let refusal = match self.within(patience, request()).await {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(refusal)) => refusal,
                None => Refusal::Passing(format!("no answer within {} s", patience.as_secs())),
            };
            let most = match refusal {
                Refusal::Throttled(_) => THROTTLED_TRIES,
                Refusal::Passing(_) => PASSING_TRIES,
                _ => return Err(refusal),
            };
            let wait = longest.mul_f64(self.pace.random().clamp(0.0, 1.0));
            if attempt >= most || wait >= self.left() {
                return Err(refusal);
            }
            self.pace.sleep(wait).await;
            longest = (longest * 2).min(LONGEST_WAIT);
            attempt += 1;
        }
    }

    async fn within<T>(&self, most: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.pace.sleep(most) => None,
        }
    }
}

/// Keeps requests apart.
pub(super) struct Limiter {
    gap: Duration,
    next: Cell<Duration>,
}

impl Limiter {
    pub(super) fn new(gap: Duration) -> Self {
        Self { gap, next: Cell::new(Duration::ZERO) }
    }

    /// Waits for the next turn and takes it.
    pub(super) async fn turn(&self, pace: &impl Pace) {
        let elapsed = pace.elapsed();
        let turn = self.next.get().max(elapsed);
        self.next.set(turn + self.gap);
        if turn > elapsed {
            pace.sleep(turn - elapsed).await;
        }
    }
}
