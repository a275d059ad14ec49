//! Saves what an EventBridge rule is and calls, before it is disabled or deleted.

use aws_sdk_eventbridge::Client;
use serde_json::{Value, json};

use super::function::LEFT;
use super::raw::Tape;
use super::rule::{self, RULE, on_rules, place};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::contain::cloud::Cloud;
use crate::contain::evidence::{self, Found};
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

/// Rules that the incident made.
pub(crate) struct SaveRule;

impl Action for SaveRule {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "save-rule",
                about: "Saves an EventBridge rule, what it calls and with which input",
                on: &[RULE],
                class: Class::R0,
                phase: phase::EVIDENCE,
                reads: &[on_rules("events:DescribeRule"), on_rules("events:ListTargetsByRule")],
                writes: &[],
                undoes: &[],
            }
        }
    }

    fn is_undoable(&self) -> bool {
        false
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let mut targets = rule::find(cloud, subject).await?;
            // What stays as it is needs no evidence; whoever would change it says why it stays.
            targets.retain(|target| !target.detail.contains_key(LEFT));
            Ok(targets)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let saved = evidence::is_saved(cloud, &evidence::path(cloud, target)).await?;
            Ok(Observed { id: target.id.clone(), state: json!({ "saved": saved }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["saved"] != true).then(|| json!({ "saved": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("saves the rule {} and what it calls", place(&target.arn).1), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        _: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let tape = Tape::default();
            let config = cloud.config(&target.account, &target.region)?;
            let recording = aws_sdk_eventbridge::config::Builder::from(&config).interceptor(tape.clone()).build();
            let client = Client::from_conf(recording);
            let mut found = Found::of(target, knobs);
            let rule = rule::read(&client, target).await;
            keep(&mut found, "rule", &tape, rule.err().map(|why| why.to_string()));
            let called = rule::called(&client, target).await;
            keep(&mut found, "targets", &tape, called.err().map(|why| why.to_string()));
            evidence::save(cloud, &evidence::path(cloud, target), found).await
        })
    }
}

/// Files the answers as they came, with a number, and why the rest is missing.
fn keep(found: &mut Found, name: &str, tape: &Tape, missing: Option<String>) {
    for (place, body) in tape.take().into_iter().enumerate() {
        found.object(format!("{name}-{}.json", place + 1), body);
    }
    if let Some(why) = missing {
        found.missing(name, why);
    }
}
