//! What a rule sees of a record: CloudTrail's own fields by path, and the normalised `stakeout.*` fields.

use std::borrow::Cow;
use std::cell::OnceCell;

use rsigma_eval::{Event as SigmaEvent, EventValue, JsonEvent};
use serde_json::Value;

use super::agent;
use super::facts::{self, Facts};
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
    let value = sonic_rs::get(raw, [name]).ok().and_then(|value| serde_json::from_str(value.as_raw_str()).ok());
    Value::Object(serde_json::Map::from_iter([(name.to_owned(), value.unwrap_or(Value::Null))]))
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
        &self.json.request.get_or_init(|| part(&self.record.raw, REQUEST))[REQUEST]
    }

    fn response(&self) -> &'a Value {
        &self.json.response.get_or_init(|| part(&self.record.raw, RESPONSE))[RESPONSE]
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
        let mut members = Vec::new();
        flatten(&self.get_field(path)?, &mut members);
        (!members.is_empty()).then(|| members.join(LIST))
    }

    fn normalised(&self, name: &str) -> Option<EventValue<'_>> {
        if let Some(value) = shape_field(self.shape, name) {
            return Some(value);
        }
        let text = |value: Option<&'a str>| value.map(|text| EventValue::Str(Cow::Borrowed(text)));
        match name {
            "principal" => text(Some(&self.identity.key)),
            "credential" => text(self.identity.credential.as_deref()),
            "account" => text(Some(&self.place.account)),
            "network" => text(self.place.network.as_deref()),
            "object" => members(self.place.object.as_deref()?),
            "role" => members(self.place.role.as_deref()?),
            "caller" => text(self.place.foreign(self.identity)),
            "asn" | "asn_name" | "country" | "hosting" | "origin" => place_field(self.place, name),
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

/// A field that every event carries with it, as text.
pub(crate) fn header_text(identity: &Identity, shape: &Shape, place: &Place, path: &str) -> Option<String> {
    match path {
        "awsRegion" => Some(place.region.clone()),
        "sourceIPAddress" => Some(place.source_ip.clone()),
        "stakeout.principal" => Some(identity.key.clone()),
        "stakeout.credential" => identity.credential.clone(),
        "stakeout.account" => Some(place.account.clone()),
        "stakeout.network" => place.network.clone(),
        "stakeout.object" => place.object.clone(),
        "stakeout.role" => place.role.clone(),
        "stakeout.caller" => place.foreign(identity).map(str::to_owned),
        "stakeout.asn" | "stakeout.asn_name" | "stakeout.country" | "stakeout.hosting" | "stakeout.origin" => {
            let value = place_field(place, path.strip_prefix("stakeout.").unwrap_or(path));
            value.and_then(|value| value.as_str().map(Cow::into_owned))
        }
        _ => {
            let value = match path.strip_prefix("stakeout.") {
                Some(name) => shape_field(shape, name),
                None => raw_shape_field(shape, path, true),
            };
            value.and_then(|value| value.as_str().map(Cow::into_owned))
        }
    }
}

/// One text, or a list of those that were joined.
fn members(joined: &str) -> Option<EventValue<'_>> {
    if !joined.contains(LIST) {
        return Some(EventValue::Str(Cow::Borrowed(joined)));
    }
    Some(EventValue::Array(joined.split(LIST).map(|text| EventValue::Str(Cow::Borrowed(text))).collect()))
}

/// What a table of networks says about the address of a call.
fn place_field<'a>(place: &'a Place, name: &str) -> Option<EventValue<'a>> {
    let text = |text: &'a str| EventValue::Str(Cow::Borrowed(text));
    let owner = || place.owner.as_deref();
    match name {
        "origin" => place.origin().map(|origin| EventValue::Str(Cow::Owned(origin))),
        "asn" => place.asn().map(|asn| EventValue::Str(Cow::Owned(asn))),
        "asn_name" => owner().filter(|owner| owner.asn.is_some()).map(|owner| text(&owner.name)),
        "country" => place.country().map(text),
        "hosting" => owner().filter(|owner| owner.asn.is_some()).map(|owner| EventValue::Bool(owner.hosting)),
        _ => None,
    }
}

/// A field of several values; absent where there is none.
fn list<'v>(values: impl Iterator<Item = Cow<'v, str>>) -> Option<EventValue<'v>> {
    let values: Vec<_> = values.map(EventValue::Str).collect();
    (!values.is_empty()).then_some(EventValue::Array(values))
}

fn flatten(value: &EventValue<'_>, members: &mut Vec<String>) {
    match value {
        EventValue::Array(items) => items.iter().for_each(|item| flatten(item, members)),
        one => members.extend(one.as_str().map(|text| text.replace(LIST, " "))),
    }
}

/// The fields that all calls of one shape share; a rule that needs no others is decided once per shape.
pub(crate) fn shape_field<'a>(shape: &'a Shape, name: &str) -> Option<EventValue<'a>> {
    let text = |text: &'a str| EventValue::Str(Cow::Borrowed(text));
    Some(match name {
        "action" => EventValue::Str(Cow::Owned(shape.action())),
        "service" => text(shape.service()),
        "name" => text(&shape.name),
        "principal_kind" => text(&shape.principal_kind),
        "credential_kind" => text(&shape.credential_kind),
        "agent" => EventValue::Str(Cow::Owned(agent::family(shape))),
        "denied" => EventValue::Bool(shape.denied),
        "failed" => EventValue::Bool(shape.failed),
        "write" => EventValue::Bool(shape.write),
        "global" => EventValue::Bool(shape.global),
        "console" => EventValue::Bool(shape.console),
        "service_call" => EventValue::Bool(shape.service_call),
        "inside" => EventValue::Bool(shape.inside),
        "workload" => text(shape.workload.as_str()),
        "refused_action" if !shape.refused.is_empty() => text(&shape.refused),
        _ => return None,
    })
}

/// Whether a field is the same for all calls of one shape.
pub(crate) fn is_shape_field(path: &str) -> bool {
    match path.strip_prefix("stakeout.") {
        Some(name) => matches!(
            name,
            "action"
                | "service"
                | "name"
                | "principal_kind"
                | "credential_kind"
                | "agent"
                | "denied"
                | "failed"
                | "write"
                | "global"
                | "console"
                | "service_call"
                | "inside"
                | "workload"
                | "refused_action"
        ),
        None => {
            matches!(path, "eventSource" | "eventName" | "errorCode" | "eventType" | "userAgent" | "userIdentity.type")
        }
    }
}

/// The raw fields of a shape, with one of its two event names. Absent stays absent.
pub(crate) fn raw_shape_field<'a>(shape: &'a Shape, path: &str, stripped: bool) -> Option<EventValue<'a>> {
    let text = |text: &'a str| (!text.is_empty()).then_some(EventValue::Str(Cow::Borrowed(text)));
    match path {
        "eventSource" => text(&shape.source),
        "eventName" => text(if stripped { &shape.name } else { &shape.raw_name }),
        "errorCode" => text(&shape.error_code),
        "eventType" => text(&shape.event_type),
        "userAgent" => text(&shape.user_agent),
        "userIdentity.type" => text(&shape.identity_type),
        _ => None,
    }
}

impl SigmaEvent for View<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        match path.strip_prefix("stakeout.") {
            Some(name) => self.normalised(name),
            None if is_shape_field(path) => raw_shape_field(self.shape, path, self.stripped),
            None if path == "awsRegion" => Some(EventValue::Str(Cow::Borrowed(&self.place.region))),
            None if path == "sourceIPAddress" && !self.place.source_ip.is_empty() => {
                Some(EventValue::Str(Cow::Borrowed(&self.place.source_ip)))
            }
            None => self.deep(path).get_field(path),
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
