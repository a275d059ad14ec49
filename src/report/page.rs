//! Lines as wide as a terminal.

use std::io::{self, Write};

use console::{Style, measure_text_width};

use super::Look;
use crate::event::{Seconds, time};
use crate::model::escape::terminal;

const LABEL: usize = 10;
/// Bytes that a column of a terminal may take, with accents on its letter.
const LONGEST_COLUMN: usize = 32;

/// Where lines go.
pub(super) struct Page<'a> {
    pub out: &'a mut dyn Write,
    pub width: usize,
    pub color: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(look: Look, out: &'a mut dyn Write) -> Self {
        Self { out, width: look.columns.clamp(40, 160), color: look.color }
    }

    /// A label and what it says.
    pub(super) fn field(&mut self, label: &str, value: &str) -> io::Result<()> {
        self.wrapped(&format!("  {label:<LABEL$}"), &" ".repeat(LABEL + 2), &terminal(value))
    }

    /// A line in a style.
    pub(super) fn line(&mut self, style: &Style, text: &str) -> io::Result<()> {
        let style = style.clone().force_styling(self.color);
        for line in wrap(text, self.width) {
            writeln!(self.out, "{}", style.apply_to(line))?;
        }
        Ok(())
    }

    /// Text that has been made harmless, behind two indents.
    pub(super) fn wrapped(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        let lines = wrap(text, self.width.saturating_sub(measure_text_width(rest)));
        for (number, line) in lines.iter().enumerate() {
            writeln!(self.out, "{}{line}", if number == 0 { first } else { rest })?;
        }
        Ok(())
    }
}

/// A time for people.
pub(super) fn stamp(at: Seconds) -> String {
    time::format(at).replace('T', " ")
}

/// Writes a line as wide as a terminal, the lines after the first behind an indent.
///
/// # Errors
/// Whatever the writer says.
pub(crate) fn write_wrapped(out: &mut dyn Write, columns: usize, text: &str, rest: &str) -> io::Result<()> {
    let width = columns.clamp(40, 160).saturating_sub(rest.len());
    let indent = &text[..text.len() - text.trim_start_matches(' ').len()];
    for (number, line) in wrap(text.trim_start_matches(' '), width).iter().enumerate() {
        writeln!(out, "{}{}", if number == 0 { indent } else { rest }, terminal(line))?;
    }
    Ok(())
}

/// Breaks text at spaces; a word longer than a line is broken where the line ends.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines = vec![String::new()];
    // Columns of the last line.
    let mut line = 0;
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let gap = usize::from(line > 0);
            // Only of what may fit is it asked how wide it is: of one endless word that would be asked for each of its lines.
            let columns = (word.len() <= width * LONGEST_COLUMN).then(|| measure_text_width(word));
            if let Some(columns) = columns.filter(|columns| line + gap + columns <= width) {
                push(&mut lines, gap, word);
                line += gap + columns;
                break;
            }
            if line > 0 {
                lines.push(String::new());
                line = 0;
                continue;
            }
            let cut = word.char_indices().map(|(at, _)| at).take_while(|at| *at <= width).last().unwrap_or(0).max(1);
            let cut = (cut..=word.len()).find(|at| word.is_char_boundary(*at)).unwrap_or(word.len());
            push(&mut lines, 0, &word[..cut]);
            lines.push(String::new());
            word = &word[cut..];
        }
    }
    lines
}

fn push(lines: &mut [String], gap: usize, word: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn an_endless_word_is_broken_once_for_each_line() {
        let word = "x".repeat(8 << 20);
        let lines = wrap(&format!("a {word} b c"), 64);
        assert_eq!(lines.first().map(String::as_str), Some("a"));
        assert!(lines[1..lines.len() - 1].iter().all(|line| line.len() == 64));
        assert_eq!(lines.last().map(String::as_str), Some("b c"));
        assert_eq!(lines.concat().len(), word.len() + 4);
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("one two three four five", 20), ["one two three four", "five"]);
        assert_eq!(wrap(&"é".repeat(20), 20), ["é".repeat(20)]);
    }
}
