//! What a phone shows first: how bad, who, where, since when, how much.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use slack_morphism::prelude::SlackBlock;

use super::actions::number_of;
use super::escape;
use super::pen::{Pen, date, header, plain_section, section, whole_section};
use super::state::State;
use crate::model::{Basis, Confidence, Incident, Level, burn, counted};
use crate::notify::slack::card::{Card, Mark};

/// Characters of a header.
const HEADER: usize = 150;
/// Characters of the line beside the blocks.
const LINE: usize = 300;
/// Kinds of things made that are counted one by one.
const KINDS: usize = 6;

/// For notifications, and for whoever cannot see blocks.
pub(super) fn line(card: &Card<'_>) -> String {
    let state = State::of(card);
    let accounts: Vec<_> = card.incident.accounts.iter().take(2).map(|id| account(card, id)).collect();
    let accounts = if accounts.is_empty() { String::new() } else { format!(" (account {})", accounts.join(", ")) };
    let text = escape::bare(&card.incident.title, LINE).text;
    format!("{}{text}{}", escape::bare(&prefix(card, &state), LINE).text, escape::bare(&accounts, LINE).text)
}

/// Header, state and facts.
pub(super) fn blocks(pen: &Pen<'_>, card: &Card<'_>, state: &State<'_>, mark: &str) -> Vec<SlackBlock> {
    let prefix = prefix(card, state);
    let title = escape::plain(&card.incident.title, HEADER.saturating_sub(escape::units(&prefix)));
    let mut blocks = vec![header(&format!("{prefix}{}", title.text), Some(mark))];
    if let Some(text) = rehearsal(card.mark) {
        blocks.push(section(text));
    }
    blocks.push(section(&state.line(pen, card)));
    if let Some(why) = card.stuck.filter(|_| !state.is_over()) {
        blocks.push(section("*The run could not begin*"));
        blocks.extend(pen.sentences([why].into_iter(), 1));
    }
    if let Some(closed) = card.closed.filter(|closed| !closed.why.is_empty()) {
        blocks.push(plain_section(&format!("Why: {}", pen.plain(&closed.why))));
    }
    if title.is_cut {
        blocks.push(plain_section(&pen.plain(&card.incident.title)));
    }
    let facts: Vec<_> = facts(pen, card).iter().map(|(label, fact)| format!("*{label}:* {fact}")).collect();
    blocks.push(whole_section(&facts.join("\n")));
    blocks
}

fn rehearsal(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Real => None,
        Mark::Drill => Some("*This is a drill.* Nothing of it happened, and its buttons change nothing."),
        Mark::Test => Some("*This is a test of the settings.* Nothing of it happened, and its buttons change nothing."),
    }
}

/// `CRITICAL: `, `DRILL: Contained, critical: `.
fn prefix(card: &Card<'_>, state: &State<'_>) -> String {
    let mark = match card.mark {
        Mark::Real => "",
        Mark::Drill => "DRILL: ",
        Mark::Test => "TEST: ",
    };
    let level = card.incident.level;
    match state.word(card.incident.status) {
        None => format!("{mark}{}: ", loud(level)),
        Some(word) => format!("{mark}{word}, {}: ", level.as_str()),
    }
}

fn loud(level: Level) -> String {
    level.as_str().to_uppercase()
}

fn facts(pen: &Pen<'_>, card: &Card<'_>) -> Vec<(&'static str, String)> {
    let incident = card.incident;
    let mut facts = vec![("Who", who(pen, incident))];
    match incident.accounts.as_slice() {
        [] => {}
        [one] => {
            let name = card.account_names.get(one).map_or_else(String::new, |name| format!("{} ", pen.code(name)));
            facts.push(("Account", format!("{name}{}", pen.code(one))));
        }
        many => {
            let many: Vec<_> = many.iter().map(|id| account(card, id)).collect();
            facts.push(("Accounts", pen.names(many.iter().map(String::as_str))));
        }
    }
    facts.push(("What", made(pen, incident)));
    facts.push(("Since", format!("{}, last seen {}", date(incident.first_event), date(incident.last_event))));
    facts.extend(incident.burn_usd_per_hour.map(|usd| ("Cost", burn(usd))));
    if !incident.source_ips.is_empty() {
        facts.push(("From", pen.names(incident.source_ips.iter().map(String::as_str))));
    }
    facts
}

/// `prod 111122223333`
fn account(card: &Card<'_>, id: &str) -> String {
    card.account_names.get(id).map_or_else(|| id.to_owned(), |name| format!("{name} {id}"))
}

/// Who, with which key, and how sure that is.
fn who(pen: &Pen<'_>, incident: &Incident) -> String {
    let root = &incident.root;
    let who = match root.principal.as_deref() {
        Some(arn) => format!("{} {}", kind(arn), pen.code(short(arn))).trim_start().to_owned(),
        None => "Nobody is known".to_owned(),
    };
    let key = root.credential.as_deref().map_or_else(String::new, |key| format!(", key {}", pen.code(key)));
    let sure = match (incident.basis, root.confidence) {
        (Basis::Bill, _) => "known by its costs alone",
        (Basis::Observation, _) => "no call is on record",
        (_, Confidence::Confirmed) => "confirmed as the way in",
        (_, Confidence::Probable) => "probably the way in",
        (_, Confidence::Unknown) => "no credential is on record",
    };
    format!("{who}{key}, {sure}")
}

/// What an ARN of IAM is of, in a word of ours.
fn kind(arn: &str) -> &'static str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let starts = |start: &str| resource.starts_with(start);
    if starts("user/") {
        "user"
    } else if starts("role/") || starts("assumed-role/") {
        "role"
    } else if starts("federated-user/") {
        "federated user"
    } else {
        ""
    }
}

/// The last part of an ARN.
pub(super) fn short(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().filter(|name| !name.is_empty()).unwrap_or(arn)
}

/// `85 functions, 1 user in 17 regions`
fn made(pen: &Pen<'_>, incident: &Incident) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in &incident.resources {
        *kinds.entry(&resource.kind).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, count)| (Reverse(*count), *kind));
    let mut parts: Vec<_> = kinds.iter().take(KINDS).map(|(kind, count)| number_of(kind, *count)).collect();
    let rest: usize = kinds.iter().skip(KINDS).map(|(_, count)| count).sum();
    if rest > 0 {
        parts.push(counted(rest, "other thing"));
    }
    let gone = incident.resources.iter().filter(|resource| !resource.exists).count();
    let gone = if gone > 0 { format!(" ({gone} deleted)") } else { String::new() };
    let what =
        if parts.is_empty() { "nothing was made".to_owned() } else { format!("made {}{gone}", parts.join(", ")) };
    let regions: BTreeSet<_> = incident.regions.iter().map(String::as_str).collect();
    match regions.len() {
        0 => what,
        count if count > pen.room.names => format!("{what} in {}", counted(count, "region")),
        _ => format!("{what} in {}", pen.names(regions)),
    }
}
