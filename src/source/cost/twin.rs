//! Reports that were saved twice: two files with the same line items, whatever else is different about them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

use super::folded::AllSeries;
use super::frame::Frame;
use super::layout::Identity;

/// Line items of a file that are compared.
const SAMPLE: usize = 1_000;

/// Fingerprints of the first line items of a file. AWS gives each line item an id, which is the same in every copy.
#[derive(Debug, Default)]
pub(super) struct Sample(pub(super) BTreeSet<u64>);

impl Sample {
    /// Out of comma-separated rows without header, whose last may be cut.
    pub(super) fn of_text(identity: Option<Identity>, rows: &[u8], separator: u8) -> Self {
        let Some(Identity { id, interval }) = identity else { return Self::default() };
        let rows = csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(rows);
        let items = rows.into_byte_records().take(SAMPLE).filter_map(|row| {
            let row = row.ok()?;
            let id = row.get(id).filter(|id| !id.is_empty())?;
            Some(fingerprint(id, interval.and_then(|interval| row.get(interval))))
        });
        Self(items.collect())
    }

    /// Out of a frame of the columns that [`Identity::columns`] names.
    pub(super) fn of_frame(identity: Identity, frame: &Frame) -> Self {
        let items = (0..frame.rows.min(SAMPLE)).filter_map(|row| {
            let id = frame.cell(0, row)?.as_bytes();
            let interval = identity.interval.and_then(|_| frame.cell(1, row)).map(str::as_bytes);
            Some(fingerprint(id, interval))
        });
        Self(items.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of a line item. The same on every machine, because files that are compared may be read on different ones.
fn fingerprint(id: &[u8], interval: Option<&[u8]>) -> u64 {
    let mut hash = Sha256::new();
    hash.update((id.len() as u64).to_le_bytes());
    hash.update(id);
    if let Some(interval) = interval {
        hash.update([1]);
        hash.update(interval);
    }
    hash.finalize().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// A report that is read, before it is known whether another file holds the same.
pub(super) struct Report {
    pub(super) name: String,
    pub(super) series: AllSeries,
    /// Rows that it would enter.
    pub(super) rows: u64,
    pub(super) sample: Sample,
}

/// Parts reports from those that a larger one says again, given with the name of that one.
pub(super) fn part(mut reports: Vec<Report>) -> (Vec<Report>, Vec<(Report, String)>) {
    reports.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    let mut owners: HashMap<u64, usize> = HashMap::new();
    let (mut kept, mut twins): (Vec<Report>, Vec<(Report, String)>) = (Vec::new(), Vec::new());
    for report in reports {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for owner in report.sample.0.iter().filter_map(|item| owners.get(item)) {
            *shared.entry(*owner).or_default() += 1;
        }
        let most = shared.into_iter().max_by_key(|(owner, count)| (*count, Reverse(*owner)));
        let twin = most.filter(|(_, count)| 2 * count > report.sample.0.len()).and_then(|(owner, _)| kept.get(owner));
        match twin.map(|twin| twin.name.clone()) {
            Some(twin) => twins.push((report, twin)),
            None => {
                for item in &report.sample.0 {
                    owners.entry(*item).or_insert(kept.len());
                }
                kept.push(report);
            }
        }
    }
    (kept, twins)
}
