//! A baseline as a file: a header line, then one JSON line a fact, sorted, so that equal baselines are equal files.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Baseline, Days, Family, family, widen};
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

    /// Whose habit it is, where it is one.
    pub(super) fn habit(&self) -> Option<Habit<'_>> {
        match self {
            Self::Principal { principal, last, .. } => Some(Habit { account: "", principal, last: *last }),
            Self::Seen { tuple, principal, last, .. } => {
                Some(Habit { account: family::account(tuple), principal, last: *last })
            }
            Self::Account { .. } | Self::Born { .. } | Self::Tainted { .. } => None,
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
    let seen = baseline.tuples.iter().flat_map(|((family, tuple), principals)| {
        principals.iter().map(move |(principal, days)| {
            let (_, first, last) = days.parts();
            Fact::Seen {
                family: *family,
                tuple: tuple.clone(),
                principal: principal.to_string(),
                days: written(days.recent()),
                first,
                last,
            }
        })
    });
    accounts.chain(principals).chain(born).chain(tainted).chain(seen).collect()
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
            let known = baseline.tuples.entry((family, tuple)).or_default().entry(Arc::from(principal)).or_default();
            known.merge(&Days::from_parts(&blocks, first, last));
        }
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
