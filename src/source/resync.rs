//! Where reading goes on after something that is not JSON.

use super::scan::{Fault, skip_blank};

/// Keys that begin a record or its envelope and hardly anything nested in one. A quote inside a
/// JSON string is escaped, so `{"eventVersion"` is the start of an object wherever it stands.
const FIRST_KEYS: [&[u8]; 6] =
    [b"eventVersion", b"eventTime", b"eventID", b"userIdentity", b"EventId", b"CloudTrailEvent"];

/// Whether a record begins at `at`: at a brace before one of its keys.
pub(super) fn starts_record(text: &[u8], at: usize) -> bool {
    if text.get(at) != Some(&b'{') {
        return false;
    }
    let quote = skip_blank(text, at + 1);
    if text.get(quote) != Some(&b'"') {
        return false;
    }
    let key = &text[quote + 1..];
    FIRST_KEYS.iter().any(|first| key.starts_with(first) && key.get(first.len()) == Some(&b'"'))
}

/// The first offset from `from` up to `to` at which a record begins, or an object at the very
/// start of a line, where nothing that is nested stands. The value of a member is neither.
pub(super) fn next_record(text: &[u8], from: usize, to: usize) -> Option<usize> {
    memchr::memchr_iter(b'{', &text[from..to]).map(|at| from + at).find(|&at| is_landmark(text, at))
}

fn is_landmark(text: &[u8], at: usize) -> bool {
    let line_start = at > 0 && text[at - 1] == b'\n' && text.get(at + 1) == Some(&b'"');
    if !line_start && !starts_record(text, at) {
        return false;
    }
    let before = text[..at].iter().rfind(|byte| !byte.is_ascii_whitespace());
    before != Some(&b':')
}

/// Where to go on behind a fault: at the next record, or behind the bracket that closes what
/// the fault broke, whichever comes first; the end of the text when there is neither.
pub(super) fn resume(text: &[u8], fault: &Fault) -> usize {
    let mut at = fault.at;
    let mut depth = fault.depth;
    let mut in_string = fault.in_string;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' if is_landmark(text, at) => return at,
            // No sound string spans lines, so a lost quote costs a line at most.
            b'"' | b'\n' if in_string => in_string = false,
            b'\\' if in_string => at += 1,
            _ if in_string => {}
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b'/' => {
                if let Some(end) = comment(text, at) {
                    at = end;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// How far the end of a block comment is looked for, which keeps the whole linear.
const LONGEST_COMMENT: usize = 4096;

/// The end of the comment at `at`, if there is one.
pub(super) fn comment(text: &[u8], at: usize) -> Option<usize> {
    let body = &text[at..];
    if body.starts_with(b"//") {
        let line = memchr::memchr(b'\n', body).unwrap_or(body.len());
        Some(at + line)
    } else if body.starts_with(b"/*") {
        let near = &body[2..body.len().min(LONGEST_COMMENT)];
        let close = memchr::memmem::find(near, b"*/")?;
        Some(at + close + 4)
    } else {
        None
    }
}
