//! The fields that every event carries with it, whether or not its record is still at hand: those of its shape, of its
//! place and of its caller.

use std::borrow::Cow;

use rsigma_eval::EventValue;

use super::view::LIST;
use super::{Identity, Place, Shape, agent};

/// Reads a field that all calls of one shape share. The flag asks for the event name without its API version.
type OfShape = for<'a> fn(&'a Shape, bool) -> Option<EventValue<'a>>;

/// Reads a field of a place or a caller.
type OfPlace = for<'a> fn(&'a Identity, &'a Place) -> Option<EventValue<'a>>;

/// How a field of the shape is read; `None` where the path is that of none. A rule that needs no others is decided once per
/// shape.
pub(crate) fn of_shape(path: &str) -> Option<OfShape> {
    let field: OfShape = match path {
        "eventSource" => |shape, _| there(&shape.source),
        "eventName" => |shape, stripped| there(if stripped { &shape.name } else { &shape.raw_name }),
        "errorCode" => |shape, _| there(&shape.error_code),
        "eventType" => |shape, _| there(&shape.event_type),
        "userAgent" => |shape, _| there(&shape.user_agent),
        "userIdentity.type" => |shape, _| there(&shape.identity_type),
        "stakeout.action" => |shape, _| owned(Some(shape.action())),
        "stakeout.service" => |shape, _| text(Some(shape.service())),
        "stakeout.name" => |shape, _| text(Some(&shape.name)),
        "stakeout.principal_kind" => |shape, _| text(Some(&shape.principal_kind)),
        "stakeout.credential_kind" => |shape, _| text(Some(&shape.credential_kind)),
        "stakeout.agent" => |shape, _| owned(Some(agent::family(shape))),
        "stakeout.denied" => |shape, _| Some(EventValue::Bool(shape.denied)),
        "stakeout.failed" => |shape, _| Some(EventValue::Bool(shape.failed)),
        "stakeout.write" => |shape, _| Some(EventValue::Bool(shape.write)),
        "stakeout.global" => |shape, _| Some(EventValue::Bool(shape.global)),
        "stakeout.console" => |shape, _| Some(EventValue::Bool(shape.console)),
        "stakeout.service_call" => |shape, _| Some(EventValue::Bool(shape.service_call)),
        "stakeout.inside" => |shape, _| Some(EventValue::Bool(shape.inside)),
        "stakeout.workload" => |shape, _| text(Some(shape.workload.as_str())),
        "stakeout.refused_action" => |shape, _| there(&shape.refused),
        _ => return None,
    };
    Some(field)
}

/// How a field of place or caller is read; `None` where the path is that of none.
pub(super) fn of_place(path: &str) -> Option<OfPlace> {
    let field: OfPlace = match path {
        "awsRegion" => |_, place| text(Some(&place.region)),
        "sourceIPAddress" => |_, place| text(Some(&place.source_ip)),
        "stakeout.principal" => |identity, _| text(Some(&identity.key)),
        "stakeout.credential" => |identity, _| text(identity.credential.as_deref()),
        "stakeout.account" => |_, place| text(Some(&place.account)),
        "stakeout.network" => |_, place| text(place.network.as_deref()),
        "stakeout.object" => |_, place| members(place.object.as_deref()),
        "stakeout.role" => |_, place| members(place.role.as_deref()),
        "stakeout.caller" => |identity, place| text(place.foreign(identity)),
        "stakeout.origin" => |_, place| owned(place.origin()),
        "stakeout.asn" => |_, place| owned(place.asn()),
        "stakeout.asn_name" => |_, place| text(place.operator().map(|owner| &*owner.name)),
        "stakeout.country" => |_, place| text(place.country()),
        "stakeout.hosting" => |_, place| place.operator().map(|owner| EventValue::Bool(owner.hosting)),
        _ => return None,
    };
    Some(field)
}

/// Whether a field is the same for all calls of one shape.
pub(crate) fn is_shape_field(path: &str) -> bool {
    of_shape(path).is_some()
}

/// Whether an event carries the field anyway.
pub(crate) fn is_header_field(path: &str) -> bool {
    is_shape_field(path) || of_place(path).is_some()
}

/// A field that every event carries with it, as text.
pub(crate) fn header_text<'a>(
    identity: &'a Identity,
    shape: &'a Shape,
    place: &'a Place,
    path: &str,
) -> Option<Cow<'a, str>> {
    match of_shape(path) {
        Some(field) => joined(field(shape, true)?),
        None => joined(of_place(path)?(identity, place)?),
    }
}

/// A value as one text, as correlations compare it.
pub(super) fn joined(value: EventValue<'_>) -> Option<Cow<'_, str>> {
    let text = match value {
        EventValue::Array(items) => {
            let members: Vec<_> = items.into_iter().filter_map(joined).collect();
            return (!members.is_empty()).then(|| Cow::Owned(members.join(LIST)));
        }
        EventValue::Str(text) => text,
        other => Cow::Owned(other.as_str()?.into_owned()),
    };
    Some(if text.contains(LIST) { Cow::Owned(text.replace(LIST, " ")) } else { text })
}

fn text(text: Option<&str>) -> Option<EventValue<'_>> {
    text.map(|text| EventValue::Str(Cow::Borrowed(text)))
}

fn owned<'a>(text: Option<String>) -> Option<EventValue<'a>> {
    text.map(|text| EventValue::Str(Cow::Owned(text)))
}

/// What is absent from a record stays absent.
fn there(field: &str) -> Option<EventValue<'_>> {
    text(Some(field).filter(|field| !field.is_empty()))
}

/// One text, or a list of those that were joined.
fn members(joined: Option<&str>) -> Option<EventValue<'_>> {
    let joined = joined?;
    if !joined.contains(LIST) {
        return text(Some(joined));
    }
    Some(EventValue::Array(joined.split(LIST).map(|text| EventValue::Str(Cow::Borrowed(text))).collect()))
}
