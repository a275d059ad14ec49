//! `stakeout contain` and `undo`: rehearse a plan, or carry it out.

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use clap::Args;

use super::plan::{Desk, tell};
use super::{Status, Voice, incidents, state, stopped};
use crate::config::Config;
use crate::contain::compile::Wanted;
use crate::contain::execute::Outcome;
use crate::model::Status as Stage;
use crate::model::plan::Way;
use crate::report::Format;
use crate::report::plan::{Done, Result as Told};
use crate::respond::{Ran, Run, rehearse, run};

/// Contain an incident: without --execute a dry run, which changes nothing.
///
/// With --execute it runs the approved plan, once: every change is in the journal before it is made, is read back, and is
/// watched for as long as `[contain] reassert` says. After a crash, the same command goes on where it stopped.
///
/// Exit status: 0 all of it holds, 1 something remains, 2 refused or could not run.
#[derive(Args)]
pub(super) struct Contain {
    /// The incident's id, or how it begins.
    id: String,
    /// The plan's digest, or how it begins [default: the one that is approved].
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// Do it.
    #[arg(long)]
    execute: bool,
    /// How to write it: table, json, ndjson or markdown [default: table on a terminal, else json].
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Take back what was done about an incident: without --execute a dry run, which changes nothing.
///
/// With --execute it runs the approved plan of `stakeout plan ID --undo`, with the same --step and --reactivate-keys.
///
/// Exit status: 0 everything is as it was, 1 something remains, 2 refused or could not run.
#[derive(Args)]
pub(super) struct Undo {
    /// The incident's id, or how it begins.
    id: String,
    /// Only this step.
    #[arg(long, value_name = "N")]
    step: Option<u32>,
    /// Also the keys that the incident names.
    #[arg(long)]
    reactivate_keys: bool,
    /// The plan's digest, or how it begins [default: the one that is approved].
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// Do it.
    #[arg(long)]
    execute: bool,
    /// How to write it: table, json, ndjson or markdown [default: table on a terminal, else json].
    #[arg(long, value_enum)]
    format: Option<Format>,
}

pub(super) fn contain(arguments: &Contain, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Contain { id, plan, execute, format } = arguments;
    let wanted = Run { incident: id, way: Way::Contain, digest: plan.as_deref(), wanted: None, pauses: false };
    carry_out(&wanted, *execute, *format, config, voice)
}

pub(super) fn undo(arguments: &Undo, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Undo { id, step, reactivate_keys, plan, execute, format } = arguments;
    let scope = Wanted { step: *step, reactivate_keys: *reactivate_keys };
    let wanted = Run { incident: id, way: Way::Undo, digest: plan.as_deref(), wanted: Some(scope), pauses: false };
    carry_out(&wanted, *execute, *format, config, voice)
}

fn carry_out(
    wanted: &Run<'_>,
    is_meant: bool,
    format: Option<Format>,
    config: Option<&Path>,
    voice: Voice,
) -> Result<Status> {
    let mut config = Config::load(config)?;
    let abort = AtomicBool::new(false);
    let ran = state::block_on(async {
        config.unlock().await;
        let state = incidents::open(&config).await?;
        let (id, known) = incidents::find(&state, wanted.incident)?;
        let wanted = Run { incident: &id, ..wanted.clone() };
        let desk = Desk::new(&config, None).await?;
        let responder = desk.responder(&config);
        let work = async {
            match is_meant {
                true => run(state, &responder, &wanted, &abort).await,
                false => rehearse(&state, &responder, &wanted, &abort).await,
            }
        };
        let ran = until_stopped(work, &abort, voice).await?;
        let state = incidents::open(&config).await?;
        let stays_open = state.head().watch.incidents.get(&id).is_some_and(|known| known.status == Stage::Open);
        if is_meant && wanted.way == Way::Contain && ran.outcome.holds() && stays_open {
            voice.remark(&format!("the plan holds, and {id} stays open: not all of its callers are cut off by it"));
        }
        tell(&config, &state, (&known.title, &ran.plan), Some(&told(&ran)), format, voice)?;
        Ok(ran)
    })?;
    Ok(if ran.is_rehearsal || ran.outcome.holds() { Status::Quiet } else { Status::Found })
}

/// Waits for work; who stops it lets every step end that has begun.
async fn until_stopped<T>(work: impl Future<Output = T>, abort: &AtomicBool, voice: Voice) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = stopped() => {}
    }
    abort.store(true, Ordering::Relaxed);
    voice.remark("stopping after the steps that have begun");
    work.await
}

fn told(ran: &Ran) -> Told {
    let Outcome { steps, remains, reasserted, seconds, .. } = &ran.outcome;
    let done = steps.iter().map(|step| Done {
        n: step.n,
        end: step.end.as_str(),
        is_bad: !step.end.is_good(),
        why: step.why.clone(),
        result: step.result.clone(),
    });
    Told {
        steps: done.collect(),
        remains: remains.clone(),
        reasserted: *reasserted,
        seconds: *seconds,
        is_rehearsal: ran.is_rehearsal,
    }
}
