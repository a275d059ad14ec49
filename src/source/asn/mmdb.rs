//! MaxMind's binary form: a tree of bits of addresses, whose leaves point to data.
//! <https://maxmind.github.io/MaxMind-DB/>

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};

use crate::event::networks::{Draft, Span};

const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// The marker is among the last so many bytes.
const METADATA: usize = 128 << 10;
/// Zeroes between tree and data.
const GAP: usize = 16;
/// Data is not nested deeper.
const DEEPEST: u8 = 16;
/// IPv4 addresses are behind so many zero bits of the tree of a database of both kinds.
const ZEROES: u8 = 96;

/// Whether a file is such a database.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    marker(bytes).is_some()
}

fn marker(bytes: &[u8]) -> Option<usize> {
    let from = bytes.len().saturating_sub(METADATA);
    let found = bytes.get(from..)?.windows(MARKER.len()).rposition(|window| window == MARKER)?;
    Some(from + found)
}

/// Adds all networks of a database.
///
/// # Errors
/// Bytes that are no such database, or one that holds nothing about operators or countries.
pub(super) fn read(bytes: &[u8], draft: &mut Draft) -> Result<()> {
    let at = marker(bytes).context("it has no metadata")?;
    let metadata = Data { bytes: bytes.get(at + MARKER.len()..).unwrap_or_default() };
    let number = |name: &str| metadata.number(0, &[name]).and_then(|number| usize::try_from(number).ok());
    let nodes = number("node_count").context("its metadata names no node_count")?;
    let bits = number("record_size").filter(|bits| [24, 28, 32].contains(bits));
    let bits = bits.context("its record_size is not 24, 28 or 32")?;
    let is_six = number("ip_version").context("its metadata names no ip_version")? == 6;
    let size = nodes
        .checked_mul(bits / 4)
        .filter(|size| size.checked_add(GAP).is_some_and(|end| end <= at))
        .context("its tree is cut off")?;
    let data = Data { bytes: bytes.get(size + GAP..at).unwrap_or_default() };
    let mut walk =
        Walk { tree: Tree { bytes, nodes, bits }, data, known: HashMap::new(), four: None, draft, found: 0, seen: 0 };
    if is_six {
        walk.four = walk.tree.descend(ZEROES);
        walk.six()?;
    } else {
        walk.subtree(0, 0, 0, 32)?;
    }
    if walk.found == 0 {
        bail!("it says nothing about operators or countries");
    }
    Ok(())
}

/// Nodes of two records each.
struct Tree<'b> {
    bytes: &'b [u8],
    nodes: usize,
    bits: usize,
}

impl Tree<'_> {
    /// The left or right record of a node.
    fn record(&self, node: usize, right: bool) -> Option<usize> {
        let size = self.bits / 4;
        let node = self.bytes.get(node.checked_mul(size)?..)?.get(..size)?;
        let whole = |bytes: &[u8]| bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let half = size / 2;
        if self.bits == 28 {
            let middle = usize::from(*node.get(3)?);
            return Some(match right {
                false => (middle >> 4) << 24 | whole(node.get(..3)?),
                true => (middle & 0xf) << 24 | whole(node.get(4..)?),
            });
        }
        Some(whole(if right { node.get(half..)? } else { node.get(..half)? }))
    }

    /// The node behind so many zero bits; none where the tree ends before.
    fn descend(&self, zeroes: u8) -> Option<usize> {
        (0..zeroes).try_fold(0, |node, _| self.record(node, false).filter(|next| *next < self.nodes))
    }
}

/// What data says of a network.
#[derive(Debug, Clone, Default)]
struct Said {
    operator: Option<(u32, String)>,
    country: Option<String>,
}

struct Walk<'b, 'd> {
    tree: Tree<'b>,
    data: Data<'b>,
    /// By offset: many networks share what is said of them.
    known: HashMap<usize, Said>,
    /// The node under which IPv4 is.
    four: Option<usize>,
    draft: &'d mut Draft,
    found: usize,
    /// Nodes that were walked over.
    seen: usize,
}

impl Walk<'_, '_> {
    /// IPv4, then IPv6 without the places of the tree that stand for IPv4 once more.
    fn six(&mut self) -> Result<()> {
        if let Some(four) = self.four {
            self.subtree(four, 0, 0, 32)?;
        }
        self.subtree(0, 0, 0, 128)
    }

    /// All networks under a node, whose bits so far are the highest of `address`.
    fn subtree(&mut self, root: usize, address: u128, depth: u8, width: u8) -> Result<()> {
        let mut waiting = vec![(root, address, depth)];
        while let Some((node, address, depth)) = waiting.pop() {
            self.seen += 1;
            if self.seen > self.tree.nodes.saturating_mul(2) {
                bail!("its tree leads back into itself");
            }
            if depth >= width {
                bail!("its tree is deeper than an address has bits");
            }
            for right in [true, false] {
                let next = self.tree.record(node, right).context("its tree is cut off")?;
                let address = address | u128::from(right) << (width - 1 - depth);
                if next < self.tree.nodes {
                    let is_four = width == 128 && Some(next) == self.four;
                    if !is_four {
                        waiting.push((next, address, depth + 1));
                    }
                } else if next > self.tree.nodes {
                    self.leaf(next - self.tree.nodes, address, depth + 1, width)?;
                }
            }
        }
        Ok(())
    }

    fn leaf(&mut self, offset: usize, address: u128, length: u8, width: u8) -> Result<()> {
        let rest = (1_u128 << (width - length)) - 1;
        let span = match width {
            32 => Span::Four(u32::try_from(address)?, u32::try_from(address | rest)?),
            _ => Span::six(address, address | rest),
        };
        let at = offset.checked_sub(GAP).context("a network without data")?;
        let data = &self.data;
        let said = self.known.entry(at).or_insert_with(|| data.said(at));
        self.found += usize::from(said.operator.is_some() || said.country.is_some());
        if let Some((asn, name)) = &said.operator {
            self.draft.operator(span, *asn, name);
        }
        if let Some(country) = &said.country {
            self.draft.country(span, country);
        }
        Ok(())
    }
}

/// The data section: values that tell their kind and size themselves.
struct Data<'b> {
    bytes: &'b [u8],
}

/// A value's kind, its size (of a map or list the number of its members), and where its content begins.
struct Head {
    kind: u8,
    size: usize,
    at: usize,
}

const POINTER: u8 = 1;
const TEXT: u8 = 2;
const MAP: u8 = 7;
const LIST: u8 = 11;
/// Unsigned numbers of 16, 32, 64 and 128 bits.
const NUMBERS: [u8; 4] = [5, 6, 9, 10];
/// True or false, which have no content.
const BOOLEAN: u8 = 14;

impl<'b> Data<'b> {
    fn said(&self, at: usize) -> Said {
        let number = self.number(at, &["autonomous_system_number"]);
        let name = self.text(at, &["autonomous_system_organization"]).unwrap_or_default();
        let operator = number.and_then(|number| u32::try_from(number).ok()).map(|number| (number, name.to_owned()));
        let country = |of: &str| self.text(at, &[of, "iso_code"]).map(str::to_owned);
        Said { operator, country: country("country").or_else(|| country("registered_country")) }
    }

    fn byte(&self, at: usize) -> Option<usize> {
        self.bytes.get(at).map(|byte| usize::from(*byte))
    }

    /// The head at an offset, behind pointers.
    fn head(&self, at: usize, depth: u8) -> Option<Head> {
        let first = self.byte(at)?;
        let mut kind = u8::try_from(first >> 5).ok()?;
        if kind == POINTER {
            return if depth == 0 { None } else { self.head(self.pointer(at, first)?.0, depth - 1) };
        }
        let mut at = at + 1;
        if kind == 0 {
            kind = u8::try_from(self.byte(at)?).ok()?.checked_add(7)?;
            at += 1;
        }
        let (size, more) = match first & 0x1f {
            29 => (29 + self.whole(at, 1)?, 1),
            30 => (285 + self.whole(at, 2)?, 2),
            31 => (65_821 + self.whole(at, 3)?, 3),
            size => (size, 0),
        };
        Some(Head { kind, size, at: at + more })
    }

    /// Where the pointer at an offset leads, and where it ends.
    fn pointer(&self, at: usize, first: usize) -> Option<(usize, usize)> {
        let high = first & 7;
        Some(match first >> 3 & 3 {
            0 => (high << 8 | self.whole(at + 1, 1)?, at + 2),
            1 => ((high << 16 | self.whole(at + 1, 2)?) + 2_048, at + 3),
            2 => ((high << 24 | self.whole(at + 1, 3)?) + 526_336, at + 4),
            _ => (self.whole(at + 1, 4)?, at + 5),
        })
    }

    fn whole(&self, at: usize, count: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(count)?)?;
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    /// The offset behind a value.
    fn behind(&self, at: usize, depth: u8) -> Option<usize> {
        let first = self.byte(at)?;
        if first >> 5 == usize::from(POINTER) {
            return self.pointer(at, first).map(|(_, behind)| behind);
        }
        let head = self.head(at, 0)?;
        let members = match head.kind {
            MAP => head.size.checked_mul(2)?,
            LIST => head.size,
            BOOLEAN => return Some(head.at),
            _ => return head.at.checked_add(head.size),
        };
        let depth = depth.checked_sub(1)?;
        (0..members).try_fold(head.at, |at, _| self.behind(at, depth))
    }

    /// The value under keys of maps inside of maps.
    fn find(&self, at: usize, keys: &[&str]) -> Option<Head> {
        let head = self.head(at, DEEPEST)?;
        let Some((wanted, rest)) = keys.split_first() else { return Some(head) };
        if head.kind != MAP {
            return None;
        }
        let mut at = head.at;
        for _ in 0..head.size {
            let key = self.head(at, DEEPEST)?;
            let value = self.behind(at, DEEPEST)?;
            if key.kind == TEXT && self.bytes.get(key.at..key.at.checked_add(key.size)?)? == wanted.as_bytes() {
                return self.find(value, rest);
            }
            at = self.behind(value, DEEPEST)?;
        }
        None
    }

    fn number(&self, at: usize, keys: &[&str]) -> Option<u64> {
        let head = self.find(at, keys).filter(|head| NUMBERS.contains(&head.kind) && head.size <= 8)?;
        self.whole(head.at, head.size).and_then(|number| u64::try_from(number).ok())
    }

    fn text(&self, at: usize, keys: &[&str]) -> Option<&'b str> {
        let head = self.find(at, keys).filter(|head| head.kind == TEXT)?;
        std::str::from_utf8(self.bytes.get(head.at..head.at.checked_add(head.size)?)?).ok()
    }
}
