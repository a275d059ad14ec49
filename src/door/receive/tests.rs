//! Requests: which are Slack's, and what they ask for.

use proptest::prelude::*;

use super::*;
use crate::model::click::{Button, SlackUser};
use crate::model::hex;
use crate::slack::tests::revealed;

/// The secret of Slack's own example.
pub(crate) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
/// 2026-11-22T06:00:00Z.
pub(crate) const NOW: Seconds = 1_795_327_200;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
/// A press as Slack sends it, in a message with a block of a kind that nobody knows.
pub(crate) const PRESS: &str = include_str!("press.form");
/// By slack_sdk 3.47.0: `SignatureVerifier(SECRET).generate_signature(timestamp="1795327200", body=...)` of the press,
/// of a challenge, and of nothing.
const BY_SLACK_SDK: [(&str, &str); 3] = [
    (PRESS, "v0=e3ec4a450737ebbe25b7f8fbb49abffb3c072109f9698419b50c5479d7be7d3f"),
    (CHALLENGE, "v0=52a242e10ce5e333b1534182ec5ae83aaf771ffe98b4c55f7fc4167c4b56d1ea"),
    ("", "v0=ce4e8d230b8d6650f7af6afb0ed568175e185343ffa78f999feaa6205e5d99cf"),
];
const CHALLENGE: &str = r#"{"type":"url_verification","token":"x","challenge":"3eZbrw1aB10"}"#;

/// As Slack signs.
pub(crate) fn sign(at: Seconds, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{at}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex(&mac.finalize().into_bytes()))
}

fn ask(request: Request<'_>, now: Seconds) -> Reply {
    receive(request, &revealed(SECRET), &mut Seen::default(), now)
}

fn signed(content_type: &str, body: &[u8], seen: &mut Seen) -> Reply {
    let (signature, timestamp) = (sign(NOW, body), NOW.to_string());
    receive(Request { signature: &signature, timestamp: &timestamp, content_type, body }, &revealed(SECRET), seen, NOW)
}

fn status(content_type: &str, body: &str) -> (u16, String) {
    let reply = signed(content_type, body.as_bytes(), &mut Seen::default());
    assert_eq!(reply.click, None, "{body}");
    (reply.status, reply.body)
}

/// A form of Slack's with this payload, as a press without it is.
fn form(payload: &Value) -> String {
    let mut url = Url::parse("http://127.0.0.1/").unwrap();
    url.query_pairs_mut().append_pair("payload", &payload.to_string());
    url.query().unwrap().to_owned()
}

fn payload() -> Value {
    serde_json::json!({
        "type": "block_actions",
        "user": { "id": "U1", "team_id": "T1" },
        "actions": [{ "action_id": "close", "value": "inc-1 7", "action_ts": "1.2" }],
    })
}

#[test]
fn slack_signatures_are_accepted_as_others_make_them() {
    for (body, signature) in BY_SLACK_SDK {
        let request = Request { signature, timestamp: "1795327200", content_type: JSON, body: body.as_bytes() };
        assert_ne!(ask(request, NOW).status, 401, "{body}");
        assert_eq!(sign(NOW, body.as_bytes()), signature, "the signer of these tests signs the same");
        for (now, is_in_time) in
            [(NOW + 300, true), (NOW - 300, true), (NOW + 301, false), (NOW - 301, false), (0, false)]
        {
            assert_eq!(ask(request, now).status != 401, is_in_time, "{now}");
        }
    }
    // The example of Slack's documentation, which is a command and no press.
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar\
                &user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack\
                .com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0\
                bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let request = Request { signature, timestamp: "1531420618", content_type: FORM, body: body.as_bytes() };
    assert_eq!(ask(request, 1_531_420_618), Reply::only(400), "proved, and not understood");
}

#[test]
fn slack_press_becomes_one_click() {
    let mut seen = Seen::default();
    let reply = signed("Application/X-WWW-Form-Urlencoded; charset=utf-8", PRESS.as_bytes(), &mut seen);
    let click = reply.click.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert_eq!(click.user, SlackUser { team: "T1".to_owned(), id: "U1".to_owned() });
    let button = Button::Approve { incident: "inc-0123456789ab".to_owned(), digest: "0f".repeat(32) };
    assert_eq!(click.button, button);
    assert_eq!(click.channel.as_deref(), Some("C1"));
    assert_eq!(click.response_url.as_deref(), Some("https://hooks.slack.com/actions/T1/1/x"));
    assert_eq!(signed(FORM, PRESS.as_bytes(), &mut seen), Reply::only(200), "delivered again");
    let later = PRESS.replace("1795327200.123456", "1795327201.000000");
    let again = signed(FORM, later.as_bytes(), &mut seen).click.unwrap();
    assert_ne!(again.id, click.id, "pressed again");
}

#[test]
fn slack_requests_that_are_no_press_are_answered() {
    assert_eq!(status(JSON, CHALLENGE), (200, "3eZbrw1aB10".to_owned()));
    assert_eq!(status(FORM, "ssl_check=1&token=x"), (200, String::new()));
    for body in [r#"{"type":"event_callback"}"#, "{}"] {
        assert_eq!(status(JSON, body), (200, String::new()), "{body}");
    }
    let of_others = [
        ("/type", "view_submission".into()),
        ("/user/id", "U1<!channel>".into()),
        ("/user/id", "B1".into()),
        ("/user/id", Value::Null),
        ("/actions/0/action_id", "of-somebody-else".into()),
        ("/actions/0/value", "inc-1 seven".into()),
        ("/actions", serde_json::json!({})),
        ("/actions", serde_json::json!([7, null, []])),
    ];
    for (pointer, value) in of_others {
        let mut payload = payload();
        *payload.pointer_mut(pointer).unwrap() = value;
        assert_eq!(status(FORM, &form(&payload)), (200, String::new()), "{payload}");
    }
    let long = format!(r#"{{"type":"url_verification","challenge":"{}"}}"#, "x".repeat(2_000));
    for (content_type, body) in [
        (FORM, ""),
        (FORM, "payload="),
        (FORM, "payload=[]"),
        (FORM, "payload=%7B%7D&payload=%7B%7D"),
        (FORM, "payload=%ff%fe"),
        (JSON, "{"),
        (JSON, r#"{"type":"url_verification"}"#),
        (JSON, long.as_str()),
        ("text/plain", "payload=%7B%7D"),
        ("", "payload=%7B%7D"),
    ] {
        assert_eq!(status(content_type, body), (400, String::new()), "{content_type} {body}");
    }
    assert_eq!(signed(FORM, &[0xff, 0xfe], &mut Seen::default()), Reply::only(400));
    assert_eq!(signed(FORM, &vec![b'x'; LARGEST + 1], &mut Seen::default()), Reply::only(413));
}

#[test]
fn slack_press_survives_what_is_missing_or_strange_in_it() {
    let click = |payload: &Value| signed(FORM, form(payload).as_bytes(), &mut Seen::default()).click;
    let least = click(&payload()).unwrap();
    assert_eq!((least.channel, least.response_url), (None, None));
    let mut strange = payload();
    for (key, value) in
        [("channel", Value::Null), ("response_url", 7.into()), ("message", "x".into()), ("team", Value::Null)]
    {
        strange[key] = value;
    }
    strange["actions"] = serde_json::json!([{ "action_id": "link" }, strange["actions"][0]]);
    strange["container"] = serde_json::json!({ "channel_id": "D7" });
    let found = click(&strange).unwrap();
    assert_eq!((found.id, found.channel.as_deref()), (least.id, Some("D7")));
    strange["response_url"] = "x".repeat(5_000).into();
    strange["user"] = serde_json::json!({ "id": "W1" });
    strange["team"] = serde_json::json!({ "id": "T7" });
    let found = click(&strange).unwrap();
    assert_eq!((found.user.team.as_str(), found.user.id.as_str(), found.response_url), ("T7", "W1", None));
}

#[test]
fn slack_headers_have_one_shape() {
    let body = PRESS.as_bytes();
    let (good, now) = (sign(NOW, body), NOW.to_string());
    let is_accepted = |signature: &str, timestamp: &str| {
        let request = Request { signature, timestamp, content_type: FORM, body };
        let reply = ask(request, NOW);
        assert!(reply.status == 200 || reply == Reply::only(401));
        reply.status == 200
    };
    assert!(is_accepted(&good, &now));
    let digest = good.trim_start_matches("v0=");
    let shapes = [
        String::new(),
        digest.to_owned(),
        format!("V0={digest}"),
        format!("v1={digest}"),
        format!("v0={}", digest.to_uppercase()),
        format!("v0={digest}00"),
        format!("v0={digest}0"),
        format!("v0={}", &digest[..62]),
        format!(" {good}"),
        format!("{good},{good}"),
        "v0=".to_owned(),
        format!("v0={}", "ü".repeat(32)),
    ];
    for shape in shapes {
        assert!(!is_accepted(&shape, &now), "{shape}");
    }
    for time in ["", "x", "+1795327200", " 1795327200", "1795327200.0", "01795327200", "-1", "99999999999999999999"] {
        assert!(!is_accepted(&good, time), "{time}");
    }
    let empty = receive(
        Request { signature: &good, timestamp: &now, content_type: FORM, body },
        &revealed("another secret"),
        &mut Seen::default(),
        NOW,
    );
    assert_eq!(empty, Reply::only(401));
}

proptest! {
    #[test]
    fn slack_requests_that_were_altered_anywhere_are_refused(at in 0usize..PRESS.len(), bit in 0u32..8, part in 0u8..3) {
        let mut body = PRESS.as_bytes().to_vec();
        let (mut signature, mut time) = (sign(NOW, &body), NOW.to_string());
        let flip = |text: &mut [u8]| {
            let at = at % text.len();
            text[at] ^= 1 << bit;
        };
        let flipped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            flip(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        match part {
            0 => flip(&mut body),
            1 => signature = flipped(&signature),
            _ => time = flipped(&time),
        }
        let request = Request { signature: &signature, timestamp: &time, content_type: FORM, body: &body };
        prop_assert_eq!(ask(request, NOW), Reply::only(401));
    }

    #[test]
    fn slack_bodies_of_any_kind_are_answered(
        body in prop::collection::vec(any::<u8>(), 0..300),
        is_json in any::<bool>(),
    ) {
        let reply = signed(if is_json { JSON } else { FORM }, &body, &mut Seen::default());
        prop_assert!(reply.click.is_none() && matches!(reply.status, 200 | 400));
        let mut form = b"payload=".to_vec();
        form.extend(&body);
        prop_assert!(matches!(signed(FORM, &form, &mut Seen::default()).status, 200 | 400));
    }
}
