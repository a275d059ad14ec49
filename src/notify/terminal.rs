//! A short block on standard error, which cron mails.

use std::io::{self, Write as _};

use super::text;
use super::{Message, Undelivered};

/// Sentences of the story that are shown; `stakeout show` has all.
const SENTENCES: usize = 3;

/// Standard error.
pub(crate) struct Terminal;

impl Terminal {
    pub(super) fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        let lost = |error: io::Error| Undelivered::passing(format!("writing to standard error: {error}"));
        io::stderr().lock().write_all(block(message).as_bytes()).map_err(lost)
    }
}

/// The block, harmless on a terminal.
pub(super) fn block(message: &Message) -> String {
    let headline = text::headline(message);
    let (level, rest) = headline.split_at(headline.find([' ', ',']).unwrap_or(headline.len()));
    let mut block = format!("\n{}{rest}\n", level.to_uppercase());
    for (label, fact) in text::facts(message) {
        block.push_str(&format!("  {label:<6} {fact}\n"));
    }
    for sentence in text::story(message, SENTENCES) {
        block.push_str(&format!("  - {sentence}\n"));
    }
    if let Some(command) = text::more(message) {
        block.push_str(&format!("  more   {command}\n"));
    }
    block
}
