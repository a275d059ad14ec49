//! The map: files in, a part out. Runs on as many threads as there are, and knows nothing of order.

use std::cell::OnceCell;
use std::sync::Arc;

use ahash::RandomState;
use hashbrown::HashTable;

use super::part::{Part, Usage};
use crate::detect::catalog::Rules;
use crate::detect::plan::{Plan, Planner, matches};
use crate::event::{DAY, Event, Identity, NotAnEvent, Place, Record, Seconds, Shape, View};
use crate::model::Skipped;
use crate::source::{Object, Reader};

/// Remembered identities, shapes and places; more are forgotten all at once, so that memory stays bounded.
const MOST_REMEMBERED: usize = 40_000;

/// Events outside of this time are left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// Before this, events are history only.
    pub start: Seconds,
    /// From this on, events are not part of the input.
    pub end: Seconds,
}

/// One worker of the map stage.
pub(crate) struct Mapper<'r> {
    rules: &'r Rules,
    range: Range,
    reader: Reader,
    memory: Memory<'r>,
}

/// What many records share, kept once.
struct Memory<'r> {
    hasher: RandomState,
    planner: Planner<'r>,
    identities: Table<(Box<str>, Box<str>, Arc<Identity>)>,
    shapes: Table<Plan>,
    places: Table<Arc<Place>>,
    days: HashTable<(u64, Day)>,
    bursts: HashTable<(u64, Burst)>,
    part: Part,
}

/// Values found by hash, and by position.
struct Table<T> {
    index: HashTable<(u64, u32)>,
    values: Vec<T>,
}

/// Calls of one kind, caller, place and day.
struct Day {
    key: [u32; 3],
    day: i64,
    first: Seconds,
    first_id: Option<Arc<str>>,
    last: Seconds,
}

/// The first call of one kind, caller and place in a stretch of time.
struct Burst {
    key: [u32; 3],
    length: Seconds,
    stretch: i64,
    first: Seconds,
    first_id: Arc<str>,
}

impl<'r> Mapper<'r> {
    /// A worker that unpacks at most so many bytes of one object.
    pub(crate) fn new(rules: &'r Rules, range: Range, max_object_bytes: u64) -> Self {
        Self { rules, range, reader: Reader::new(max_object_bytes), memory: Memory::new(rules) }
    }

    /// Reads objects and returns what they hold.
    pub(crate) fn map(&mut self, objects: &[Object]) -> Part {
        for object in objects {
            self.read(object);
        }
        self.memory.cut(self.rules)
    }

    fn read(&mut self, object: &Object) {
        let (mut malformed, mut not_a_log, mut beyond, mut first_bad) = (0, 0, 0, None);
        let Self { rules, range, reader, memory } = self;
        let outcome = reader.read(object, |raw| match Record::scan(raw) {
            Ok(record) if record.time >= range.end => beyond += 1,
            Ok(record) => memory.take(rules, &record, record.time >= range.start),
            Err(NotAnEvent::NotALog) => not_a_log += 1,
            Err(NotAnEvent::Malformed(why)) => {
                malformed += 1;
                first_bad.get_or_insert(why);
            }
        });
        let counts = &mut self.memory.part.counts;
        counts.read += outcome.records + outcome.malformed + outcome.not_a_log - beyond;
        counts.malformed += outcome.malformed + malformed;
        counts.not_a_log += outcome.not_a_log + not_a_log;
        counts.bytes += outcome.bytes;
        let lost = outcome.malformed + malformed;
        let at = outcome.first_malformed.or(first_bad.map(str::to_owned)).unwrap_or_default();
        let why = match (outcome.skipped, lost) {
            (Some(why), _) => Some(why),
            (None, 0) => None,
            (None, 1) => Some(format!("1 malformed record: {at}")),
            (None, lost) => Some(format!("{lost} malformed records, the first: {at}")),
        };
        counts.skipped.extend(why.map(|why| Skipped { path: object.name().to_owned(), why }));
    }
}

impl<'r> Memory<'r> {
    fn new(rules: &'r Rules) -> Self {
        Self {
            hasher: RandomState::with_seeds(1, 2, 3, 4),
            planner: Planner::new(rules),
            identities: Table::default(),
            shapes: Table::default(),
            places: Table::default(),
            days: HashTable::new(),
            bursts: HashTable::new(),
            part: Part::default(),
        }
    }

    /// One event: counted, and kept as far as somebody needs it.
    fn take(&mut self, rules: &Rules, record: &Record<'_>, judged: bool) {
        let fingerprint = self.fingerprint(record);
        self.part.seen.push(fingerprint);
        let who = self.identity(record);
        let what = self.shape(record, who);
        let place = self.place(record, who);
        let id = || -> Arc<str> {
            if record.id.is_empty() { format!("{fingerprint:016x}").into() } else { Arc::from(record.id.as_ref()) }
        };
        let plan = &self.shapes.values[what as usize];
        let keep_first = judged && !plan.daily.is_empty();
        for length in lengths(&plan.bursts).filter(|_| judged) {
            let stretch = record.time.div_euclid(length);
            note_burst(&mut self.bursts, &self.hasher, [who, what, place], length, stretch, record.time, &id);
        }
        note_day(&mut self.days, &self.hasher, [who, what, place], record.time, keep_first, &id);
        if !plan.only_counts() {
            self.keep(rules, record, [who, what, place], judged, id);
        }
    }

    fn fingerprint(&self, record: &Record<'_>) -> u64 {
        if record.id.is_empty() {
            return self.hasher.hash_one(record.raw.as_bytes());
        }
        self.hasher.hash_one((record.id.as_bytes(), record.time, record.source.as_bytes(), record.name.as_bytes()))
    }

    fn identity(&mut self, record: &Record<'_>) -> u32 {
        let hash = self.hasher.hash_one((record.identity.as_bytes(), record.recipient.as_bytes()));
        self.identities.find_or(
            hash,
            |(raw, recipient, _)| **raw == *record.identity && **recipient == *record.recipient,
            || {
                let identity = Arc::new(Identity::parse(&record.identity, &record.recipient));
                (record.identity.as_ref().into(), record.recipient.as_ref().into(), identity)
            },
        )
    }

    fn shape(&mut self, record: &Record<'_>, who: u32) -> u32 {
        let identity = Arc::clone(&self.identities.values[who as usize].2);
        let told = record.error_message && record.error_code.is_empty();
        let hash = self.hasher.hash_one((
            record.source.as_bytes(),
            record.name.as_bytes(),
            record.user_agent.as_bytes(),
            record.error_code.as_bytes(),
            record.event_type.as_bytes(),
            (
                record.read_only,
                record.from_console,
                told,
                identity.service_call,
                identity.kind as u8,
                identity.credential_kind as u8,
            ),
        ));
        let planner = &mut self.planner;
        let same = |plan: &Plan| {
            let shape = &plan.shape;
            shape.source == record.source
                && shape.raw_name == record.name
                && shape.user_agent == record.user_agent
                && shape.error_code == record.error_code
        };
        self.shapes.find_or(hash, same, || planner.plan(Shape::of(record, &identity)))
    }

    fn place(&mut self, record: &Record<'_>, who: u32) -> u32 {
        let identity = &self.identities.values[who as usize].2;
        let account = if record.recipient.is_empty() { identity.account.as_str() } else { record.recipient.as_ref() };
        let hash = self.hasher.hash_one((account, record.region.as_bytes(), record.source_ip.as_bytes()));
        let same = |place: &Arc<Place>| {
            place.account == account && place.region == record.region && place.source_ip == record.source_ip
        };
        self.places.find_or(hash, same, || Arc::new(Place::new(account, &record.region, &record.source_ip)))
    }

    /// Asks the rules that want to see the record itself, and keeps it when one matches or it has facts.
    fn keep(
        &mut self,
        rules: &Rules,
        record: &Record<'_>,
        [who, what, place]: [u32; 3],
        judged: bool,
        id: impl Fn() -> Arc<str>,
    ) {
        let (plan, identity, place) = (
            &self.shapes.values[what as usize],
            &self.identities.values[who as usize].2,
            &self.places.values[place as usize],
        );
        let json = OnceCell::new();
        let mut view = View::new(record, identity, &plan.shape, place, &json);
        let mut matched = plan.always.clone();
        matched.extend(plan.ask.iter().copied().filter(|rule| matches(rules, *rule, &mut view)));
        if !judged {
            matched.clear();
        }
        let wanted = matched.iter().flat_map(|rule| &rules.rules[usize::from(*rule)].captures);
        let fields = wanted.filter_map(|field| Some((field.clone(), view.text(field)?))).collect();
        let facts = if plan.facts || !matched.is_empty() { view.into_facts() } else { None };
        if facts.is_some() || !matched.is_empty() {
            let (identity, shape, place) = (Arc::clone(identity), Arc::clone(&plan.shape), Arc::clone(place));
            self.part.events.push(Event {
                time: record.time,
                id: id(),
                identity,
                shape,
                place,
                rules: matched,
                fields,
                facts,
            });
        }
    }

    /// Ends a part: what was counted becomes usage, what was thinned becomes events.
    fn cut(&mut self, rules: &Rules) -> Part {
        debug_assert!(rules.rules.len() < usize::from(u16::MAX));
        for (_, day) in self.days.drain() {
            let [who, what, place] = day.key.map(|n| n as usize);
            let (identity, plan, place) =
                (&self.identities.values[who].2, &self.shapes.values[what], &self.places.values[place]);
            let usage = Usage {
                identity: Arc::clone(identity),
                place: Arc::clone(place),
                shape: Arc::clone(&plan.shape),
                first: day.first,
                last: day.last,
            };
            if let Some(id) = day.first_id {
                self.part.events.push(thinned(&usage, id, plan.daily.clone()));
            }
            self.part.usage.push(usage);
        }
        for (_, burst) in self.bursts.drain() {
            let [who, what, place] = burst.key.map(|n| n as usize);
            let (identity, plan, place) =
                (&self.identities.values[who].2, &self.shapes.values[what], &self.places.values[place]);
            let rules =
                plan.bursts.iter().filter(|(length, _)| *length == burst.length).map(|(_, rule)| *rule).collect();
            let usage = Usage {
                identity: Arc::clone(identity),
                place: Arc::clone(place),
                shape: Arc::clone(&plan.shape),
                first: burst.first,
                last: burst.first,
            };
            self.part.events.push(thinned(&usage, burst.first_id, rules));
        }
        self.identities.bound();
        self.shapes.bound();
        self.places.bound();
        std::mem::take(&mut self.part)
    }
}

fn thinned(usage: &Usage, id: Arc<str>, rules: Vec<u16>) -> Event {
    let (identity, shape, place) = (Arc::clone(&usage.identity), Arc::clone(&usage.shape), Arc::clone(&usage.place));
    Event {
        time: usage.first,
        id,
        identity,
        shape,
        place,
        rules,
        fields: std::collections::BTreeMap::new(),
        facts: None,
    }
}

/// The different lengths of a plan's bursts.
fn lengths(bursts: &[(Seconds, u16)]) -> impl Iterator<Item = Seconds> + '_ {
    bursts
        .iter()
        .enumerate()
        .filter(|(n, (length, _))| bursts[..*n].iter().all(|(earlier, _)| earlier != length))
        .map(|(_, (length, _))| *length)
}

fn note_day(
    days: &mut HashTable<(u64, Day)>,
    hasher: &RandomState,
    key: [u32; 3],
    time: Seconds,
    keep_first: bool,
    id: &impl Fn() -> Arc<str>,
) {
    let day = time.div_euclid(DAY);
    let hash = hasher.hash_one((key, day));
    match days.find_mut(hash, |(_, known)| known.key == key && known.day == day) {
        Some((_, known)) => {
            known.last = known.last.max(time);
            if time <= known.first && keep_first {
                known.first_id = earlier(known.first, known.first_id.take(), time, id);
            }
            known.first = known.first.min(time);
        }
        None => {
            let new = Day { key, day, first: time, first_id: keep_first.then(id), last: time };
            days.insert_unique(hash, (hash, new), |(hash, _)| *hash);
        }
    }
}

/// The id of the earlier of two events; of two in one second the smaller, so that order does not matter.
fn earlier(known_at: Seconds, known: Option<Arc<str>>, at: Seconds, id: &impl Fn() -> Arc<str>) -> Option<Arc<str>> {
    match known {
        Some(known) if at == known_at => Some(known.min(id())),
        _ => Some(id()),
    }
}

fn note_burst(
    bursts: &mut HashTable<(u64, Burst)>,
    hasher: &RandomState,
    key: [u32; 3],
    length: Seconds,
    stretch: i64,
    time: Seconds,
    id: &impl Fn() -> Arc<str>,
) {
    let hash = hasher.hash_one((key, length, stretch));
    match bursts.find_mut(hash, |(_, known)| known.key == key && known.length == length && known.stretch == stretch) {
        Some((_, known)) if time > known.first => {}
        Some((_, known)) => {
            known.first_id = if time == known.first { Arc::clone(&known.first_id).min(id()) } else { id() };
            known.first = time;
        }
        None => {
            let new = Burst { key, length, stretch, first: time, first_id: id() };
            bursts.insert_unique(hash, (hash, new), |(hash, _)| *hash);
        }
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { index: HashTable::new(), values: Vec::new() }
    }
}

impl<T> Table<T> {
    fn find_or(&mut self, hash: u64, same: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> u32 {
        let values = &mut self.values;
        if let Some((_, known)) = self.index.find(hash, |(of, n)| *of == hash && same(&values[*n as usize])) {
            return *known;
        }
        let position = u32::try_from(values.len()).unwrap_or(u32::MAX);
        values.push(make());
        self.index.insert_unique(hash, (hash, position), |(hash, _)| *hash);
        position
    }

    fn bound(&mut self) {
        if self.values.len() > MOST_REMEMBERED {
            *self = Self::default();
        }
    }
}
