//! The chain holds, and any one change breaks it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Entry, Line, Tip, settled, verify};

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let number = (any::<f64>(), any::<i64>()).prop_map(|(fraction, whole)| json!({ "usd": fraction, "a": whole }));
    let detail = prop_oneof![number, ".{0,12}".prop_map(|text| json!({ "why": text })), Just(Value::Null)];
    let entry = ("[a-z.]{1,9}", proptest::option::of("[a-z0-9-]{1,9}"), detail);
    proptest::collection::vec(entry, 2..9).prop_map(|all| {
        all.into_iter().map(|(kind, incident, detail)| Entry::new(kind, incident.as_deref(), detail)).collect()
    })
}

/// What is read back from where lines are kept.
fn reread(lines: &[Line]) -> Vec<Line> {
    lines.iter().map(|line| serde_json::from_str(&serde_json::to_string(line).unwrap()).unwrap()).collect()
}

fn chain(entries: Vec<Entry>) -> (Vec<Line>, Tip) {
    // In two steps, as two passes would.
    let later = entries.clone().split_off(1);
    let (mut lines, tip) = Tip::default().extend(1_700_000_000, entries.into_iter().take(1).collect());
    let (more, tip) = tip.extend(1_700_000_300, later);
    lines.extend(more);
    (lines, tip)
}

proptest! {
    #[test]
    fn what_was_written_verifies_also_when_read_back(entries in entries()) {
        let (lines, tip) = chain(entries);
        let read = reread(&lines);
        prop_assert_eq!(&read, &lines);
        let verified = verify(&read, Some(&tip)).unwrap();
        prop_assert_eq!((verified.lines, verified.tip), (lines.len(), tip));
    }

    #[test]
    fn a_byte_changed_anywhere_is_found(entries in entries(), at in any::<prop::sample::Index>(), bits in 1_u8..128) {
        let (lines, tip) = chain(entries);
        let mut text = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect::<Vec<_>>().join("\n").into_bytes();
        let at = at.index(text.len());
        text[at] ^= bits;
        let read: Option<Vec<Line>> = std::str::from_utf8(&text).ok().and_then(|text| {
            text.lines().map(|line| serde_json::from_str(line).ok()).collect()
        });
        // Other bytes may say the same: a space, or an escape of the same character.
        if let Some(read) = read && read != lines {
            prop_assert!(verify(&read, Some(&tip)).is_err());
        }
    }

    #[test]
    fn a_line_dropped_moved_repeated_or_cut_off_is_found(
        entries in entries(), at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        let (lines, tip) = chain(entries);
        let (at, to) = (at.index(lines.len()), to.index(lines.len()));
        let mut dropped = lines.clone();
        dropped.remove(at);
        prop_assert_eq!(verify(&dropped, Some(&tip)).unwrap_err().seq, at as u64 + 1);
        let mut repeated = lines.clone();
        repeated.insert(to, lines[at].clone());
        prop_assert!(verify(&repeated, Some(&tip)).is_err());
        prop_assert!(verify(&lines[..at], Some(&tip)).is_err());
        if at != to {
            let mut swapped = lines.clone();
            swapped.swap(at, to);
            prop_assert_eq!(verify(&swapped, Some(&tip)).unwrap_err().seq, at.min(to) as u64 + 1);
        }
    }
}

#[test]
fn a_line_written_anew_with_its_hash_breaks_the_next() {
    let (mut lines, tip) = chain((0..3).map(|n| Entry::new("pass", None, json!({ "n": n }))).collect());
    lines[1].detail = json!({ "n": 7 });
    lines[1].hash = lines[1].digest();
    assert_eq!(verify(&lines, Some(&tip)).unwrap_err().seq, 3);
    assert_eq!(verify(&lines[..2], None).unwrap().lines, 2, "nothing but a tip or an anchor shows a new end");
}

#[test]
fn the_hash_does_not_depend_on_the_order_of_keys() {
    let detail = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let of = |text: &str| Tip::default().extend(0, vec![Entry::new("k", None, detail(text))]).1.hash;
    assert_eq!(of(r#"{"b":{"d":1,"c":2},"a":3}"#), of(r#"{"a":3,"b":{"c":2,"d":1}}"#));
    // Made by sha256sum over 64 zeros and the JSON with its keys sorted.
    let rest = br#"{"at":"1970-01-01T00:00:00Z","detail":{"a":3,"b":1},"incident":null,"kind":"k","seq":1}"#;
    assert_eq!(of(r#"{"b":1,"a":3}"#), super::digest(&[super::NOTHING.as_bytes(), rest]));
}

#[test]
fn a_detail_that_cannot_be_read_back_is_kept_as_text() {
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    assert!(settled(deep).is_string());
}
