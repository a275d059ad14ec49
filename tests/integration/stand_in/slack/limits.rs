//! What Slack refuses in a message's blocks, and no stand-in does.

use std::collections::BTreeSet;

use serde_json::Value;

/// Where Slack says `msg_blocks_too_long` in practice is above this many characters of all blocks.
const ALL: usize = 13_000;

/// Everything that is wrong with a message's blocks.
pub(crate) fn wrong(blocks: &Value) -> Vec<String> {
    let Some(list) = blocks.as_array() else { return vec![format!("no list of blocks: {blocks}")] };
    let mut found = Found::default();
    found.most("blocks", list.len(), 50);
    found.least("blocks", list.len());
    found.most("characters of all blocks", characters(blocks), ALL);
    let ids: Vec<_> = list.iter().filter_map(|block| block["block_id"].as_str()).collect();
    found.distinct("block_id", &ids);
    list.iter().for_each(|block| found.block(block));
    found.0
}

/// Characters of every text, value and address.
pub(crate) fn characters(value: &Value) -> usize {
    let counts = ["text", "value", "url", "alt_text", "title"];
    match value {
        Value::Array(all) => all.iter().map(characters).sum(),
        Value::Object(map) => {
            let of = |(name, value): (&String, &Value)| match value {
                Value::String(text) if counts.contains(&name.as_str()) => text.chars().count(),
                _ => characters(value),
            };
            map.iter().map(of).sum()
        }
        _ => 0,
    }
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn most(&mut self, what: &str, count: usize, most: usize) {
        if count > most {
            self.0.push(format!("{what}: {count} are more than {most}"));
        }
    }

    fn least(&mut self, what: &str, count: usize) {
        if count == 0 {
            self.0.push(format!("{what}: none"));
        }
    }

    fn distinct(&mut self, what: &str, ids: &[&str]) {
        let all: BTreeSet<_> = ids.iter().collect();
        if all.len() != ids.len() {
            self.0.push(format!("{what} twice: {ids:?}"));
        }
    }

    /// A text object of one of some types.
    fn text(&mut self, what: &str, text: &Value, types: &[&str], most: usize) {
        let kind = text["type"].as_str().unwrap_or_default();
        if !types.contains(&kind) {
            self.0.push(format!("{what}: {kind:?} is none of {types:?}"));
        }
        if kind == "plain_text" && !text["verbatim"].is_null() {
            self.0.push(format!("{what}: verbatim is of mrkdwn"));
        }
        let count = text["text"].as_str().unwrap_or_default().chars().count();
        self.most(what, count, most);
        self.least(what, count);
    }

    fn block(&mut self, block: &Value) {
        let both = ["plain_text", "mrkdwn"];
        self.most("block_id", block["block_id"].as_str().unwrap_or_default().len(), 255);
        match block["type"].as_str().unwrap_or_default() {
            "header" => self.text("header", &block["text"], &["plain_text"], 150),
            "divider" => {}
            "section" => {
                if !block["text"].is_null() || block["fields"].is_null() {
                    self.text("section", &block["text"], &both, 3_000);
                }
                if let Some(fields) = block["fields"].as_array() {
                    self.most("fields", fields.len(), 10);
                    self.least("fields", fields.len());
                    fields.iter().for_each(|field| self.text("field", field, &both, 2_000));
                }
                if !block["accessory"].is_null() {
                    self.button(&block["accessory"]);
                }
            }
            "context" => {
                let elements = block["elements"].as_array().map_or(&[][..], Vec::as_slice);
                self.most("context", elements.len(), 10);
                self.least("context", elements.len());
                elements.iter().for_each(|element| self.text("context", element, &both, 2_000));
            }
            "actions" => {
                let elements = block["elements"].as_array().map_or(&[][..], Vec::as_slice);
                self.most("actions", elements.len(), 25);
                self.least("actions", elements.len());
                let ids: Vec<_> = elements.iter().filter_map(|element| element["action_id"].as_str()).collect();
                self.distinct("action_id", &ids);
                elements.iter().for_each(|element| self.button(element));
            }
            other => self.0.push(format!("a block of type {other:?}")),
        }
    }

    fn button(&mut self, button: &Value) {
        if button["type"] != "button" {
            self.0.push(format!("an element that is no button: {button}"));
        }
        self.text("button", &button["text"], &["plain_text"], 75);
        let count = |name: &str| button[name].as_str().unwrap_or_default().chars().count();
        for (name, most) in [("value", 2_000), ("action_id", 255), ("url", 3_000)] {
            self.most(name, count(name), most);
        }
        if !["", "primary", "danger"].contains(&button["style"].as_str().unwrap_or_default()) {
            self.0.push(format!("a style {}", button["style"]));
        }
        let confirm = &button["confirm"];
        if !confirm.is_null() {
            self.text("confirm title", &confirm["title"], &["plain_text"], 100);
            self.text("confirm text", &confirm["text"], &["plain_text", "mrkdwn"], 300);
            self.text("confirm", &confirm["confirm"], &["plain_text"], 30);
            self.text("confirm deny", &confirm["deny"], &["plain_text"], 30);
        }
    }
}
