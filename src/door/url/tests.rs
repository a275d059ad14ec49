//! Requests as Lambda hands them to a function with a URL.

use super::*;
use crate::door::receive::tests::{NOW, PRESS, SECRET, sign};
use crate::door::receive::{Seen, receive, receive_again};
use crate::slack::tests::revealed;

/// As the documentation of function URLs shows a request, with the headers that Slack sends.
fn event(body: &str, is_encoded: bool, at: Seconds, signature: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "x-slack-signature": signature,
            "x-slack-request-timestamp": at.to_string(),
            "content-type": "application/x-www-form-urlencoded",
            "content-length": body.len().to_string(),
            "host": "abcdefghijklmnop.lambda-url.eu-west-1.on.aws",
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-forwarded-for": "203.0.113.7",
        },
        "requestContext": {
            "accountId": "anonymous", "apiId": "abcdefghijklmnop", "authorizer": null,
            "domainName": "abcdefghijklmnop.lambda-url.eu-west-1.on.aws", "domainPrefix": "abcdefghijklmnop",
            "http": { "method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7" },
            "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:06:00:00 +0000", "timeEpoch": 1_795_327_200_000_i64,
        },
        "body": body,
        "isBase64Encoded": is_encoded,
    })
}

#[test]
fn a_press_comes_through_encoded_or_not_and_is_proved_again_later() {
    let signature = sign(NOW, PRESS.as_bytes());
    let secret = revealed(SECRET);
    for (body, is_encoded) in [(PRESS.to_owned(), false), (base64::encode(PRESS.as_bytes()), true)] {
        let posted = posted(&event(&body, is_encoded, NOW, &signature), NOW).unwrap();
        let reply = receive(posted.request(), &secret, &mut Seen::default(), NOW);
        assert_eq!(reply.status, 200);
        let click = reply.click.unwrap();
        // Through the payload of another invocation.
        let handed: Posted = serde_json::from_str(&serde_json::to_string(&posted).unwrap()).unwrap();
        for (later, status) in [(0, 200), (301, 200), (1_800, 200), (1_801, 401), (-300, 200), (-301, 401)] {
            let again = receive_again(handed.request(), &secret, NOW + later);
            assert_eq!((again.status, again.click.is_some()), (status, status == 200), "{later}");
            assert!(again.click.is_none_or(|again| again == click));
        }
        let forged = Posted { body: posted.body.replace("block_actions", "block_action5"), ..handed };
        assert_eq!(receive_again(forged.request(), &secret, NOW).status, 401);
    }
    assert_eq!(
        receive(
            posted(&event(PRESS, false, NOW, &signature), NOW).unwrap().request(),
            &secret,
            &mut Seen::default(),
            NOW + 301
        )
        .status,
        401
    );
}

#[test]
fn what_is_not_slacks_is_answered_without_a_secret() {
    let signature = sign(NOW, PRESS.as_bytes());
    let refused = |event: &Value| posted(event, NOW).unwrap_err();
    let good = event(PRESS, false, NOW, &signature);
    let mut get = good.clone();
    get["requestContext"]["http"]["method"] = "GET".into();
    assert_eq!(refused(&get), 405);
    assert_eq!(refused(&event(PRESS, false, NOW - 301, &signature)), 401);
    assert_eq!(refused(&event(PRESS, false, NOW, "v0=nonsense")), 401);
    assert_eq!(refused(&event("%%%", true, NOW, &signature)), 400);
    assert_eq!(refused(&event(&base64::encode(&[0xff, 0xfe]), true, NOW, &signature)), 400);
    assert_eq!(refused(&event(&"x".repeat(LARGEST * 2), false, NOW, &signature)), 413);
    assert_eq!(refused(&json!({ "requestContext": { "http": {} } })), 405);
    assert_eq!(refused(&json!({ "requestContext": { "http": { "method": "POST" } }, "headers": 7 })), 401);
    let mut shouting = good.clone();
    let headers = shouting["headers"].as_object_mut().unwrap();
    let value = headers.remove("x-slack-signature").unwrap();
    headers.insert("X-Slack-Signature".to_owned(), value);
    assert_eq!(posted(&shouting, NOW), posted(&good, NOW));
    let answer = answer(&Reply::only(200));
    for field in ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"] {
        assert!(answer.get(field).is_some(), "{field}");
    }
}
