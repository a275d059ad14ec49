//! A baseline in slices: what changes often and belongs to some principals can be written without the rest.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use super::Baseline;
use super::file::{Fact, facts, read, write};
use crate::event::{DAY, Seconds};

/// Slices of principals.
const SLICES: u8 = 16;
/// The slice of what belongs to no principal's habits: accounts, births and incidents.
pub(crate) const COMMON: u8 = SLICES;
/// What was not seen for this long is in no answer any more: the longest history that a rule asks for is 90 days.
const FORGOTTEN: Seconds = 128 * DAY;
/// Tuples of one principal, the latest: a scanner must not fill the store.
const MOST_TUPLES: usize = 512;

/// The slice of a principal: the same on every machine.
pub(crate) fn of(principal: &str) -> u8 {
    Sha256::digest(principal.as_bytes()).first().map_or(0, |byte| byte % SLICES)
}

/// The bytes of some slices. Leaves out what no answer needs at a time.
///
/// # Errors
/// None that input could cause.
pub(crate) fn encode(baseline: &Baseline, slices: &BTreeSet<u8>, now: Seconds) -> Result<BTreeMap<u8, Vec<u8>>> {
    let mut of_principals: BTreeMap<String, Vec<(Seconds, Fact)>> = BTreeMap::new();
    let mut by_slice: BTreeMap<u8, Vec<Fact>> = slices.iter().map(|slice| (*slice, Vec::new())).collect();
    for fact in facts(baseline) {
        match fact.habit().map(|(principal, last)| (principal.to_owned(), last)) {
            Some((principal, last)) if last >= now - FORGOTTEN && slices.contains(&of(&principal)) => {
                of_principals.entry(principal).or_default().push((last, fact));
            }
            Some(_) => {}
            None if fact.is_over(now - FORGOTTEN) => {}
            None => by_slice.get_mut(&COMMON).map_or((), |common| common.push(fact)),
        }
    }
    for (principal, mut habits) in of_principals {
        // The principal itself is seen as late as the latest of its tuples, and comes before them.
        habits.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
        habits.truncate(MOST_TUPLES + 1);
        by_slice.entry(of(&principal)).or_default().extend(habits.into_iter().map(|(_, fact)| fact));
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
    use crate::baseline::{Family, Usage};
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
        baseline
    }

    #[test]
    fn slices_put_together_are_the_whole() {
        let whole = seen(50, 3);
        let all: BTreeSet<u8> = (0..=COMMON).collect();
        let mut again = Baseline::default();
        for (slice, bytes) in encode(&whole, &all, 100 * DAY).unwrap() {
            decode(&bytes, &slice.to_string(), &mut again).unwrap();
        }
        assert_eq!(again, whole);
        let some = encode(&whole, &BTreeSet::from([of("AIDA0000000000000007")]), 100 * DAY).unwrap();
        assert_eq!(some.len(), 1);
        assert!(String::from_utf8(some.into_values().next().unwrap()).unwrap().contains("AIDA0000000000000007"));
        let later = encode(&whole, &all, 300 * DAY).unwrap();
        assert!(later.iter().all(|(slice, bytes)| *slice == COMMON || bytes.split(|b| *b == b'\n').count() <= 2));
    }

    #[test]
    fn one_principal_cannot_fill_the_store() {
        let all: BTreeSet<u8> = (0..=COMMON).collect();
        let mut again = Baseline::default();
        for bytes in encode(&seen(1, 2_000), &all, 100 * DAY).unwrap().values() {
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
