//! Who keeps the journal of a run: `Ledger` in the state, `Silent` where nothing happens.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::approve;
use crate::event::Seconds;
use crate::journal::Entry;
use crate::store::{Head, State, Store};

/// Signs of life in the time that one of them holds the run.
const BEATS: u32 = 4;
/// Entries that say that a step came to an end.
const ENDS: [&str; 5] = ["step.done", "step.held", "step.saved", "step.failed", "step.refused"];

/// Writes down what a run does.
pub(crate) trait Scribe {
    /// Writes entries: they are durable when it returns, and the run is still ours. Without entries only that.
    ///
    /// # Errors
    /// What was written may be lost, or the run is another's: nothing more may be done.
    async fn write(&self, entries: Vec<Entry>) -> Result<(), String>;

    /// How often it must write so that the run stays ours; none where nobody could take it.
    fn beat(&self) -> Option<Duration>;
}

/// The journal of the state, and the run's hold on it.
pub(crate) struct Ledger<'a, S> {
    state: Mutex<State<S>>,
    digest: &'a str,
    holder: &'a str,
    /// For how long a sign of life holds the run.
    seconds: Seconds,
    clock: &'a dyn Fn() -> Seconds,
}

impl<'a, S: Store> Ledger<'a, S> {
    pub(crate) fn new(
        state: State<S>,
        (digest, holder): (&'a str, &'a str),
        seconds: Seconds,
        clock: &'a dyn Fn() -> Seconds,
    ) -> Self {
        Self { state: Mutex::new(state), digest, holder, seconds, clock }
    }

    pub(crate) fn into_state(self) -> State<S> {
        self.state.into_inner()
    }
}

impl<S: Store> Scribe for Ledger<'_, S> {
    async fn write(&self, entries: Vec<Entry>) -> Result<(), String> {
        let mut state = self.state.lock().await;
        let now = (self.clock)();
        let mut held = Ok(());
        let ended = entries.iter().filter(|entry| ENDS.contains(&entry.kind.as_str())).count();
        let change = |head: &mut Head| {
            held = approve::renew(&mut head.watch.plans, self.digest, self.holder, self.seconds, now);
            if held.is_err() {
                return Vec::new();
            }
            approve::advance(&mut head.watch.plans, self.digest, ended);
            entries.clone()
        };
        state.append(now, change).await.map_err(|error| error.to_string())?;
        held
    }

    fn beat(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.seconds.unsigned_abs()) / BEATS)
    }
}

/// Writes nothing, because nothing is done.
pub(crate) struct Silent;

impl Scribe for Silent {
    async fn write(&self, _: Vec<Entry>) -> Result<(), String> {
        Ok(())
    }

    fn beat(&self) -> Option<Duration> {
        None
    }
}
