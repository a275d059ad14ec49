//! A baseline in slices: what changes often and belongs to some principals can be written without the rest.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use super::Baseline;
use super::file::{Fact, facts, read, write};
use crate::event::{DAY, Seconds};

/// Slices of habits: what one principal does in one account is in one.
const SLICES: u8 = 64;
/// The slice of what belongs to no principal's habits: accounts, births, incidents and trails.
pub(crate) const COMMON: u8 = SLICES;
/// The longest history that a rule may ask for.
pub(crate) const LONGEST_HISTORY: Seconds = 128 * DAY;
/// What was not seen for this long is in no answer any more.
const FORGOTTEN: Seconds = LONGEST_HISTORY;
/// The same of who was there at all, and with which key: to tell what awakes after a long time.
const FORGOTTEN_ALTOGETHER: Seconds = 400 * DAY;
/// Tuples of one principal in one account, the latest: a scanner must not fill the store. Those of families that are
/// bounded by themselves do not count.
const MOST_TUPLES: usize = 512;

/// All slices.
pub(crate) fn all() -> BTreeSet<u8> {
    (0..=COMMON).collect()
}

/// The slice of a principal in an account: the same on every machine. What is known of a principal over all accounts has
/// no account.
fn of(account: &str, principal: &str) -> u8 {
    let hash = Sha256::new().chain_update(account).chain_update([0]).chain_update(principal).finalize();
    hash.first().map_or(0, |byte| byte % SLICES)
}

/// The slices of the habits in a baseline.
pub(crate) fn touched(baseline: &Baseline) -> BTreeSet<u8> {
    facts(baseline).iter().filter_map(Fact::habit).map(|habit| of(habit.account, habit.principal)).collect()
}

/// The bytes of the habits of a baseline, without what belongs to none.
///
/// # Errors
/// None that input could cause.
pub(crate) fn habits(baseline: &Baseline) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write(facts(baseline).into_iter().filter(|fact| fact.habit().is_some()).collect(), &mut bytes)?;
    Ok(bytes)
}

/// The bytes of some slices. Leaves out what no answer needs at a time.
///
/// # Errors
/// None that input could cause.
pub(crate) fn encode(baseline: &Baseline, slices: &BTreeSet<u8>, now: Seconds) -> Result<BTreeMap<u8, Vec<u8>>> {
    let mut of_principals: BTreeMap<(String, String), Vec<(Seconds, Fact)>> = BTreeMap::new();
    let mut by_slice: BTreeMap<u8, Vec<Fact>> = slices.iter().map(|slice| (*slice, Vec::new())).collect();
    for fact in facts(baseline) {
        let habit = fact.habit().map(|habit| (habit.account.to_owned(), habit.principal.to_owned(), habit.last));
        match habit {
            Some((account, principal, last)) => {
                let kept = if fact.is_lasting() { FORGOTTEN_ALTOGETHER } else { FORGOTTEN };
                if last >= now - kept && slices.contains(&of(&account, &principal)) {
                    of_principals.entry((account, principal)).or_default().push((last, fact));
                }
            }
            None if fact.is_over(now - FORGOTTEN) => {}
            None => by_slice.get_mut(&COMMON).map_or((), |common| common.push(fact)),
        }
    }
    for ((account, principal), mut habits) in of_principals {
        habits.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
        let mut others = 0;
        habits.retain(|(_, fact)| {
            others += usize::from(!fact.is_bounded());
            fact.is_bounded() || others <= MOST_TUPLES
        });
        by_slice.entry(of(&account, &principal)).or_default().extend(habits.into_iter().map(|(_, fact)| fact));
    }
    let bytes = |(slice, facts)| {
        let mut bytes = Vec::new();
        write(facts, &mut bytes).map(|()| (slice, bytes))
    };
    by_slice.into_iter().map(bytes).collect()
}

/// Takes a slice in.
///
/// # Errors
/// Bytes that are no slice, called by a name.
pub(crate) fn decode(bytes: &[u8], name: &str, baseline: &mut Baseline) -> Result<()> {
    read(bytes, name, baseline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Family, Measure, Usage};
    use crate::event::{Identity, Place, Record, Shape};

    fn seen(principals: usize, tuples: usize) -> Baseline {
        let mut baseline = Baseline::default();
        for (who, what) in (0..principals).flat_map(|who| (0..tuples).map(move |what| (who, what))) {
            let raw = format!(
                r#"{{"type":"IAMUser","principalId":"AIDA{who:016}","arn":"arn:aws:iam::111122223333:user/u{who}","accountId":"111122223333","userName":"u{who}"}}"#
            );
            let identity = Identity::parse(&raw, "111122223333");
            let place = Place::new("111122223333", "eu-west-1", &format!("10.{}.{}.1", what / 250, what % 250));
            let record = Record { source: "s3.amazonaws.com".into(), name: "GetObject".into(), ..Record::default() };
            let (shape, at) = (Shape::of(&record, &identity), (100 * DAY) + what as i64);
            baseline.record(
                &[Family::networks()],
                &Usage { identity: &identity, place: &place, shape: &shape, first: at, last: at },
            );
        }
        baseline.born("AIDA0", 5);
        baseline.give_all_rights("111122223333", "u0", 9);
        baseline.trails.learn("111122223333", "topic told", 7);
        for who in 0..principals {
            let (tuple, principal) = ("111122223333".to_owned(), format!("AIDA{who:016}"));
            let measure = Measure { tuple, principal, what: "destructive-burst".to_owned() };
            baseline.peaks.raise(&measure, 99, 3);
        }
        baseline
    }

    #[test]
    fn slices_put_together_are_the_whole() {
        let whole = seen(50, 3);
        let mut again = Baseline::default();
        for (slice, bytes) in encode(&whole, &all(), 100 * DAY).unwrap() {
            decode(&bytes, &slice.to_string(), &mut again).unwrap();
        }
        assert_eq!(again, whole);
        let who = "AIDA0000000000000007";
        let some = encode(&whole, &BTreeSet::from([of("111122223333", who), of("", who)]), 100 * DAY).unwrap();
        assert!((1..=2).contains(&some.len()));
        assert!(some.into_values().all(|bytes| String::from_utf8(bytes).unwrap().contains(who)));
        let later = encode(&whole, &all(), 300 * DAY).unwrap();
        assert!(later.iter().all(|(slice, bytes)| *slice == COMMON || bytes.split(|b| *b == b'\n').count() <= 2));
    }

    #[test]
    fn habits_of_a_part_and_what_belongs_to_none_are_the_whole() {
        let (whole, part) = (seen(20, 2), seen(5, 1));
        let mut again = Baseline::default();
        decode(&habits(&whole).unwrap(), "habits", &mut again).unwrap();
        let common = encode(&whole, &BTreeSet::from([COMMON]), 100 * DAY).unwrap();
        decode(&common[&COMMON], "common", &mut again).unwrap();
        assert_eq!(again, whole);
        // What a part touches is enough to write where a part is put to the whole.
        assert!(touched(&part).is_subset(&touched(&whole)) && !touched(&part).contains(&COMMON));
        assert!(
            touched(&part).len() <= 11,
            "five principals, each with one account and over all, and what else speaks"
        );
    }

    #[test]
    fn one_principal_cannot_fill_the_store() {
        let mut again = Baseline::default();
        for bytes in encode(&seen(1, 2_000), &all(), 100 * DAY).unwrap().values() {
            decode(bytes, "slice", &mut again).unwrap();
        }
        let seen = |what: usize| {
            let network = format!("10.{}.{}.0/24", what / 250, what % 250);
            again.seen(
                &(Family::networks(), crate::baseline::family::join(["111122223333", &network])),
                None,
                102 * DAY,
                90 * DAY,
            )
        };
        assert!(seen(1_999) && seen(1_500) && !seen(1_000));
    }
}
