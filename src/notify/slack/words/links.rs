//! Pages of the AWS console, for whoever is signed in to the account.

use std::collections::BTreeMap;

use slack_morphism::prelude::SlackBlock;

use super::head::short;
use super::pen::{Pen, context};
use crate::model::Incident;
use crate::notify::slack::card::Card;

/// Where the console of a partition answers.
struct Console {
    domain: &'static str,
    /// Where its global services are.
    home: &'static str,
    has_costs: bool,
}

const CONSOLES: [(&str, &str, Console); 2] = [
    ("aws-cn", "cn-", Console { domain: "console.amazonaws.cn", home: "cn-north-1", has_costs: true }),
    (
        "aws-us-gov",
        "us-gov-",
        Console { domain: "console.amazonaws-us-gov.com", home: "us-gov-west-1", has_costs: false },
    ),
];
const USUAL: Console = Console { domain: "console.aws.amazon.com", home: "us-east-1", has_costs: true };

/// Links in one line.
pub(super) fn block(pen: &Pen<'_>, card: &Card<'_>) -> Option<SlackBlock> {
    let links: Vec<_> = all(card.incident).into_iter().map(|(label, url)| format!("<{url}|{label}>")).collect();
    (pen.room.has_links && !links.is_empty()).then(|| context(&format!("AWS console: {}", links.join(" · "))))
}

/// Label and URL; of what comes from a log only letters and digits are not percent-encoded.
fn all(incident: &Incident) -> Vec<(&'static str, String)> {
    let console = console(incident);
    let base = |region: &str| format!("https://{region}.{}", console.domain);
    let mut links = Vec::new();
    let root = incident.root.principal.as_deref().unwrap_or_default();
    let resource = root.splitn(6, ':').nth(5).unwrap_or_default();
    let page = [("user/", "user", "users"), ("role/", "role", "roles")];
    if let Some((_, label, folder)) = page.into_iter().find(|(start, _, _)| resource.starts_with(start)) {
        let name = encoded(short(root));
        links.push((label, format!("{}/iam/home#/{folder}/details/{name}", base(console.home))));
    }
    if let Some(region) = busiest(incident) {
        links.push(("functions", format!("{}/lambda/home?region={region}#/functions", base(region))));
    }
    if let Some(key) = incident.root.credential.as_deref() {
        let region = busiest(incident).unwrap_or(console.home);
        let key = encoded(key);
        links.push((
            "its calls",
            format!("{}/cloudtrailv2/home?region={region}#/events?AccessKeyId={key}", base(region)),
        ));
    }
    if console.has_costs {
        links.push(("costs", format!("{}/costmanagement/home#/cost-explorer", base(console.home))));
    }
    links
}

fn console(incident: &Incident) -> &'static Console {
    let partition = incident.root.principal.as_deref().and_then(|arn| arn.split(':').nth(1)).unwrap_or_default();
    let is_there = |start: &str| !incident.regions.is_empty() && incident.regions.iter().all(|r| r.starts_with(start));
    let found = CONSOLES.iter().find(|(name, start, _)| partition == *name || is_there(start));
    found.map_or(&USUAL, |(_, _, console)| console)
}

/// The region with most of the functions that are there.
fn busiest(incident: &Incident) -> Option<&str> {
    let mut regions: BTreeMap<&str, usize> = BTreeMap::new();
    let functions = incident.resources.iter().filter(|made| made.exists && made.kind == "lambda:function");
    for function in functions.filter(|made| is_region(&made.region)) {
        *regions.entry(&function.region).or_default() += 1;
    }
    let most = regions.values().copied().max()?;
    regions.into_iter().find(|(_, count)| *count == most).map(|(region, _)| region)
}

/// A region becomes part of a host's name.
fn is_region(text: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (4..=32).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_one)
}

/// Percent-encoded, of at most 128 bytes: names of IAM have 64.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().take(128).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::{encoded, is_region};

    #[test]
    fn what_a_log_says_changes_no_address() {
        assert_eq!(encoded("a/../b?x=1#>|<"), "a%2F..%2Fb%3Fx%3D1%23%3E%7C%3C");
        for (region, is_one) in [("sa-east-1", true), ("evil.example/", false), ("", false), ("a@b-c", false)] {
            assert_eq!(is_region(region), is_one, "{region}");
        }
    }
}
