//! Services under the names that CloudTrail and the many kinds of bills give them.

use std::sync::LazyLock;

use ahash::AHashMap;
use serde::Deserialize;

/// `event source;class;names on bills, separated by |`. The names are those of Cost Explorer, CUR's product codes
/// and FOCUS. Case, spaces and punctuation do not count, nor does a leading Amazon or AWS.
const SERVICES: &str = include_str!("services.csv");

/// An AWS service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// As in `lambda.amazonaws.com`; what runs under several event sources is the first.
    pub event_source: &'static str,
    pub class: Class,
}

/// What abuse of a service looks like on a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// What attackers run: computing, models, mail.
    Burn,
    /// What a flood drives up: bytes and requests.
    Flow,
    Other,
}

impl Class {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Burn => "burn",
            Self::Flow => "flow",
            Self::Other => "other",
        }
    }
}

/// Usage types of EC2 that are instances; bills that do not part them from the rest call both EC2.
const INSTANCES: [&str; 6] =
    ["BoxUsage", "SpotUsage", "DedicatedUsage", "HostUsage", "ReservedHostUsage", "HeavyUsage"];
/// The name under which instances come alone.
const INSTANCES_ALONE: &str = "elasticcomputecloudcompute";

static KNOWN: LazyLock<(Vec<Service>, AHashMap<String, usize>)> = LazyLock::new(|| {
    let (mut services, mut names) = (Vec::new(), AHashMap::new());
    for line in SERVICES.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(';');
        let (Some(event_source), Some(class), Some(spellings)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        // A name on a bill says more than an event source, under which several of them may run.
        for name in spellings.split('|') {
            names.insert(plain(name), services.len());
        }
        names.entry(plain(event_source)).or_insert(services.len());
        let class = match class {
            "burn" => Class::Burn,
            "flow" => Class::Flow,
            _ => Class::Other,
        };
        services.push(Service { event_source, class });
    }
    (services, names)
});

/// The service of a name on a bill or of an event source (`lambda`, `AWSLambda`, `AWS Lambda`).
pub(crate) fn of(name: &str) -> Option<&'static Service> {
    let (services, names) = &*KNOWN;
    // Models of other makers have a name of their own on the bill, such as `Claude Opus 4 (Amazon Bedrock Edition)`.
    let name = if name.ends_with("(Amazon Bedrock Edition)") { "Amazon Bedrock" } else { name };
    names.get(&plain(name)).map(|position| &services[*position])
}

/// The class of a name on a bill with a usage type, which may be empty.
pub(crate) fn class(name: &str, usage_type: &str) -> Class {
    let Some(service) = of(name) else {
        return Class::Other;
    };
    let mixed = service.event_source == "ec2" && service.class == Class::Burn && plain(name) != INSTANCES_ALONE;
    let instances = usage_type.is_empty() || INSTANCES.iter().any(|kind| usage_type.contains(kind));
    if mixed && !instances { Class::Flow } else { service.class }
}

fn plain(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let bare = letters.strip_prefix("amazon").or_else(|| letters.strip_prefix("aws"));
    bare.filter(|bare| !bare.is_empty()).unwrap_or(&letters).to_owned()
}
