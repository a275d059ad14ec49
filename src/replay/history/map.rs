//! The map of a history: a share of the objects in, one part out.

use std::collections::BTreeSet;

use anyhow::Result;

use super::super::Settings;
use super::super::links::Links;
use super::super::part::{Counts, Part};
use super::super::parts::Share;
use super::super::parts::directory::{Directory, Terms, name_of};
use super::super::parts::fold::Folding;
use super::super::parts::write::Writer;
use super::super::units::{Pace, Unit, in_order, units, work};
use crate::detect::Rules;
use crate::event::Seconds;
use crate::model::Skipped;
use crate::source::Object;

/// When so many bytes are held, they are written as sections, so that memory stays bounded.
const FULL: usize = 64 << 20;
/// For each thread so many units may wait for the ones before them.
const AHEAD: usize = 4;

/// What to map.
pub(crate) struct Task<'t> {
    /// All objects of the listing, of which a share is read.
    pub objects: Vec<Object>,
    pub share: Share,
    /// Bills of this share, each folded by itself and encoded.
    pub bills: Vec<Vec<u8>>,
    /// What else changes the result, such as paths of bills.
    pub options: Vec<String>,
    pub rules: &'t Rules,
    pub settings: Settings<'t>,
    /// Where the part goes.
    pub output: &'t str,
}

/// What a map came to.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub objects: usize,
    /// Records, and things that are none.
    pub records: u64,
    /// Size of the JSON, and of the part, in bytes.
    pub bytes: u64,
    pub part_bytes: u64,
    /// What could not be read, or not to its end, or not without loss.
    pub skipped: Vec<Skipped>,
}

/// Maps a share of objects to a part. The same task gives the same bytes, however many threads there are. `progress` hears
/// of packed bytes that were read.
///
/// # Errors
/// A part that cannot be written, with its name, or a worker that died.
pub(crate) fn map(task: Task<'_>, progress: &(dyn Fn(u64) + Sync)) -> Result<Mapped> {
    let terms = Terms::of(task.rules, task.settings.range);
    let job = job(&task, &terms)?;
    let objects = task.share.cut(task.objects);
    let writer = Writer::new(task.output, &objects, &task.bills, task.settings.threads)?;
    let units = units(&objects);
    let mut gathering = Gathering { rules: task.rules, folding: Folding::default(), writer, about: About::default() };
    let pace = Pace::at_most(task.settings.threads.max(1) * AHEAD);
    work(&units, task.rules, task.settings, &pace, progress, |messages| {
        in_order(&units, &messages, &pace, |unit, parts| gathering.take(unit, parts))
    })?;
    gathering.write()?;
    let Gathering { writer, about: About { days, span, links, mut counts }, .. } = gathering;
    counts.skipped.sort();
    let mut directory = Directory::new(terms, job, task.share, counts.clone());
    (directory.days, directory.span, directory.links) = (days, span, links);
    let part_bytes = writer.finish(directory)?;
    let Counts { read, bytes, skipped, .. } = counts;
    Ok(Mapped { objects: objects.len(), records: read, bytes, part_bytes, skipped })
}

/// Names the listing with all options: its shares belong together.
fn job(task: &Task<'_>, terms: &Terms) -> Result<String> {
    let terms = serde_json::to_vec(terms)?;
    let numbers = [task.share.of as u64, task.settings.max_object_bytes].map(u64::to_le_bytes);
    let sizes: Vec<[u8; 8]> = task.objects.iter().map(|object| object.bytes().to_le_bytes()).collect();
    let objects = task.objects.iter().zip(&sizes).flat_map(|(object, size)| [object.name().as_bytes(), &size[..]]);
    // The same accounts in another order are the same listing.
    let accounts: BTreeSet<&String> = task.settings.accounts.iter().collect();
    let options = task.options.iter().chain(accounts).map(String::as_bytes);
    Ok(name_of([&terms[..]].into_iter().chain(numbers.iter().map(|number| &number[..])).chain(options).chain(objects)))
}

/// What the directory says of the parts that came by.
#[derive(Default)]
struct About {
    days: BTreeSet<i64>,
    span: Option<(Seconds, Seconds)>,
    links: Links,
    counts: Counts,
}

/// The side of a map that writes.
struct Gathering<'r> {
    rules: &'r Rules,
    folding: Folding,
    writer: Writer,
    about: About,
}

impl Gathering<'_> {
    fn take(&mut self, unit: &Unit<'_>, parts: Vec<Part>) -> Result<()> {
        self.about.days.extend(unit.day);
        for mut part in parts {
            self.about.counts.add(std::mem::take(&mut part.counts));
            self.folding.add(part, unit.day);
        }
        // Between units only: how a unit is cut into parts depends on what its worker read before.
        if self.folding.weight() >= FULL { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let batch = self.folding.drain();
        for folded in &batch.sections {
            self.about.links.note(self.rules, &folded.part);
            for usage in &folded.part.usage {
                let (first, last) = self.about.span.unwrap_or((usage.first, usage.last));
                self.about.span = Some((first.min(usage.first), last.max(usage.last)));
            }
        }
        self.writer.add(&batch)
    }
}
