//! The lines of notices and digests. They hold text of logs: who shows them escapes them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Kind, Quiet};
use crate::config::Allow;
use crate::event::{DAY, Seconds, time};
use crate::model::approval::{Planned, Stage};
use crate::model::plan::short;
use crate::model::{Finding, Status, counted, id};
use crate::store::watched::{Known, Watched};

/// Lines of one kind; more are counted.
const MOST: usize = 10;
/// Characters of a name or a title.
const LONGEST: usize = 160;
/// An entry that ends within so many days is told of.
const SOON: i64 = 14;
/// An entry that hid nothing for so many days is told of.
const IDLE: i64 = 14;

/// A text of a log, short enough for a line.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A principal without what all ARNs have.
pub(super) fn who(principal: &str) -> String {
    cut(principal.splitn(6, ':').nth(5).unwrap_or(principal))
}

/// One notice.
pub(super) fn notice(finding: &Finding, account_names: &BTreeMap<String, String>) -> String {
    let mut line = cut(&finding.title);
    if !finding.principal.is_empty() {
        line.push_str(&format!(", by {}", who(&finding.principal)));
    }
    if !finding.region.is_empty() {
        line.push_str(&format!(", in {}", cut(&finding.region)));
    }
    if !finding.account.is_empty() {
        let account = account_names.get(&finding.account).unwrap_or(&finding.account);
        line.push_str(&format!(", account {}", cut(account)));
    }
    format!("{line}, at {}", time::format(finding.time))
}

/// How often what was found, and who did it most: what paged nobody first, of each the worst and the most.
pub(super) fn counts<'q>(waiting: impl Iterator<Item = &'q Quiet>) -> Vec<String> {
    let mut kinds: BTreeMap<(Kind, Reverse<_>, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    for quiet in waiting {
        let callers = kinds.entry((quiet.kind(), Reverse(quiet.level), &quiet.title)).or_default();
        *callers.entry(&quiet.who).or_default() += 1;
    }
    let total = |callers: &BTreeMap<&str, usize>| callers.values().sum::<usize>();
    let mut lines = Vec::new();
    for kind in [Kind::Finding, Kind::Allowed, Kind::Notice] {
        let mut of_kind: Vec<_> = kinds.iter().filter(|((of, ..), _)| *of == kind).collect();
        of_kind.sort_by_key(|((_, level, title), callers)| (*level, Reverse(total(callers)), *title));
        let left = of_kind.split_off(of_kind.len().min(MOST));
        for ((_, Reverse(level), title), callers) in of_kind {
            let told = match kind {
                Kind::Finding => format!("Paged nobody ({level})"),
                Kind::Allowed => "Allowed".to_owned(),
                Kind::Notice => "Notice".to_owned(),
            };
            lines.push(format!("{told}: {title}{}", times(total(callers), callers)));
        }
        if !left.is_empty() {
            let findings = left.iter().map(|(_, callers)| total(callers)).sum::<usize>();
            let noun = if kind == Kind::Notice { "notice" } else { "finding" };
            lines.push(format!("and {} of {}", counted(findings, noun), counted(left.len(), "other kind")));
        }
    }
    lines
}

/// `, 12 times, mostly by user/ci`
fn times(total: usize, callers: &BTreeMap<&str, usize>) -> String {
    let most = callers.iter().max_by_key(|(name, count)| (**count, Reverse(**name)));
    let by = match most.filter(|(name, _)| !name.is_empty()) {
        Some((name, count)) if *count == total => format!(", by {name}"),
        Some((name, _)) => format!(", mostly by {name}"),
        None => String::new(),
    };
    if total == 1 { by } else { format!(", {total} times{by}") }
}

/// Entries of `[[allow]]` that end soon or no longer hold, and those that hid nothing for long.
pub(super) fn allowed(allow: &[Allow], used: &BTreeMap<String, Seconds>, now: Seconds) -> Vec<String> {
    let days = |entry: &Allow| (entry.ends() - now.div_euclid(DAY) * DAY).div_euclid(DAY);
    let mut ending: Vec<_> = allow.iter().filter(|entry| days(entry) <= SOON).collect();
    ending.sort_by_key(|entry| entry.expires);
    let line = |entry: &&Allow| {
        let day = entry.expires;
        let when = match days(entry) {
            left if left > 0 => format!("Allowed until {day}, {} left", counted(left, "day")),
            _ => format!("No longer allowed since {day}"),
        };
        format!("{when}: {}", what(entry))
    };
    let mut lines: Vec<String> = ending.iter().map(line).collect();
    for entry in allow.iter().filter(|entry| days(entry) > 0) {
        let idle = used.get(&mark(entry)).map_or(0, |last| (now - last).div_euclid(DAY));
        if idle >= IDLE {
            lines.push(format!("Allowed and not needed for {}: {}", counted(idle, "day"), what(entry)));
        }
    }
    limited(lines, "entries of [[allow]]")
}

/// What an entry allows, and who answers for it.
fn what(entry: &Allow) -> String {
    let Allow { principal, detector, owner, reason, .. } = entry;
    let short = [owner, reason].map(|text| cut(text.as_str()));
    format!("{} by {} (owner {}: {})", cut(detector.as_str()), who(principal.as_str()), short[0], short[1])
}

/// What tells an entry from others, also when their order changes.
pub(super) fn mark(entry: &Allow) -> String {
    id("allow", &[&format!("{entry:?}")])
}

/// What waits for people, by the record: plans, and incidents that are open.
pub(super) fn record(watched: &Watched, now: Seconds) -> Vec<String> {
    let mut plans: Vec<_> = watched.plans.iter().collect();
    plans.retain(|(_, planned)| planned.stage == Stage::Pending && planned.expires_at > now);
    plans.sort_by_key(|(digest, planned)| (planned.expires_at, *digest));
    let plan = |(digest, planned): (&String, &Planned)| {
        let (way, class) = (planned.way.as_str(), planned.class.as_str());
        let until = time::format(planned.expires_at);
        format!("Plan {} ({way}, {class}) for {} waits until {until}", short(digest), planned.incident)
    };
    let mut open: Vec<_> = watched.incidents.iter().filter(|(_, known)| known.status == Status::Open).collect();
    open.sort_by_key(|(id, known)| (Reverse(known.level), known.opened_at, *id));
    let incident = |(id, known): (&String, &Known)| {
        format!("Open since {}: {id}, {}, {}", time::format(known.opened_at), known.level, cut(&known.title))
    };
    let mut lines = limited(plans.into_iter().map(plan).collect(), "plans");
    lines.extend(limited(open.into_iter().map(incident).collect(), "open incidents"));
    lines
}

/// The first lines, and how many of these things there are beside them.
fn limited(mut lines: Vec<String>, things: &str) -> Vec<String> {
    let left = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if left > 0 {
        lines.push(format!("and {left} more {things}"));
    }
    lines
}
