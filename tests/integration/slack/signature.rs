//! What proves that Slack sent a request, judged by Slack's own library and framework.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::press::{FORM, Press, Signed, form, signed};
use super::room::ADA;
use super::serve::Serve;
use crate::stand_in::slack::{SECRET, Sdk, Slack};
use crate::stand_in::{LookupFake, content, request, status};
use crate::watch::desk::Desk;
use crate::watch::lookup::now;

/// The button of a drill, which does nothing and is answered.
fn rehearse() -> Value {
    let text = json!({ "type": "plain_text", "text": "Contain (reversible)", "emoji": false });
    json!({ "type": "button", "action_id": "rehearse-approve", "text": text, "value": "drill", "style": "danger" })
}

fn body(slack: &Slack, number: usize) -> String {
    let message = json!({ "type": "message", "ts": "1795000000.000100", "text": "a drill", "blocks": [] });
    let button = rehearse();
    Press { user: ADA, channel: &slack.channel, message: &message, button: &button, number }.body(slack)
}

#[test]
fn slack_signs_what_is_believed_and_nothing_else_is() {
    let (Some(slack), Some(sdk)) = (Slack::start(), Sdk::start()) else { return };
    let cloud = LookupFake::start("111122223333", Vec::new(), 1);
    let desk = Desk::at(cloud.url(), "AKIAIOSFODNN7EXAMPLE");
    let settings = format!("{}\n[approval]\napprovers = [\"{ADA}\"]\n", slack.settings(false));
    let station = desk.station("signed", &settings);
    let mut command = station.command(&["serve", "--interval", "1h", "--listen", "127.0.0.1:0"]);
    Slack::secrets(&mut command);
    let mut serve = Serve::start(command);
    let port = serve.port();
    let sign = |body: String, at: i64| signed(&sdk, vec![body], at).remove(0);
    let told = |number: usize| slack.answers().iter().filter(|answer| answer.to == number).count();

    let right = sign(body(&slack, 1), now());
    assert_eq!(right.send(port).0, 200);
    assert_eq!(sign(body(&slack, 2), now() - 240).send(port).0, 200, "four minutes old");
    // What comes again is answered, and not done again.
    assert_eq!(right.send(port).0, 200);
    assert_eq!(sign(right.body.clone(), now() + 1).send(port).0, 200, "Slack's own retry");

    let refused = |request: &Signed, why: &str| {
        let (status, body, _) = request.send(port);
        assert_eq!((status, body.as_str()), (401, ""), "{why}");
    };
    let altered = Signed { body: body(&slack, 3), signature: right.signature.clone(), ..right };
    refused(&altered, "another body");
    let mut letter = sign(body(&slack, 3), now());
    letter.body = letter.body.replacen("drill", "dri11", 1);
    refused(&letter, "two letters");
    refused(&sign(body(&slack, 3), now() - 400), "old");
    refused(&sign(body(&slack, 3), now() + 400), "of the future");
    let later = sign(body(&slack, 3), now() - 400);
    refused(&Signed { timestamp: now(), ..later }, "old, with a new date");
    let other = sdk.sign("another-secret", now(), &[body(&slack, 3)]).remove(0);
    refused(&Signed { body: body(&slack, 3), timestamp: now(), signature: other }, "another secret");
    for signature in ["", "v0=", "v0=00", "v1=00", "\u{e9}", &"v0=".repeat(9_000)] {
        refused(&Signed { body: body(&slack, 3), timestamp: now(), signature: signature.to_owned() }, signature);
    }
    let bare = request(port, "POST", "/", &[("Content-Type", FORM)], body(&slack, 3).as_bytes()).unwrap();
    assert_eq!((status(&bare), content(&bare)), (401, ""), "without a signature");

    // What is signed and is no press of ours does nothing.
    for odd in ["payload=", "payload=%7B", "x=1", "", &form(r#"{"type":"view_closed"}"#), &form("[1]")] {
        let (status, ..) = sign(odd.to_owned(), now()).send(port);
        assert!([200, 400].contains(&status), "{odd}: {status}");
    }
    let long = sign("payload=".to_owned() + &"a".repeat(2 << 20), now());
    assert_ne!(long.send(port).0, 200, "two megabytes");
    assert_eq!(status(&request(port, "GET", "/healthz", &[], b"").unwrap()), 200);

    for _ in 0..100 {
        thread::sleep(Duration::from_millis(100));
        if told(1) * told(2) > 0 {
            break;
        }
    }
    thread::sleep(Duration::from_secs(1));
    assert_eq!((told(1), told(2), told(3)), (1, 1, 0), "{:?}", slack.answers());
    serve.stop();
}

#[test]
fn slack_bolt_takes_what_the_tests_send() {
    let (Some(slack), Some(sdk)) = (Slack::start(), Sdk::start()) else { return };
    let request = signed(&sdk, vec![body(&slack, 1)], now()).remove(0);
    let headers = json!({
        "content-type": FORM, "x-slack-signature": request.signature,
        "x-slack-request-timestamp": request.timestamp.to_string(),
    });
    let seen = sdk.bolt(SECRET, "rehearse-approve", &request.body, &headers);
    let expected = json!({ "user": ADA, "value": "drill", "response_url": slack.response_url(1) });
    assert_eq!(seen, json!({ "status": 200, "seen": expected }));
    let altered = sdk.bolt(SECRET, "rehearse-approve", &request.body.replacen("drill", "dri11", 1), &headers);
    assert_eq!(altered, json!({ "status": 401, "seen": {} }));
}
