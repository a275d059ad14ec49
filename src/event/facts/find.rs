//! Looking for values in requests and answers whose spelling varies.

use serde_json::Value;

/// The whole number under a key.
pub(super) fn number(value: &Value, key: &str) -> Option<u32> {
    value.get(key).and_then(as_number)
}

/// A number, also as text and as `2.0`.
pub(super) fn as_number(value: &Value) -> Option<u32> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number.is_finite() && number >= 0.0 && number <= f64::from(u32::MAX)).then_some(number as u32)
}

/// `1024`, `"1024"`, `"1 vCPU"` or `"2 GB"`, in units of a 1,024th.
pub(super) fn units(value: &Value) -> Option<u32> {
    let scaled = |text: &str| {
        let (number, unit) = text.trim().split_once(' ')?;
        let number: f64 = number.parse().ok()?;
        let is_whole = unit.eq_ignore_ascii_case("vcpu") || unit.eq_ignore_ascii_case("gb");
        (is_whole && (0.0..=1e6).contains(&number)).then_some((number * 1024.0) as u32)
    };
    as_number(value).or_else(|| value.as_str().and_then(scaled))
}

/// How deep the requests of EC2 and Auto Scaling hold what they ask for.
pub(super) const DEEP: usize = 8;

/// The first value under a key at any depth. EC2 spells one field with a capital or without, by the age of the call.
pub(super) fn find<'v>(value: &'v Value, key: &str, depth: usize) -> Option<&'v Value> {
    let inner = |value: &'v Value| (depth > 0).then(|| find(value, key, depth - 1)).flatten();
    match value {
        Value::Object(fields) => {
            let own = fields.iter().find(|(name, value)| name.eq_ignore_ascii_case(key) && !value.is_object());
            own.map(|(_, value)| value).or_else(|| fields.values().find_map(inner))
        }
        Value::Array(items) => items.iter().find_map(inner),
        _ => None,
    }
}

/// The value of a tag, wherever tags are in a request. EC2 writes `key` and `value`, newer calls begin with capitals.
pub(super) fn tag<'v>(value: &'v Value, name: &str, depth: usize) -> Option<&'v str> {
    let part = |fields: &'v serde_json::Map<String, Value>, key: &str| {
        fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).and_then(|(_, value)| value.as_str())
    };
    match value {
        Value::Object(fields) if part(fields, "key") == Some(name) => part(fields, "value"),
        Value::Object(fields) if depth > 0 => fields.values().find_map(|inner| tag(inner, name, depth - 1)),
        Value::Array(items) if depth > 0 => items.iter().find_map(|item| tag(item, name, depth - 1)),
        _ => None,
    }
}

/// The first text under a key, at any depth.
pub(super) fn find_text(value: &Value, key: &str) -> Option<String> {
    find(value, key, DEEP).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Every text under a key, at any depth.
pub(super) fn find_all(value: &Value, key: &str) -> Vec<String> {
    fn gather(value: &Value, key: &str, depth: usize, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(text) if name.eq_ignore_ascii_case(key) => found.push(text.to_owned()),
                        _ if depth > 0 => gather(value, key, depth - 1, found),
                        _ => {}
                    }
                }
            }
            Value::Array(items) if depth > 0 => items.iter().for_each(|item| gather(item, key, depth - 1, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather(value, key, DEEP, &mut found);
    found
}
