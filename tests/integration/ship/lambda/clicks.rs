//! Clicks at the function's address: answered at once, handed on once, and believed only with Slack's signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::payload::url;
use super::{ACCOUNT, KEY, WITHIN, station};
use crate::slack::press::{FORM, Press, Signed, form, signed};
use crate::slack::room::{ACKNOWLEDGED, ADA};
use crate::stand_in::slack::{SECRET, Sdk, Slack};
use crate::stand_in::{Fake, Function, Request, answer};
use crate::watch::desk::Desk;
use crate::watch::lookup::now;

/// A workspace, an account in which the function may be invoked or not, and the function.
struct Scene {
    slack: Slack,
    sdk: Sdk,
    cloud: Fake,
    may_invoke: Arc<AtomicBool>,
    desk: Desk,
    function: Function,
}

impl Scene {
    fn set() -> Option<Self> {
        let (slack, sdk) = (Slack::start()?, Sdk::start()?);
        let may_invoke = Arc::new(AtomicBool::new(true));
        let may = Arc::clone(&may_invoke);
        let cloud = Fake::start(move |request, _| match request.service.as_str() {
            "lambda" if !may.load(Ordering::SeqCst) => (403, json!({ "message": "no" }).to_string()),
            _ => answer(request, ACCOUNT),
        });
        let desk = Desk::at(cloud.url(), KEY);
        let settings = format!("{}\n[approval]\napprovers = [\"{ADA}\"]\n", slack.settings(false));
        let mut command = station(&desk, &settings).function();
        Slack::secrets(&mut command);
        let function = Function::start(command);
        Some(Self { slack, sdk, cloud, may_invoke, desk, function })
    }

    /// The press of a button of a drill, which changes nothing and is answered.
    fn press(&self, number: usize, at: i64) -> Signed {
        let message = json!({ "type": "message", "ts": "1795000000.000100", "text": "a drill", "blocks": [] });
        let text = json!({ "type": "plain_text", "text": "Contain (reversible)", "emoji": false });
        let button = json!({ "type": "button", "action_id": "rehearse-approve", "text": text, "value": "drill" });
        let press = Press { user: ADA, channel: &self.slack.channel, message: &message, button: &button, number };
        signed(&self.sdk, vec![press.body(&self.slack)], at).remove(0)
    }

    /// Sends a request to the function's address. Gives the status.
    fn sent(&mut self, request: &Signed) -> u64 {
        let time = request.timestamp.to_string();
        let headers =
            [("Content-Type", FORM), ("X-Slack-Request-Timestamp", &time), ("X-Slack-Signature", &request.signature)];
        let answered = self.function.invoke(&url("POST", &headers, &request.body), WITHIN);
        assert!(answered.took < ACKNOWLEDGED, "{:?}", answered.took);
        status(&answered.well())
    }

    /// What was handed on so far, and how.
    fn handed(&self) -> Vec<Request> {
        let all = self.cloud.requests();
        all.into_iter().filter(|request| request.operation.ends_with("/invocations")).collect()
    }

    /// How many answers a press got.
    fn told(&self, press: usize) -> usize {
        self.slack.answers().iter().filter(|answer| answer.to == press).count()
    }
}

fn status(answer: &Value) -> u64 {
    answer["statusCode"].as_u64().unwrap_or_else(|| panic!("no answer of HTTP: {answer:#}"))
}

#[test]
fn a_click_is_acknowledged_and_handed_on_once() {
    let Some(mut scene) = Scene::set() else { return };
    let right = scene.press(1, now());
    assert_eq!(scene.sent(&right), 200);
    let handed = scene.handed();
    assert_eq!(handed.len(), 1, "{handed:?}");
    let all: Vec<_> = scene.cloud.requests().into_iter().map(|request| request.operation).collect();
    assert_eq!(all.len(), 1, "nothing else is asked while Slack waits: {all:?}");
    assert!(!scene.desk.path().join("function.db").exists(), "the state is left alone while Slack waits");
    assert!(handed[0].head.to_ascii_lowercase().contains("x-amz-invocation-type: event"), "{}", handed[0].head);
    assert!(handed[0].operation.contains("function"), "{}", handed[0].operation);
    let payload = handed[0].body.clone();
    assert_eq!(payload["stakeout"], "click", "{payload:#}");
    assert!(!payload.to_string().contains(SECRET));
    // Slack's own retry, and a copy, are the same press.
    assert_eq!(scene.sent(&right), 200);
    assert_eq!(scene.handed().len(), 1, "it is handed on once");
    assert_eq!(scene.told(1), 0, "it is done by another invocation");

    scene.function.invoke(&payload, WITHIN).well();
    assert_eq!(scene.told(1), 1, "{}", scene.function.said());
    // Lambda may hand an event over twice: whoever pressed is told twice, and that is all.
    scene.function.invoke(&payload, WITHIN).well();

    // Slack shows that nothing happened where nothing will.
    scene.may_invoke.store(false, Ordering::SeqCst);
    let lost = scene.press(2, now());
    assert_eq!(scene.sent(&lost), 500);
    scene.may_invoke.store(true, Ordering::SeqCst);
    assert_eq!(scene.sent(&lost), 200, "pressed again");
    let said = scene.function.said();
    assert!(!said.contains("xoxb-") && !said.contains("/respond/") && !said.contains(SECRET), "{said}");
}

#[test]
fn what_slack_did_not_sign_is_refused_at_the_door() {
    let Some(mut scene) = Scene::set() else { return };
    let right = scene.press(1, now());
    let old = scene.press(1, now() - 400);
    let other = scene.sdk.sign("another-secret", now(), std::slice::from_ref(&right.body)).remove(0);
    let with = |body: &str, timestamp: i64, signature: &str| Signed {
        body: body.to_owned(),
        timestamp,
        signature: signature.to_owned(),
    };
    let wrong = [
        with(&scene.press(2, now()).body, right.timestamp, &right.signature),
        with(&right.body, right.timestamp + 1, &right.signature),
        with(&right.body, now(), &old.signature),
        with(&right.body, now(), &other),
        with(&right.body, now(), ""),
        old,
    ];
    for request in &wrong {
        assert_eq!(scene.sent(request), 401, "{}", request.signature);
    }
    for method in ["GET", "PUT"] {
        let answer = scene.function.invoke(&url(method, &[], ""), WITHIN).well();
        assert!([400, 401, 404, 405].contains(&status(&answer)), "{method}: {answer}");
    }
    let large = "payload=".to_owned() + &"a".repeat(2 << 20);
    let large = signed(&scene.sdk, vec![large], now()).remove(0);
    assert!((400..500).contains(&scene.sent(&large)));
    let challenge = json!({ "type": "url_verification", "challenge": "3eZbrw1aB" }).to_string();
    let challenge = signed(&scene.sdk, vec![challenge], now()).remove(0);
    let time = challenge.timestamp.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("x-slack-request-timestamp", &time),
        ("x-slack-signature", &challenge.signature),
    ];
    let answer = scene.function.invoke(&url("POST", &headers, &challenge.body), WITHIN).well();
    assert_eq!((status(&answer), &answer["body"]), (200, &json!("3eZbrw1aB")), "{answer:#}");
    for odd in ["payload=%7B", "x=1", &form(r#"{"type":"view_closed"}"#)] {
        let request = signed(&scene.sdk, vec![odd.to_owned()], now()).remove(0);
        assert!([200, 400].contains(&scene.sent(&request)), "{odd}");
    }
    assert!(scene.handed().is_empty(), "{:?}", scene.handed());
    assert!(scene.slack.calls().is_empty(), "{:?}", scene.slack.calls());
}

#[test]
fn whoever_may_only_invoke_the_function_cannot_press_a_button() {
    let Some(mut scene) = Scene::set() else { return };
    let right = scene.press(1, now());
    assert_eq!(scene.sent(&right), 200);
    let payload = scene.handed().remove(0).body;
    let (asked, called) = (scene.cloud.requests().len(), scene.slack.calls().len());
    let mut forged = vec![json!({ "stakeout": "click" })];
    for (name, value) in payload.as_object().unwrap() {
        if name == "stakeout" {
            continue;
        }
        let mut without = payload.clone();
        without.as_object_mut().unwrap().remove(name);
        forged.push(without);
        for changed in changed(value) {
            let mut with = payload.clone();
            with[name] = changed;
            forged.push(with);
        }
    }
    assert!(forged.len() > 4, "{payload:#}");
    // Signed with a secret that is not Slack's.
    let other = scene.sdk.sign("another-secret", right.timestamp, std::slice::from_ref(&right.body)).remove(0);
    let replaced = payload.to_string().replace(&right.signature, &other);
    forged.push(serde_json::from_str(&replaced).unwrap());
    for forged in &forged {
        let answered = scene.function.invoke(forged, WITHIN);
        assert!(!format!("{:?}", answered.result).contains(&right.signature), "{:?}", answered.result);
    }
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(scene.told(1), 0, "{:?}", scene.slack.answers());
    let asked_now = scene.cloud.requests().split_off(asked);
    assert!(asked_now.is_empty() && scene.slack.calls().len() == called, "{asked_now:?}");
    // The right one is not used up by the forged ones.
    scene.function.invoke(&payload, WITHIN).well();
    assert_eq!(scene.told(1), 1, "{}", scene.function.said());
}

/// Values that are nearly the same.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            let end = |by: &str| Value::String(format!("{text}{by}"));
            let digit = text.char_indices().rev().find(|(_, letter)| letter.is_ascii_alphanumeric());
            let turned = digit.map(|(at, letter)| {
                let other = if letter == '0' { "1" } else { "0" };
                Value::String(format!("{}{other}{}", &text[..at], &text[at + letter.len_utf8()..]))
            });
            [Value::Null, Value::String(String::new()), end("0")].into_iter().chain(turned).collect()
        }
        Value::Number(number) => vec![Value::Null, json!(number.as_i64().unwrap_or(0) + 1), json!(0)],
        Value::Object(map) => {
            let inner = map.iter().flat_map(|(name, part)| {
                let whole = map.clone();
                changed(part).into_iter().map(move |part| {
                    let mut whole = whole.clone();
                    whole.insert(name.clone(), part);
                    Value::Object(whole)
                })
            });
            inner.chain([Value::Null]).collect()
        }
        _ => vec![Value::Null],
    }
}
