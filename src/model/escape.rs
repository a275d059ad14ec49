//! Text from a log is an attacker's text: what it may do in each output.

/// For a terminal: control characters, escape sequences and direction marks become visible.
pub(crate) fn terminal(text: &str) -> String {
    text.chars().flat_map(|c| if is_harmful(c) { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// For Markdown: nothing in it is markup, and it stays on its line.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '@' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// For a spreadsheet: no cell begins a formula.
pub(crate) fn cell(text: &str) -> String {
    let text = terminal(text);
    if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text }
}

fn is_harmful(c: char) -> bool {
    let direction = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}');
    c.is_control() || direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        assert_eq!(terminal("a\u{1b}[31mb\r\n\u{202e}c"), "a\\u{1b}[31mb\\u{d}\\u{a}\\u{202e}c");
        assert_eq!(markdown("[x](http://e) <!channel> | `y`"), "\\[x\\]\\(http://e\\) &lt;\\!channel&gt; \\| \\`y\\`");
        assert_eq!(cell("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
    }

    proptest! {
        #[test]
        fn no_control_character_reaches_a_terminal(text in any::<String>()) {
            prop_assert!(!terminal(&text).chars().any(char::is_control));
        }
    }
}
