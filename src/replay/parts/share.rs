//! One of so many equal shares, of the objects to map or of the groups to judge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::MOST_SHARES;
use crate::source::{Object, account_of, base_name};

/// What opening an object costs, in bytes that could be read instead.
const OPENING: u64 = 16 << 10;

/// The `number`-th of `of` shares, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "(usize, usize)", try_from = "(usize, usize)")]
pub(crate) struct Share {
    pub number: usize,
    pub of: usize,
}

impl Share {
    /// The objects of this share: of about the same size each, and of one account as far as their names tell it, because
    /// alike calls of one account and day fold into one.
    pub(crate) fn cut(self, mut objects: Vec<Object>) -> Vec<Object> {
        by_account(&mut objects);
        let weight = |object: &Object| u128::from(Self::weight(object));
        let total = objects.iter().map(weight).sum::<u128>().max(1);
        let mut before = 0;
        objects.retain(|object| {
            let middle = before + weight(object) / 2;
            before += weight(object);
            middle * self.of as u128 / total + 1 == self.number as u128
        });
        objects
    }

    /// What an object counts for, in bytes: its own, and what opening it costs.
    pub(crate) fn weight(object: &Object) -> u64 {
        object.bytes().saturating_add(OPENING)
    }
}

/// Puts objects in order of their accounts; those of one account stay as they were.
pub(super) fn by_account(objects: &mut [Object]) {
    objects.sort_by_cached_key(|object| account(object).to_owned());
}

/// The account in a name that AWS gave.
fn account(object: &Object) -> &str {
    account_of(base_name(object.name())).unwrap_or_default()
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        numbers.and_then(|numbers| Self::try_from(numbers).ok()).ok_or_else(|| {
            format!("{text:?} is no share such as 3/100, the third of a hundred; there are {MOST_SHARES} at most")
        })
    }
}

impl From<Share> for (usize, usize) {
    fn from(share: Share) -> Self {
        (share.number, share.of)
    }
}

impl TryFrom<(usize, usize)> for Share {
    type Error = String;

    fn try_from((number, of): (usize, usize)) -> Result<Self, String> {
        let share = Self { number, of };
        let is_bounded = u32::try_from(of).is_ok_and(|of| of <= MOST_SHARES);
        if is_bounded && (1..=of).contains(&number) {
            Ok(share)
        } else {
            Err(format!("no share {share}; there are {MOST_SHARES} at most"))
        }
    }
}
