//! Cards, replies and answers as Slack's blocks, within its limits.
//!
//! - `escape`: what others wrote, made harmless; `pen`: blocks of it, within a room
//! - `state`: where an incident stands; `head`, `story`, `plan`, `links`, `commands`, `buttons`: the parts of its message
//! - `actions`: how steps are called; `lists`: replies, steps, gaps and lists
//!
//! What matters least is shortened first, and what was shortened says so.

mod actions;
mod buttons;
mod commands;
mod escape;
mod head;
mod links;
mod lists;
mod pen;
mod plan;
mod state;
mod story;
#[cfg(test)]
mod tests;

use slack_morphism::prelude::SlackBlock;

use super::card::{Card, Shown};
use crate::model::Finding;
use pen::Pen;

/// What is said: blocks, and the same as text for notifications and for whoever cannot see blocks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Words {
    /// One line, escaped.
    pub text: String,
    /// Within Slack's limits.
    pub blocks: Vec<SlackBlock>,
}

/// The mark of a message as its first block carries it.
pub(crate) fn block_id(mark: &str) -> String {
    let mut used = 0;
    let is_within = |c: &char| {
        used += c.len_utf16();
        used <= pen::MOST_ID
    };
    mark.chars().take_while(is_within).collect()
}

/// The message of an incident. `mark` is how it is found again: the id of its first block.
pub(crate) fn card(card: &Card<'_>, mark: &str) -> Words {
    let text = head::line(card);
    let blocks = pen::fitting(|pen| sheet(pen, card, mark));
    Words { text, blocks }
}

/// The same without blocks, for where Slack does not take them. `incident` is empty where it is about none.
pub(crate) fn bare(words: &Words, incident: &str) -> Words {
    let all = if incident.is_empty() { "stakeout incidents".to_owned() } else { format!("stakeout show {incident}") };
    let all = escape::code(&all, pen::MOST_COMMAND).text;
    Words { text: format!("{} (Slack did not take the rest; all of it: {all})", words.text), blocks: Vec::new() }
}

/// A reply in the message's thread: what is new, in sentences.
pub(crate) fn reply(changes: &[String], mark: &str) -> Words {
    lists::reply(changes, mark)
}

/// Every step of a plan, and what it breaks, for whoever asked.
pub(crate) fn steps(shown: &Shown<'_>) -> Words {
    lists::steps(shown)
}

/// A sentence for one person.
pub(crate) fn answer(sentence: &str) -> Words {
    lists::answer(sentence)
}

/// A gap in what is seen.
pub(crate) fn gap(findings: &[Finding], mark: &str) -> Words {
    lists::gap(findings, mark)
}

/// Lines of notices or of a digest under a title, on the channel that pages nobody.
pub(crate) fn list(title: &str, lines: &[String], mark: &str) -> Words {
    lists::list(title, lines, mark)
}

/// All blocks of an incident's message: what a decision needs, its buttons, and behind them what explains it.
fn sheet(pen: &Pen<'_>, card: &Card<'_>, mark: &str) -> Vec<SlackBlock> {
    let state = state::State::of(card);
    let mut blocks = head::blocks(pen, card, &state, mark);
    blocks.extend(story::ahead(pen, card, &state));
    blocks.extend(plan::blocks(pen, &state));
    blocks.extend(story::of_aws(pen, card));
    blocks.extend(buttons::block(card, &state));
    blocks.extend(story::happened(pen, card));
    blocks.extend(links::block(pen, card));
    blocks.extend(commands::block(pen, card, &state));
    blocks
}
