//! No message is longer than Slack takes, whatever it is about.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::Value;

use super::super::pen::weight;
use super::super::{Words, answer, block_id, card, gap, list, reply, steps};
use super::extreme::{Record, record, text};
use super::night;
use crate::model::click::Button;

fn units(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

fn within(what: &str, length: usize, least: usize, most: usize) -> Result<(), String> {
    match (least..=most).contains(&length) {
        true => Ok(()),
        false => Err(format!("{what} has {length}, not {least} to {most}")),
    }
}

/// Checks blocks as Slack does.
pub(super) fn check(words: &Words) -> Result<(), String> {
    let blocks = serde_json::to_value(&words.blocks).unwrap();
    let blocks = blocks.as_array().unwrap();
    within("message", blocks.len(), 1, 50)?;
    within("all", weight(&words.blocks), 1, 12_000)?;
    within("text", words.text.encode_utf16().count(), 1, 1_200)?;
    for block in blocks {
        within("block_id", units(&block["block_id"]), 0, 255)?;
        match block["type"].as_str().unwrap() {
            "header" => within("header", units(&block["text"]["text"]), 1, 150)?,
            "section" => within("section", units(&block["text"]["text"]), 1, 3_000)?,
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                within("context", elements.len(), 1, 10)?;
                elements.iter().try_for_each(|text| within("small print", units(&text["text"]), 1, 2_000))?;
            }
            "actions" => buttons(block)?,
            other => return Err(format!("a block of type {other}")),
        }
    }
    Ok(())
}

fn buttons(block: &Value) -> Result<(), String> {
    let elements = block["elements"].as_array().unwrap();
    within("actions", elements.len(), 1, 5)?;
    let ids: BTreeSet<_> = elements.iter().map(|button| button["action_id"].as_str().unwrap()).collect();
    within("ids that differ", ids.len(), elements.len(), elements.len())?;
    for button in elements {
        within("button", units(&button["text"]["text"]), 1, 75)?;
        within("action_id", units(&button["action_id"]), 1, 255)?;
        within("value", units(&button["value"]), 1, 2_000)?;
        let known = Button::parse(button["action_id"].as_str().unwrap(), button["value"].as_str().unwrap());
        known.ok_or_else(|| format!("nothing comes back of {button}"))?;
        if let Some(confirm) = button.get("confirm") {
            within("confirm title", units(&confirm["title"]["text"]), 1, 100)?;
            within("confirm text", units(&confirm["text"]["text"]), 1, 300)?;
            within("confirm", units(&confirm["confirm"]["text"]), 1, 30)?;
            within("deny", units(&confirm["deny"]["text"]), 1, 30)?;
        }
    }
    Ok(())
}

fn is_marked(words: &Words, mark: &str) -> bool {
    serde_json::to_value(&words.blocks).unwrap()[0]["block_id"] == block_id(mark)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn slack_takes_every_card(record in record(), mark in text()) {
        let words = card(&record.card(), &mark);
        prop_assert!(is_marked(&words, &mark));
        if let Err(why) = check(&words) {
            return Err(TestCaseError::fail(why));
        }
    }

    #[test]
    fn slack_takes_every_list(record in record(), lines in vec(text(), 0..300), title in text(), mark in text()) {
        let (plan, planned) = record.plan();
        let words = [
            (steps(&night::shown(plan, planned, 1)), None),
            (reply(&lines, &mark), Some(&mark)),
            (list(&title, &lines, &mark), Some(&mark)),
            (gap(&[], &mark), Some(&mark)),
            (answer(&title), None),
        ];
        for (place, (words, mark)) in words.into_iter().enumerate() {
            prop_assert!(mark.is_none_or(|mark| is_marked(&words, mark)));
            if let Err(why) = check(&words) {
                return Err(TestCaseError::fail(format!("{place}: {why}")));
            }
        }
    }
}

/// The worst of everything at once, in the characters that take most.
#[test]
fn slack_takes_what_is_as_long_as_it_can_be() {
    let long = "🚨\"".repeat(3_000);
    let mut record: Option<Record> = None;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..64 {
        let tree = super::extreme::record().new_tree(&mut runner).unwrap();
        let mut one = tree.current();
        one.fill(&long);
        if let Err(why) = check(&card(&one.card(), &long)) {
            panic!("{why}");
        }
        record = Some(one);
    }
    assert!(record.is_some());
}
