//! LookupEvents that throttles, forgets tokens, repeats itself and tells late.

use super::super::cursor::{Kind, LookupCursor, Range};
use super::super::lookup::{Found, KEPT, Lookups, Page, Reading, pass};
use super::*;
use crate::event::HOUR;

const ACCOUNT: &str = "111122223333";

#[derive(Clone)]
struct Happened {
    id: String,
    time: Seconds,
    visible: Seconds,
    write: bool,
}

/// One region's LookupEvents: two requests a second, 50 a page.
struct Simulated<'a> {
    clock: &'a Virtual,
    events: Vec<Happened>,
    asked: RefCell<Vec<Duration>>,
    /// Repeats, empty pages, lost tokens.
    odd: bool,
}

impl<'a> Simulated<'a> {
    /// `events` are sorted, the newest first.
    fn new(clock: &'a Virtual, mut events: Vec<Happened>, odd: bool) -> Self {
        events.sort_by(|one, other| (other.time, &other.id).cmp(&(one.time, &one.id)));
        Self { clock, events, asked: RefCell::default(), odd }
    }

    fn throttles(&self) -> bool {
        let now = self.clock.elapsed();
        let mut asked = self.asked.borrow_mut();
        asked.retain(|at| now - *at < Duration::from_secs(1));
        asked.push(now);
        asked.len() > 2
    }
}

impl Lookups for Simulated<'_> {
    async fn page(&self, range: &Range) -> Result<Page, Refusal> {
        self.clock.latency().await;
        if self.throttles() {
            return Err(Refusal::Throttled("ThrottlingException".to_owned()));
        }
        self.clock.latency().await;
        let parameters = format!("{:?} {} {}", range.kind, range.from, range.until);
        let behind = match &range.token {
            None => None,
            Some(token) => match token.split_once('|') {
                Some((place, same)) if same == parameters && !(self.odd && self.clock.one_in(40)) => Some(place),
                _ => return Err(Refusal::Token("InvalidNextTokenException".to_owned())),
            },
        };
        let now = self.clock.second();
        let place = |event: &Happened| format!("{:020} {}", event.time, event.id);
        let mut matching = self.events.iter().filter(|event| {
            (range.from..=range.until).contains(&event.time)
                && event.visible <= now
                && (range.kind == Kind::Everything || event.write)
                && behind.is_none_or(|behind| place(event).as_str() < behind)
        });
        let size = if self.odd && self.clock.one_in(15) { 0 } else { 50 };
        let mut events: Vec<&Happened> = matching.by_ref().take(size).collect();
        let next = match events.last() {
            Some(last) => matching.next().is_some().then(|| place(last)),
            None if size == 0 && matching.next().is_some() => {
                // The same place under another name, as an empty page has it.
                Some(behind.map_or_else(|| "9".repeat(21), |behind| format!("{behind} ")))
            }
            None => None,
        };
        if self.odd {
            self.clock.chance.borrow_mut().shuffle(&mut events);
            let twice: Vec<_> = events.iter().take(2).copied().collect();
            events.extend(twice);
        }
        let found = |event: &&Happened| Found {
            id: Some(event.id.clone()),
            time: Some(event.time),
            record: Some(record(&event.id)),
        };
        Ok(Page { events: events.iter().map(found).collect(), next: next.map(|place| format!("{place}|{parameters}")) })
    }
}

/// One pass over all regions at the same time; gives how long it took.
fn poll(
    clock: &Virtual,
    regions: &[Simulated<'_>],
    cursors: &mut Cursors,
    lookback: Seconds,
) -> (Vec<Batch>, Duration) {
    let (start, now) = (clock.elapsed(), clock.second());
    let end = start + Duration::from_secs(8);
    let known = &*cursors;
    let work = regions.iter().enumerate().map(|(number, region)| -> Work<'_, (String, LookupCursor, Batch)> {
        let name = format!("region-{number}");
        Box::pin(async move {
            let feed = super::super::lookup::feed(ACCOUNT, &name);
            let reading = Reading::new(region, clock, end, ACCOUNT, &name);
            let (cursor, batch) = pass(reading, known.lookup(&feed), now, lookback).await;
            (feed, cursor, batch)
        })
    });
    let done = clock.run(side_by_side(usize::MAX, work));
    let mut batches = Vec::new();
    for (feed, cursor, batch) in done {
        cursors.set(feed, Cursor::Lookup(cursor));
        batches.push(batch);
    }
    *cursors = saved(cursors);
    (batches, clock.elapsed() - start)
}

fn happened(clock: &Virtual, region: usize, number: usize, from: Seconds, until: Seconds) -> Happened {
    let mut chance = clock.chance.borrow_mut();
    let time = chance.i64(from..until);
    let late = if chance.u8(0..4) == 0 { chance.i64(0..24 * 60) } else { chance.i64(0..120) };
    Happened { id: format!("{region}-{number}"), time, visible: time + late, write: chance.u8(0..5) == 0 }
}

#[test]
fn what_17_regions_tell_in_whatever_way_all_arrives() {
    for seed in 0..12 {
        let clock = Virtual::new(seed);
        let regions: Vec<_> = (0..17)
            .map(|region| {
                // Two regions are busy, and most of that comes at once.
                let some = match region {
                    0 => 4_000,
                    1 => 1_500,
                    region => region * 8,
                };
                let burst = START + HOUR;
                let event = |number| match region < 2 && number % 3 > 0 {
                    true => happened(&clock, region, number, burst, burst + 300),
                    false => happened(&clock, region, number, START - 2 * HOUR, START + 2 * HOUR),
                };
                Simulated::new(&clock, (0..some).map(event).collect(), true)
            })
            .collect();
        let mut cursors = Cursors::default();
        let mut given = BTreeSet::new();
        let mut longest = Duration::ZERO;
        let mut last = Vec::new();
        while clock.second() < START + 4 * HOUR {
            let (batches, took) = poll(&clock, &regions, &mut cursors, 2 * HOUR);
            given.extend(batches.iter().flat_map(ids));
            longest = longest.max(took);
            last = batches;
            clock.skip(300);
        }
        let exists: BTreeSet<_> =
            regions.iter().flat_map(|region| &region.events).map(|event| event.id.clone()).collect();
        let missing: Vec<_> = exists.difference(&given).take(5).collect();
        assert!(missing.is_empty() && given.len() == exists.len(), "seed {seed}: {missing:?} {cursors:?}");
        assert!(longest < Duration::from_secs(10), "seed {seed}: {longest:?}");
        assert!(last.iter().all(|batch| batch.problems.is_empty() && !batch.reads_left), "seed {seed}");
    }
}

#[test]
fn a_busy_region_gives_writes_first_and_the_rest_later() {
    let clock = Virtual::new(7);
    let events: Vec<_> = (0..3_000).map(|number| happened(&clock, 0, number, START - DAY, START - HOUR)).collect();
    let writes: BTreeSet<_> = events.iter().filter(|event| event.write).map(|event| event.id.clone()).collect();
    let region = [Simulated::new(&clock, events.clone(), false)];
    let (mut cursors, mut given) = (Cursors::default(), BTreeSet::new());
    let mut passes = Vec::new();
    for _ in 0..12 {
        let (batches, took) = poll(&clock, &region, &mut cursors, DAY);
        assert!(took < Duration::from_secs(10), "{took:?}");
        given.extend(ids(&batches[0]));
        let blind = batches[0].problems.iter().any(|problem| problem.blind);
        assert_eq!(blind, !given.is_superset(&writes), "{:?}", batches[0].problems);
        assert_eq!(batches[0].reads_left, given.len() < 3_000);
        assert!(!batches[0].reads_left || !batches[0].problems.is_empty());
        passes.push((given.intersection(&writes).count(), given.len()));
        clock.skip(300);
    }
    let all_writes = passes.iter().position(|(some, _)| *some == writes.len()).unwrap();
    let all = passes.iter().position(|(_, some)| *some == 3_000).unwrap();
    assert!(all_writes < 2 && all_writes < all && all < 8, "{passes:?}");
}

/// Answers as a function of the number of the question.
struct Scripted<F>(Cell<usize>, F);

impl<F: Fn(usize) -> Result<Page, Refusal>> Lookups for Scripted<F> {
    async fn page(&self, _: &Range) -> Result<Page, Refusal> {
        self.0.set(self.0.get() + 1);
        (self.1)(self.0.get())
    }
}

fn one_pass<L: Lookups>(lookups: &L, cursor: Option<&LookupCursor>) -> (LookupCursor, Batch, Duration) {
    let clock = Virtual::new(1);
    let reading = Reading::new(lookups, &clock, Duration::from_secs(8), ACCOUNT, "eu-west-1");
    let (cursor, batch) = clock.run(pass(reading, cursor, START, HOUR));
    (cursor, batch, clock.elapsed())
}

#[test]
fn a_feed_that_begins_reads_what_it_is_told_and_lacks_nothing() {
    for (lookback, begin) in [(HOUR, HOUR), (89 * DAY, 89 * DAY), (400 * DAY, KEPT), (0, 0)] {
        let asked = RefCell::new(Vec::new());
        let quiet = Asked(&asked);
        let clock = Virtual::new(1);
        let reading = Reading::new(&quiet, &clock, Duration::from_secs(8), ACCOUNT, "eu-west-1");
        let (cursor, batch) = clock.run(pass(reading, None, START, lookback));
        assert_eq!((cursor.polled, asked.take()), (START, vec![(START - begin, START)]));
        assert_eq!(batch.problems, []);
    }
}

/// Has no events, and remembers the ranges that it was asked for.
struct Asked<'a>(&'a RefCell<Vec<(Seconds, Seconds)>>);

impl Lookups for Asked<'_> {
    async fn page(&self, range: &Range) -> Result<Page, Refusal> {
        self.0.borrow_mut().push((range.from, range.until));
        Ok(Page::default())
    }
}

#[test]
fn a_server_without_end_ends() {
    let again = Scripted(Cell::default(), |_| Ok(Page { events: Vec::new(), next: Some("again".to_owned()) }));
    let (cursor, batch, took) = one_pass(&again, None);
    assert!(took < Duration::from_secs(10) && batch.requests < 20, "{batch:?}");
    assert!(batch.problems.iter().any(|problem| problem.blind && problem.why.contains("same page token")));
    assert!(!cursor.unread.is_empty());

    let more =
        Scripted(Cell::default(), |number: usize| Ok(Page { events: Vec::new(), next: Some(number.to_string()) }));
    let (cursor, batch, took) = one_pass(&more, None);
    assert!(took < Duration::from_secs(10) && batch.problems.iter().any(|problem| problem.blind));
    assert!(cursor.unread.iter().any(|range| (range.from, range.reached) == (START - HOUR, START)));
}

#[test]
fn what_is_refused_is_asked_for_again() {
    let throttled = Scripted(Cell::default(), |_| Err(Refusal::Throttled("ThrottlingException".to_owned())));
    let old = LookupCursor { polled: START - 7_200, ..LookupCursor::default() };
    let (cursor, batch, took) = one_pass(&throttled, Some(&old));
    assert_eq!(cursor, old);
    assert!(batch.problems[0].blind && batch.requests > 2 && took < Duration::from_secs(10), "{batch:?} {took:?}");

    let denied = Scripted(Cell::default(), |_| {
        Err(Refusal::Denied { action: "cloudtrail:LookupEvents", why: "AccessDeniedException".to_owned() })
    });
    let (cursor, batch, _) = one_pass(&denied, Some(&old));
    assert_eq!((cursor, batch.requests), (old, 1));
    assert!(batch.problems[0].why.contains("cloudtrail:LookupEvents"));
}

#[test]
fn an_event_without_its_record_is_no_silence_and_old_ranges_are_named() {
    let bare = Scripted(Cell::default(), |_| {
        let found = Found { id: Some("lost".to_owned()), time: Some(START), record: None };
        Ok(Page { events: vec![found], next: None })
    });
    let old = LookupCursor { polled: START - 100 * DAY, ..LookupCursor::default() };
    let (cursor, batch, _) = one_pass(&bare, Some(&old));
    let told: Vec<_> = batch.problems.iter().map(|problem| problem.why.as_str()).collect();
    assert!(told[0].contains("90 days") && told[1].contains("lost"), "{told:?}");
    assert_eq!((cursor.polled, cursor.unread.len(), batch.events), (START, 0, 1));
}
