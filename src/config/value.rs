//! Values that a settings file may hold, checked while they are read so that an error has its line.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::slack::is_id;
use crate::event::identity::is_account;

/// A text that is only made where a check holds.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $holds:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(String);

        impl $name {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let holds: fn(&str) -> bool = $holds;
                if holds(&text) { Ok(Self(text)) } else { Err(format!(concat!("{:?} is not ", $expected), text)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked!(
    /// Twelve digits.
    AccountId,
    is_account,
    "an account id of 12 digits, in quotes"
);
checked!(
    /// A name of something in AWS, or a pattern of such names with `*`.
    Arn,
    |text| text.starts_with("arn:") && text.split(':').count() >= 6 && !text.contains(char::is_whitespace),
    "an ARN such as arn:aws:iam::111122223333:role/name"
);
checked!(
    /// An SNS topic.
    TopicArn,
    |text| matches!(text.split(':').collect::<Vec<_>>().as_slice(), ["arn", _, "sns", region, account, name]
        if !region.is_empty() && is_account(account) && !name.is_empty()),
    "the ARN of a topic such as arn:aws:sns:eu-west-1:111122223333:name"
);
checked!(
    /// A region by its code.
    Region,
    |text| {
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        text.bytes().filter(|byte| *byte == b'-').count() >= 2 && text.bytes().all(is_code)
    },
    "a region such as eu-west-1"
);
checked!(
    /// A bucket, perhaps with a prefix.
    S3Url,
    |text| text.strip_prefix("s3://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')),
    "a bucket such as s3://name or s3://name/prefix"
);
checked!(
    /// An address that is no secret.
    HttpUrl,
    is_http,
    "an http or https URL"
);
checked!(
    /// An address to which a secret may be sent.
    ShieldedUrl,
    is_shielded,
    "an https URL, nor an http URL of this machine"
);
checked!(
    /// A channel of Slack by its id, which stays when the channel is renamed.
    ChannelId,
    |text| is_id(text, &['C', 'G', 'D']),
    "the id of a channel, such as C0123ABCD: it is at the foot of the channel's details in Slack"
);
checked!(
    /// A text that is not empty.
    Words,
    |text| !text.trim().is_empty(),
    "a text that says something"
);

checked!(
    /// A path, or an object such as `s3://name/key`.
    FileName,
    |text| !text.trim().is_empty() && text.strip_prefix("s3://").is_none_or(|rest| {
        rest.split_once('/').is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty() && !key.ends_with('/'))
    }),
    "a path, nor an object such as s3://name/key"
);

impl FileName {
    /// Puts a relative path into a folder.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if !self.0.starts_with("s3://")
            && let Some(path) = folder.join(&self.0).to_str()
        {
            self.0 = path.to_owned();
        }
    }
}

/// Whether a text is a URL that can be asked, without a name and password in it.
pub(super) fn is_http(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    })
}

/// Whether nobody on the way can read what is sent to a URL.
fn is_shielded(text: &str) -> bool {
    let is_here = |url: &reqwest::Url| match url.host_str() {
        Some("localhost") => true,
        Some(host) => host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    };
    is_http(text) && reqwest::Url::parse(text).is_ok_and(|url| url.scheme() == "https" || is_here(&url))
}

impl TopicArn {
    /// The region that the topic is in.
    pub(crate) fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }

    /// Whether the topic keeps order and drops repetitions.
    pub(crate) fn is_fifo(&self) -> bool {
        self.0.ends_with(".fifo")
    }
}

/// Which regions are watched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Regions {
    /// Every region that the account has enabled, listed anew in each pass.
    #[default]
    Enabled,
    /// These and no others.
    Only(Vec<Region>),
}

impl<'de> Deserialize<'de> for Regions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Listed::deserialize(deserializer)? {
            Listed::One(text) if text == "enabled" => Ok(Self::Enabled),
            Listed::One(text) => {
                Err(D::Error::custom(format!("{text:?} is not \"enabled\", nor a list such as [\"eu-west-1\"]")))
            }
            Listed::Many(texts) if texts.is_empty() => Err(D::Error::custom("no region is left to watch")),
            Listed::Many(texts) => checked(texts).map(Self::Only).map_err(D::Error::custom),
        }
    }
}

impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Enabled => serializer.serialize_str("enabled"),
            Self::Only(regions) => regions.serialize(serializer),
        }
    }
}

/// Reads one text, or a list of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: TryFrom<String, Error = String>,
{
    let texts = match Listed::deserialize(deserializer)? {
        Listed::One(text) => vec![text],
        Listed::Many(texts) => texts,
    };
    checked(texts).map_err(D::Error::custom)
}

fn checked<T: TryFrom<String, Error = String>>(texts: Vec<String>) -> Result<Vec<T>, String> {
    texts.into_iter().map(T::try_from).collect()
}

/// A text, or a list of texts.
enum Listed {
    One(String),
    Many(Vec<String>),
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Listed, E> {
                Ok(Listed::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Listed, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Listed::Many)
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// US dollars, as a number or as text.
pub(super) mod dollars {
    use super::{Decimal, Deserialize as _, Deserializer, Serializer};
    use serde::de::Error as _;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        let amount = text.trim_start_matches('$').parse::<Decimal>().ok().filter(|amount| !amount.is_sign_negative());
        amount.map(Some).ok_or_else(|| D::Error::custom(format!("{text} is no amount of dollars such as 3 or 0.50")))
    }

    pub(crate) fn serialize<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => serializer.collect_str(amount),
            None => serializer.serialize_none(),
        }
    }
}

/// A day such as `2027-01-31`.
pub(super) mod day {
    use super::{Date, Deserializer, Serializer};
    use serde::de::{Deserialize as _, Error as _};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        // Dates that a calendar takes and that lie beyond what a clock shows are of no use.
        let of_clock = |date: &Date| (1970..=9000).contains(&date.year());
        let parsed = text.parse::<Date>().ok().filter(of_clock);
        parsed.ok_or_else(|| D::Error::custom(format!("{text:?} is no day such as 2027-01-31")))
    }

    pub(crate) fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }
}
