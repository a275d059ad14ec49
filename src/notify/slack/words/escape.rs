//! What others wrote, made harmless in each place of a message.
//!
//! There are three places. In a `plain_text` object Slack reads no markup at all. In a `mrkdwn` object the text of others
//! stands in a code span, in which nothing is markup once `<`, `>`, `&` and the backtick are gone. The one line beside
//! the blocks is markup without spans: there every character that could begin markup gets a look-alike.

use crate::model::escape::terminal;

/// What stands where something was cut off.
const CUT: char = '…';

/// A text that was made harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Safe {
    pub text: String,
    /// It is not all of it.
    pub is_cut: bool,
}

/// For a `plain_text` object, of at most `most` UTF-16 units: on one line, and without what could pass for markup.
pub(super) fn plain(text: &str, most: usize) -> Safe {
    written(text, most, |c, _, _| match c {
        '<' => Piece::Other("‹"),
        '>' => Piece::Other("›"),
        _ => Piece::Same,
    })
}

/// A code span for a `mrkdwn` object, of at most `most` UTF-16 units between its backticks.
pub(super) fn code(text: &str, most: usize) -> Safe {
    let Safe { text, is_cut } = written(text.trim(), most, |c, _, _| match c {
        '`' => Piece::Other("'"),
        _ => entity(c),
    });
    let inner = if text.is_empty() { "-" } else { text.trim_end() };
    Safe { text: format!("`{inner}`"), is_cut }
}

/// For the text of a message, which is read as markup, and in which domains and addresses would become links.
pub(super) fn bare(text: &str, most: usize) -> Safe {
    written(text, most, |c, before, after| {
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '*' => Piece::Other("∗"),
            '~' => Piece::Other("∼"),
            '`' => Piece::Other("'"),
            '@' => Piece::Other("＠"),
            '#' => Piece::Other("＃"),
            '_' if !(is_word(before) && is_word(after)) => Piece::Other("＿"),
            ':' if after.is_some_and(|c| c != ' ') => Piece::Other("∶"),
            '.' if after.is_some_and(char::is_alphabetic) => Piece::Other("․"),
            _ => entity(c),
        }
    })
}

/// The beginning of a text in which nothing is dangerous, of at most `most` UTF-16 units.
pub(super) fn begin(text: &str, most: usize) -> Safe {
    cut(text.chars(), most, |c, text| text.push(c))
}

/// How much of a limit a text takes: Slack counts as JavaScript does.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

enum Piece {
    Same,
    Other(&'static str),
}

fn entity(c: char) -> Piece {
    match c {
        '&' => Piece::Other("&amp;"),
        '<' => Piece::Other("&lt;"),
        '>' => Piece::Other("&gt;"),
        _ => Piece::Same,
    }
}

/// Writes a text character by character, each with those beside it. Entities are kept whole.
fn written(text: &str, most: usize, piece: impl Fn(char, Option<char>, Option<char>) -> Piece) -> Safe {
    // One more than fits shows that something is missing; the rest of a long text is never looked at.
    let start: String = text.chars().take(most.saturating_add(1)).collect();
    let shown: Vec<char> = terminal(&start).replace("://", "[:]//").chars().collect();
    let at = |place: Option<usize>| place.and_then(|place| shown.get(place)).copied();
    let mut place = 0_usize;
    cut(shown.iter().copied(), most, |c, text| {
        match piece(c, at(place.checked_sub(1)), at(place.checked_add(1))) {
            Piece::Same => text.push(c),
            Piece::Other(other) => text.push_str(other),
        }
        place += 1;
    })
}

fn cut(characters: impl Iterator<Item = char>, most: usize, mut write: impl FnMut(char, &mut String)) -> Safe {
    let mut text = String::new();
    let mut used = 0;
    // Where the text is cut when it turns out to be too long: there is room for the sign.
    let mut end = 0;
    for c in characters {
        let from = text.len();
        write(c, &mut text);
        used += text.get(from..).map_or(0, units);
        if used > most {
            text.truncate(end);
            if most > 0 {
                text.push(CUT);
            }
            return Safe { text, is_cut: true };
        }
        if used < most {
            end = text.len();
        }
    }
    Safe { text, is_cut: false }
}
