//! Nothing that others wrote is markup: read as Slack reads it, it stands in code spans or in plain texts.

use proptest::prelude::*;
use serde_json::Value;

use super::super::{Words, answer, card, escape, list, reply, steps};
use super::extreme::{SIGN, record, text};
use super::night;

/// A token between angle brackets that is one of ours.
fn is_ours(token: &str) -> bool {
    let is_date = token.strip_prefix("!date^").and_then(|rest| rest.split_once("^{date_short_pretty} at {time}|"));
    if let Some((number, fallback)) = is_date {
        let is_fallback = |c: char| c.is_ascii_digit() || "-: UTC".contains(c);
        return number.parse::<i64>().is_ok() && (fallback == "invalid time" || fallback.chars().all(is_fallback));
    }
    if let Some(user) = token.strip_prefix('@') {
        return user.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    }
    let is_url = |c: char| c.is_ascii_alphanumeric() || "-._%/?=#:".contains(c);
    token.split_once('|').is_some_and(|(url, label)| {
        let host = url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let ends = [".console.aws.amazon.com", ".console.amazonaws.cn", ".console.amazonaws-us-gov.com"];
        ends.iter().any(|end| host.ends_with(end))
            && url.chars().all(is_url)
            && label.is_ascii()
            && !label.contains(SIGN)
    })
}

/// Why a text with markup is not only ours.
fn markup(text: &str) -> Result<(), String> {
    let mut rest = text.to_owned();
    while let Some(from) = rest.find('<') {
        let to = rest[from..].find('>').ok_or("a bracket is not closed")? + from;
        let token = &rest[from + 1..to];
        if !is_ours(token) {
            return Err(format!("token {token}"));
        }
        rest.replace_range(from..=to, "T");
    }
    if rest.contains('>') {
        return Err("a bracket is not opened".to_owned());
    }
    let parts: Vec<_> = rest.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return Err("a code span is not closed".to_owned());
    }
    for (place, part) in parts.iter().enumerate() {
        let is_code = place % 2 == 1;
        let is_clean = |c: char| {
            !c.is_control() && !('\u{200b}'..='\u{200f}').contains(&c) && !('\u{202a}'..='\u{202e}').contains(&c)
        };
        if is_code && (part.is_empty() || part.starts_with(' ') || !part.chars().all(is_clean)) {
            return Err(format!("code {part:?}"));
        }
        if !is_code && (part.contains(SIGN) || part.contains("://")) {
            return Err(format!("{part} stands outside of code"));
        }
        // A span begins and ends at the edge of a word, or Slack shows its backticks.
        let (starts, ends) = (part.starts_with(char::is_alphanumeric), part.ends_with(char::is_alphanumeric));
        if !is_code && (place > 0 && starts || place + 1 < parts.len() && ends) {
            return Err(format!("{part} touches code"));
        }
    }
    Ok(())
}

/// Looks at every text object.
fn check(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(all) => all.iter().try_for_each(check),
        Value::Object(object) => {
            let text = object.get("text").and_then(Value::as_str);
            match (object.get("type").and_then(Value::as_str), text) {
                (Some("mrkdwn"), Some(text)) if object.get("verbatim") == Some(&Value::Bool(true)) => markup(text),
                (Some("plain_text"), Some(text)) if object.get("emoji") == Some(&Value::Bool(false)) => plain(text),
                (Some("mrkdwn" | "plain_text"), _) => Err(format!("{object:?}")),
                _ => object.values().try_for_each(check),
            }
        }
        _ => Ok(()),
    }
}

fn plain(text: &str) -> Result<(), String> {
    let is_bad = |c: char| c != '\n' && c.is_control() || "<>\u{202e}\u{200b}\u{feff}\u{2066}".contains(c);
    match text.contains(is_bad) || text.contains("://") {
        true => Err(format!("plain {text:?}")),
        false => Ok(()),
    }
}

/// The line beside the blocks: markup without spans.
fn bare(text: &str) -> Result<(), String> {
    let is_bad = |c: char| c.is_control() || "<>*~`@#\u{202e}\u{200b}".contains(c);
    let is_entity = |rest: &str| ["&amp;", "&lt;", "&gt;"].iter().any(|entity| rest.starts_with(entity));
    let is_open = text.match_indices('&').any(|(at, _)| !is_entity(&text[at..]) && !text[at..].ends_with('…'));
    let letters: Vec<char> = text.chars().collect();
    let is_emoji = letters.windows(2).any(|pair| pair[0] == ':' && ![' ', '…'].contains(&pair[1]));
    match text.contains(is_bad) || is_open || is_emoji || text.contains("://") {
        true => Err(format!("text {text:?}")),
        false => Ok(()),
    }
}

fn all(words: &Words) -> Result<(), String> {
    check(&serde_json::to_value(&words.blocks).unwrap())?;
    bare(&words.text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn slack_renders_nothing_that_others_wrote(record in record(), lines in prop::collection::vec(text(), 0..20)) {
        let (plan, planned) = record.plan();
        let words = [
            card(&record.card(), "inc-1"),
            steps(&night::shown(plan, planned, 1)),
            reply(&lines, "due-1"),
            list("Digest", &lines, "due-2"),
            answer(&lines.join(" ")),
        ];
        for words in words {
            if let Err(why) = all(&words) {
                return Err(TestCaseError::fail(why));
            }
        }
    }

    #[test]
    fn slack_texts_keep_to_their_length(text in text(), most in 0_usize..400) {
        for safe in [escape::plain(&text, most), escape::bare(&text, most), escape::begin(&text, most)] {
            prop_assert!(escape::units(&safe.text) <= most.max(1), "{:?}", safe.text);
        }
        let safe = escape::code(&text, most);
        prop_assert!(escape::units(&safe.text) <= most.max(1) + 2, "{:?}", safe.text);
    }
}

#[test]
fn slack_escapes_what_it_is_known_to_read() {
    let code = |text: &str| escape::code(text, 100).text;
    assert_eq!(code("a`b<!here>&"), "`a'b&lt;!here&gt;&amp;`");
    assert_eq!(code("  "), "`-`");
    assert_eq!(code("x\u{202e}\ny"), "`x\\u{202e}\\u{a}y`");
    assert_eq!(escape::plain("<!channel> http://e.x :a: *b*", 100).text, "‹!channel› http[:]//e.x :a: *b*");
    assert_eq!(escape::bare("*a* b_c _d_ a.evil 1.2 :x: y: z", 100).text, "∗a∗ b_c ＿d＿ a․evil 1.2 ∶x: y: z");
    assert_eq!(escape::code("abcdef", 4).text, "`abc…`");
}
