//! A baseline as a file: a header line, then one JSON line a fact, sorted, so that equal baselines are equal files.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Baseline, Days, Family, Measure, Voice, family, peaks, widen};
use crate::event::Seconds;

const KIND: &str = "stakeout-baseline";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: String,
    version: u32,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(tag = "fact", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Fact {
    Account { account: String, first: Seconds, last: Seconds },
    Principal { principal: String, first: Seconds, last: Seconds },
    Born { principal: String, at: Seconds },
    Tainted { principal: String, since: Seconds },
    Seen { family: Family, tuple: String, principal: String, days: String, first: Seconds, last: Seconds },
    Measured { account: String, since: Seconds, days: String, first: Seconds, last: Seconds },
    Spoke(Spoke),
    Peak { tuple: String, principal: String, what: String, days: String },
    Privileged { account: String, name: String, since: Seconds },
    Trail { account: String, part: String, since: Seconds },
}

/// When a region, a service or a principal spoke.
#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(super) struct Spoke {
    account: String,
    voice: Voice,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    called: Option<String>,
    days: String,
    first: Seconds,
    last: Seconds,
}

/// Whose habit a fact is.
pub(super) struct Habit<'f> {
    /// Where; empty for what is known of a principal over all accounts.
    pub account: &'f str,
    pub principal: &'f str,
    /// When it was seen last.
    pub last: Seconds,
}

impl Fact {
    /// Whether it says nothing any more about what is after a time: whoever was born before is grown up.
    pub(super) fn is_over(&self, before: Seconds) -> bool {
        matches!(self, Self::Born { at, .. } if *at < before)
    }

    /// Whether it tells something that is asked about after months.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self, Self::Seen { family, .. } if family.is_lasting())
    }

    /// Whether there are never many of its kind.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self, Self::Seen { family, .. } if family.is_open())
    }

    /// Whose habit it is, where it is one.
    pub(super) fn habit(&self) -> Option<Habit<'_>> {
        match self {
            Self::Principal { principal, last, .. } => Some(Habit { account: "", principal, last: *last }),
            Self::Seen { tuple, principal, last, .. } => {
                Some(Habit { account: family::account(tuple), principal, last: *last })
            }
            Self::Spoke(Spoke { account, voice, name, last, .. }) => {
                let principal = if *voice == Voice::Principal { name } else { "" };
                Some(Habit { account, principal, last: *last })
            }
            Self::Peak { tuple, principal, days, .. } => {
                let last = peaks::read(days).map_or(0, |days| peaks::end(&days));
                Some(Habit { account: family::account(tuple), principal, last })
            }
            Self::Account { .. }
            | Self::Born { .. }
            | Self::Tainted { .. }
            | Self::Measured { .. }
            | Self::Privileged { .. }
            | Self::Trail { .. } => None,
        }
    }
}

/// Writes a baseline.
///
/// # Errors
/// What the file system says, with the path.
pub(crate) fn save(baseline: &Baseline, path: &Path) -> Result<()> {
    let shown = || path.display().to_string();
    let mut out = BufWriter::new(File::create(path).with_context(shown)?);
    write(facts(baseline), &mut out).and_then(|()| Ok(out.flush()?)).with_context(shown)
}

/// Writes facts, sorted, behind a header.
pub(super) fn write(mut facts: Vec<Fact>, out: &mut dyn Write) -> Result<()> {
    facts.sort();
    serde_json::to_writer(&mut *out, &Header { kind: KIND.to_owned(), version: VERSION })?;
    for fact in facts {
        writeln!(out)?;
        serde_json::to_writer(&mut *out, &fact)?;
    }
    Ok(writeln!(out)?)
}

/// Reads a baseline.
///
/// # Errors
/// A file that cannot be read, is no baseline, is of another version, or has an unreadable line, with path and line.
pub(crate) fn load(path: &Path) -> Result<Baseline> {
    let shown = path.display().to_string();
    let mut baseline = Baseline::default();
    read(BufReader::new(File::open(path).with_context(|| shown.clone())?), &shown, &mut baseline)?;
    Ok(baseline)
}

/// Reads a baseline, or a part of one, into another.
///
/// # Errors
/// As [`load`]; what is read is called by a name.
pub(super) fn read(input: impl BufRead, shown: &str, baseline: &mut Baseline) -> Result<()> {
    let mut lines = input.lines();
    let first = lines.next().transpose().with_context(|| shown.to_owned())?.unwrap_or_default();
    match serde_json::from_str::<Header>(&first) {
        Ok(header) if header.kind == KIND && header.version == VERSION => {}
        Ok(header) if header.kind == KIND => {
            bail!("{shown}: a baseline of version {}; this program reads version {VERSION}", header.version)
        }
        _ => bail!("{shown}: not a baseline"),
    }
    for (number, line) in lines.enumerate() {
        let place = || format!("{shown}:{}", number + 2);
        let fact = serde_json::from_str(&line.with_context(place)?).with_context(place)?;
        restore(baseline, fact).with_context(place)?;
    }
    Ok(())
}

pub(super) fn facts(baseline: &Baseline) -> Vec<Fact> {
    let accounts = baseline.accounts.iter().map(|(account, (first, last))| Fact::Account {
        account: account.clone(),
        first: *first,
        last: *last,
    });
    let principals = baseline.principals.iter().map(|(principal, (first, last))| Fact::Principal {
        principal: principal.to_string(),
        first: *first,
        last: *last,
    });
    let born = baseline.born.iter().map(|(principal, at)| Fact::Born { principal: principal.clone(), at: *at });
    let tainted =
        baseline.tainted.iter().map(|(principal, at)| Fact::Tainted { principal: principal.clone(), since: *at });
    let tuples = baseline.tuples.iter().flat_map(|(family, tuples)| tuples.iter().map(move |known| (family, known)));
    let seen = tuples.flat_map(|(family, (tuple, principals))| {
        principals.iter().map(move |(principal, days)| {
            let crowded = baseline.crowded(*family, tuple, principal, days);
            let (blocks, first, last) = crowded.as_ref().map_or_else(|| days.recent(), Days::parts);
            Fact::Seen {
                family: *family,
                tuple: tuple.clone(),
                principal: principal.to_string(),
                days: written(blocks),
                first,
                last,
            }
        })
    });
    let privileged = baseline.privileged.iter().map(|((account, name), since)| Fact::Privileged {
        account: account.clone(),
        name: name.clone(),
        since: *since,
    });
    let peaks = baseline.peaks.iter().map(|(measure, days)| Fact::Peak {
        tuple: measure.tuple.clone(),
        principal: measure.principal.clone(),
        what: measure.what.clone(),
        days: peaks::written(days),
    });
    let trails = baseline.trails.iter().map(|(account, part, since)| Fact::Trail {
        account: account.to_owned(),
        part: part.to_owned(),
        since,
    });
    let known = accounts.chain(principals).chain(born).chain(tainted).chain(seen);
    known.chain(privileged).chain(trails).chain(peaks).chain(spoken(baseline)).collect()
}

fn spoken(baseline: &Baseline) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (account, voices) in baseline.voices() {
        let (account, (_, first, last)) = (account.to_owned(), voices.all.parts());
        let days = written(voices.all.recent().0);
        facts.push(Fact::Measured { account: account.clone(), since: voices.since, days, first, last });
        for voice in [Voice::Region, Voice::Service, Voice::Principal] {
            facts.extend(voices.of(voice).into_iter().map(|(name, (days, called))| {
                let (_, first, last) = days.parts();
                let called = (called != name).then(|| called.to_owned());
                let (account, name, days) = (account.clone(), name.to_owned(), written(days.recent().0));
                Fact::Spoke(Spoke { account, voice, name, called, days, first, last })
            }));
        }
    }
    facts
}

fn restore(baseline: &mut Baseline, fact: Fact) -> Result<()> {
    match fact {
        Fact::Account { account, first, last } => {
            widen(baseline.accounts.entry(account).or_insert((first, last)), first, last)
        }
        Fact::Principal { principal, first, last } => {
            widen(baseline.principals.entry(Arc::from(principal)).or_insert((first, last)), first, last)
        }
        Fact::Born { principal, at } => baseline.born(&principal, at),
        Fact::Tainted { principal, since } => baseline.taint(&principal, since),
        Fact::Seen { family, tuple, principal, days, first, last } => {
            let blocks = blocks(&days).context("days")?;
            let days = Days::from_parts(&blocks, first, last);
            baseline.see(family, &tuple, &Arc::from(principal), |known| known.merge(&days));
        }
        Fact::Measured { account, since, days, first, last } => {
            let voices = baseline.voices.entry(account).or_default();
            voices.all.merge(&Days::from_parts(&blocks(&days).context("days")?, first, last));
            voices.since = voices.since.min(since);
        }
        Fact::Spoke(Spoke { account, voice, name, called, days, first, last }) => {
            let days = Days::from_parts(&blocks(&days).context("days")?, first, last);
            baseline.voices.entry(account).or_default().add(voice, &name, called.as_deref(), &days);
        }
        Fact::Peak { tuple, principal, what, days } => {
            let measure = Measure { tuple, principal, what };
            for (day, count) in peaks::read(&days).with_context(|| format!("{days}: no days with counts"))? {
                baseline.peaks.raise(&measure, day, count);
            }
        }
        Fact::Privileged { account, name, since } => baseline.give_all_rights(&account, &name, since),
        Fact::Trail { account, part, since } => baseline.trails.learn(&account, &part, since),
    }
    Ok(())
}

/// Blocks of days as text: number and bitmap in hexadecimal, as in `154:1f0;155:3`.
fn written(blocks: &[(i32, u128)]) -> String {
    let blocks: Vec<_> = blocks.iter().map(|(block, bits)| format!("{block}:{bits:x}")).collect();
    blocks.join(";")
}

fn blocks(text: &str) -> Result<Vec<(i32, u128)>> {
    text.split(';')
        .map(|part| {
            let (block, bits) = part.split_once(':').with_context(|| format!("{part}: no block of days"))?;
            let number = block.parse().with_context(|| format!("{block}: no number of a block"))?;
            Ok((number, u128::from_str_radix(bits, 16).with_context(|| format!("{bits}: no bitmap"))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_as_written() {
        let days = [(-1, 1_u128 << 127), (154, 0x1f0), (155, 3)];
        assert_eq!(written(&days[1..]), "154:1f0;155:3");
        assert_eq!(blocks(&written(&days)).ok(), Some(days.to_vec()));
        for bad in ["", "1f0", "x:1", "1:x", "1:1;"] {
            assert!(blocks(bad).is_err(), "{bad}");
        }
    }
}
