//! Parts of a history, for a state machine that has many invocations map and reduce side by side.
//!
//! - `payload`: what is asked for, checked; `day`: how it names days
//! - `place`: where logs and results are; `plan`: what a run is divided into
//! - `stages`: what each invocation does

mod day;
mod payload;
mod place;
mod plan;
mod stages;

use anyhow::{Result, anyhow};
use serde_json::Value;

use self::payload::Stage;
use super::shop::Shop;
use crate::cli::{Voice, now};
use crate::config::History;
use place::Place;

pub(super) use payload::{Task, task};

/// Does what a state machine asks for, and gives what it hands to its next state.
///
/// This waits, and nothing else of the process goes on meanwhile: there is nothing else. What does not end in time ends
/// with the process, so that no rest of it meets the next invocation.
///
/// # Errors
/// A function whose settings do not make it one for histories, and whatever a stage could not do.
pub(super) async fn done(shop: &Shop, task: Task) -> Result<Value> {
    let history = shop.settings().await?.history;
    let voice = shop.voice;
    // What reads S3 has runtimes of its own, which cannot be inside of another one.
    std::thread::scope(|scope| scope.spawn(|| stage(&history, &task, voice)).join())
        .unwrap_or_else(|_| Err(anyhow!("a stage of a history ended before its time")))
}

fn stage(history: &History, task: &Task, voice: Voice) -> Result<Value> {
    let place = Place::of(history, &task.run)?;
    match &task.stage {
        Stage::Plan(wish) => stages::plan(&place, wish, history.shares, now()),
        Stage::Map { item, share, of } => {
            let most = u64::from(history.part_mib) << 20;
            stages::map(&place, item, (*share, *of), most, voice)
        }
        Stage::Reduce { share, of } => stages::reduce(&place, (*share, *of), voice),
        Stage::Merge => stages::merge(&place, voice),
    }
}
