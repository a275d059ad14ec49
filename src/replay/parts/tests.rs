//! Sections read as they were written, in any order; bytes that nobody wrote are an error and never more than that.

use std::sync::{Arc, OnceLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::map::{Mapper, Range};
use super::super::part::{ModelCall, Part};
use super::directory::Terms;
use super::fold::{Batch, Folding};
use super::read::{self, Opened};
use super::section::decode;
use super::section::encode::Encoder;
use super::section::lexicon::Lexicon;
use super::share::Share;
use super::write::{self, PIECE};
use crate::bytes::{Cursor, Pen};
use crate::detect::Rules;
use crate::detect::plan::Planner;
use crate::event::Seconds;
use crate::source::Object;

const RECORDS: &str = include_str!("../../../fixtures/detectors/new-user-given-credential-and-privilege/fires.jsonl");
const MORE: &str = include_str!("../../../fixtures/detectors/discovery-burst/fires.jsonl");

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::load(&[]).unwrap())
}

/// Records, with calls of models and records without ids among them.
fn records() -> Vec<String> {
    let mut records: Vec<String> = RECORDS.lines().chain(MORE.lines()).map(str::to_owned).collect();
    for n in 0..9 {
        let id = if n % 3 == 0 { String::new() } else { format!(r#""eventID":"call-{n}","#) };
        records.push(format!(
            r#"{{"userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLEF284FF9BBA","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE210895232","userName":"u"}},"eventTime":"2026-03-10T03:00:0{n}Z","eventSource":"bedrock.amazonaws.com","eventName":"InvokeModel","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{}","requestParameters":{{"modelId":"amazon.nova-lite-v1:0"}},{id}"recipientAccountId":"11112222333{}"}}"#,
            n % 4,
            3 + n % 2,
        ));
    }
    records
}

/// Parts of records that lie in several objects, of which some come twice.
fn parts(owners: &[usize]) -> Vec<Part> {
    let mut texts = vec![String::new(); 5];
    for (record, owner) in records().iter().zip(owners.iter().cycle()) {
        texts[owner % 5].push_str(&format!("{record}\n"));
    }
    let range = Range { start: Seconds::MIN, end: Seconds::MAX };
    let mut parts = Vec::new();
    for text in &texts {
        let object = Object::memory("records.jsonl".to_owned(), text.as_bytes());
        Mapper::new(rules(), range, 1 << 20).map(&[object], &mut |part| parts.push(part));
    }
    parts
}

fn folded(parts: Vec<Part>, day: Option<i64>) -> Batch {
    let mut folding = Folding::default();
    parts.into_iter().for_each(|part| folding.add(part, day));
    folding.drain()
}

fn encoded(batch: &Batch) -> Vec<(String, Vec<u8>)> {
    let lexicon = Lexicon::of(batch);
    let mut encoder = Encoder::new(&lexicon);
    batch.sections.iter().map(|folded| (folded.account.clone(), encoder.encode(folded).unwrap())).collect()
}

fn decoded(bytes: &[u8]) -> anyhow::Result<Part> {
    decode(bytes, rules(), &mut Planner::new(rules()))
}

/// All that a part says, in an order of its own.
fn all(part: &Part) -> [Vec<String>; 4] {
    let mut usage: Vec<_> = part
        .usage
        .iter()
        .map(|usage| {
            let mut usage = usage.as_ref().clone();
            usage.bursts.sort();
            format!("{usage:?}")
        })
        .collect();
    let call = |call: &ModelCall| {
        let usage = &part.usage[call.usage as usize];
        format!("{} {} {:?} {:?} {:?}", call.fingerprint, call.at, call.model, usage.identity, usage.place)
    };
    let mut calls: Vec<_> = part.calls.iter().map(call).collect();
    let mut events: Vec<_> = part.events.iter().map(|event| format!("{event:?}")).collect();
    let mut seen: Vec<_> = part.seen.iter().map(u64::to_string).collect();
    for texts in [&mut usage, &mut calls, &mut events, &mut seen] {
        texts.sort();
        texts.dedup();
    }
    [usage, calls, events, seen]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sections_read_as_written_and_do_not_show_their_order(
        owners in vec(0..5_usize, 30),
        others in vec(0..5_usize, 30),
        order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(),
        twice in 0..5_usize,
    ) {
        let expected = folded(parts(&owners), Some(20_522));
        let written = encoded(&expected);
        prop_assert!(written.len() >= 2, "several accounts");
        for (section, (account, bytes)) in expected.sections.iter().zip(&written) {
            let mut again = decoded(bytes).unwrap();
            prop_assert_eq!(all(&again), all(&section.part));
            again.accounts = vec![(0, account.clone())];
            let again = encoded(&folded(vec![again], Some(20_522)));
            prop_assert!(again.len() == 1 && &again[0].1 == bytes);
        }
        let mut other = parts(&others);
        let mut shuffled: Vec<Part> = order.iter().map(|n| std::mem::take(&mut other[*n])).collect();
        shuffled.push(parts(&others).swap_remove(twice));
        prop_assert!(encoded(&folded(shuffled, Some(20_522))) == written, "cut otherwise, and one twice");
    }

    #[test]
    fn hostile_bytes_are_an_error_at_most(
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        end in any::<Index>(),
        cut in any::<bool>(),
        arbitrary in vec(any::<u8>(), 0..300),
    ) {
        static WRITTEN: OnceLock<Vec<u8>> = OnceLock::new();
        let written = WRITTEN.get_or_init(|| encoded(&folded(parts(&[0, 1, 2]), None)).swap_remove(0).1);
        let mut bytes = written.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let _ = decoded(&bytes);
        let _ = decoded(&arbitrary);
        // Behind tables without anything in them.
        let mut behind = Pen::default();
        behind.bytes.extend([0; 6]);
        behind.bytes.extend(arbitrary);
        let _ = decoded(&behind.bytes);
    }

    #[test]
    fn numbers_read_as_written(numbers in vec(any::<u64>(), 0..40), signed in any::<i64>()) {
        let mut rising = numbers.clone();
        rising.sort_unstable();
        let mut pen = Pen::default();
        pen.rising(&rising);
        pen.signed(signed);
        numbers.iter().for_each(|number| pen.number(*number));
        let mut cursor = Cursor::new(&pen.bytes);
        prop_assert_eq!(cursor.rising().unwrap(), rising);
        prop_assert_eq!(cursor.signed().unwrap(), signed);
        for number in numbers {
            prop_assert_eq!(cursor.number().unwrap(), number);
        }
        cursor.end().unwrap();
    }

    #[test]
    fn every_object_is_in_one_share(sizes in vec(0..3_000_000_usize, 0..60), of in 1..9_usize) {
        let objects: Vec<Object> = sizes.iter().enumerate().map(|(n, size)| {
            let name = format!("11112222333{}_CloudTrail_eu-west-1_202603{:02}T0000Z_{n}.json", n % 4, 1 + n % 20);
            Object::memory(name, Arc::<[u8]>::from(vec![0; size / 1_000]))
        }).collect();
        let mut names: Vec<_> = (1..=of).flat_map(|number| Share { number, of }.cut(objects.clone())).collect();
        prop_assert_eq!(names.len(), objects.len());
        names.sort_by(|a, b| a.name().cmp(b.name()));
        names.dedup_by(|a, b| a.name() == b.name());
        prop_assert_eq!(names.len(), objects.len());
    }
}

#[test]
fn shares_are_bounded() {
    assert_eq!("10000/10000".parse(), Ok(Share { number: 10_000, of: 10_000 }));
    for wrong in ["1/10001", "1/9999999999", "0/3", "4/3", "3", ""] {
        assert!(wrong.parse::<Share>().is_err(), "{wrong}");
    }
    assert!(serde_json::from_str::<Share>("[1, 9999999999]").is_err());
}

#[test]
fn a_long_verdict_reads_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("1.part").to_str().unwrap().to_owned();
    let terms = || Terms::of(rules(), Range { start: Seconds::MIN, end: Seconds::MAX });
    for length in [0, 1, PIECE, PIECE + 1] {
        let mut verdict = vec![b'a'; length];
        verdict.last_mut().into_iter().for_each(|last| *last = b'z');
        write::judged(&name, terms(), "job".to_owned(), Share { number: 1, of: 1 }, &verdict).unwrap();
        let Opened::Judged(judged) = read::open(&name).unwrap() else { panic!("not judged") };
        assert!(judged.verdict == verdict, "{length}");
    }
}
