//! Lines as wide as a terminal.

use std::io::{self, Write};

use console::{Style, measure_text_width};

use super::Look;
use crate::event::{Seconds, time};
use crate::model::escape::terminal;

const LABEL: usize = 10;

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
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let line = lines.last().map_or(0, |line| measure_text_width(line));
            let gap = usize::from(line > 0);
            if line + gap + measure_text_width(word) <= width {
                push(&mut lines, gap, word);
                break;
            }
            if line > 0 {
                lines.push(String::new());
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
