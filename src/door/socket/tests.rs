//! Socket Mode with a Slack of its own.

use std::sync::Mutex;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::envelope::{Said, read};
use super::*;
use crate::slack::tests::{TOKEN, fake, revealed, run, said};

static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn press(moment: &str) -> Value {
    json!({
        "type": "block_actions",
        "user": { "id": "U1", "team_id": "T1" },
        "message": { "blocks": [{ "type": "of-tomorrow" }] },
        "actions": [{ "action_id": "close", "value": "inc-1 7", "action_ts": moment }],
    })
}

/// Slack's side of a connection.
struct Slack(WebSocketStream<TcpStream>);

impl Slack {
    async fn meet(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(Duration::from_secs(10), listener.accept()).await.unwrap().unwrap();
        let mut slack = Self(accept_async(stream).await.unwrap());
        slack.say(&json!({ "type": "hello", "num_connections": 1 })).await;
        slack
    }

    async fn say(&mut self, what: &Value) {
        self.0.send(Message::Text(what.to_string().into())).await.unwrap();
    }

    /// Sends an envelope, and returns what it is answered with; none where it is not.
    async fn ask(&mut self, id: &str, payload: &Value) -> Option<Value> {
        let envelope =
            json!({ "type": "interactive", "envelope_id": id, "payload": payload, "accepts_response_payload": true });
        self.say(&envelope).await;
        self.hear(Duration::from_secs(2)).await
    }

    async fn hear(&mut self, wait: Duration) -> Option<Value> {
        loop {
            match timeout(wait, self.0.next()).await.ok()?? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                _ => return None,
            }
        }
    }
}

async fn take(taken: &mut Receiver<Click>) -> Option<Click> {
    timeout(Duration::from_secs(2), taken.recv()).await.ok().flatten()
}

#[test]
fn slack_socket_mode_acknowledges_hands_on_and_comes_back() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/link?ticket=hunter2", listener.local_addr().unwrap());
        let ticket = || said(&json!({ "ok": true, "url": url }).to_string());
        let (api, _asked) = fake(vec![("500 X", "", String::new()), ticket(), ticket(), ticket()]);
        let (clicks, mut taken) = channel(1);
        let say = |text: &str| TOLD.lock().unwrap().push(text.to_owned());
        connect(revealed(TOKEN), &api, clicks, say, || 1_795_327_200).unwrap();

        let mut slack = Slack::meet(&listener).await;
        assert_eq!(slack.ask("e1", &press("1.1")).await, Some(json!({ "envelope_id": "e1" })));
        assert_eq!(slack.ask("e2", &press("1.1")).await, Some(json!({ "envelope_id": "e2" })), "delivered again");
        assert_eq!(slack.ask("e3", &json!({ "type": "shortcut" })).await, Some(json!({ "envelope_id": "e3" })));
        assert_eq!(slack.ask("e4", &press("1.2")).await, None, "there is no room");
        let first = take(&mut taken).await.unwrap();
        assert_eq!(slack.ask("e4", &press("1.2")).await, Some(json!({ "envelope_id": "e4" })));
        assert_ne!(take(&mut taken).await.unwrap().id, first.id);
        assert!(taken.try_recv().is_err(), "one click for each press");
        slack.say(&json!({ "type": "disconnect", "reason": "refresh_requested" })).await;

        let mut slack = Slack::meet(&listener).await;
        assert_eq!(slack.ask("e5", &press("1.1")).await, Some(json!({ "envelope_id": "e5" })));
        assert!(taken.try_recv().is_err(), "another connection knows what came before");
        slack.say(&json!({ "type": "interactive", "envelope_id": "e7", "payload": press("1.4") })).await;
        drop(slack);
        assert!(take(&mut taken).await.is_some(), "a press counts also where nobody hears the answer");

        let mut slack = Slack::meet(&listener).await;
        slack.0.send(Message::Text("garbage".into())).await.unwrap();
        assert_eq!(slack.ask("e6", &press("1.3")).await, Some(json!({ "envelope_id": "e6" })));
        assert!(take(&mut taken).await.is_some());
        drop(taken);
        assert_eq!(slack.hear(Duration::from_secs(10)).await, None);
        assert!(timeout(Duration::from_secs(3), slack.0.next()).await.is_ok(), "it ends when nobody takes clicks");
    });
    let told = TOLD.lock().unwrap();
    let lost = |why: &str| format!("Slack: not connected by Socket Mode: {why}; it is tried again");
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!((&told[0], told[1].as_str()), (&lost("the answer is 500"), "Slack: connected by Socket Mode"));
    assert!(told[2].starts_with("Slack: not connected by Socket Mode: ") && told[3] == told[1], "{told:?}");
    assert!(!told.iter().any(|text| text.contains("hunter2") || text.contains("ticket")), "{told:?}");
}

#[test]
fn slack_socket_mode_reads_what_it_knows() {
    let bye = |why: &str, is_routine| Said::Bye { why: why.to_owned(), is_routine };
    let envelope = |id: &str| Said::Envelope { id: id.to_owned(), click: None };
    let cases = [
        (r#"{"type":"hello"}"#, Said::Hello),
        (r#"{"type":"disconnect","reason":"warning"}"#, bye("warning", true)),
        (r#"{"type":"disconnect","reason":"link_disabled"}"#, bye("link_disabled", false)),
        ("{\"type\":\"disconnect\",\"reason\":\"a\\u001b[31m\"}", bye("a31m", false)),
        (r#"{"type":"disconnect"}"#, bye("no reason", false)),
        (r#"{"type":"events_api","envelope_id":"e","payload":7}"#, envelope("e")),
        (r#"{"type":"interactive","envelope_id":"e"}"#, envelope("e")),
        (r#"{"type":"interactive"}"#, Said::Other),
        ("[]", Said::Other),
        ("", Said::Other),
        ("null", Said::Other),
    ];
    for (text, said) in cases {
        assert_eq!(read(text), said, "{text}");
    }
}

#[test]
fn slack_socket_mode_waits_longer_each_time() {
    let seconds = |tries, chance| pause(tries, chance).as_secs_f64();
    assert_eq!([0, 1, 2, 3, 4, 5, 40].map(|tries| seconds(tries, 0.0)), [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    assert_eq!((seconds(0, 1.0), seconds(5, 1.0)), (1.0, 22.5));
}
