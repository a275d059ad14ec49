//! Findings of many groups in order of time. What does not fit into memory lies in files without a name.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Lines, Seek as _, SeekFrom, Write as _};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::verdict::{Counted, Found};
use crate::model::Finding;
use crate::source::stored::nameless;

/// About how many bytes of findings are held before they go into a file.
const MOST_HELD: usize = 128 << 20;
/// About what a finding and one of its events take in memory, in bytes.
const FINDING: usize = 1_024;
const EVENT: usize = 96;

/// Findings as they come.
pub(crate) struct Spool {
    /// Where files go.
    folder: PathBuf,
    held: Vec<Found>,
    weight: usize,
    /// Each in order.
    runs: Vec<File>,
    counts: Counted,
}

/// Findings in order.
type Run = Peekable<Box<dyn Iterator<Item = Result<Found>>>>;

impl Spool {
    /// Holds nothing yet. What does not fit into memory goes into a folder.
    pub(super) fn new(folder: &Path) -> Self {
        let counts = Counted::default();
        Self { folder: folder.to_owned(), held: Vec::new(), weight: 0, runs: Vec::new(), counts }
    }

    /// Takes findings in.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub(super) fn take(&mut self, findings: Vec<Found>) -> Result<()> {
        self.counts.add(Counted::of(findings.iter().map(|found| &found.finding)));
        self.weight += findings.iter().map(|found| FINDING + EVENT * found.finding.event_ids.len()).sum::<usize>();
        self.held.extend(findings);
        if self.weight >= MOST_HELD { self.spill() } else { Ok(()) }
    }

    /// How many there are.
    pub(super) fn counts(&self) -> Counted {
        self.counts
    }

    /// Whether some lie in files.
    pub(super) fn is_large(&self) -> bool {
        !self.runs.is_empty()
    }

    /// All of them in order of time.
    ///
    /// # Errors
    /// A temporary file that cannot be read. So can each finding be that lies in one.
    pub(crate) fn in_order(mut self) -> Result<impl Iterator<Item = Result<Finding>>> {
        sort(&mut self.held);
        let held: Box<dyn Iterator<Item = Result<Found>>> = Box::new(self.held.into_iter().map(Ok));
        let mut runs: Vec<Run> = vec![held.peekable()];
        for mut file in self.runs {
            file.seek(SeekFrom::Start(0)).context(ASIDE)?;
            let lines: Lines<BufReader<File>> = BufReader::new(file).lines();
            let read = |line: std::io::Result<String>| Ok(serde_json::from_str(&line.context(ASIDE)?)?);
            let run: Box<dyn Iterator<Item = Result<Found>>> = Box::new(lines.map(read));
            runs.push(run.peekable());
        }
        Ok(std::iter::from_fn(move || first(&mut runs)))
    }

    fn spill(&mut self) -> Result<()> {
        sort(&mut self.held);
        let file = nameless(&self.folder)?;
        let mut out = BufWriter::new(&file);
        for found in self.held.drain(..) {
            serde_json::to_writer(&mut out, &found).context(ASIDE)?;
            out.write_all(b"\n").context(ASIDE)?;
        }
        out.flush().context(ASIDE)?;
        drop(out);
        self.runs.push(file);
        self.weight = 0;
        Ok(())
    }
}

/// What goes wrong with a file that has no name any more.
const ASIDE: &str = "findings put aside in the folder for temporary files";

fn sort(findings: &mut [Found]) {
    findings.sort_by(|a, b| a.place().cmp(&b.place()));
}

/// Takes the first finding of all runs. What cannot be read comes before everything else.
fn first(runs: &mut Vec<Run>) -> Option<Result<Finding>> {
    runs.retain_mut(|run| run.peek().is_some());
    let place = |run: &mut Run| match run.peek() {
        Some(Ok(found)) => Some(found.place()).map(|(time, id)| (time, id.to_owned())),
        _ => None,
    };
    let places: Vec<_> = runs.iter_mut().map(place).collect();
    let (position, _) = places.iter().enumerate().min_by(|(_, a), (_, b)| a.cmp(b))?;
    runs.get_mut(position)?.next().map(|found| found.map(Found::into_finding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Finding;

    #[test]
    fn what_lies_in_files_comes_out_in_order() {
        let finding = |time: i64, id: &str| -> Finding {
            serde_json::from_value(serde_json::json!({
                "id": id, "detector": "d", "title": "t", "level": "low", "notice": false,
                "time": crate::event::time::format(time), "account": "111122223333", "region": null, "principal": null,
                "credential": null, "source_ip": null, "event_ids": ["b", "a"], "attack": [], "reasons": [], "incident": null,
            }))
            .unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path());
        for times in [[5, 1], [4, 2], [3, 3]] {
            spool.take(times.map(|time| Found::new(finding(time, &format!("f{time}")))).into()).unwrap();
            if times != [3, 3] {
                spool.spill().unwrap();
            }
        }
        assert!(spool.is_large());
        let all: Vec<Finding> = spool.in_order().unwrap().map(Result::unwrap).collect();
        assert_eq!(all.iter().map(|finding| finding.time).collect::<Vec<_>>(), [1, 2, 3, 3, 4, 5]);
        assert!(all.iter().all(|finding| finding.event_ids.iter().map(|(_, id)| &**id).eq(["b", "a"])));
    }
}
