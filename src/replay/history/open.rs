//! Parts that are given to a reduce: which can be used, which are missing, and whether they belong together.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::thread;

use anyhow::{Result, anyhow, bail};

use super::super::parts::Share;
use super::super::parts::directory::{Terms, name_of};
use super::super::parts::read::{self, JudgedFile, Opened, PartFile};
use crate::detect::Rules;
use crate::model::Skipped;
use crate::replay::map::Range;
use crate::source::Folded;

/// Hashes of objects that are compared to find those that two parts cover.
const MOST_COMPARED: u64 = 10_000_000;
/// Parts that are opened at the same time.
const ABREAST: usize = 16;

/// The parts of one reduce.
pub(crate) struct Given {
    pub(super) parts: Vec<PartFile>,
    pub(super) judged: Vec<JudgedFile>,
    /// What cannot be read, and shares that are missing.
    pub(super) skipped: Vec<Skipped>,
    /// What a person may want to know.
    pub remarks: Vec<String>,
    /// Names all that is reduced: shares of the groups belong together where they were judged from the same.
    pub(super) job: String,
}

/// Opens parts by their names.
///
/// # Errors
/// Parts that do not belong together, or not to these rules; the part and the difference are named.
pub(crate) fn open(names: &[String], rules: &Rules) -> Result<Given> {
    let mut given =
        Given { parts: Vec::new(), judged: Vec::new(), skipped: Vec::new(), remarks: Vec::new(), job: String::new() };
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut range: Option<Range> = None;
    for (name, opened) in names.iter().zip(opened(names)?) {
        let opened = match opened {
            Ok(opened) => opened,
            Err(why) => {
                given.skipped.push(Skipped { path: name.clone(), why: format!("{why:#}") });
                continue;
            }
        };
        let (id, terms) = match &opened {
            Opened::Part(part) => (part.id.clone(), &part.directory.terms),
            Opened::Judged(part) => (part.id.clone(), &part.directory.terms),
        };
        if let Some(first) = known.get(&id) {
            given.remarks.push(format!("{name}: the same part as {first}, and used once"));
            let first = given.parts.iter_mut().find(|part| part.id == id);
            if let (Opened::Part(copy), Some(first)) = (opened, first) {
                first.add_copy(*copy);
            }
            continue;
        }
        known.insert(id, name.clone());
        let expected = Terms::of(rules, *range.get_or_insert(terms.range()));
        if let Some(difference) = expected.difference(terms) {
            bail!("{name}: a part that was made {difference}");
        }
        match opened {
            Opened::Part(part) => given.parts.push(*part),
            Opened::Judged(part) => given.judged.push(*part),
        }
    }
    if let (Some(part), Some(judged)) = (given.parts.first(), given.judged.first()) {
        bail!("{}: a judged part, and {} is none; they cannot be reduced together", judged.name, part.name);
    }
    // Their order must not show.
    given.parts.sort_by(|a, b| a.id.cmp(&b.id));
    given.judged.sort_by(|a, b| a.id.cmp(&b.id));
    given.look_for_missing()?;
    given.job = given.job();
    Ok(given)
}

/// Opens parts side by side: in S3 each takes a while.
fn opened(names: &[String]) -> Result<Vec<Result<Opened>>> {
    let share = names.len().div_ceil(ABREAST).max(1);
    thread::scope(|scope| {
        let open = |names: &[String]| -> Vec<Result<Opened>> { names.iter().map(|name| read::open(name)).collect() };
        let workers: Vec<_> = names.chunks(share).map(|names| scope.spawn(move || open(names))).collect();
        let mut all = Vec::with_capacity(names.len());
        for worker in workers {
            all.extend(worker.join().map_err(|_| anyhow!("a reader thread panicked"))?);
        }
        Ok(all)
    })
}

impl Given {
    /// Whether the parts are judged already.
    pub(crate) fn is_judged(&self) -> bool {
        !self.judged.is_empty()
    }

    /// Whether bills are among them.
    pub(crate) fn has_bills(&self) -> bool {
        self.parts.iter().any(PartFile::has_bills)
    }

    /// The bills of all parts, each as it was folded. A part of whose bills one cannot be read is named; its others count.
    pub(crate) fn bills(&mut self) -> Vec<Folded> {
        let mut all = Vec::new();
        for part in &self.parts {
            let bills = part
                .bills()
                .map_or_else(|why| vec![Err(why)], |bills| bills.iter().map(|bytes| Folded::decode(bytes)).collect());
            for bill in bills {
                match bill {
                    Ok(bill) => all.push(bill),
                    Err(why) => {
                        let why = format!("damaged: its bills: {why:#}");
                        self.skipped.push(Skipped { path: part.name.clone(), why });
                    }
                }
            }
        }
        all
    }

    /// The range that all parts were made for.
    pub(super) fn range(&self) -> Range {
        let all = Range { start: i64::MIN, end: i64::MAX };
        let terms = self.parts.first().map(|part| &part.directory.terms);
        terms.or(self.judged.first().map(|part| &part.directory.terms)).map_or(all, Terms::range)
    }

    /// Names all that is reduced.
    fn job(&self) -> String {
        let skipped = self.skipped.iter().flat_map(|skipped| [skipped.path.as_bytes(), skipped.why.as_bytes()]);
        name_of(self.parts.iter().map(|part| part.id.as_bytes()).chain(skipped))
    }

    /// Names shares that no part holds.
    fn look_for_missing(&mut self) -> Result<()> {
        let judged: BTreeSet<&str> = self.judged.iter().map(|part| part.directory.job.as_str()).collect();
        if judged.len() > 1 {
            let names: Vec<&str> = self.judged.iter().map(|part| part.name.as_str()).collect();
            bail!("{}: judged from different parts, so they cannot be put together", names.join(", "));
        }
        let of_parts = self.parts.iter().map(|part| (&part.directory.job, part.directory.share, "input"));
        let of_judged = self.judged.iter().map(|part| (&part.directory.job, part.directory.share, "groups"));
        let mut jobs: BTreeMap<(&str, usize, &str), BTreeSet<usize>> = BTreeMap::new();
        for (job, share, what) in of_parts.chain(of_judged) {
            let known = jobs.entry((job.as_str(), share.of, what)).or_default();
            if !known.insert(share.number) && what == "groups" {
                bail!("share {share} of the groups is there twice, and differs");
            }
        }
        for ((job, of, what), numbers) in jobs {
            for number in (1..=of).filter(|number| !numbers.contains(number)) {
                let path = format!("share {} of job {job}", Share { number, of });
                self.skipped.push(Skipped { path, why: format!("no part holds this share of the {what}") });
            }
        }
        Ok(())
    }

    /// Remarks on objects that two parts cover, and names parts whose list of objects is damaged. That reads a piece of
    /// every part, and is done once and not for each share of the groups.
    pub(crate) fn look_for_overlaps(&mut self) {
        let total: u64 = self.parts.iter().map(|part| part.directory.objects).sum();
        let is_compared = total <= MOST_COMPARED;
        let mut seen: HashSet<u64, ahash::RandomState> = HashSet::default();
        let mut twice = 0_u64;
        for part in &self.parts {
            match part.objects() {
                Ok(hashes) if is_compared => {
                    // A path that one command names twice is there twice.
                    let hashes: BTreeSet<u64> = hashes.into_iter().collect();
                    twice += hashes.into_iter().filter(|hash| !seen.insert(*hash)).count() as u64;
                }
                Ok(_) => {}
                Err(why) => {
                    let why = format!("damaged: its list of objects: {why:#}");
                    self.skipped.push(Skipped { path: part.name.clone(), why });
                }
            }
        }
        if twice > 0 {
            let what = if twice == 1 { "object is" } else { "objects are" };
            self.remarks.push(format!("{twice} {what} covered by two parts; their records count as duplicates"));
        }
        if !is_compared {
            self.remarks.push(format!("{total} objects: too many to look for those that two parts cover"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::history::reduce;
    use crate::replay::part::Counts;
    use crate::replay::parts::directory::Directory;
    use crate::replay::parts::write::Writer;
    use crate::source::{fold_bills, join_bills};

    #[test]
    fn a_bill_that_is_none_is_named_and_loses_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(at("costs.csv"), include_bytes!("../../../fixtures/night/costs.csv")).unwrap();
        let bill = fold_bills(&[at("costs.csv")], 1 << 20, (1, 1)).unwrap().remove(0).encode();
        let rules = Rules::load(&[]).unwrap();
        let terms = Terms::of(&rules, Range { start: i64::MIN, end: i64::MAX });
        let (name, share) = (at("1.part"), Share { number: 1, of: 1 });
        let writer = Writer::new(&name, &[], &[b"no bill".to_vec(), bill], 1).unwrap();
        writer.finish(Directory::new(terms, "job".to_owned(), share, Counts::default())).unwrap();
        let mut given = open(std::slice::from_ref(&name), &rules).unwrap();
        let bills = join_bills(given.bills());
        let report = reduce(&given, &rules, None, &bills, folder.path()).unwrap().report;
        assert!(report.summary.cost.is_some(), "the other bill");
        let [skipped] = report.summary.skipped.as_slice() else { panic!("{:?}", report.summary.skipped) };
        assert_eq!(skipped.path, name);
        assert!(skipped.why.starts_with("damaged: its bills: "), "{}", skipped.why);
    }
}
