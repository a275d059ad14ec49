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

/// A time, or null.
pub(crate) mod option {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::event::{Seconds, time};

    /// RFC 3339 in UTC, or null.
    pub(crate) fn serialize<S: Serializer>(at: &Option<Seconds>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.serialize_str(&time::format(*at)),
            None => serializer.serialize_none(),
        }
    }

    /// # Errors
    /// What is neither a time nor null.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        time::parse(&text).map(Some).ok_or_else(|| de::Error::custom(format!("{text:?} is no RFC 3339 time")))
    }
}
