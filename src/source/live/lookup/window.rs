//! Which ranges of time a pass reads, in what order, and what it leaves for the next one.

use super::{End, Lookups, Reading};
use crate::event::{DAY, HOUR, Seconds, time};
use crate::source::Problem;
use crate::source::live::Batch;
use crate::source::live::cursor::{Kind, LookupCursor, Range};
use crate::source::live::pace::Pace;

/// How late an event usually arrives at most.
const LATE: Seconds = 25 * 60;
/// Some events come later. Once an hour, and once a day, a region is read again for longer, where its last pass gave so
/// few events that this takes some seconds: how often, how far back, and how few.
const LATER: [(Seconds, Seconds, usize); 2] = [(HOUR, 3 * HOUR, 100), (DAY, DAY + HOUR, 12)];
/// What LookupEvents keeps, with some time to read it.
pub(in crate::source::live) const KEPT: Seconds = 90 * DAY - HOUR;
/// A window of more pages is busy.
const BUSY: u32 = 10;
/// Unread ranges that are kept apart, for each kind.
const MOST_RANGES: usize = 24;

/// One pass: what is new, then what earlier passes left. Without a cursor it begins `first_lookback` ago, or where LookupEvents
/// begins.
pub(in crate::source::live) async fn pass<L: Lookups, P: Pace>(
    mut reading: Reading<'_, L, P>,
    cursor: Option<&LookupCursor>,
    now: Seconds,
    first_lookback: Seconds,
) -> (LookupCursor, Batch) {
    // A feed that begins lacks nothing of what it never was to read.
    let begins = now - first_lookback.clamp(0, KEPT);
    let first = || LookupCursor { polled: begins + LATE, ..LookupCursor::default() };
    let mut state = cursor.cloned().unwrap_or_else(first);
    forget(&mut state, now, &mut reading.batch);
    let back = cursor.map_or(LATE, |cursor| overlap(cursor, now));
    let from = cursor.map_or(begins, |cursor| (cursor.polled.min(now) - back).max(now - KEPT));
    let (busy, unread) = window(&mut reading, &state, Range::new(Kind::Everything, from, now)).await;
    // Without a single page the next window begins where this one does.
    if reading.pages > 0 {
        // A longer window says nothing of how many events there usually are.
        let events = if back == LATE { reading.batch.events } else { state.events };
        state = LookupCursor { polled: now, busy, events, unread: fewer(unread) };
        // Late events are behind a token as well. Only within a single second there is no other way to go on.
        state.unread.iter_mut().filter(|range| range.lowest < range.until).for_each(Range::restart);
        tell(&mut reading.batch, &state.unread);
    }
    let batch = reading.take();
    (state, batch)
}

/// How far a window reaches back before the last one ended.
fn overlap(state: &LookupCursor, now: Seconds) -> Seconds {
    let is_due = |every: Seconds, few: usize| {
        !state.busy && state.events <= few && state.polled.div_euclid(every) != now.div_euclid(every)
    };
    let due = LATER.iter().filter(|(every, _, few)| is_due(*every, *few));
    due.map(|(_, back, _)| *back).max().unwrap_or(LATE)
}

/// Drops what AWS no longer has, and says so.
fn forget(state: &mut LookupCursor, now: Seconds, batch: &mut Batch) {
    let oldest = now - KEPT;
    let mut lost = (state.polled - LATE < oldest).then_some((state.polled - LATE, oldest));
    for range in state.unread.iter_mut().filter(|range| range.from < oldest) {
        let until = range.reached.min(oldest);
        lost = Some(lost.map_or((range.from, until), |(from, to)| (from.min(range.from), to.max(until))));
        range.from = oldest;
        range.restart();
    }
    state.unread.retain(|range| range.reached > oldest);
    if let Some((from, until)) = lost {
        let why = format!(
            "events from {} to {} are lost, because LookupEvents keeps 90 days",
            time::format(from),
            time::format(until)
        );
        batch.problems.push(Problem::blind(&batch.feed, why));
    }
}

/// Reads the new window and old ranges as far as time goes; gives whether it is busy here, and what is unread.
async fn window<L: Lookups, P: Pace>(
    reading: &mut Reading<'_, L, P>,
    state: &LookupCursor,
    mut fresh: Range,
) -> (bool, Vec<Range>) {
    let (mut writes, mut all): (Vec<_>, Vec<_>) =
        state.unread.iter().cloned().partition(|range| range.kind == Kind::Writes);
    let mut first = Range { kind: Kind::Writes, ..fresh.clone() };
    if state.busy {
        first.from = above(&writes, fresh.from);
        fresh.from = above(&all, fresh.from);
    }
    let asked = fresh.clone();
    let is_old = |range: &Range| !range.is_inside(&asked);
    let mut end = End::Pages;
    if !state.busy {
        end = reading.read(&mut fresh, BUSY).await;
        first = Range::new(Kind::Writes, fresh.from, fresh.reached);
    }
    if end == End::Done {
        writes.retain(is_old);
        all.retain(is_old);
    } else {
        writes.insert(0, first);
        all.insert(0, fresh);
    }
    let mut busy = matches!(end, End::Pages | End::Time);
    let mut goes_on = end != End::Refused;
    let mut left = ranges(reading, writes, &mut goes_on).await;
    if end != End::Done && goes_on {
        // The first of them is the new window.
        let before = reading.pages;
        let mut fresh = all.remove(0);
        match reading.read(&mut fresh, u32::MAX).await {
            End::Done => {
                busy = !state.busy || reading.pages - before > BUSY;
                all.retain(is_old);
            }
            end => {
                goes_on = end == End::Stuck;
                left.push(fresh);
            }
        }
    }
    left.extend(ranges(reading, all, &mut goes_on).await);
    busy |= state.busy && left.iter().any(|range| range.kind == Kind::Everything);
    (busy, left)
}

/// From where on a new window must read, where unread ranges will give what is before that.
fn above(unread: &[Range], from: Seconds) -> Seconds {
    let mut start = from;
    while let Some(range) = unread.iter().find(|range| range.from <= start && range.reached > start) {
        start = range.reached;
    }
    start
}

/// Reads ranges in their order while it goes on; gives what is left of them.
async fn ranges<L: Lookups, P: Pace>(
    reading: &mut Reading<'_, L, P>,
    ranges: Vec<Range>,
    goes_on: &mut bool,
) -> Vec<Range> {
    let mut unread = Vec::new();
    for mut range in ranges {
        if *goes_on {
            match reading.read(&mut range, u32::MAX).await {
                End::Done => continue,
                End::Stuck => {}
                End::Pages | End::Time | End::Refused => *goes_on = false,
            }
        }
        unread.push(range);
    }
    unread
}

/// Puts the oldest ranges together when there are many.
fn fewer(ranges: Vec<Range>) -> Vec<Range> {
    let (writes, all): (Vec<_>, Vec<_>) = ranges.into_iter().partition(|range| range.kind == Kind::Writes);
    let join = |mut ranges: Vec<Range>| {
        ranges.sort_by_key(|range| std::cmp::Reverse(range.reached));
        let old = ranges.split_off(ranges.len().min(MOST_RANGES - 1));
        let joined = old
            .into_iter()
            .reduce(|one, other| Range::new(one.kind, one.from.min(other.from), one.reached.max(other.reached)));
        ranges.extend(joined);
        ranges
    };
    let mut unread = join(writes);
    unread.extend(join(all));
    unread
}

/// Says what is unread. What is left of a full lookup also lies in one for write events, until that was read.
fn tell(batch: &mut Batch, unread: &[Range]) {
    batch.reads_left = unread.iter().any(|range| range.kind == Kind::Everything);
    for (kind, what) in [(Kind::Writes, "write events"), (Kind::Everything, "read events")] {
        let ranges = || unread.iter().filter(|range| range.kind == kind);
        let from = ranges().map(|range| range.from).min();
        let until = ranges().map(|range| range.reached).max();
        if let Some((from, until)) = from.zip(until) {
            let (from, until) = (time::format(from), time::format(until));
            let why = format!("{what} between {from} and {until} are unread and come in the next pass");
            batch.problems.push(Problem { what: batch.feed.clone(), why, blind: kind == Kind::Writes });
        }
    }
}
