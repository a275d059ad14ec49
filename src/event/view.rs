//! What a rule sees of a record: CloudTrail's own fields by path, and the normalised `stakeout.*` fields.

use std::borrow::Cow;
use std::cell::OnceCell;

use rsigma_eval::{Event as SigmaEvent, EventValue, JsonEvent};
use serde_json::Value;

use super::facts::{self, Facts};
use super::header;
use super::policy::Reach;
use super::{Identity, Own, Place, Record, Shape};
use super::{opens, refusal, trails};
use crate::price::Prices;

/// Separates the members of a list that was made one text.
pub(crate) const LIST: &str = "\u{1e}";

const REQUEST: &str = "requestParameters";
const RESPONSE: &str = "responseElements";

/// The parts of a record that were parsed, each under its own name.
#[derive(Default)]
pub(crate) struct Json {
    request: OnceCell<Value>,
    response: OnceCell<Value>,
    whole: OnceCell<Value>,
}

/// Parses one field of a record.
fn part(raw: &str, name: &'static str) -> Value {
    let value = serde_json::from_str(raw).unwrap_or(Value::Null);
    Value::Object(serde_json::Map::from_iter([(name.to_owned(), value)]))
}

/// A record under the eyes of a rule. Its JSON is parsed when the first deep field is asked for.
pub(crate) struct View<'a> {
    record: &'a Record<'a>,
    identity: &'a Identity,
    pub shape: &'a Shape,
    place: &'a Place,
    /// Show the event name without its API version.
    pub stripped: bool,
    json: &'a Json,
    prices: &'a Prices,
    own: &'a Own,
    deep: [OnceCell<JsonEvent<'a>>; 3],
    facts: OnceCell<Option<Box<Facts>>>,
    opened: OnceCell<Reach>,
}

impl<'a> View<'a> {
    /// `json` is where parsed parts of the record will be kept.
    pub(crate) fn new(
        record: &'a Record<'a>,
        identity: &'a Identity,
        shape: &'a Shape,
        place: &'a Place,
        json: &'a Json,
        prices: &'a Prices,
        own: &'a Own,
    ) -> Self {
        let (deep, facts, opened) = Default::default();
        Self { record, identity, shape, place, stripped: false, json, prices, own, deep, facts, opened }
    }

    fn request(&self) -> &'a Value {
        &self.json.request.get_or_init(|| part(&self.record.request, REQUEST))[REQUEST]
    }

    fn response(&self) -> &'a Value {
        &self.json.response.get_or_init(|| part(&self.record.response, RESPONSE))[RESPONSE]
    }

    fn whole(&self) -> &'a Value {
        self.json.whole.get_or_init(|| serde_json::from_str(&self.record.raw).unwrap_or(Value::Null))
    }

    /// The part of the record in which a path is looked up; requests are much smaller than records.
    fn deep(&self, path: &str) -> &JsonEvent<'a> {
        let [request, response, whole] = &self.deep;
        let parsed = |cell: &'a OnceCell<Value>| cell.get().unwrap_or(&Value::Null);
        match path.split(['.', '[']).next().unwrap_or(path) {
            REQUEST => request.get_or_init(|| {
                self.request();
                JsonEvent::borrow(parsed(&self.json.request))
            }),
            RESPONSE => response.get_or_init(|| {
                self.response();
                JsonEvent::borrow(parsed(&self.json.response))
            }),
            _ => whole.get_or_init(|| JsonEvent::borrow(self.whole())),
        }
    }

    /// Whether a field of records is a part that is looked into by itself.
    pub(crate) fn has_part(name: &str) -> bool {
        matches!(name, REQUEST | RESPONSE)
    }

    /// Such a part as it was written.
    pub(crate) fn raw(&self, part: &str) -> Option<&str> {
        match part {
            REQUEST => Some(&self.record.request),
            RESPONSE => Some(&self.record.response),
            _ => None,
        }
    }

    /// What the call made, gave or removed.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.facts
            .get_or_init(|| facts::extract(self.shape, self.identity, &self.place.region, &self.parts()))
            .as_deref()
    }

    fn parts(&self) -> facts::Parts<'a> {
        facts::Parts { request: self.request(), response: self.response(), refused: self.refused() }
    }

    /// The message of a refusal.
    fn refused(&self) -> Option<&'a str> {
        if !self.shape.denied {
            return None;
        }
        let told = Some(&*self.record.message).filter(|message| !message.is_empty());
        told.or_else(|| self.response().get("message")?.as_str())
    }

    /// Whom the call lets in.
    fn opened(&self) -> &Reach {
        self.opened.get_or_init(|| {
            opens::opened(self.shape, self.request(), self.response(), &|account| self.is_own_account(account))
        })
    }

    fn is_own_account(&self, account: &str) -> bool {
        account == self.place.account || self.own.accounts.contains(account)
    }

    /// The canary that calls or is touched.
    fn canary(&self) -> Option<String> {
        let canaries = &self.own.canaries;
        let may_be = !canaries.is_empty() && self.record.time >= self.own.since && canaries.may_be_in(&self.record.raw);
        may_be.then(|| canaries.touched(self.identity, self.request(), self.refused())).flatten()
    }

    /// The same, given away.
    pub(crate) fn into_facts(self) -> Option<Box<Facts>> {
        self.facts();
        self.facts.into_inner().flatten()
    }

    /// The value of a field as text, as correlations compare it.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        header::joined(self.get_field(path)?).map(Cow::into_owned)
    }

    /// What is read from what the call asked for and what came of it.
    fn normalised(&self, name: &str) -> Option<EventValue<'_>> {
        let text = |value: Option<&'a str>| value.map(|text| EventValue::Str(Cow::Borrowed(text)));
        match name {
            "target" => self.facts()?.target.as_deref().map(|name| EventValue::Str(Cow::Borrowed(name))),
            "target_is_actor" => self.facts()?.target_is_actor.map(EventValue::Bool),
            "policy" => self.facts()?.grade.map(|grade| EventValue::Str(Cow::Borrowed(grade.as_str()))),
            "code" => self.facts()?.code.as_deref().map(|code| EventValue::Str(Cow::Borrowed(code))),
            "own" => Some(EventValue::Bool(self.is_own())),
            "opens" => list(opens::kinds(self.opened()).map(Cow::Borrowed)),
            "opened_to" => list(self.opened().accounts.iter().map(|account| Cow::Borrowed(account.as_str()))),
            "relies_on" => {
                let accounts = opens::relied_on(self.request(), &|account| self.is_own_account(account));
                list(accounts.into_iter().map(Cow::Owned))
            }
            "refused_on" => {
                let told = self.refused().and_then(refusal::thing);
                text(told.or_else(|| refusal::named(self.request())).filter(|_| self.shape.denied))
            }
            "canary" => self.canary().map(|canary| EventValue::Str(Cow::Owned(canary))),
            "trail_part" => {
                let told = self.refused().and_then(refusal::thing);
                trails::about(self.shape, self.request(), told).map(|part| EventValue::Str(Cow::Owned(part)))
            }
            "usd_per_hour" => self.usd_per_hour().map(EventValue::Float),
            _ => None,
        }
    }

    /// Whether somebody else calls about a thing of Stakeout.
    fn is_own(&self) -> bool {
        let parts = self.parts();
        self.own.is_touched(parts.request, parts.refused, self.identity, self.record.time)
    }

    /// What the things that the call started cost by the hour.
    fn usd_per_hour(&self) -> Option<f64> {
        self.facts()?.usd_per_hour(self.prices, &self.place.region, |_| true)
    }
}

/// A field of several values; absent where there is none.
fn list<'v>(values: impl Iterator<Item = Cow<'v, str>>) -> Option<EventValue<'v>> {
    let values: Vec<_> = values.map(EventValue::Str).collect();
    (!values.is_empty()).then_some(EventValue::Array(values))
}

impl SigmaEvent for View<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        if let Some(field) = header::of_shape(path) {
            return field(self.shape, self.stripped);
        }
        match header::of_place(path) {
            // Some records name no address and hold something else in its place.
            Some(_) if path == "sourceIPAddress" && self.place.source_ip.is_empty() => self.deep(path).get_field(path),
            Some(field) => field(self.identity, self.place),
            None => match path.strip_prefix("stakeout.") {
                Some(name) => self.normalised(name),
                None => self.deep(path).get_field(path),
            },
        }
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.deep("").any_string_value(pred)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.deep("").all_string_values()
    }

    fn to_json(&self) -> Value {
        self.whole().clone()
    }
}
