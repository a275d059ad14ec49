//! One day as bytes. Texts are written once and named by their position.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::daily::{Cell, Daily, Who};
use crate::event::Seconds;

const KIND: &str = "stakeout-habits";
const VERSION: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    version: u32,
    is_crowded: bool,
    texts: Vec<String>,
    cells: Vec<Row>,
}

/// Counts of texts, by their positions.
type Counts = Vec<(usize, u64)>;

/// Key, ARN, credential, network, agent; hours; refused and writes; last; actions; regions.
#[derive(Serialize, Deserialize)]
struct Row([usize; 5], [u64; 24], [u64; 2], Option<Seconds>, Counts, Counts);

/// Texts with their positions.
#[derive(Default)]
struct Texts<'a> {
    known: HashMap<&'a str, usize>,
    all: Vec<String>,
}

impl<'a> Texts<'a> {
    fn position(&mut self, text: &'a str) -> usize {
        let all = &mut self.all;
        *self.known.entry(text).or_insert_with(|| {
            all.push(text.to_owned());
            all.len() - 1
        })
    }

    fn counts(&mut self, counts: &'a BTreeMap<String, u64>) -> Counts {
        counts.iter().map(|(text, count)| (self.position(text), *count)).collect()
    }
}

/// Writes a day. It is to be bounded before.
///
/// # Errors
/// None that input could cause.
pub(crate) fn encode(daily: &Daily) -> Result<Vec<u8>> {
    let mut texts = Texts::default();
    let cells = daily.cells.iter().map(|(who, cell)| row(who, cell, &mut texts)).collect();
    let file = File { kind: KIND.to_owned(), version: VERSION, is_crowded: daily.is_crowded, texts: texts.all, cells };
    serde_json::to_vec(&file).context("habits")
}

fn row<'a>(who: &'a Who, cell: &'a Cell, texts: &mut Texts<'a>) -> Row {
    let names = [&who.key, &who.arn, &who.credential, &who.network, &who.agent].map(|text| texts.position(text));
    let (actions, regions) = (texts.counts(&cell.actions), texts.counts(&cell.regions));
    Row(names, cell.hours, [cell.refused, cell.writes], cell.last, actions, regions)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// Bytes that are something else, of another version, or damaged.
pub(crate) fn decode(bytes: &[u8]) -> Result<Daily> {
    let file: File = serde_json::from_slice(bytes).context("habits")?;
    if file.kind != KIND || file.version != VERSION {
        bail!("{} of version {}; this program reads {KIND} of version {VERSION}", file.kind, file.version);
    }
    let text = |position: usize| file.texts.get(position).cloned().context("a position beyond the texts");
    let counts = |counts: Counts| -> Result<BTreeMap<String, u64>> {
        counts.into_iter().map(|(position, count)| Ok((text(position)?, count))).collect()
    };
    let mut daily = Daily { is_crowded: file.is_crowded, ..Daily::default() };
    for Row([key, arn, credential, network, agent], hours, [refused, writes], last, actions, regions) in file.cells {
        let who = Who {
            key: text(key)?,
            arn: text(arn)?,
            credential: text(credential)?,
            network: text(network)?,
            agent: text(agent)?,
        };
        let (actions, regions) = (counts(actions)?, counts(regions)?);
        daily.cells.insert(who, Cell { hours, refused, writes, last, actions, regions });
    }
    Ok(daily)
}
