//! History before the first pass: it teaches what is usual and opens nothing.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use super::commit::name_blobs;
use super::judge::Lesson;
use super::memory::{Draft, Memory};
use super::{Turn, Watch, holding, leased};
use crate::baseline::Baseline;
use crate::event::{DAY, Seconds, time};
use crate::journal::Entry;
use crate::model::Skipped;
use crate::source::live::Batch;
use crate::store::watched::Watched;
use crate::store::{Head, State, Store};

/// What there was to learn.
pub(crate) struct Learned {
    pub from: Seconds,
    pub until: Seconds,
    pub events: usize,
    pub problems: Vec<Skipped>,
}

/// What to learn from.
pub(crate) struct Lessons<'l> {
    /// How far back to read; none where nothing is to be read.
    pub back: Option<Seconds>,
    /// What replays learned, by the digests of their files.
    pub baselines: Vec<(String, Baseline)>,
    /// Hears of the share that is read, and of how many events.
    pub progress: &'l dyn Fn(f64, usize),
}

/// Reads history up to where the first pass begins, or began. Nothing where it was read already.
///
/// # Errors
/// The state. What AWS refuses is in the result.
pub(crate) async fn learn<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    mut lessons: Lessons<'_>,
) -> Result<Turn<Option<Learned>>> {
    let begun = (watch.clock)();
    let Watched { since, learned_from, imported, .. } = &state.head().watch;
    let until = since.unwrap_or(begun - watch.first_lookback);
    let is_read = |from: &Seconds| learned_from.is_some_and(|known| known <= from + DAY);
    let from = lessons.back.map(|back| begun - back).filter(|from| *from < until && !is_read(from));
    lessons.baselines.retain(|(digest, _)| !imported.contains(digest));
    if from.is_none() && lessons.baselines.is_empty() {
        return Ok(Turn::Done(None));
    }
    leased(state, watch, async |state, begun| held(state, watch, lessons, (from, until), begun).await.map(Some)).await
}

async fn held<S: Store>(
    state: &mut State<S>,
    watch: &Watch<'_>,
    lessons: Lessons<'_>,
    (from, until): (Option<Seconds>, Seconds),
    begun: Seconds,
) -> Result<Learned> {
    let memory = Memory::load(state, watch.rules, begun).await?;
    let mut lesson = Lesson::new(watch.rules, memory.baseline, until);
    let mut imported = BTreeSet::new();
    for (digest, baseline) in lessons.baselines {
        lesson.baseline.merge(baseline);
        imported.insert(digest);
    }
    let mut problems = Vec::new();
    if let Some(from) = from {
        let mut give = |batch: Batch| lesson.take(&batch.objects, begun);
        problems = holding(state, watch, watch.live.learn(from, until, &mut give, lessons.progress)).await?;
    }
    let is_whole = from.is_some() && !problems.iter().any(|problem| problem.blind);
    let mut draft = Draft::new(state);
    draft.baseline(&lesson.baseline, begun)?;
    let mut kept = memory.kept;
    kept.merge(lesson.kept.clone());
    draft.kept(&lesson.kept, &kept, watch.rules)?;
    draft.habits_of_past(&lesson.habits, begun).await?;
    let (slots, events) = (draft.write().await?, lesson.events);
    let read_from = from.unwrap_or(until);
    let detail = json!({
        "from": time::format(read_from),
        "until": time::format(until),
        "events": events,
        "is_whole": is_whole,
        "baselines": imported,
    });
    let change = |head: &mut Head| {
        name_blobs(head, &slots);
        head.watch.since = Some(until);
        head.watch.imported.extend(imported.iter().cloned());
        if is_whole {
            head.watch.learned_from = from;
        }
        vec![Entry::new("learned", None, detail.clone())]
    };
    state.commit((watch.clock)(), change).await?;
    let problems = problems.into_iter().map(|problem| Skipped { path: problem.what, why: problem.why }).collect();
    Ok(Learned { from: read_from, until, events, problems })
}
