//! What a run is divided into: accounts and spans of days. Pure.

use std::collections::BTreeSet;

use super::day::Day;
use super::payload::{Item, Wish, is_prefix};

/// Days that are read where nobody says since when.
const USUAL: i64 = 90;

/// The first and the last day that are read. Without a wish the last is the one before `today`, of which nothing is
/// missing any more but what is delivered late.
///
/// # Errors
/// Days that end before they begin, or more of them than anybody has.
pub(super) fn days(wish: &Wish, today: Day) -> Result<(Day, Day), String> {
    let until = wish.until.unwrap_or_else(|| today.after(-1));
    let from = wish.from.unwrap_or_else(|| until.after(1 - USUAL));
    match from.until(until) {
        span if span < 0 => Err("from of the input is after its until".to_owned()),
        span if span >= super::payload::MOST_DAYS.into() => Err("the input is about too many days".to_owned()),
        _ => Ok((from, until)),
    }
}

/// One item for each account and span of days. `accounts` has ids, and prefixes behind that of the settings.
///
/// # Errors
/// An account of the wish that delivers nothing here.
pub(super) fn items(
    wish: &Wish,
    (from, until): (Day, Day),
    accounts: &[(String, String)],
) -> Result<Vec<Item>, String> {
    let there: BTreeSet<&str> = accounts.iter().map(|(account, _)| account.as_str()).collect();
    let missing = wish.accounts.iter().filter(|account| !there.contains(account.as_str())).count();
    if missing > 0 {
        return Err(format!("{missing} of the accounts of the input have no logs below the prefix of the settings"));
    }
    let is_wanted = |account: &str| wish.accounts.is_empty() || wish.accounts.contains(account);
    let prefixes = accounts.iter().filter(|(account, prefix)| is_wanted(account) && is_prefix(prefix));
    let spans = || {
        let step = usize::try_from(wish.days.max(1)).unwrap_or(usize::MAX);
        (0..=from.until(until)).step_by(step).map(|begin| {
            let first = from.after(begin);
            (first, until.min(first.after(i64::from(wish.days.max(1)) - 1)))
        })
    };
    let item = |(place, (prefix, (from, until))): (usize, (&String, (Day, Day)))| Item {
        number: u32::try_from(place + 1).unwrap_or(u32::MAX),
        prefix: prefix.clone(),
        from,
        until,
        start: wish.start,
        end: wish.end,
    };
    Ok(prefixes.flat_map(|(_, prefix)| spans().map(move |span| (prefix, span))).enumerate().map(item).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accounts(count: usize) -> Vec<(String, String)> {
        let account = |number| {
            let id = format!("{number:012}");
            (id.clone(), format!("AWSLogs/o-a1b2c3d4e5/{id}/CloudTrail/"))
        };
        (1..=count).map(account).collect()
    }

    proptest! {
        /// Every day of every account is in exactly one item.
        #[test]
        fn items_cover_what_is_wanted_once(count in 1_usize..5, from in 0_i64..20_000, more in 0_i64..200, days in 1_u32..50) {
            let (from, until) = (Day::of(from * 86_400), Day::of((from + more) * 86_400));
            let wish = Wish { days, ..Wish::default() };
            let items = items(&wish, (from, until), &accounts(count)).unwrap();
            let mut seen = BTreeSet::new();
            for (place, item) in items.iter().enumerate() {
                prop_assert_eq!(item.number as usize, place + 1);
                prop_assert!(item.from.until(item.until) < i64::from(days));
                for day in item.from.number()..=item.until.number() {
                    prop_assert!(seen.insert((item.prefix.clone(), day)));
                }
            }
            prop_assert_eq!(seen.len(), count * usize::try_from(more + 1).unwrap());
        }
    }

    #[test]
    fn what_is_not_said_is_the_last_ninety_days() {
        let today = Day::of(20_000 * 86_400);
        let wish = Wish { days: 30, ..Wish::default() };
        let (from, until) = days(&wish, today).unwrap();
        assert_eq!((from.number(), until.number()), (19_910, 19_999));
        assert_eq!(items(&wish, (from, until), &accounts(2)).unwrap().len(), 6);
        assert!(days(&Wish { from: Some(today), ..wish.clone() }, today).is_err());
        let one = Wish { accounts: BTreeSet::from(["000000000002".to_owned()]), ..wish.clone() };
        assert!(
            items(&one, (from, until), &accounts(2)).unwrap().iter().all(|item| item.prefix.contains("/000000000002/"))
        );
        assert!(items(&one, (from, until), &accounts(1)).unwrap_err().starts_with("1 of the accounts"));
    }
}
