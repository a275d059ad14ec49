//! Bills put together: which of them count, and what they come to.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use rust_decimal::Decimal;

use super::super::object::Object;
use super::answers::Answers;
use super::folded::{AllSeries, Bill, Body, Folded, Outcome, Piece};
use super::overlap::Sources;
use super::twin::{self, Report};
use super::{Bills, anomalies, assembly};
use crate::cost::Ledger;
use crate::cost::ledger::{Entry, latest};
use crate::model::Skipped;

/// Puts together what each of some objects comes to, which `fold` gives of those that count, by position and in order.
/// `newest` are the ids of deliveries that manifests name.
pub(super) fn join(
    objects: &[Object],
    newest: &BTreeSet<String>,
    mut fold: impl FnMut(usize) -> Option<Folded>,
) -> Bills {
    let choice = assembly::choose(objects, newest);
    let mut join = Join::default();
    for (position, object) in objects.iter().enumerate() {
        if let Some(newer) = choice.superseded.get(&position) {
            join.superseded(object.name(), format!("superseded by {newer}"));
        } else if let Some(kept) = choice.doubtful.get(&position) {
            let why = "one of several deliveries of a billing period, and nothing tells which is the newest";
            join.skip(object.name(), format!("{why}: the largest, {kept}, is read"));
        } else if let Some(pieces) = fold(position).and_then(|folded| folded.pieces) {
            pieces.into_iter().for_each(|piece| join.take(piece));
        } else {
            join.skip(object.name(), "left unread for another delivery, which is not among the bills".to_owned());
        }
    }
    join.finish()
}

/// Brings bills that were folded apart into their order, and leaves each once. The objects stand for them.
pub(super) fn once(folded: Vec<Folded>) -> (Vec<Object>, Vec<Option<Folded>>) {
    let object = |folded: &Folded| Object::file(PathBuf::from(&folded.name), folded.bytes);
    let mut all: Vec<(Object, Folded)> = folded.into_iter().map(|folded| (object(&folded), folded)).collect();
    all.sort_by(|(a, own), (b, other)| a.order(b).then_with(|| own.identity().cmp(&other.identity())));
    // What is not read comes first of those of one name, and gives way to any that is.
    all.dedup_by(|(_, later), (_, first)| {
        let (own, kept) = (later.identity(), first.identity());
        let same = later.name == first.name && (own.0, own.1) == (kept.0, kept.1);
        let again = same && (own.2 == kept.2 || kept.2.is_none());
        if again {
            drop((own, kept));
            std::mem::swap(later, first);
        }
        again
    });
    all.into_iter().map(|(object, folded)| (object, Some(folded))).unzip()
}

/// Everything that was put together so far.
#[derive(Default)]
struct Join {
    bills: Bills,
    /// What says the whole of a day again. Kept apart from line items until the end, so that no order matters.
    statements: Ledger,
    answers: Answers,
    sources: Sources,
    /// Reports that name their line items, until all are known.
    reports: Vec<Report>,
    /// Fingerprints of contents, with the file that was the first with it.
    known: HashMap<[u8; 32], String>,
}

impl Join {
    fn take(&mut self, piece: Piece) {
        let Piece { name, outcome } = piece;
        match outcome {
            Outcome::Skipped(why) => self.skip(&name, why),
            Outcome::Bill(bill) => match self.known.get(&bill.fingerprint) {
                Some(first) => {
                    let why = format!("the same content as {first}");
                    self.bills.rows += bill.rows;
                    self.bills.duplicate += bill.rows;
                    self.superseded(&name, why);
                }
                None => {
                    self.known.insert(bill.fingerprint, name.clone());
                    self.bill(&name, *bill);
                }
            },
        }
    }

    fn bill(&mut self, name: &str, bill: Bill) {
        let Bill { counts, body, .. } = bill;
        self.bills.rows += counts.rows;
        self.bills.duplicate += counts.duplicate;
        self.bills.malformed += counts.malformed;
        match body {
            Body::Table { series, entry, sample } if sample.is_empty() => {
                self.bills.duplicate += self.absorb(series, entry);
            }
            Body::Table { series, sample, .. } => {
                let rows = counts.rows - counts.malformed;
                self.reports.push(Report { name: name.to_owned(), series, rows, sample });
            }
            Body::Json { answers, anomalies } => {
                self.bills.duplicate += self.answers.absorb(answers, name, &mut self.sources);
                self.bills.anomalies.extend(anomalies);
            }
        }
        if let Some(why) = counts.complaint() {
            self.skip(name, why);
        }
    }

    /// Takes over what a file was folded to; gives how many amounts were known.
    fn absorb(&mut self, all: AllSeries, entry: Entry) -> u64 {
        let ledger = match entry {
            Entry::LineItem => &mut self.bills.ledger,
            Entry::Statement => &mut self.statements,
        };
        all.into_iter().map(|(series, sightings)| ledger.absorb(series, sightings, entry)).sum()
    }

    fn skip(&mut self, path: &str, why: String) {
        self.bills.skipped.push(Skipped { path: path.to_owned(), why });
    }

    fn superseded(&mut self, path: &str, why: String) {
        self.bills.superseded.push(Skipped { path: path.to_owned(), why });
    }

    fn finish(mut self) -> Bills {
        let (reports, twins) = twin::part(std::mem::take(&mut self.reports));
        for report in reports {
            self.absorb(report.series, Entry::LineItem);
        }
        for (report, kept) in twins {
            self.bills.duplicate += report.rows;
            self.superseded(
                &report.name,
                format!("the same line items as {kept}, which has no fewer rows and is read"),
            );
        }
        let Self { mut bills, mut statements, answers, sources, .. } = self;
        let entered = answers.enter(&sources, &mut statements, &bills.ledger);
        bills.duplicate += entered.dropped;
        bills.superseded.extend(entered.superseded);
        for (series, sightings) in statements.into_series() {
            bills.ledger.absorb(series, sightings, Entry::Statement);
        }
        for (series, sightings) in bills.ledger.series() {
            let sum: Decimal = latest(sightings).map(|sighting| sighting.amount).sum();
            *bills.totals.entry((series.currency.to_string(), series.record_type)).or_default() += sum;
        }
        anomalies::sort(&mut bills.anomalies);
        bills
    }
}
