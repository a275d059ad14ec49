//! Replies, steps, gaps and lists: sentences without markup under a title.

use std::cmp::Reverse;

use slack_morphism::prelude::SlackBlock;

use super::Words;
use super::escape;
use super::pen::{Pen, fitting, header, marked, plain_section, section};
use crate::model::Finding;
use crate::model::counted;
use crate::model::plan::{Alternative, Blast, Step, Way, kinds, short};
use crate::notify::slack::card::Shown;
use crate::notify::text::{told, worst};

/// Lines of one block; Slack takes 3,000 characters of it.
const LINES: usize = 24;
/// Characters of an answer: as JSON at most 11,000.
const ANSWER: usize = 1_800;
/// Characters of the line beside the blocks.
const TEXT: usize = 300;

/// What is new.
pub(super) fn reply(changes: &[String], mark: &str) -> Words {
    let text = changes.first().map_or("Something changed.", String::as_str);
    let write = |pen: &Pen<'_>| {
        let mut blocks: Vec<_> = pen.sentences(changes.iter().map(String::as_str), pen.room.rows).into_iter().collect();
        if blocks.is_empty() {
            blocks.push(section("Something changed; the message above is up to date."));
        }
        marked(blocks, mark)
    };
    Words { text: escape::bare(text, TEXT).text, blocks: fitting(write) }
}

/// Every step, and what it breaks.
pub(super) fn steps(shown: &Shown<'_>) -> Words {
    let plan = shown.plan;
    let digest = short(&plan.digest);
    let title = format!("Plan {digest} to {} {}", plan.way.as_str(), plan.incident);
    let (changes, saves): (Vec<_>, Vec<_>) = plan.steps.iter().partition(|step| step.is_change());
    let step = |step: &&Step| {
        let (n, class, region) = (step.n, step.class.as_str(), &step.target.region);
        format!("{n} ({class}, {region}): {}", step.changes)
    };
    let mut steps: Vec<_> = changes.iter().map(step).collect();
    if !saves.is_empty() {
        steps.insert(0, format!("{} before that only save evidence: {}", counted(saves.len(), "step"), kinds(saves)));
    }
    let breaks: Vec<_> = plan.blast_radius.iter().flat_map(broken).collect();
    let refused: Vec<_> = plan.refused.iter().map(|refused| format!("{}: {}", refused.target, refused.why)).collect();
    let undo = if plan.way == Way::Undo { " --undo" } else { "" };
    let write = |pen: &Pen<'_>| {
        let mut blocks = vec![header(&escape::plain(&title, TEXT).text, None)];
        blocks.extend(long(pen, &format!("Steps ({})", plan.steps.len()), &steps));
        blocks.extend(long(pen, "What would break", &breaks));
        blocks.extend(long(pen, &format!("Left alone ({})", refused.len()), &refused));
        blocks.extend(long(pen, "Mind", &plan.remarks));
        blocks.extend(long(pen, "For people to do", &plan.people));
        if pen.is_cut() {
            let command = pen.command(&format!("stakeout plan {}{undo} --format table", plan.incident));
            blocks.push(section(&format!("Shortened; all of it: {command}")));
        }
        blocks
    };
    Words { text: escape::bare(&title, TEXT).text, blocks: fitting(write) }
}

/// A sentence.
pub(super) fn answer(sentence: &str) -> Words {
    let said = if sentence.is_empty() { "-" } else { sentence };
    Words { text: escape::bare(said, TEXT).text, blocks: vec![plain_section(&escape::plain(said, ANSWER).text)] }
}

/// What is not seen, the worst first.
pub(super) fn gap(findings: &[Finding], mark: &str) -> Words {
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|finding| Reverse(finding.level));
    let level = sorted.first().map_or("", |finding| finding.level.as_str());
    let title = format!("{} gap in what is seen: {}", level.to_uppercase(), worst(findings));
    let lines: Vec<_> = sorted.iter().map(|finding| told(finding)).collect();
    titled(title.trim_start(), &lines, mark)
}

/// Lines under a title.
pub(super) fn list(title: &str, lines: &[String], mark: &str) -> Words {
    titled(title, lines, mark)
}

fn titled(title: &str, lines: &[String], mark: &str) -> Words {
    let write = |pen: &Pen<'_>| {
        let mut blocks = vec![header(&escape::plain(title, 140).text, Some(mark))];
        blocks.extend(long(pen, "", lines));
        if pen.is_cut() {
            blocks.push(section("Shortened to what a message holds."));
        }
        blocks
    };
    Words { text: escape::bare(title, TEXT).text, blocks: fitting(write) }
}

/// Lines in as many blocks as there may be, under a label of ours.
fn long(pen: &Pen<'_>, label: &str, lines: &[String]) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    if !lines.is_empty() && !label.is_empty() {
        blocks.push(section(&format!("*{label}*")));
    }
    let (mut rest, mut room) = (lines, pen.room.rows);
    while !rest.is_empty() && room > 0 {
        // The last block has all that is left, and says how much of it does not fit.
        let end = if room > LINES { LINES.min(rest.len()) } else { rest.len() };
        let (these, others) = rest.split_at(end);
        blocks.extend(pen.sentences(these.iter().map(String::as_str), LINES.min(room)));
        (rest, room) = (others, room.saturating_sub(LINES));
    }
    blocks
}

/// Who needs it, and how to do less.
fn broken(blast: &Blast) -> Vec<String> {
    let mut lines = vec![blast.told()];
    if blast.would_have_refused > 0 {
        let calls = blast.would_have_refused;
        lines.push(format!(
            "of the last day's calls {calls} would have been refused: {}",
            blast.refused_callers.join(", ")
        ));
    }
    let narrower =
        |way: &Alternative| format!("narrower, --narrow {}: {}; leaves open: {}", way.way, way.does, way.leaves_open);
    lines.extend(blast.alternatives.iter().map(narrower));
    lines
}
