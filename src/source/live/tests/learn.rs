//! History that cannot be read in full says so.

use super::super::cursor::Range;
use super::super::learn::{Teller, from_bucket, from_lookups};
use super::super::lookup::{Found, Lookups, Page};
use super::super::trail::{Bucket, Key, Listing};
use super::*;

const ACCOUNT: &str = "111122223333";

/// Two pages, of which the first has an event without its record; then refusals where it is moody.
struct Pages {
    moody: bool,
}

impl Lookups for Pages {
    async fn page(&self, range: &Range) -> Result<Page, Refusal> {
        let found = |record: Option<String>| Found { id: Some("e".to_owned()), time: Some(range.until), record };
        match &range.token {
            None => Ok(Page { events: vec![found(None), found(Some(record("e")))], next: Some("more".to_owned()) }),
            Some(_) if self.moody => {
                Err(Refusal::Denied { action: "cloudtrail:LookupEvents", why: "AccessDenied".to_owned() })
            }
            Some(_) => Ok(Page::default()),
        }
    }
}

/// A trail with logs on one day, of which some are refused; listings of another day are.
struct Trail {
    logs: usize,
    denied: usize,
}

impl Bucket for Trail {
    async fn list(&self, _: &str, prefix: &str, folders: bool, _: Option<&str>) -> Result<Listing, Refusal> {
        let below = match prefix {
            "AWSLogs/" if self.logs > 0 => format!("{prefix}{ACCOUNT}/"),
            _ => format!("{prefix}eu-west-1/"),
        };
        if folders {
            let folders = if self.logs > 0 { vec![below] } else { Vec::new() };
            return Ok(Listing { folders, ..Listing::default() });
        }
        if prefix.ends_with("/21/") {
            return Err(Refusal::Other { action: "s3:ListBucket", why: "no".to_owned() });
        }
        let key = |n| Key { key: format!("{prefix}1_CloudTrail_{n:03}.json.gz"), modified: None, bytes: 9 };
        Ok(Listing { keys: (0..self.logs).map(key).collect(), ..Listing::default() })
    }

    async fn get(&self, _: &str, key: &str) -> Result<Vec<u8>, Refusal> {
        let is_denied = (0..self.denied).any(|n| key.ends_with(&format!("{n:03}.json.gz")));
        match is_denied {
            true => Err(Refusal::Denied { action: "s3:GetObject", why: "AccessDenied".to_owned() }),
            false => Ok(record(key).into_bytes()),
        }
    }
}

fn whys(problems: &[Problem]) -> Vec<(bool, &str)> {
    problems.iter().map(|problem| (problem.blind, problem.why.as_str())).collect()
}

#[test]
fn lookups_that_end_early_or_lack_records_are_blind() {
    for moody in [false, true] {
        let clock = Virtual::new(1);
        let (mut batches, progress) = (Vec::new(), |_: f64, _: usize| {});
        let mut give = |batch: Batch| batches.push(batch);
        let readers = [(ACCOUNT.to_owned(), "eu-west-1".to_owned(), Pages { moody })];
        let teller = Teller::new(&mut give, &progress);
        let problems = clock.run(from_lookups(&readers, START - DAY, START, &teller, &clock));
        let told = whys(&problems);
        assert!(told.iter().all(|(blind, _)| *blind), "{told:?}");
        assert!(told[0].1.contains("without their record"), "{told:?}");
        let unread = |(_, why): &&(bool, &str)| why.contains("was not read");
        assert_eq!((told.len(), told.iter().filter(unread).count()), if moody { (3, 1) } else { (1, 0) }, "{told:?}");
        assert_eq!(batches.iter().flat_map(ids).collect::<Vec<_>>(), ["e"]);
    }
}

#[test]
fn a_bucket_that_is_not_read_in_full_is_blind() {
    let learn = |trail: Trail| {
        let clock = Virtual::new(1);
        let (mut read, progress) = (0, |_: f64, _: usize| {});
        let mut give = |batch: Batch| read += batch.objects.len();
        let location = Location::parse("s3://trail").unwrap();
        let teller = Teller::new(&mut give, &progress);
        let problems = clock.run(from_bucket(&trail, &location, START - DAY, START, &teller, &clock));
        (read, problems)
    };
    let (read, problems) = learn(Trail { logs: 100, denied: 70 });
    let told = whys(&problems);
    assert_eq!((read, told.len()), (30, 4), "{told:?}");
    assert!(told.iter().all(|(blind, _)| *blind), "{told:?}");
    assert!(told[0].1.contains("s3:ListBucket") && told[1].1.contains("s3:GetObject"), "{told:?}");
    assert_eq!(told[3].1, "68 more such problems");
    let (read, problems) = learn(Trail { logs: 0, denied: 0 });
    assert_eq!((read, problems.len(), problems[0].blind), (0, 1, true), "{problems:?}");
}
