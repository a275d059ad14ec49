//! Times in JSON.

use serde::{Deserialize as _, Deserializer, Serializer, de};

use crate::event::{Seconds, time};

/// RFC 3339 in UTC.
pub(crate) fn serialize<S: Serializer>(at: &Seconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time::format(*at))
}

/// # Errors
/// What is no time.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    time::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no RFC 3339 time")))
}
