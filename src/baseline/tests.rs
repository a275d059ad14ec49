#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::event::Record;
use crate::event::about::About;

const ACCOUNT: &str = "111122223333";

/// A principal, the number of a secret, and a time.
type Read = (u8, u16, Seconds);

fn identity(who: u8) -> Identity {
    let raw = format!(
        r#"{{"type":"IAMUser","principalId":"AIDA{who:016}","arn":"arn:aws:iam::{ACCOUNT}:user/u{who}","accountId":"{ACCOUNT}","accessKeyId":"AKIAEXAMPLE{who:09}","userName":"u{who}"}}"#
    );
    Identity::parse(&raw, ACCOUNT)
}

fn family() -> Family {
    Family::new(&[Dimension::Object], Among::All)
}

fn object(number: u16) -> String {
    format!("secret/{number}")
}

fn learned(reads: &[Read]) -> Baseline {
    let record =
        Record { source: "secretsmanager.amazonaws.com".into(), name: "GetSecretValue".into(), ..Record::default() };
    let mut baseline = Baseline::default();
    for &(who, number, at) in reads {
        let (identity, object) = (identity(who), Some(object(number)));
        let place = Place::new(ACCOUNT, "eu-west-1", "198.51.100.1").about(About { object, role: None });
        let shape = Shape::of(&record, &identity);
        baseline.record(&[family()], &Usage { identity: &identity, place: &place, shape: &shape, first: at, last: at });
    }
    baseline
}

fn written(baseline: &Baseline) -> BTreeMap<u8, Vec<u8>> {
    slice::encode(baseline, &slice::all(), 0).unwrap()
}

/// What a baseline without a bound and without shares would say.
fn is_known(reads: &[Read], who: Option<u8>, number: u16, at: Seconds) -> bool {
    let before: Vec<_> = reads.iter().filter(|(by, _, on)| who.is_none_or(|who| who == *by) && *on < at).collect();
    let things = |by: u8| before.iter().filter(|read| read.0 == by).map(|read| read.1).collect::<BTreeSet<_>>().len();
    (0..3).any(|by| things(by) > 128) || before.iter().any(|read| read.1 == number)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_bound_on_things_depends_on_no_order_and_no_share(
        mut reads in prop::collection::vec((0_u8..2, 0_u16..260, 0..40 * DAY), 0..700),
        busy in prop::bool::ANY,
        cut in 0_usize..700,
        seed in any::<u64>(),
        questions in prop::collection::vec((prop::option::of(0_u8..3), 0_u16..260, 0..45 * DAY), 60),
    ) {
        if busy {
            reads.extend((0..200).map(|number| (0, number, 20 * DAY + Seconds::from(number))));
        }
        let whole = learned(&reads);
        fastrand::Rng::with_seed(seed).shuffle(&mut reads);
        let (left, right) = reads.split_at(cut.min(reads.len()));
        let mut parts = learned(right);
        parts.merge(learned(left));
        parts.merge(learned(right));
        prop_assert_eq!(written(&parts), written(&whole));
        let mut again = Baseline::default();
        for (number, bytes) in written(&whole) {
            slice::decode(&bytes, &number.to_string(), &mut again).unwrap();
        }
        prop_assert_eq!(written(&again), written(&whole));
        for (who, number, at) in questions {
            let tuple = (family(), family::join([ACCOUNT, &object(number)]));
            let key = who.map(|who| identity(who).key);
            let wanted = is_known(&reads, who, number, at);
            for baseline in [&whole, &parts, &again] {
                prop_assert_eq!(baseline.seen(&tuple, key.as_deref(), at, 90 * DAY), wanted);
            }
            let usual = [&whole, &parts, &again].map(|known| known.usual(&tuple, key.as_deref(), at, 90 * DAY));
            prop_assert!(usual.iter().all(|answer| *answer == usual[0]));
        }
    }
}

#[test]
fn who_touches_everything_does_not_fill_the_store_and_hides_nobody_else() {
    let mut reads: Vec<Read> = (0..20_000).map(|number| (0, number, Seconds::from(number))).collect();
    reads.extend([(1, 7, 100 * DAY), (0, 30_000, 200 * DAY)]);
    let baseline = learned(&reads);
    assert!(baseline.tuples.values().map(|tuples| tuples.len()).sum::<usize>() < 140);
    let seen = |who: u8, number: u16, at: Seconds| {
        let tuple = (family(), family::join([ACCOUNT, &object(number)]));
        baseline.seen(&tuple, Some(&identity(who).key), at, 90 * DAY)
    };
    assert!(!seen(0, 5_000, 100) && seen(0, 5_000, 30_000) && seen(0, 40_000, 30_000));
    assert!(seen(1, 7, 101 * DAY) && !seen(1, 8, 101 * DAY));
    let kept = slice::encode(&baseline, &slice::all(), 250 * DAY).unwrap();
    let mut again = Baseline::default();
    kept.iter().for_each(|(number, bytes)| slice::decode(bytes, &number.to_string(), &mut again).unwrap());
    let tuple = (family(), family::join([ACCOUNT, &object(40_000)]));
    assert!(again.seen(&tuple, Some(&identity(0).key), 250 * DAY, 90 * DAY), "as long as it goes on it has no news");
}

#[test]
fn a_call_about_several_things_counts_for_each() {
    let identity = identity(0);
    let record = Record { source: "ssm.amazonaws.com".into(), name: "GetParameters".into(), ..Record::default() };
    let about = About { object: Some(["a", "b"].join(crate::event::view::LIST)), role: None };
    let place = Place::new(ACCOUNT, "eu-west-1", "198.51.100.1").about(about);
    let tuples = family().tuples(&identity, &place, &Shape::of(&record, &identity));
    assert_eq!(tuples, [family::join([ACCOUNT, "a"]), family::join([ACCOUNT, "b"])]);
    let nothing = Place::new(ACCOUNT, "eu-west-1", "198.51.100.1");
    assert!(family().tuples(&identity, &nothing, &Shape::of(&record, &identity)).is_empty());
    assert!(family().without_things().tuples(&identity, &nothing, &Shape::of(&record, &identity)) == [ACCOUNT]);
}

#[test]
fn keys_are_remembered_longer_than_habits() {
    let identity = identity(0);
    let record = Record { source: "s3.amazonaws.com".into(), name: "ListBuckets".into(), ..Record::default() };
    let (place, shape) = (Place::new(ACCOUNT, "eu-west-1", "198.51.100.1"), Shape::of(&record, &identity));
    let keys = Family::new(&[Dimension::Credential], Among::All);
    let mut baseline = Baseline::default();
    let usage = Usage { identity: &identity, place: &place, shape: &shape, first: 10 * DAY, last: 10 * DAY };
    baseline.record(&[keys, Family::networks()], &usage);
    let mut again = Baseline::default();
    for (number, bytes) in slice::encode(&baseline, &slice::all(), 210 * DAY).unwrap() {
        slice::decode(&bytes, &number.to_string(), &mut again).unwrap();
    }
    let tuple = (keys, family::join([ACCOUNT, identity.credential.as_deref().unwrap()]));
    assert_eq!(again.last_day(&tuple, None, 210 * DAY), Some(10));
    assert_eq!(again.last_day(&tuple, None, 10 * DAY + 50), None, "only earlier days count");
    assert_eq!(again.tuples.values().map(|tuples| tuples.len()).sum::<usize>(), 1, "the network is forgotten");
}
