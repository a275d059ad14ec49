//! Slack shows the record.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::rounds::{Part, is_soon};
use super::{LOOK, Lines, Office, Phase};
use crate::desk::shown::unplanned;
use crate::desk::sync::Synced;
use crate::desk::{Desk, sync, work};
use crate::model::Skipped;
use crate::notify::slack::workspace::Workspace;
use crate::source::live::Live;
use crate::store::{State, Store};

/// How long a pass catches up.
const CATCH_UP: Duration = Duration::from_secs(60);
/// Failures of the state in a row behind which this is left to whoever comes next.
const MOST_FAILURES: u32 = 3;
/// Problems that are remembered so as to be said once.
const MOST_KNOWN: usize = 100;

/// Keeps Slack true.
pub(super) async fn showing<S, W, O>(office: &Office<'_, W, O>, lines: &Lines<'_>) -> Result<()>
where
    S: Store,
    W: Workspace,
    O: AsyncFn() -> Result<State<S>>,
{
    let mut state = (office.open)().await?;
    let mut known = BTreeSet::new();
    let mut failures = 0;
    loop {
        let at = lines.rounds.at();
        // What is intended is written first, so a round may end anywhere.
        let synced = tokio::select! {
            biased;
            () = lines.until(Phase::Shut) => break,
            synced = sync(&mut state, office.desk) => synced,
        };
        let wait = match synced {
            Ok(synced) => {
                failures = 0;
                let now = office.desk.now();
                let is_over = synced.next.is_none_or(|at| !is_soon(at, now));
                lines.rounds.looked(Part::Showing, at, is_over);
                if synced.has_said {
                    lines.changed();
                }
                rest(office, synced, &mut known)
            }
            Err(error) => {
                (office.say)(&format!("Slack: {error:#}"));
                failures += 1;
                lines.rounds.looked(Part::Showing, at, failures >= MOST_FAILURES);
                LOOK
            }
        };
        tokio::select! {
            biased;
            () = lines.until(Phase::Shut) => break,
            () = office.stir.notified() => {}
            () = sleep(wait) => {}
        }
    }
    _ = timeout(lines.last, sync(&mut state, office.desk)).await;
    Ok(())
}

/// Says what is wrong, the same once until something went well, and how long nothing is to be done.
fn rest<W, O>(office: &Office<'_, W, O>, synced: Synced, known: &mut BTreeSet<String>) -> Duration {
    if synced.has_said || known.len() > MOST_KNOWN {
        known.clear();
    }
    for Skipped { path, why } in synced.problems {
        if known.insert(why.clone()) {
            (office.say)(&format!("{path}: {why}"));
        }
    }
    let now = office.desk.now();
    let next = synced.next.map(|at| at.saturating_sub(now).max(1).unsigned_abs());
    next.map_or(LOOK, |seconds| Duration::from_secs(seconds).min(LOOK))
}

/// After a pass without anybody who answers clicks: what is due is said, plans are made, and shown. What does not come to
/// its end in a minute waits for the next pass.
///
/// # Errors
/// The state. What Slack refuses is in the result.
pub(crate) async fn catch_up<S: Store, W: Workspace>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    live: &Live,
) -> Result<Vec<Skipped>> {
    let mut problems: Vec<Skipped> = Vec::new();
    let end = Instant::now() + CATCH_UP;
    let work = async {
        loop {
            let synced = sync(state, desk).await?;
            let has_failed = !synced.problems.is_empty();
            let is_new = |problem: &Skipped| !problems.iter().any(|known| known.why == problem.why);
            let new: Vec<_> = synced.problems.into_iter().filter(is_new).collect();
            problems.extend(new);
            let wanted = unplanned(&state.head().watch);
            for (incident, revision) in &wanted {
                work::plan(state, desk, live, (incident, *revision)).await?;
            }
            if !wanted.is_empty() {
                continue;
            }
            match synced.next.filter(|_| has_failed) {
                Some(at) => sleep(Duration::from_secs(at.saturating_sub(desk.now()).max(1).unsigned_abs())).await,
                None => return Ok::<(), anyhow::Error>(()),
            }
        }
    };
    let done = timeout_at(end, work).await;
    done.unwrap_or(Ok(()))?;
    Ok(problems)
}
