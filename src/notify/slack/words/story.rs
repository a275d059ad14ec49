//! What happened, what would break, and what AWS did by itself.

use std::cmp::Reverse;

use slack_morphism::prelude::SlackBlock;

use super::head::short;
use super::pen::{Pen, date, section, whole_section};
use super::state::State;
use crate::model::grouped;
use crate::model::plan::{Blast, Verdict, Way};
use crate::notify::slack::card::Card;

/// How a remark begins that tells what AWS did.
const OF_AWS: &str = "AWS attached ";

/// What happened, in sentences.
pub(super) fn happened(pen: &Pen<'_>, card: &Card<'_>) -> Vec<SlackBlock> {
    match pen.sentences(card.incident.narrative.iter().map(String::as_str), pen.room.sentences) {
        Some(told) => vec![section("*What happened*"), told],
        None => Vec::new(),
    }
}

/// What would break, or why that is not known.
pub(super) fn ahead(pen: &Pen<'_>, card: &Card<'_>, state: &State<'_>) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    if let Some(why) = card.unplanned.filter(|_| card.plan.is_none() && !state.is_over()) {
        blocks.push(section("*No plan could be made*"));
        blocks.extend(pen.sentences([why].into_iter(), 1));
    }
    let is_ahead = matches!(state, State::Pending(_) | State::Expired(_) | State::Approved(_) | State::Running(_));
    if let Some(shown) = state.shown().filter(|shown| is_ahead && shown.planned.way == Way::Contain) {
        blocks.extend(breaks(pen, card, &shown.plan.blast_radius));
    }
    blocks
}

/// What AWS did already, where a plan's remarks say so.
pub(super) fn of_aws(pen: &Pen<'_>, card: &Card<'_>) -> Vec<SlackBlock> {
    let remarks = [card.plan, card.last].into_iter().flatten().flat_map(|shown| &shown.plan.remarks);
    let mut remarks: Vec<_> = remarks.filter(|remark| is_of_aws(remark)).map(String::as_str).collect();
    remarks.dedup();
    match pen.sentences(remarks.into_iter(), 2) {
        Some(told) => vec![section("*What AWS did already*"), told],
        None => Vec::new(),
    }
}

/// Whether a remark tells what AWS did.
pub(super) fn is_of_aws(remark: &str) -> bool {
    remark.starts_with(OF_AWS)
}

/// One line for each principal, those that somebody needs most first.
fn breaks(pen: &Pen<'_>, card: &Card<'_>, blasts: &[Blast]) -> Option<SlackBlock> {
    let mut worst: Vec<&Blast> = Vec::new();
    for blast in blasts {
        match worst.iter_mut().find(|known| known.principal == blast.principal) {
            Some(known) if weight(known) < weight(blast) => *known = blast,
            Some(_) => {}
            None => worst.push(blast),
        }
    }
    worst.sort_by_key(|blast| Reverse(weight(blast)));
    let lines = pen.lines(worst.iter().map(|blast| line(pen, card, blast)).collect(), pen.room.blasts);
    (!lines.is_empty()).then(|| whole_section(&format!("*What would break*\n{lines}")))
}

/// How much it matters that somebody uses it.
fn weight(blast: &Blast) -> (u8, u64) {
    let verdict = match blast.verdict {
        Verdict::AutomationHigh => 4,
        Verdict::Unknown => 3,
        Verdict::AutomationLow => 2,
        Verdict::Interactive => 1,
        Verdict::Unused => 0,
    };
    (verdict, blast.calls_per_day.max(0.0) as u64)
}

fn line(pen: &Pen<'_>, card: &Card<'_>, blast: &Blast) -> String {
    let who = pen.code(short(&blast.principal));
    let verdict = match blast.verdict {
        Verdict::Unused => return format!("{who}: nothing, nobody else used it in {} days", blast.history_days.max(0)),
        Verdict::Interactive => "people use it",
        Verdict::AutomationLow => "machines use it now and then",
        Verdict::AutomationHigh => "*machines depend on it*",
        Verdict::Unknown => "*too little history to say who uses it*",
    };
    let calls = grouped(blast.calls_per_day.max(0.0).round() as u64);
    let last = blast.last_legitimate_use.map_or_else(String::new, |at| format!(", the last {}", date(at)));
    let services = match blast.services.len() {
        0 => String::new(),
        _ => format!(", for {}", pen.names(blast.services.iter().take(3).map(String::as_str))),
    };
    let narrower = blast.alternatives.first().filter(|_| blast.verdict != Verdict::Unused).map(|other| {
        let command = format!("stakeout plan {} --narrow {}", card.incident.id, other.way);
        format!("; narrower: {}", pen.command(&command))
    });
    format!("{who}: {verdict}, {calls} legitimate calls a day{last}{services}{}", narrower.unwrap_or_default())
}
