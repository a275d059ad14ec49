//! The intruder goes on calling while it is contained: when each of its keys stops working.

use std::cell::Cell;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::time::Instant;

use super::ground::Key;
use super::intruder::is_refused;

/// Between two calls.
const PAUSE: Duration = Duration::from_secs(1);
/// What was cut off stays usable for some seconds; after this it is not cut off.
const SETTLES: Duration = Duration::from_secs(60);

/// Calls with each key until all are refused after the containment is `over`, for a minute at most. Gives by the key's id
/// when it was refused first without being taken again, counted from `begun`.
pub(super) async fn hunt(
    config: &SdkConfig,
    keys: &[&Key],
    over: &Cell<bool>,
    begun: Option<Instant>,
) -> Vec<(String, Option<Duration>)> {
    let begun = begun.unwrap_or_else(Instant::now);
    let mut refused: Vec<(String, Option<Duration>)> = keys.iter().map(|key| (key.id.clone(), None)).collect();
    let mut end = None;
    loop {
        let is_over = over.get();
        for (key, (_, since)) in keys.iter().zip(&mut refused) {
            match is_refused(config, key).await {
                Ok(true) => _ = since.get_or_insert_with(|| begun.elapsed()),
                Ok(false) => *since = None,
                // No answer says nothing.
                Err(_) => {}
            }
        }
        if is_over {
            let end = *end.get_or_insert_with(|| Instant::now() + SETTLES);
            if refused.iter().all(|(_, since)| since.is_some()) || Instant::now() >= end {
                return refused;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
