//! Whose network an address is in: its operator and country, by a table that the user gives.
//!
//! Pure: `source/asn` reads the files, [`Draft`] takes their rows in any order, and [`Networks`] answers. Without a table there
//! is no answer, and networks are told apart by prefix.

mod hosting;
mod ranges;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ahash::AHashMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use ranges::Ranges;

/// Who operates the network of an address, as far as the table says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// The number of the autonomous system.
    pub asn: Option<u32>,
    /// Its name; empty where the number is not known.
    pub name: String,
    /// Two letters of ISO 3166.
    pub country: Option<String>,
    /// The name is that of a hosting or VPN company, by [`Networks`]' list of words.
    pub hosting: bool,
}

/// The number and name of an autonomous system.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Operator {
    asn: u32,
    name: Box<str>,
}

/// Tables of operators and countries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Networks {
    operators: Vec<Operator>,
    countries: Vec<Box<str>>,
    operator_of: Both,
    country_of: Both,
    fingerprint: String,
}

/// Ranges of addresses of both kinds, with positions of what they belong to.
#[derive(Debug, Clone, Default)]
struct Both {
    four: Ranges<u32>,
    six: Ranges<u128>,
}

/// Addresses from a first to a last, both of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Four(u32, u32),
    Six(u128, u128),
}

impl Span {
    /// From one address to another; none where they are of two kinds or in the wrong order.
    pub(crate) fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (first.to_canonical(), last.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => Some(Self::Four(first.into(), last.into())),
            (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => Some(Self::Six(first.into(), last.into())),
            _ => None,
        }
    }

    /// The addresses of a prefix such as `203.0.113.0/24`. Bits behind the prefix do not count.
    pub(crate) fn of_prefix(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let length: u32 = length.parse().ok()?;
        match address.parse().ok()? {
            IpAddr::V4(address) if length <= 32 => {
                let rest = u32::MAX.checked_shr(length).unwrap_or(0);
                Some(Self::Four(u32::from(address) & !rest, u32::from(address) | rest))
            }
            IpAddr::V6(address) if length <= 128 => {
                let rest = u128::MAX.checked_shr(length).unwrap_or(0);
                Some(Self::six(u128::from(address) & !rest, u128::from(address) | rest))
            }
            _ => None,
        }
    }

    /// IPv6 addresses, of which those that stand for IPv4 are IPv4.
    pub(crate) fn six(first: u128, last: u128) -> Self {
        let mapped = |address: u128| Ipv6Addr::from(address).to_ipv4_mapped();
        match (mapped(first), mapped(last)) {
            (Some(first), Some(last)) => Self::Four(first.into(), last.into()),
            _ => Self::Six(first, last),
        }
    }
}

/// A table in the making.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    operators: Known<Operator>,
    countries: Known<Box<str>>,
    operator_of: Rows,
    country_of: Rows,
}

/// Values with their positions, each once.
#[derive(Debug)]
struct Known<T> {
    positions: AHashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { positions: AHashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Known<T> {
    fn position(&mut self, value: T) -> u32 {
        if let Some(position) = self.positions.get(&value) {
            return *position;
        }
        let position = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.positions.insert(value.clone(), position);
        self.values.push(value);
        position
    }
}

#[derive(Debug, Default)]
struct Rows {
    four: Vec<(u32, u32, u32)>,
    six: Vec<(u128, u128, u32)>,
}

impl Rows {
    fn add(&mut self, span: Span, value: u32) {
        match span {
            Span::Four(first, last) => self.four.push((first, last, value)),
            Span::Six(first, last) => self.six.push((first, last, value)),
        }
    }

    fn build(self) -> Both {
        Both { four: Ranges::of(self.four), six: Ranges::of(self.six) }
    }
}

impl Draft {
    /// A range belongs to an autonomous system. Of ranges inside of each other the narrower counts, of equal ones the later.
    /// Number 0 means that nobody operates it.
    pub(crate) fn operator(&mut self, span: Span, asn: u32, name: &str) {
        if asn > 0 {
            let position = self.operators.position(Operator { asn, name: name.trim().into() });
            self.operator_of.add(span, position);
        }
    }

    /// The same of a country, by two letters. What is no such code is left out.
    pub(crate) fn country(&mut self, span: Span, code: &str) {
        if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            let position = self.countries.position(code.to_ascii_uppercase().into());
            self.country_of.add(span, position);
        }
    }

    /// The table.
    pub(crate) fn build(self) -> Networks {
        let Self { operators, countries, operator_of, country_of } = self;
        let (operators, countries) = (operators.values, countries.values);
        let mut networks = Networks {
            operators,
            countries,
            operator_of: operator_of.build(),
            country_of: country_of.build(),
            fingerprint: String::new(),
        };
        networks.fingerprint = networks.hash();
        networks
    }
}

impl Networks {
    /// Nothing is known of any address.
    pub(crate) fn is_empty(&self) -> bool {
        self.fingerprint.is_empty()
    }

    /// The same for the same answers; empty where there are none.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What is known of an address.
    pub(crate) fn owner(&self, address: &str) -> Option<Arc<Owner>> {
        if self.is_empty() {
            return None;
        }
        let address: IpAddr = address.parse().ok()?;
        let find = |both: &Both| match address.to_canonical() {
            IpAddr::V4(address) => both.four.find(address.into()),
            IpAddr::V6(address) => both.six.find(address.into()),
        };
        let at = |position: u32| usize::try_from(position).ok();
        let operator = find(&self.operator_of).and_then(at).and_then(|at| self.operators.get(at));
        let country = find(&self.country_of).and_then(at).and_then(|at| self.countries.get(at));
        if operator.is_none() && country.is_none() {
            return None;
        }
        let name = operator.map_or_else(String::new, |operator| operator.name.to_string());
        Some(Arc::new(Owner {
            asn: operator.map(|operator| operator.asn),
            hosting: hosting::is_hosting(&name),
            name,
            country: country.map(|code| code.to_string()),
        }))
    }

    /// How many ranges there are, of operators and of countries.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let size = |both: &Both| both.four.len() + both.six.len();
        (size(&self.operator_of), size(&self.country_of))
    }

    fn hash(&self) -> String {
        if self.sizes() == (0, 0) {
            return String::new();
        }
        // By what a range says and not by positions, which depend on the order of rows.
        let operator = |value: u32| {
            let operator = usize::try_from(value).ok().and_then(|at| self.operators.get(at));
            operator.map_or_else(String::new, |operator| format!("{}\t{}", operator.asn, operator.name))
        };
        let country = |value: u32| {
            let country = usize::try_from(value).ok().and_then(|at| self.countries.get(at));
            country.map_or_else(String::new, ToString::to_string)
        };
        let mut hasher = Sha256::new();
        let mut add = |address: String, text: String| {
            hasher.update(address);
            hasher.update([b'\t']);
            hasher.update(text);
            hasher.update([b'\n']);
        };
        let four = |start: u32| Ipv4Addr::from(start).to_string();
        let six = |start: u128| Ipv6Addr::from(start).to_string();
        self.operator_of.four.each(|start, value| add(four(start), operator(value)));
        self.operator_of.six.each(|start, value| add(six(start), operator(value)));
        self.country_of.four.each(|start, value| add(four(start), country(value)));
        self.country_of.six.each(|start, value| add(six(start), country(value)));
        hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
