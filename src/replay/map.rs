//! The map: files in, a part out. Runs on as many threads as there are, and knows nothing of order.

mod day;

use std::sync::Arc;

use ahash::RandomState;

use super::door::Door;
use super::fingerprint::{Fingerprint, of_record};
use super::hours::{Counting, Recent};
use super::part::{ModelCall, Part, Usage, late};
use super::table::Table;
use crate::detect::catalog::Rules;
use crate::detect::plan::{Plan, Planner, matches};
use crate::event::about::{self, About};
use crate::event::shape::refused;
use crate::event::trails::used_by_cloudtrail;
use crate::event::view::Json;
use crate::event::{DAY, Event, Identity, NotAnEvent, Place, Record, Seconds, Shape, View};
use crate::model::Skipped;
use crate::price::Model;
use crate::source::{Object, Reader};
use day::{Day, call, event_id};

/// Remembered callers, kinds of call, places, or combinations of them.
const MOST_REMEMBERED: usize = 40_000;
/// Records in one part.
const MOST_RECORDS: usize = 200_000;

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
    /// Only these accounts; all where there are none.
    accounts: &'r [String],
    memory: Memory<'r>,
}

/// What a worker has seen of callers, kinds of call and places, and the part that it is making.
struct Memory<'r> {
    hasher: RandomState,
    planner: Planner<'r>,
    callers: Table<Caller>,
    kinds: Table<Arc<Plan>>,
    places: Table<Arc<Place>>,
    days: Table<Day>,
    part: Part,
    /// What was called before may be judged already when the object that is read is reduced.
    late: Seconds,
    /// Where there is one, every event comes in once.
    door: Option<Door>,
    counting: Counting,
}

/// A `userIdentity` as it was written, and what it means.
struct Caller {
    raw: Box<str>,
    recipient: Box<str>,
    identity: Arc<Identity>,
}

impl<'r> Mapper<'r> {
    /// A worker that unpacks at most so many bytes of one object.
    pub(crate) fn new(rules: &'r Rules, range: Range, max_object_bytes: u64) -> Self {
        Self { rules, range, reader: Reader::new(max_object_bytes), accounts: &[], memory: Memory::new(rules) }
    }

    /// The same, for feeds that are read in turns: what came in through `door` before is a duplicate. Calls are counted.
    pub(crate) fn behind(rules: &'r Rules, range: Range, max_object_bytes: u64, door: Door) -> Self {
        let mut mapper = Self::new(rules, range, max_object_bytes);
        mapper.memory.door = Some(door);
        mapper.memory.counting = Counting::Judged;
        mapper
    }

    /// The same, for history that is read once: calls before the range are counted.
    pub(crate) fn of_past(rules: &'r Rules, range: Range, max_object_bytes: u64) -> Self {
        let mut mapper = Self::new(rules, range, max_object_bytes);
        mapper.memory.counting = Counting::Past(Recent::default());
        mapper
    }

    /// The same, of some accounts alone, if any are named: records of others are not part of the input.
    pub(crate) fn only(mut self, accounts: &'r [String]) -> Self {
        self.accounts = accounts;
        self
    }

    /// Gives the door back.
    pub(crate) fn into_door(self) -> Option<Door> {
        self.memory.door
    }

    /// Reads objects and gives what they hold: in one part, or in several where one would become large.
    pub(crate) fn map(&mut self, objects: &[Object], give: &mut dyn FnMut(Part)) {
        for object in objects {
            self.read(object, give);
        }
        give(self.memory.cut());
    }

    fn read(&mut self, object: &Object, give: &mut dyn FnMut(Part)) {
        let (mut malformed, mut not_a_log, mut beyond, mut first_bad) = (0, 0, 0, None);
        let Self { rules, range, reader, accounts, memory } = self;
        memory.late = object.delivered_day().map_or(Seconds::MIN, late);
        let outcome = reader.read(object, |value| match Record::of(value) {
            Ok(record) if record.time >= range.end => beyond += 1,
            Ok(record) if !memory.is_of(accounts, &record) => beyond += 1,
            Ok(record) => {
                memory.take(rules, &record, record.time >= range.start);
                if memory.is_full() {
                    give(memory.cut());
                }
            }
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
            callers: Table::default(),
            kinds: Table::default(),
            places: Table::default(),
            days: Table::default(),
            part: Part::default(),
            late: Seconds::MIN,
            door: None,
            counting: Counting::Nothing,
        }
    }

    /// One event: counted, and kept as far as somebody needs it.
    fn take(&mut self, rules: &Rules, record: &Record<'_>, judged: bool) {
        let who = self.caller(record);
        let identity = &self.callers.get(who).identity;
        if self.door.as_mut().is_some_and(|door| !door.lets_in(record, identity)) {
            return;
        }
        let fingerprint = fingerprint(record, identity);
        self.part.seen.push(fingerprint);
        let counts = self.counting.counts(fingerprint, judged);
        let what = self.kind(record, who);
        let judged = judged && !rules.own.is_watching(&self.callers.get(who).identity, &self.kinds.get(what).shape);
        let place = self.place(rules, record, [who, what]);
        self.part.is_of(&self.places.get(place).account);
        let key = [who, what, place];
        let usage = self.note(key, record, fingerprint, judged);
        if counts {
            self.days.get_mut(usage).count(record.time);
        }
        if judged && self.kinds.get(what).models {
            // Days become usage in their order.
            self.part.calls.push(ModelCall { fingerprint, usage, at: record.time, model: model(record) });
        }
        if self.kinds.get(what).keeps(fingerprint) {
            self.keep(rules, record, key, fingerprint, judged);
        }
    }

    /// More is not kept at a time, so that no single object makes memory grow.
    fn is_full(&self) -> bool {
        let tables = [self.callers.len(), self.kinds.len(), self.places.len(), self.days.len()];
        tables.into_iter().any(|length| length >= MOST_REMEMBERED) || self.part.seen.len() >= MOST_RECORDS
    }

    fn caller(&mut self, record: &Record<'_>) -> u32 {
        let hash = self.hasher.hash_one((record.identity.as_bytes(), record.recipient.as_bytes()));
        let same = |known: &Caller| *known.raw == *record.identity && *known.recipient == *record.recipient;
        self.callers.find_or(hash, same, || Caller {
            raw: record.identity.as_ref().into(),
            recipient: record.recipient.as_ref().into(),
            identity: Arc::new(Identity::parse(&record.identity, &record.recipient)),
        })
    }

    /// Whether one of some accounts recorded it; any, where there are none.
    fn is_of(&mut self, accounts: &[String], record: &Record<'_>) -> bool {
        if accounts.is_empty() {
            return true;
        }
        let who = self.caller(record);
        let account = recorder(record, &self.callers.get(who).identity);
        accounts.iter().any(|wanted| wanted == account)
    }

    fn kind(&mut self, record: &Record<'_>, who: u32) -> u32 {
        let identity = &self.callers.get(who).identity;
        let told = record.error_message && record.error_code.is_empty();
        let flags = (
            record.read_only,
            record.from_console,
            told,
            identity.service_call,
            identity.kind as u8,
            identity.credential_kind as u8,
            identity.workload as u8,
            record.is_inside(),
            identity.raw_type.as_bytes(),
        );
        let refused = refused(record).unwrap_or_default();
        let trail = used_by_cloudtrail(record, identity).unwrap_or_default();
        let hash = self.hasher.hash_one((
            record.source.as_bytes(),
            record.name.as_bytes(),
            record.user_agent.as_bytes(),
            record.error_code.as_bytes(),
            record.event_type.as_bytes(),
            refused.as_bytes(),
            trail.as_bytes(),
            flags,
        ));
        let same = |plan: &Arc<Plan>| {
            let shape = &plan.shape;
            shape.source == record.source
                && shape.raw_name == record.name
                && shape.user_agent == record.user_agent
                && shape.error_code == record.error_code
                && shape.identity_type == identity.raw_type
                && (refused.is_empty() || shape.refused == refused)
                && shape.trail == trail
        };
        let planner = &mut self.planner;
        self.kinds.find_or(hash, same, || Arc::new(planner.plan(Shape::of(record, identity))))
    }

    fn place(&mut self, rules: &Rules, record: &Record<'_>, [who, what]: [u32; 2]) -> u32 {
        let identity = &self.callers.get(who).identity;
        let account = recorder(record, identity);
        let sources = &self.kinds.get(what).about;
        let about = if sources.is_empty() { About::default() } else { about::read(&record.request, sources) };
        let hash = self.hasher.hash_one((account, record.region.as_bytes(), record.source_ip.as_bytes(), &about));
        let same = |place: &Arc<Place>| {
            let is_about = place.object == about.object && place.role == about.role;
            is_about && place.account == account && place.region == record.region && place.source_ip == record.source_ip
        };
        let make = || {
            let place = Place::new(account, &record.region, &record.source_ip).owned(&rules.networks);
            Arc::new(place.about(about.clone()))
        };
        self.places.find_or(hash, same, make)
    }

    /// Counts the call on its day; returns the position of that.
    fn note(&mut self, key: [u32; 3], record: &Record<'_>, fingerprint: u64, judged: bool) -> u32 {
        let (time, day) = (record.time, record.time.div_euclid(DAY));
        let plan = self.kinds.get(key[1]);
        let alone = (judged && time < self.late && plan.tells_firsts()).then_some(fingerprint);
        let hash = self.hasher.hash_one((key, day, alone));
        let same = |known: &Day| known.key == key && known.day == day && known.alone == alone;
        let position = self.days.find_or(hash, same, || Day::new(key, day, alone));
        let noted = self.days.get_mut(position);
        if judged && !plan.daily.is_empty() && time <= noted.first {
            let call = call(record, fingerprint);
            noted.noted = Some(noted.noted.take().map_or_else(|| call.clone(), |known| known.min(call.clone())));
        }
        if judged {
            plan.stretches.iter().for_each(|length| noted.burst(*length, record, fingerprint));
        }
        noted.first = noted.first.min(time);
        noted.last = noted.last.max(time);
        position
    }

    /// Asks the rules that want to see the record itself, and keeps it when one matches or it has facts.
    fn keep(&mut self, rules: &Rules, record: &Record<'_>, key: [u32; 3], fingerprint: u64, judged: bool) {
        let [who, what, place] = key;
        let (identity, plan, place) = (&self.callers.get(who).identity, self.kinds.get(what), self.places.get(place));
        let json = Json::default();
        let mut view = View::new(record, identity, &plan.shape, place, &json, &rules.prices, &rules.own);
        // What is not judged is measured all the same.
        let wanted = |rule: &u16| judged || !rules.rules[usize::from(*rule)].measures.is_empty();
        let mut matched: Vec<u16> = plan.always.iter().copied().filter(wanted).collect();
        let asked = plan.ask.iter().map(|rule| (*rule, true)).chain(plan.drawn(fingerprint));
        let asked = asked.filter(|(rule, ask)| wanted(rule) && (!ask || matches(rules, *rule, &mut view)));
        matched.extend(asked.map(|(rule, _)| rule));
        let wanted = matched.iter().flat_map(|rule| &rules.rules[usize::from(*rule)].captures);
        let fields = wanted.filter_map(|field| Some((field.clone(), view.text(field)?))).collect();
        let facts = if plan.facts || !matched.is_empty() { view.into_facts() } else { None };
        if facts.is_some() || !matched.is_empty() {
            let (identity, shape, place) = (Arc::clone(identity), Arc::clone(&plan.shape), Arc::clone(place));
            let id = event_id(record, fingerprint).as_str().into();
            let event = Event { time: record.time, id, identity, shape, place, rules: matched, fields, facts };
            self.part.events.push(event);
        }
    }

    /// Ends a part.
    fn cut(&mut self) -> Part {
        for day in self.days.drain() {
            let [who, what, place] = day.key;
            self.part.usage.push(Arc::new(Usage {
                identity: Arc::clone(&self.callers.get(who).identity),
                plan: Arc::clone(self.kinds.get(what)),
                place: Arc::clone(self.places.get(place)),
                first: day.first,
                last: day.last,
                noted: day.noted,
                bursts: day.bursts,
                hours: day.hours,
            }));
        }
        self.callers.bound(MOST_REMEMBERED);
        self.kinds.bound(MOST_REMEMBERED);
        self.places.bound(MOST_REMEMBERED);
        std::mem::take(&mut self.part)
    }
}

/// The account whose trail recorded an event.
fn recorder<'r>(record: &'r Record<'_>, identity: &'r Identity) -> &'r str {
    if record.recipient.is_empty() { &identity.account } else { &record.recipient }
}

/// Tells copies of one record from other records.
fn fingerprint(record: &Record<'_>, identity: &Identity) -> u64 {
    if record.id.is_empty() {
        return Fingerprint::new().text(&record.raw).finish();
    }
    of_record(record.time, &record.id, &record.source, &record.name, recorder(record, identity))
}

/// The model that a call asks.
fn model(record: &Record<'_>) -> Model {
    let id = sonic_rs::get(&*record.request, ["modelId"]).ok();
    Model::of(id.as_ref().map_or("", |id| id.as_raw_str()))
}
