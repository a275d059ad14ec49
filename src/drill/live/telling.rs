//! Slack in a live drill: one message, marked DRILL, whose buttons do nothing.

use anyhow::{Context as _, Result};

use super::engine::{Case, Engine};
use super::played::{Part, Played};
use crate::approve;
use crate::event::time;
use crate::model::id;
use crate::notify::slack::card::{Card, Mark, Shown};
use crate::notify::slack::words::{self, Words};
use crate::notify::slack::workspace::{Spot, Workspace};

/// A channel, and the drill's message in it.
pub(crate) struct Telling<'t, W> {
    workspace: &'t W,
    channel: &'t str,
    /// Slack's name for the message, and how it is found.
    posted: Option<(String, String)>,
}

impl<'t, W: Workspace> Telling<'t, W> {
    pub(crate) fn new(workspace: &'t W, channel: &'t str) -> Self {
        Self { workspace, channel, posted: None }
    }

    /// Posts the incident. The inner result is Slack's.
    ///
    /// # Errors
    /// The state.
    pub(super) async fn post(&mut self, engine: &Engine<'_>, case: &Case) -> Result<Result<(), String>> {
        let mark = id("drill", &[&case.id, &time::format((engine.clock)())]);
        let words = words(engine, case, &mark).await?;
        let spot = Spot { channel: self.channel, thread: None };
        Ok(match self.workspace.post(spot, &words).await {
            Ok(ts) => {
                self.posted = Some((ts, mark));
                Ok(())
            }
            Err(failure) => Err(failure.to_string()),
        })
    }

    /// Has the message show the case as it is. What Slack refuses is a remark.
    ///
    /// # Errors
    /// The state.
    pub(super) async fn update(&mut self, engine: &Engine<'_>, case: &Case, played: &mut Played) -> Result<()> {
        let Some((ts, mark)) = &self.posted else { return Ok(()) };
        let words = words(engine, case, mark).await?;
        if let Err(failure) = self.workspace.update(self.channel, ts, &words).await {
            played.remarks.push(format!("the message in {} cannot be edited: {failure}", self.channel));
        }
        Ok(())
    }

    /// Says in the message's thread that the drill is over.
    pub(super) async fn end(&mut self, played: &mut Played) {
        let Some((ts, mark)) = &self.posted else { return };
        let spot = Spot { channel: self.channel, thread: Some(ts) };
        let words = words::reply(&over(played), &format!("{mark}-over"));
        if let Err(failure) = self.workspace.post(spot, &words).await {
            played.remarks.push(format!("the end is not told in {}: {failure}", self.channel));
        }
    }
}

/// The end of a drill, in sentences.
fn over(played: &Played) -> Vec<String> {
    let times = Part::ALL.into_iter().filter_map(|part| Some(format!("{part} after {:.1} s", played.at(part)?)));
    let mut told = vec![format!("This drill is over: {}.", times.collect::<Vec<_>>().join(", "))];
    told.extend(played.missed.iter().map(|missed| format!("Not {}: {}.", missed.part, missed.why)));
    told.push(match played.remained.len() {
        0 => "Everything that it made is removed.".to_owned(),
        _ => format!("Not removed: {}.", played.remained.join("; ")),
    });
    told
}

/// The message as the record is at this moment.
async fn words(engine: &Engine<'_>, case: &Case, mark: &str) -> Result<Words> {
    let state = engine.open().await?;
    let watched = &state.head().watch;
    let known = watched.incidents.get(&case.id).with_context(|| format!("{} is not stored", case.id))?;
    let mut incident = case.told.incident.clone();
    incident.status = known.status;
    let rules = &engine.config.approval;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let shown = case.plan.as_ref().and_then(|plan| {
        let planned = watched.plans.get(&plan.digest)?;
        let people_needed = number(approve::quorum(planned.class, rules));
        Some(Shown { plan, planned, people_needed, people_agreed: number(approve::agreed(planned)) })
    });
    let (plan, last) = match shown {
        Some(shown) if shown.planned.stage.is_over() => (None, Some(shown)),
        shown => (shown, None),
    };
    let card = Card { plan, last, mark: Mark::Drill, ..Card::new(&incident, known, &engine.account_names) };
    Ok(words::card(&card, mark))
}
