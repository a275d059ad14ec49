//! Blocks, within the limits of a message: each text is cut to its room, and a sheet that is too long is written anew in
//! a smaller room.

use std::cell::Cell;

use slack_morphism::prelude::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockId, SlackBlockMarkDownText, SlackBlockPlainText,
    SlackBlockPlainTextOnly, SlackBlockText, SlackContextBlock, SlackContextBlockElement, SlackHeaderBlock,
    SlackSectionBlock,
};

use super::escape::{self, Safe, units};

/// Characters of a block's id.
pub(super) const MOST_ID: usize = 255;
/// Characters of a header.
const MOST_HEADER: usize = 150;
/// Characters of a section; Slack takes 3,000.
const MOST_SECTION: usize = 2_900;
/// Characters of small print; Slack takes 2,000 of a field.
const MOST_PRINT: usize = 1_900;
/// Characters of a command.
pub(super) const MOST_COMMAND: usize = 150;
/// Blocks of a message.
const MOST_BLOCKS: usize = 50;
/// Characters of all blocks together, as JSON that is all ASCII. Slack takes 12,000 of text and some more around it.
const MOST_TOGETHER: usize = 12_000;

/// How much of everything is shown.
#[derive(Debug)]
pub(super) struct Room {
    /// Characters of a name.
    pub name: usize,
    /// Characters of a sentence.
    pub sentence: usize,
    /// Sentences of the story, and of what remains.
    pub sentences: usize,
    /// Principals whose use is told.
    pub blasts: usize,
    /// Groups of steps.
    pub groups: usize,
    /// Remarks, and things for people to do.
    pub remarks: usize,
    /// Names in a row.
    pub names: usize,
    /// Lines of a list.
    pub rows: usize,
    pub has_links: bool,
}

/// From the roomiest to one in which everything fits, whatever it is.
pub(super) const ROOMS: [Room; 4] = [
    Room {
        name: 160,
        sentence: 700,
        sentences: 8,
        blasts: 3,
        groups: 16,
        remarks: 5,
        names: 4,
        rows: 144,
        has_links: true,
    },
    Room {
        name: 100,
        sentence: 350,
        sentences: 8,
        blasts: 3,
        groups: 12,
        remarks: 3,
        names: 3,
        rows: 60,
        has_links: true,
    },
    Room {
        name: 60,
        sentence: 160,
        sentences: 5,
        blasts: 2,
        groups: 8,
        remarks: 2,
        names: 2,
        rows: 20,
        has_links: true,
    },
    Room {
        name: 30,
        sentence: 60,
        sentences: 2,
        blasts: 1,
        groups: 4,
        remarks: 1,
        names: 1,
        rows: 3,
        has_links: false,
    },
];

/// Writes in a room, and knows whether something did not fit.
pub(super) struct Pen<'r> {
    pub room: &'r Room,
    is_cut: Cell<bool>,
}

/// The blocks in the first room that they fit in.
pub(super) fn fitting(write: impl Fn(&Pen<'_>) -> Vec<SlackBlock>) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    for room in &ROOMS {
        blocks = write(&Pen::new(room));
        if blocks.len() <= MOST_BLOCKS && weight(&blocks) <= MOST_TOGETHER {
            break;
        }
    }
    blocks
}

/// How long blocks are as JSON in which everything but ASCII is escaped.
pub(super) fn weight(blocks: &[SlackBlock]) -> usize {
    let json = serde_json::to_string(blocks).unwrap_or_default();
    json.chars().map(|c| if c.is_ascii() { 1 } else { 6 * c.len_utf16() }).sum()
}

impl<'r> Pen<'r> {
    pub(super) fn new(room: &'r Room) -> Self {
        Self { room, is_cut: Cell::new(false) }
    }

    /// Whether something did not fit so far.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// Something is left out.
    pub(super) fn note_cut(&self) {
        self.is_cut.set(true);
    }

    fn take(&self, safe: Safe) -> String {
        self.is_cut.set(self.is_cut.get() || safe.is_cut);
        safe.text
    }

    /// A name as a code span.
    pub(super) fn code(&self, name: &str) -> String {
        self.take(escape::code(name, self.room.name))
    }

    /// A command to type, as a code span. It is ours, and of no use in part.
    pub(super) fn command(&self, command: &str) -> String {
        self.take(escape::code(command, MOST_COMMAND))
    }

    /// A sentence for a plain text.
    pub(super) fn plain(&self, sentence: &str) -> String {
        self.take(escape::plain(sentence, self.room.sentence))
    }

    /// Names as code spans in a row: `a`, `b` and 3 more.
    pub(super) fn names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        let names: Vec<_> = names.into_iter().collect();
        let shown: Vec<_> = names.iter().take(self.room.names).map(|name| self.code(name)).collect();
        match names.len() - shown.len() {
            0 => shown.join(", "),
            more => {
                self.note_cut();
                format!("{} and {more} more", shown.join(", "))
            }
        }
    }

    /// Lines as far as a section goes, at most so many of them, and how many of all are missing.
    fn fill(&self, lines: impl Iterator<Item = String>, all: usize, most: usize) -> String {
        let mut text = String::new();
        let mut used = 0;
        for (place, line) in lines.enumerate() {
            used += units(&line) + 1;
            // There is room for the words that say how many are missing.
            if place >= most || used > MOST_SECTION - 40 {
                self.note_cut();
                text.push_str(&format!("… and {} more", all - place));
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        text.trim_end().to_owned()
    }

    /// Sentences of others under each other, in a text without markup.
    pub(super) fn sentences<'s>(
        &self,
        sentences: impl ExactSizeIterator<Item = &'s str>,
        most: usize,
    ) -> Option<SlackBlock> {
        let all = sentences.len();
        let text = self.fill(sentences.map(|each| format!("• {}", self.plain(each))), all, most);
        (!text.is_empty()).then(|| plain_section(&text))
    }

    /// Lines of markup that is ours under each other, at most so many.
    pub(super) fn lines(&self, lines: Vec<String>, most: usize) -> String {
        let all = lines.len();
        self.fill(lines.into_iter(), all, most)
    }
}

/// The first block of a message.
pub(super) fn header(title: &str, mark: Option<&str>) -> SlackBlock {
    let title = escape::begin(if title.is_empty() { "-" } else { title }, MOST_HEADER).text;
    let mut block = SlackHeaderBlock::new(only(title));
    block.block_id = mark.map(|mark| SlackBlockId(super::block_id(mark)));
    block.into()
}

/// Gives the first block its id.
pub(super) fn marked(mut blocks: Vec<SlackBlock>, mark: &str) -> Vec<SlackBlock> {
    let id = Some(SlackBlockId(super::block_id(mark)));
    match blocks.first_mut() {
        Some(SlackBlock::Section(first)) => first.block_id = id,
        Some(SlackBlock::Header(first)) => first.block_id = id,
        _ => {}
    }
    blocks
}

/// A paragraph of markup, of which everything that others wrote is in code spans.
pub(super) fn section(text: &str) -> SlackBlock {
    SlackSectionBlock::new().with_text(SlackBlockText::MarkDown(markup(text, MOST_SECTION))).into()
}

/// The same where nothing of it may wait behind "see more".
pub(super) fn whole_section(text: &str) -> SlackBlock {
    SlackSectionBlock::new().with_text(SlackBlockText::MarkDown(markup(text, MOST_SECTION))).with_expand(true).into()
}

/// A paragraph without markup.
pub(super) fn plain_section(text: &str) -> SlackBlock {
    let text = escape::begin(text, MOST_SECTION).text;
    SlackSectionBlock::new().with_text(SlackBlockText::Plain(SlackBlockPlainText::new(text).with_emoji(false))).into()
}

/// Small print.
pub(super) fn context(text: &str) -> SlackBlock {
    SlackContextBlock::new(vec![SlackContextBlockElement::MarkDown(markup(text, MOST_PRINT))]).into()
}

/// Buttons in a row.
pub(super) fn actions(buttons: Vec<SlackActionBlockElement>) -> SlackBlock {
    SlackActionsBlock::new(buttons).into()
}

/// Text without markup.
pub(super) fn only(text: impl Into<String>) -> SlackBlockPlainTextOnly {
    SlackBlockPlainText::new(text.into()).with_emoji(false).into()
}

/// Without the links that Slack would make of addresses and names by itself.
fn markup(text: &str, most: usize) -> SlackBlockMarkDownText {
    SlackBlockMarkDownText::new(escape::begin(text, most).text).with_verbatim(true)
}

/// A time as whoever reads it knows it, with UTC for whatever cannot show that.
pub(super) fn date(at: crate::event::Seconds) -> String {
    let fallback = crate::event::time::format(at).replace('T', " ").replace('Z', " UTC");
    format!("<!date^{at}^{{date_short_pretty}} at {{time}}|{fallback}>")
}
