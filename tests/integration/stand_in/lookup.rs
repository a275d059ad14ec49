//! LookupEvents on a bad day: two requests a second and region, events that are late, twice or out of order, pages
//! without events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use super::account::{answer, refuse};
use super::fake::{Fake, Request};

/// Requests a second and region, and how many may come at once.
const RATE: f64 = 2.0;
const PAGE: usize = 50;

/// A record, and when it becomes visible: at a step of the test, behind some answered requests to its region.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) record: Value,
    pub(crate) step: usize,
    pub(crate) after: usize,
}

/// How often a region was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) answered: usize,
    pub(crate) throttled: usize,
    /// Requests that may come now, and when that was reckoned.
    allowed: f64,
    since: Instant,
}

/// A record as LookupEvents tells it.
struct Row {
    entry: Entry,
    id: String,
    region: String,
    /// Seconds since 1970.
    time: i64,
    given: usize,
}

/// The answer to one set of parameters, as it stood when the first page was asked for.
struct Listing {
    region: String,
    parameters: Value,
    rows: Vec<usize>,
}

struct State {
    rows: Vec<Row>,
    step: usize,
    asked: BTreeMap<String, Asked>,
    listings: Vec<Listing>,
    chance: fastrand::Rng,
}

/// An account with nothing but a history.
pub(crate) struct LookupFake {
    fake: Fake,
    state: Arc<Mutex<State>>,
}

impl LookupFake {
    /// Serves records. The seed decides what comes twice, out of order and with empty pages between.
    pub(crate) fn start(account: &str, entries: Vec<Entry>, seed: u64) -> Self {
        let chance = fastrand::Rng::with_seed(seed);
        let rows = entries.into_iter().map(Row::new).collect();
        let state = State { rows, step: 0, asked: BTreeMap::new(), listings: Vec::new(), chance };
        let state = Arc::new(Mutex::new(state));
        let (shared, account) = (Arc::clone(&state), account.to_owned());
        let fake = Fake::start(move |request, _| match request.operation.as_str() {
            "LookupEvents" => shared.lock().unwrap().lookup(request),
            _ => answer(request, &account),
        });
        Self { fake, state }
    }

    pub(crate) fn url(&self) -> String {
        self.fake.url()
    }

    /// Makes what arrives until a step visible.
    pub(crate) fn step(&self, step: usize) {
        self.state.lock().unwrap().step = step;
    }

    /// What was asked of each region.
    pub(crate) fn asked(&self) -> BTreeMap<String, Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Records that were given at least once, and those that were given again.
    pub(crate) fn given(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap();
        let count = |least: usize| state.rows.iter().filter(|row| row.given >= least).count();
        (count(1), count(2))
    }

    /// Everything else that was asked, by service and operation.
    pub(crate) fn others(&self) -> BTreeMap<(String, String), usize> {
        let mut others = BTreeMap::new();
        for request in self.fake.requests() {
            if request.operation != "LookupEvents" {
                *others.entry((request.service, request.operation)).or_default() += 1;
            }
        }
        others
    }
}

impl Row {
    fn new(entry: Entry) -> Self {
        let text = |name: &str| entry.record[name].as_str().unwrap().to_owned();
        let time = text("eventTime").parse::<jiff::Timestamp>().unwrap().as_second();
        Self { id: text("eventID"), region: text("awsRegion"), time, given: 0, entry }
    }

    fn told(&self) -> Value {
        let record = &self.entry.record;
        let user = &record["userIdentity"];
        json!({
            "EventId": self.id,
            "EventName": record["eventName"],
            "EventTime": self.time,
            "EventSource": record["eventSource"],
            "Username": user["userName"].as_str().unwrap_or("-"),
            "AccessKeyId": user["accessKeyId"],
            "ReadOnly": self.read_only().to_string(),
            "Resources": [],
            "CloudTrailEvent": record.to_string(),
        })
    }

    fn read_only(&self) -> bool {
        self.entry.record["readOnly"].as_bool().unwrap_or(false)
    }

    fn matches(&self, attribute: &Value) -> bool {
        let record = &self.entry.record;
        let wanted = attribute["AttributeValue"].as_str().unwrap_or_default();
        match attribute["AttributeKey"].as_str().unwrap_or_default() {
            "ReadOnly" => self.read_only().to_string() == wanted,
            "EventId" => self.id == wanted,
            "EventName" => record["eventName"] == wanted,
            "EventSource" => record["eventSource"] == wanted,
            "AccessKeyId" => record["userIdentity"]["accessKeyId"] == wanted,
            "Username" => record["userIdentity"]["userName"] == wanted,
            _ => false,
        }
    }
}

impl State {
    fn lookup(&mut self, request: &Request) -> (u16, String) {
        let Some(answered) = self.admit(&request.region) else {
            return refuse("ThrottlingException", "Rate exceeded");
        };
        let body = &request.body;
        let attributes = body["LookupAttributes"].as_array().map_or(&[][..], Vec::as_slice);
        if attributes.len() > 1 {
            return refuse("InvalidLookupAttributesException", "one attribute is enough");
        }
        let size = body["MaxResults"].as_u64().unwrap_or(50);
        if !(1..=50).contains(&size) {
            return refuse("InvalidMaxResultsException", "one to fifty");
        }
        let mut parameters = body.clone();
        let token = parameters.as_object_mut().and_then(|map| map.remove("NextToken"));
        let place = match token.as_ref().and_then(Value::as_str).map(placed) {
            None => Some(self.list(&request.region, attributes.first(), parameters, answered)),
            Some(place) => place.filter(|&(listing, ..)| {
                let known = self.listings.get(listing);
                known.is_some_and(|known| known.region == request.region && known.parameters == parameters)
            }),
        };
        match place {
            Some(place) => (200, self.page(place).to_string()),
            None => refuse("InvalidNextTokenException", "the token is of other parameters, or none of ours"),
        }
    }

    /// Takes a request into account; none where it is one too many. Gives how many were answered before.
    fn admit(&mut self, region: &str) -> Option<usize> {
        let fresh = || Asked { answered: 0, throttled: 0, allowed: RATE, since: Instant::now() };
        let asked = self.asked.entry(region.to_owned()).or_insert_with(fresh);
        asked.allowed = (asked.allowed + asked.since.elapsed().as_secs_f64() * RATE).min(RATE);
        asked.since = Instant::now();
        if asked.allowed < 1.0 {
            asked.throttled += 1;
            return None;
        }
        asked.allowed -= 1.0;
        asked.answered += 1;
        Some(asked.answered - 1)
    }

    /// Keeps what answers a set of parameters: newest first, almost, and some of it twice.
    fn list(&mut self, region: &str, attribute: Option<&Value>, parameters: Value, answered: usize) -> Place {
        // Times are numbers of seconds with a fraction.
        let bound = |name: &str| parameters[name].as_f64();
        let (start, end) = (bound("StartTime"), bound("EndTime"));
        #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a float")]
        let inside = |time: i64| start.is_none_or(|s| time as f64 >= s) && end.is_none_or(|e| time as f64 <= e);
        let visible = |row: &Row| row.entry.step <= self.step && row.entry.after <= answered;
        let wanted = |row: &Row| row.region == region && inside(row.time) && attribute.is_none_or(|a| row.matches(a));
        let all = self.rows.iter().enumerate();
        let mut rows: Vec<_> = all.filter(|(_, row)| visible(row) && wanted(row)).map(|(at, _)| at).collect();
        rows.sort_by_key(|&at| std::cmp::Reverse(self.rows[at].time));
        for at in 0..rows.len() {
            let other = (at + self.chance.usize(0..8)).min(rows.len() - 1);
            if self.chance.usize(0..4) == 0 {
                rows.swap(at, other);
            }
        }
        for at in (0..rows.len()).rev() {
            if self.chance.usize(0..20) == 0 {
                rows.insert((at + self.chance.usize(1..60)).min(rows.len()), rows[at]);
            }
        }
        self.listings.push(Listing { region: region.to_owned(), parameters, rows });
        (self.listings.len() - 1, 0, self.chance.usize(0..6) == 0)
    }

    fn page(&mut self, (listing, begin, empty): Place) -> Value {
        let rows = &self.listings[listing].rows;
        if empty && begin < rows.len() {
            return json!({ "Events": [], "NextToken": token((listing, begin, false)) });
        }
        let size = self.listings[listing].parameters["MaxResults"].as_u64().unwrap_or(50);
        let end = (begin + usize::try_from(size).unwrap_or(PAGE)).min(rows.len());
        let mut events = Vec::new();
        for &at in &rows[begin.min(end)..end] {
            self.rows[at].given += 1;
            events.push(self.rows[at].told());
        }
        let more = end < rows.len();
        let next = more.then(|| token((listing, end, self.chance.usize(0..8) == 0)));
        match next {
            Some(next) => json!({ "Events": events, "NextToken": next }),
            None => json!({ "Events": events }),
        }
    }
}

/// A listing, where in it, and whether a page without events comes first.
type Place = (usize, usize, bool);

fn token((listing, begin, empty): Place) -> String {
    format!("page-{listing}-{begin}-{}", usize::from(empty))
}

fn placed(token: &str) -> Option<Place> {
    let mut parts = token.strip_prefix("page-")?.split('-').map(|part| part.parse::<usize>().ok());
    Some((parts.next()??, parts.next()??, parts.next()?? == 1))
}
