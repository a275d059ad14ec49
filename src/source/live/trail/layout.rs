//! Where CloudTrail puts what: `[prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`.

use std::fmt;

use crate::cost::date;

/// A bucket and the prefix of a trail in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub bucket: String,
    /// Empty, or without a slash at either end.
    pub prefix: String,
}

impl Location {
    /// Reads `s3://bucket[/prefix]`; a prefix that goes on into `AWSLogs/` ends before it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (bucket, prefix) = text.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
        if bucket.is_empty() {
            return None;
        }
        let parts = prefix.split('/').take_while(|part| *part != "AWSLogs").filter(|part| !part.is_empty());
        Some(Self { bucket: bucket.to_owned(), prefix: parts.collect::<Vec<_>>().join("/") })
    }

    /// The folder below which accounts lie, with a slash at its end.
    pub(super) fn root(&self) -> String {
        match self.prefix.as_str() {
            "" => "AWSLogs/".to_owned(),
            prefix => format!("{prefix}/AWSLogs/"),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => formatter.write_str(&self.bucket),
            prefix => write!(formatter, "{}/{prefix}", self.bucket),
        }
    }
}

/// The path of a day, in days since 1970-01-01: `2026/11/22/`.
pub(super) fn day_path(day: i64) -> String {
    let day = i32::try_from(day).unwrap_or_default();
    format!("{}/", date(day).replace('-', "/"))
}

/// Whether a key is a log of events; digests, insights and the marks of folders are not.
pub(in crate::source::live) fn is_log(key: &str) -> bool {
    let base = key.rsplit('/').next().unwrap_or(key);
    let is_json = base.ends_with(".json.gz") || base.ends_with(".json");
    is_json && (base.contains("_CloudTrail_") || key.split('/').any(|part| part == "CloudTrail"))
}
