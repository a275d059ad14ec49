//! A trail's bucket: keys in any order, nothing twice, nothing lost.

use super::super::trail::{Bucket, Key, Listing, Location, pass};
use super::*;
use crate::cost::date;
use crate::event::HOUR;

/// A bucket in which objects appear as time passes; 100 keys on a page of a listing.
struct Simulated<'a> {
    clock: &'a Virtual,
    /// Key, and when it appears.
    objects: BTreeMap<String, Seconds>,
    gets: RefCell<BTreeMap<String, usize>>,
    flaky: Cell<bool>,
}

impl Bucket for Simulated<'_> {
    async fn list(&self, _: &str, prefix: &str, folders: bool, token: Option<&str>) -> Result<Listing, Refusal> {
        self.clock.latency().await;
        let now = self.clock.second();
        let visible = self.objects.iter().filter(|(key, at)| key.starts_with(prefix) && **at <= now);
        if folders {
            let folder = |key: &String| key[prefix.len()..].split_once('/').map(|(part, _)| format!("{prefix}{part}/"));
            let folders: BTreeSet<_> = visible.filter_map(|(key, _)| folder(key)).collect();
            return Ok(Listing { folders: folders.into_iter().collect(), ..Listing::default() });
        }
        let mut keys = visible.filter(|(key, _)| token.is_none_or(|token| key.as_str() > token));
        let page: Vec<_> = keys
            .by_ref()
            .take(100)
            .map(|(key, at)| Key { key: key.clone(), modified: Some(*at), bytes: 900 })
            .collect();
        let next = keys.next().and_then(|_| page.last().map(|key| key.key.clone()));
        Ok(Listing { keys: page, folders: Vec::new(), next })
    }

    async fn get(&self, _: &str, key: &str) -> Result<Vec<u8>, Refusal> {
        self.clock.latency().await;
        if self.flaky.get() && self.clock.one_in(5) {
            return Err(Refusal::Gone("NoSuchKey".to_owned()));
        }
        *self.gets.borrow_mut().entry(key.to_owned()).or_default() += 1;
        Ok(format!(r#"{{"Records":[{}]}}"#, record(key)).into_bytes())
    }
}

fn poll(bucket: &Simulated<'_>, cursors: &mut Cursors, lookback: Seconds) -> Vec<Batch> {
    let clock = bucket.clock;
    let location = Location::parse("s3://trail/logs/AWSLogs").unwrap();
    let end = clock.elapsed() + Duration::from_secs(8);
    let times = (clock.second(), lookback);
    let fed = clock.run(pass(bucket, &location, cursors, times, (clock, end)));
    let mut batches = Vec::new();
    for Fed { batch, cursor } in fed {
        if let Some((feed, cursor)) = cursor {
            cursors.set(feed, cursor);
        }
        batches.push(batch);
    }
    *cursors = saved(cursors);
    batches
}

fn key(account: &str, region: &str, written: Seconds, number: usize) -> String {
    let day = date(i32::try_from(written.div_euclid(DAY)).unwrap());
    let (path, name) = (day.replace('-', "/"), day.replace('-', ""));
    let minute = written.rem_euclid(DAY) / 60;
    let time = format!("{name}T{:02}{:02}Z", minute / 60, minute % 60);
    let folder = format!("logs/AWSLogs/{account}/CloudTrail/{region}/{path}");
    // A stand-in's names lack what is random.
    match number % 7 {
        0 => format!("{folder}/{}_CloudTrail_{region}_{time}.{number}.json.gz", account.trim_start_matches("o-abc/")),
        _ => format!("{folder}/{}_CloudTrail_{region}_{time}_{number:x}.json.gz", account.trim_start_matches("o-abc/")),
    }
}

#[test]
fn two_days_of_keys_in_any_order_come_once() {
    for seed in 0..8 {
        let clock = Virtual::new(seed);
        let mut objects = BTreeMap::new();
        for number in 0..600 {
            let mut chance = clock.chance.borrow_mut();
            let written = START + chance.i64(0..2 * DAY);
            // A key appears up to a day late.
            let late = if chance.u8(0..10) == 0 { chance.i64(0..20 * HOUR) } else { chance.i64(0..600) };
            let account = ["111122223333", "o-abc/444455556666"][chance.usize(0..2)];
            let region = ["us-east-1", "eu-west-1", "ap-south-1"][chance.usize(0..3)];
            objects.insert(key(account, region, written, number), written + late);
        }
        let logs: BTreeSet<_> = objects.keys().cloned().collect();
        let digest =
            "logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/22/1_CloudTrail-Digest_us-east-1_t.json.gz";
        objects.insert(digest.to_owned(), START);
        let bucket = Simulated { clock: &clock, objects, gets: RefCell::default(), flaky: Cell::new(true) };
        let (mut cursors, mut given) = (Cursors::default(), Vec::new());
        while clock.second() < START + 4 * DAY {
            let batches = poll(&bucket, &mut cursors, HOUR);
            given.extend(batches.iter().flat_map(ids));
            // At times nobody polls for long.
            clock.skip(if clock.one_in(20) { 9 * 3_600 } else { 900 });
            bucket.flaky.set(clock.second() < START + 2 * DAY);
        }
        let once: BTreeSet<_> = given.iter().cloned().collect();
        let missing: Vec<_> = logs.difference(&once).take(5).collect();
        assert!(missing.is_empty() && once.len() == logs.len(), "seed {seed}: {missing:?}");
        assert_eq!(given.len(), logs.len(), "seed {seed}");
    }
}

#[test]
fn a_long_backlog_comes_in_several_passes_and_says_how_much_waits() {
    let clock = Virtual::new(5);
    let begin = START - 6 * DAY;
    let objects: BTreeMap<_, _> = (0..2_500)
        .map(|number| (begin + i64::try_from(number).unwrap() * 200, number))
        .map(|(written, number)| (key("111122223333", "us-east-1", written, number), written))
        .collect();
    let count = objects.len();
    let bucket = Simulated { clock: &clock, objects, gets: RefCell::default(), flaky: Cell::new(false) };
    let (mut cursors, mut given) = (Cursors::default(), BTreeSet::new());
    let mut waiting = Vec::new();
    for _ in 0..12 {
        let batches = poll(&bucket, &mut cursors, 7 * DAY);
        given.extend(batches.iter().flat_map(ids));
        waiting.push(batches.iter().any(|batch| batch.reads_left));
        assert_eq!(batches.iter().any(|batch| !batch.problems.is_empty()), waiting.ends_with(&[true]));
        clock.skip(300);
    }
    assert_eq!(given.len(), count);
    assert!(bucket.gets.borrow().values().all(|times| *times == 1));
    assert!(waiting[0] && waiting.ends_with(&[false, false]), "{waiting:?}");
}

#[test]
fn a_bucket_without_a_trail_is_a_problem() {
    let clock = Virtual::new(5);
    let bucket =
        Simulated { clock: &clock, objects: BTreeMap::new(), gets: RefCell::default(), flaky: Cell::new(false) };
    let batches = poll(&bucket, &mut Cursors::default(), HOUR);
    assert!(batches.iter().any(|batch| batch.problems.iter().any(|problem| problem.blind)));
    assert_eq!(Location::parse("s3://"), None);
    assert_eq!(Location::parse("trail"), None);
    let both = [Location::parse("s3://trail/a/b/"), Location::parse("s3://trail/a/b/AWSLogs/o-abc")];
    assert_eq!(both[0], both[1]);
}
