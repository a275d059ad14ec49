//! The webhook.

use std::cell::RefCell;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use super::receiver::{AT_ONCE, Request, receiver};
use super::{NOW, message, run};
use crate::config::Config;
use crate::event::HOUR;
use crate::model::hex;
use crate::notify::{Undelivered, webhook};

fn webhook(url: &str, secret: Option<&str>) -> webhook::Webhook {
    let secret = secret.map(|secret| format!("secret = \"env:{secret}\"\n")).unwrap_or_default();
    let text = format!("[[notify.webhook]]\nurl = \"{url}\"\n{secret}timeout = \"1s\"");
    webhook::Webhook::new(&Config::read(&text, "x", std::iter::empty()).unwrap().notify.webhook[0]).unwrap()
}

/// Posts with the waits noted in place of waited.
fn post(webhook: &webhook::Webhook) -> (Result<(), Undelivered>, Vec<f64>) {
    let waits = RefCell::default();
    let patience = webhook::Patience {
        sleep: async |wait: Duration| RefCell::<Vec<f64>>::borrow_mut(&waits).push(wait.as_secs_f64()),
        random: || 1.0,
    };
    let result = run(webhook.post(&message(), NOW, patience));
    (result, waits.into_inner())
}

#[test]
fn a_webhook_gets_a_signed_message_that_it_can_tell_from_others() {
    let (url, told) = receiver(vec![("204 No Content", AT_ONCE)]);
    // HOME is set wherever tests run, and stands for a secret.
    let webhook = webhook(&url, Some("HOME"));
    assert_eq!(post(&webhook), (Ok(()), vec![]));
    let Request { line, headers, body } = told.recv().unwrap();
    assert_eq!(line, "POST /hook?token=hunter2 HTTP/1.1");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["idempotency-key"], "inc-0123456789ab:1");
    assert_eq!(headers["user-agent"], concat!("stakeout/", env!("CARGO_PKG_VERSION")));
    let secret = std::env::var("HOME").unwrap();
    assert_eq!(
        headers["stakeout-signature"],
        format!("t={NOW},v1={}", hmac(secret.as_bytes(), &format!("{NOW}.{body}")))
    );
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&value["schema"], &value["findings"][0]["id"]), (&"stakeout/1".into(), &"fnd-0123456789ab".into()));
    assert!(
        webhook.name().starts_with("webhook 127.0.0.1 ") && !webhook.name().contains("hunter2"),
        "{}",
        webhook.name()
    );
}

/// RFC 2104 by hand, so that a signature is not checked with what made it.
fn hmac(key: &[u8], text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    assert!(key.len() <= 64);
    let pad = |with: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect::<Vec<_>>();
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    hex(&outer)
}

#[test]
fn a_signature_is_that_of_the_rfc() {
    // RFC 4231, test case 2, with the text behind a time.
    assert_eq!(
        hmac(b"Jefe", "what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    for key in [&b""[..], b"Jefe", &[7; 64]] {
        assert_eq!(webhook::signature(key, 5, "{}"), format!("t=5,v1={}", hmac(key, "5.{}")));
    }
}

/// Answers with their delays, what comes of them, and the waits between.
type Case = (Vec<(&'static str, Duration)>, Result<(), Undelivered>, Vec<f64>);

#[test]
fn a_webhook_is_tried_again_while_that_may_help() {
    let fails = |status: &'static str, most: usize| vec![(status, AT_ONCE); most];
    let passing = |why: &str, after| Err(Undelivered { retry_after: after, ..Undelivered::passing(why) });
    let cases: Vec<Case> = vec![
        (vec![("500 X", AT_ONCE), ("503 X", AT_ONCE), ("200 OK", AT_ONCE)], Ok(()), vec![1.0, 2.0]),
        (fails("502 Bad Gateway", 3), passing("the receiver answers 502 Bad Gateway", None), vec![1.0, 2.0]),
        (vec![("429 X\r\nRetry-After: 4", AT_ONCE), ("200 OK", AT_ONCE)], Ok(()), vec![4.0]),
        (
            vec![("503 X\r\nRetry-After: Sun, 22 Nov 2026 06:00:03 GMT", AT_ONCE), ("200 OK", AT_ONCE)],
            Ok(()),
            vec![3.0],
        ),
        (
            fails("429 X\r\nRetry-After: 120", 1),
            passing("the receiver answers 429 Too Many Requests", Some(120)),
            vec![],
        ),
        (
            fails("429 X\r\nRetry-After: 99999999", 1),
            passing("the receiver answers 429 Too Many Requests", Some(HOUR)),
            vec![],
        ),
        (fails("425 X\r\nRetry-After: soon", 3), passing("the receiver answers 425 Too Early", None), vec![1.0, 2.0]),
        (fails("410 Gone", 1), Err(Undelivered::last("the receiver answers 410 Gone")), vec![]),
        (fails("400 X", 1), Err(Undelivered::last("the receiver answers 400 Bad Request")), vec![]),
        (fails("401 X", 1), passing("the receiver answers 401 Unauthorized", None), vec![]),
        (fails("404 X", 1), passing("the receiver answers 404 Not Found", None), vec![]),
        (
            fails("307 X\r\nLocation: http://127.0.0.1:1/", 1),
            passing("the receiver answers 307 Temporary Redirect; redirects are not followed", None),
            vec![],
        ),
        (vec![("200 OK", Duration::from_millis(1_500)), ("200 OK", AT_ONCE)], Ok(()), vec![1.0]),
    ];
    for (answers, result, waits) in cases {
        let (asked, said) = (answers.len(), format!("{answers:?}"));
        let (url, told) = receiver(answers);
        assert_eq!(post(&webhook(&url, None)), (result, waits), "{said}");
        let requests: Vec<_> = told.try_iter().collect();
        assert_eq!(requests.len(), asked, "{said}");
        assert!(
            requests
                .iter()
                .all(|request| request.body == requests[0].body && !request.headers.contains_key("stakeout-signature"))
        );
    }
}

#[test]
fn what_cannot_be_reached_is_told_without_its_address() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (result, waits) = post(&webhook(&format!("http://{closed}/hook?token=hunter2"), None));
    let lost = result.unwrap_err();
    assert!(
        lost.why.contains("refused") && !lost.why.contains("hunter2") && !lost.why.contains("hook"),
        "{}",
        lost.why
    );
    assert_eq!((lost.is_final, waits.len()), (false, 2));
}
