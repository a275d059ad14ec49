//! Policy documents as calls carry them: parsed JSON, JSON as text, or such a text in URL encoding, once or more often.

use std::borrow::Cow;

use serde_json::Value;

/// No document of AWS is nearly as long.
const LONGEST: usize = 256 * 1024;
/// Encodings around a document: URL encoding, and JSON as the text of a JSON string.
const MOST_LAYERS: usize = 4;

/// The document in a field of a call. `None` where it is no readable one.
pub(crate) fn read(field: &Value) -> Option<Cow<'_, Value>> {
    match field {
        Value::Object(_) => has_statements(field).then_some(Cow::Borrowed(field)),
        Value::String(text) => parse(text).map(Cow::Owned),
        _ => None,
    }
}

/// The document in a text.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MOST_LAYERS {
        if text.len() > LONGEST {
            return None;
        }
        let trimmed = text.trim_start();
        text = if trimmed.starts_with('%') {
            Cow::Owned(percent_decode(trimmed).into_owned())
        } else {
            match serde_json::from_str(trimmed).ok()? {
                Value::String(inner) => Cow::Owned(inner),
                document => return has_statements(&document).then_some(document),
            }
        };
    }
    None
}

fn has_statements(value: &Value) -> bool {
    value.get("Statement").is_some_and(|statements| statements.is_array() || statements.is_object())
}

/// The statements of a document: one may stand without a list.
pub(super) fn statements(document: &Value) -> &[Value] {
    match document.get("Statement") {
        Some(Value::Array(all)) => all,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// A text without its URL encoding.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match hex.filter(|_| byte == b'%') {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}
