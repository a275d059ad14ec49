//! Clicks by Socket Mode: Slack sends them over a connection that this side opens, so no public address is needed.
//!
//! The connection is made here and not by the client library: that one does not say why it does not come about, waits a
//! fixed time between tries, and refuses a press in whose message is something that it does not know.

mod envelope;
mod line;
#[cfg(test)]
mod tests;

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Error, Result};
use tokio::runtime::Builder;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use crate::config::Revealed;
use crate::event::Seconds;
use crate::model::click::Click;
use crate::slack::{Api, Failure};

use line::{End, Line};

/// The waits between tries: the first, which doubles, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A connection that lived so long, or over which a press came, was a good one.
const GOOD: Duration = Duration::from_secs(30);

/// Connects on a thread of its own, and again whenever the connection ends, until nobody takes clicks any more. What
/// goes wrong is said by `say`.
///
/// # Errors
/// An address over which the token must not go, or TLS that cannot be set up.
pub(crate) fn connect(
    app_token: Revealed,
    api_url: &str,
    clicks: Sender<Click>,
    say: fn(&str),
    clock: fn() -> Seconds,
) -> Result<()> {
    let api = Api::new(&app_token, api_url).map_err(Error::msg)?;
    let runtime = Builder::new_current_thread().enable_all().build().context("starting Socket Mode")?;
    let until = clicks.clone();
    let keep = async move {
        let mut line = Line::new(clicks, say, clock);
        tokio::select! {
            () = until.closed() => {}
            () = keep(&api, &mut line, say) => {}
        }
    };
    let thread = thread::Builder::new().name("slack-socket".to_owned());
    thread.spawn(move || runtime.block_on(keep)).context("starting Socket Mode")?;
    Ok(())
}

/// Keeps a connection. The same trouble is said once, until there is a connection again.
async fn keep(api: &Api, line: &mut Line, say: fn(&str)) {
    let mut tries = 0;
    let mut told = String::new();
    loop {
        let start = Instant::now();
        let end = match api.ticket().await {
            Ok(ticket) => line.hold(&ticket).await,
            Err(failure) => End::before(failure),
        };
        let has_held = end.was_greeted && start.elapsed() >= GOOD;
        // One that ends as soon as it stands is no reason to knock without a pause.
        if has_held || end.has_taken {
            tries = 0;
        }
        if end.was_greeted {
            told.clear();
        }
        if end.is_routine && has_held {
            continue;
        }
        if !end.is_routine && end.why != told {
            say(&format!("Slack: not connected by Socket Mode: {}; it is tried again", end.why));
            told.clone_from(&end.why);
        }
        let asked = end.retry_after.map_or(Duration::ZERO, |wait| Duration::from_secs(wait.unsigned_abs()));
        tokio::time::sleep(pause(tries, fastrand::f64()).max(asked)).await;
        tries += 1;
    }
}

/// The wait before the next try. A quarter of it is chance, so that several do not knock at the same moment. `chance`
/// is from 0 to 1.
fn pause(tries: u32, chance: f64) -> Duration {
    let wait = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(tries)).min(LONGEST_PAUSE);
    wait.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 4.0).max(FIRST_PAUSE)
}

impl End {
    /// There was no connection.
    fn before(failure: Failure) -> Self {
        let retry_after = if let Failure::Busy(wait) = failure { wait } else { None };
        Self { why: failure.to_string(), retry_after, was_greeted: false, has_taken: false, is_routine: false }
    }
}
