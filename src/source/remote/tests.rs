//! S3 as a small server plays it: what is listed, what is read, and what is refused.

mod fake;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;

use super::store::{Store, at, wait};
use super::upload::send;
use super::{Pieces, Stream, bring, workers};
use crate::source::discover::SourceError;
use crate::source::stored::{self, Draft, Stored};
use crate::source::{Object, Reader, Wanted, discover, listed};
use fake::Fake;

const ONE: &str = "111122223333";
const TWO: &str = "444455556666";

fn start(objects: &[(&str, &[u8])]) -> Fake {
    let fake = Fake::start(objects);
    at(fake.config());
    fake
}

fn log(account: &str, region: &str, day: &str, id: &str) -> String {
    let folders = format!("b/AWSLogs/o-1/{account}/CloudTrail/{region}/{}", day.replace('-', "/"));
    format!("{folders}/{account}_CloudTrail_{region}_{}T0005Z_{id}.json.gz", day.replace('-', ""))
}

/// Two accounts of an organisation from August to October, with what lies beside their logs.
fn organisation() -> Fake {
    let mut keys = vec![
        "b/AWSLogs/o-1/111122223333/CloudTrail-Digest/eu-west-1/2026/09/01/digest.json.gz".to_owned(),
        "b/AWSLogs/o-1/111122223333/vpcflowlogs/eu-west-1/2026/09/01/flow.log.gz".to_owned(),
        "b/AWSLogs/o-1/111122223333/CloudTrail/".to_owned(),
        "b/AWSLogs/.hidden/notes.json".to_owned(),
    ];
    for account in [ONE, TWO] {
        for region in ["eu-west-1", "us-east-1"] {
            for month in ["2026-08", "2026-09", "2026-10"] {
                for day in ["01", "15", "30"] {
                    keys.extend((0..4).map(|id| log(account, region, &format!("{month}-{day}"), &format!("{id:016}"))));
                }
            }
        }
    }
    let objects: Vec<_> = keys.iter().map(|key| (key.as_str(), &b"{}"[..])).collect();
    start(&objects)
}

fn names(path: &str, wanted: &Wanted) -> Vec<String> {
    let objects = discover(&[path.to_owned()], wanted).unwrap();
    objects.iter().map(|object| object.name().to_owned()).collect()
}

fn day(text: &str) -> i64 {
    let name = format!("b/{ONE}_CloudTrail_r_{}T0000Z_a.json", text.replace('-', ""));
    Object::file(name.into(), 0).delivered_day().unwrap()
}

#[test]
fn a_listing_follows_the_delivery_tree() {
    let fake = organisation();
    let all = names("s3://b", &Wanted::default());
    assert_eq!(all.len(), 2 * 2 * 3 * 3 * 4);
    let asked = fake.asked();
    assert!(!asked.iter().any(|asked| asked.contains("Digest") || asked.contains("flow")), "{asked:#?}");
    for same in ["s3://b/AWSLogs", "s3://b/AWSLogs/", "s3://b/AWS", "s3://b/AWSLogs/o-1/", "s3://b/**/*.json.gz"] {
        assert_eq!(names(same, &Wanted::default()), all, "{same}");
    }
    let account = format!("s3://b/AWSLogs/o-1/{ONE}");
    let of_one: Vec<_> = all.iter().filter(|name| name.starts_with(&account)).cloned().collect();
    for same in [&account, "s3://b/AWSLogs/o-1/1111", "s3://b/AWSLogs/*/1111*/CloudTrail", "s3://b/*/o-?/1*"] {
        assert_eq!(names(same, &Wanted::default()), of_one, "{same}");
    }
    let september = format!("{account}/CloudTrail/eu-west-1/2026/09");
    assert_eq!(names(&september, &Wanted::default()).len(), 12);
    assert_eq!(names(&format!("{september}/[13]*"), &Wanted::default()).len(), 8);
}

#[test]
fn what_is_not_wanted_is_not_listed() {
    let fake = organisation();
    let accounts = BTreeSet::from([ONE.to_owned()]);
    let wanted = Wanted { accounts, from: Some(day("2026-09-10")), until: Some(day("2026-09-20")), keeps_gone: false };
    let found = names("s3://b/", &wanted);
    assert_eq!(found.len(), 2 * 4);
    assert!(found.iter().all(|name| name.contains(ONE) && name.contains("/2026/09/15/")), "{found:#?}");
    let region = |region: &str| {
        let year = format!("LIST b AWSLogs/o-1/{ONE}/CloudTrail/{region}/2026/");
        [year.trim_end_matches("2026/").to_owned(), year.clone(), format!("{year}09/")]
    };
    let above = ["LIST b ", "LIST b AWSLogs/", "LIST b AWSLogs/o-1/"].map(str::to_owned).into_iter();
    let of_account = [format!("LIST b AWSLogs/o-1/{ONE}/"), format!("LIST b AWSLogs/o-1/{ONE}/CloudTrail/")];
    let mut expected: Vec<_> = above.chain(of_account).chain(region("eu-west-1")).chain(region("us-east-1")).collect();
    expected.sort();
    let mut asked = fake.asked();
    asked.dedup();
    assert_eq!(asked.iter().map(|asked| asked.trim_end()).collect::<Vec<_>>(), {
        expected.iter().map(|asked| asked.trim_end()).collect::<Vec<_>>()
    });
    // A folder without anything in these days is no mistake, and one that is not there is.
    let none = Wanted { from: Some(day("2027-01-01")), ..Wanted::default() };
    assert!(names(&format!("s3://b/AWSLogs/o-1/{ONE}/CloudTrail/eu-west-1/2026/10/"), &none).is_empty());
    let missing = discover(&["s3://b/AWSLogs/o-2/".to_owned()], &none);
    assert!(matches!(missing, Err(SourceError::NoSuchPath(_))), "{missing:?}");
    let missing = discover(&["s3://b/x*/y".to_owned()], &none);
    assert!(matches!(missing, Err(SourceError::NoMatch(_))), "{missing:?}");
    assert!(matches!(discover(&["s3://".to_owned()], &none), Err(SourceError::NoBucket(_))));
    let named = [ONE, TWO].map(|id| (id.to_owned(), format!("s3://b/AWSLogs/o-1/{id}/CloudTrail/")));
    assert_eq!(super::accounts("s3://b").unwrap(), named);
    assert_eq!(super::accounts(&named[1].1).unwrap(), named[1..]);
}

#[test]
fn keys_of_one_folder_are_found_in_one_listing_of_it() {
    let keys: Vec<_> = (0..40).map(|number| format!("b/many/{number:02}.json")).collect();
    let objects: Vec<_> = keys.iter().map(|key| (key.as_str(), &b"{}"[..])).collect();
    let fake = start(&objects);
    let some: Vec<_> = (10..20).map(|number| format!("s3://b/many/{number}.json")).collect();
    let found = discover(&some, &Wanted::default()).unwrap();
    assert_eq!(found.iter().map(Object::name).collect::<Vec<_>>(), some);
    assert!(fake.asked().len() <= 2);
    let missing = [&some[..], &["s3://b/many/15.jso_".to_owned()]].concat();
    assert!(matches!(discover(&missing, &Wanted::default()), Err(SourceError::NoSuchPath(_))));
    let lenient = Wanted { keeps_gone: true, ..Wanted::default() };
    let gone: Vec<_> = discover(&missing, &lenient).unwrap().into_iter().filter(Object::is_unreadable).collect();
    assert_eq!(gone.iter().map(Object::name).collect::<Vec<_>>(), ["s3://b/many/15.jso_"]);
    assert_eq!(discover(&["/no/such/file.json".to_owned()], &lenient).unwrap().len(), 1);
    let one = format!("s3://{}", keys[3]);
    assert_eq!(names(&one, &Wanted::default()), std::slice::from_ref(&one));
}

#[test]
fn what_somebody_listed_is_no_pattern() {
    let keys = ["b/l/x[1].json", "b/l/x1.json", "b/l/y[.json", "b/l/a*c/z.json", "b/l/abc/z.json"];
    let fake = start(&keys.map(|key| (key, &b"{}"[..])));
    let lenient = Wanted { keeps_gone: true, ..Wanted::default() };
    let of = |path: &str, wanted: &Wanted| discover(&[format!("s3://b/l/{path}")], wanted).unwrap();
    for path in ["x[1].json", "y[.json", "a*c/", "a*c"] {
        for wanted in [&lenient, &Wanted::default()] {
            let found = of(path, wanted);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert!(found[0].name().starts_with(&format!("s3://b/l/{path}")) && !found[0].is_unreadable(), "{found:?}");
        }
    }
    assert_eq!(of("x?.json", &Wanted::default())[0].name(), "s3://b/l/x1.json");
    for path in ["x?.json", "z[.json", "a?c/z.json"] {
        let gone = of(path, &lenient);
        assert!(gone.len() == 1 && gone[0].is_unreadable() && gone[0].name().ends_with(path), "{gone:?}");
    }
    fake.asked();
    let many: Vec<_> = (0..10).map(|number| format!("s3://b/l/x[{number}].json")).collect();
    let found = discover(&many, &lenient).unwrap();
    assert_eq!((found.len(), found.iter().filter(|object| object.is_unreadable()).count()), (10, 9));
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("x[1].json");
    std::fs::write(folder.path().join("x1.json"), "{}").unwrap();
    assert!(discover(&[odd.display().to_string()], &lenient).unwrap()[0].is_unreadable());
    std::fs::write(&odd, "{}").unwrap();
    assert!(!discover(&[odd.display().to_string()], &lenient).unwrap()[0].is_unreadable());
}

#[test]
fn names_that_xml_cannot_hold_are_read() {
    let odd = "b/odd/a b+c%41\u{1}\n.json";
    let fake = start(&[(odd, b"[]"), ("b/odd/", b""), ("b/odd/.x/y.json", b"")]);
    let objects = discover(&["s3://b/odd/".to_owned()], &Wanted::default()).unwrap();
    assert_eq!(objects.iter().map(Object::name).collect::<Vec<_>>(), [format!("s3://{odd}")]);
    assert!(!bring(&objects)[0].is_remote() && !bring(&objects)[0].is_unreadable(), "{:?}", fake.asked());
}

#[test]
fn a_refusal_costs_what_is_refused() {
    let fake =
        start(&[("b/x/one.json", b"[]"), ("b/x/two.json", b"[]"), ("b/x/three.json", b"[]"), ("b/y/f.json", b"")]);
    let kms = "not authorized to perform: kms:Decrypt on the resource associated with this ciphertext";
    fake.with(|state| {
        state.refused = vec![
            ("GET b/x/one.json", 403, "AccessDenied", "no"),
            ("GET b/x/two.json", 403, "AccessDenied", kms),
            ("GET b/y/f.json", 403, "InvalidObjectState", "no"),
            ("LIST c", 403, "AccessDenied", "no"),
        ];
    });
    let of = |paths: &[&str]| {
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        discover(&paths, &Wanted::default())
    };
    let objects = of(&["s3://b/", "s3://c/"]).unwrap();
    fake.with(|state| state.objects.remove("b/x/three.json"));
    let brought = bring(&objects);
    let mut reader = Reader::new(1 << 20);
    let why: Vec<_> =
        brought.iter().map(|object| (object.name(), reader.read(object, |_| {}).skipped.unwrap())).collect();
    let expected = [
        ("s3://c/", "s3:ListBucket"),
        ("s3://b/y/f.json", "restore"),
        ("s3://b/x/one.json", "s3:GetObject"),
        ("s3://b/x/three.json", "does not exist"),
        ("s3://b/x/two.json", "kms:Decrypt"),
    ];
    for ((name, why), (expected, word)) in why.iter().zip(expected) {
        assert!(*name == expected && why.contains(word), "{name}: {why}");
    }
    let refused = of(&["s3://c"]);
    assert!(matches!(&refused, Err(SourceError::Refused { why, .. }) if why.contains("s3:ListBucket")), "{refused:?}");
    assert!(workers(2, &objects) > 2 && workers(2, &[] as &[Object]) == 2);
    assert!(matches!(bring(&[]), Cow::Borrowed(_)));
}

#[test]
fn pieces_are_of_one_object() {
    let whole: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    let fake = start(&[("b/one.part", &whole), ("b/empty.part", b""), ("b/other.txt", b"")]);
    assert_eq!(listed("s3://b", ".part").unwrap(), ["s3://b/empty.part", "s3://b/one.part"]);
    assert_eq!(listed("s3://b/other.txt", ".part").unwrap(), ["s3://b/other.txt"]);
    assert!(matches!(listed("s3://b/other*", ".part"), Err(SourceError::NoneEnds(..))));
    fake.asked();
    let pieces = Pieces::open("s3://b/one.part").unwrap();
    assert_eq!(pieces.length(), 5_000_000);
    // Nothing, how it begins, the end, which is there by then, and what is read ahead of and behind a place.
    for (at, length) in [
        (0, 0),
        (0, 16),
        (4_999_000, 1_000),
        (4_940_000, 60_000),
        (7, 100),
        (107, 500_000),
        (1_000, 3_000_000),
        (4_500_000, 10),
        (4_900_000, 100_000),
    ] {
        assert_eq!(pieces.read(at as u64, length).unwrap(), whole[at..at + length]);
    }
    let mut asked = ["bytes=-65536", "bytes=0-15", "bytes=7-1048582", "bytes=1000-3000999", "bytes=4500000-4999999"]
        .map(|range| format!("GET b/one.part {range}"));
    asked.sort();
    assert_eq!(fake.asked(), asked);
    let again = Stored::open("s3://b/one.part").unwrap().closed("s3://b/one.part").open().unwrap();
    assert_eq!((again.length(), again.read(9, 9).unwrap()), (5_000_000, whole[9..18].to_vec()));
    assert_eq!(fake.asked().len(), 2);
    assert!(pieces.read(4_999_999, 2).is_err());
    fake.with(|state| state.objects.insert("b/one.part".to_owned(), vec![1; 5_000_000]));
    assert!(pieces.read(2_500_000, 10).unwrap_err().to_string().contains("changed"));
    assert_eq!(Pieces::open("s3://b/empty.part").unwrap().length(), 0);
    assert_eq!(Pieces::open("s3://b/none.part").unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn what_is_large_is_read_piece_by_piece() {
    let line = format!("{{\"eventVersion\":\"1.08\",\"eventName\":\"{}\"}}\n", "A".repeat(1_000));
    let large = line.repeat(20_000);
    let fake = start(&[("b/large.json", large.as_bytes()), ("b/empty.json", b"")]);
    let objects = discover(&["s3://b".to_owned()], &Wanted::default()).unwrap();
    let brought = bring(&objects);
    assert!(!brought[0].is_remote() && brought[1].is_remote());
    let outcome = Reader::new(1 << 30).read(&brought[1], |_| {});
    assert_eq!((outcome.skipped, outcome.bytes), (None, large.len() as u64));
    assert_eq!(fake.asked().iter().filter(|asked| asked.starts_with("GET b/large")).count(), 3);
    let mut all = String::new();
    assert_eq!(Stream::new("s3://b/empty.json").read_to_string(&mut all).unwrap(), 0);
    assert!(Stream::new("s3://b/none.json").read_to_string(&mut all).is_err());
}

#[test]
fn an_upload_is_whole_or_not_there() {
    let fake = start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("draft");
    let bytes: Vec<u8> = (0..1_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let file = File::open(&path).unwrap();
    let sent = |key: &str, piece: u64| wait(async |store: &Store| send(store, &file, 1_000, ("b", key), piece).await);
    sent("small", 1_000).unwrap().unwrap();
    sent("pieces", 300).unwrap().unwrap();
    for key in ["b/small", "b/pieces"] {
        assert_eq!(fake.with(|state| state.objects.get(key).cloned()), Some(bytes.clone()), "{key}");
    }
    fake.with(|state| state.refused = vec![("PUT b/refused", 403, "AccessDenied", "no")]);
    fake.asked();
    for piece in [300, 1_000] {
        let refused = sent("refused", piece).unwrap().unwrap_err();
        assert!(refused.to_string().contains("s3:PutObject"), "{refused}");
    }
    assert!(fake.asked().iter().any(|asked| asked.starts_with("DELETE b/refused")));
    assert!(!fake.with(|state| state.objects.contains_key("b/refused")));
    let name = "s3://b/refused";
    let (draft, _) = Draft::new(name).unwrap();
    let path = draft.path().to_owned();
    assert!(path.exists() && draft.publish().is_err() && !path.exists());
    stored::write("s3://b/written", |out| Ok(out.write_all(&bytes)?)).unwrap();
    assert_eq!(fake.with(|state| state.objects.get("b/written").cloned()), Some(bytes.clone()));
}

#[test]
fn the_work_of_a_runtime_is_done_beside_it() {
    let fake = Fake::start(&[("b/one.json", b"[]")]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = fake.config();
    let names = runtime.block_on(async {
        wait(async move |_: &Store| {
            let store = Store::new(config);
            let query = super::store::Query::default();
            store.page("b", query).await.map(|page| page.keys)
        })
    });
    assert_eq!(names.unwrap().unwrap(), [("one.json".to_owned(), 2)]);
}
