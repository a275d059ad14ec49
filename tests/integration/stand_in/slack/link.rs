//! Slack's side of Socket Mode.

use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// How long a connection waits for what comes before it looks for what goes.
const PAUSE: Duration = Duration::from_millis(10);
const PING: Duration = Duration::from_secs(5);

/// What the connections share.
#[derive(Default)]
struct Shared {
    /// What the next connection that is free sends.
    waiting: VecDeque<Value>,
    /// When an envelope was sent, and how long it took until it was acknowledged.
    sent: BTreeMap<String, (Instant, Option<Duration>)>,
    /// Connections so far, and those that are open.
    all: usize,
    open: usize,
    /// Every connection that is open ends: with a word before, or without.
    cut: Option<bool>,
}

/// A websocket server that lets apps in, one after the other or side by side.
pub(crate) struct Link {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Link {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&all);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// Where an app connects to: good for one connection in Slack, and a secret.
    pub(super) fn url(&self, ticket: usize) -> String {
        format!("ws://127.0.0.1:{}/link/?ticket=ticket-{ticket}&app_id=A0STAKEOUT", self.port)
    }

    /// Sends a press of a button. Gives the envelope's id.
    pub(crate) fn press(&self, payload: &Value) -> String {
        let mut shared = self.shared.lock().unwrap();
        let id = format!("envelope-{}", shared.sent.len() + shared.waiting.len() + 1);
        shared.waiting.push_back(json!({
            "envelope_id": id, "type": "interactive", "accepts_response_payload": false, "payload": payload,
        }));
        id
    }

    /// How long it took until an envelope was acknowledged; none where it was not.
    pub(crate) fn acknowledged(&self, id: &str) -> Option<Duration> {
        self.shared.lock().unwrap().sent.get(id).and_then(|(_, took)| *took)
    }

    /// Connections so far, and those that are open.
    pub(crate) fn connections(&self) -> (usize, usize) {
        let shared = self.shared.lock().unwrap();
        (shared.all, shared.open)
    }

    /// Ends the open connections; politely as Slack does every few hours, or as a broken network does.
    pub(crate) fn cut(&self, politely: bool) {
        self.shared.lock().unwrap().cut = Some(politely);
    }
}

fn serve(stream: TcpStream, shared: &Mutex<Shared>) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    drop(socket.get_ref().set_read_timeout(Some(PAUSE)));
    let number = {
        let mut shared = shared.lock().unwrap();
        (shared.all, shared.open, shared.cut) = (shared.all + 1, shared.open + 1, None);
        shared.all
    };
    drop(talk(&mut socket, shared, number));
    shared.lock().unwrap().open -= 1;
}

fn talk(socket: &mut WebSocket<TcpStream>, shared: &Mutex<Shared>, number: usize) -> tungstenite::Result<()> {
    let place = json!({ "host": "applink-1", "build_number": 1, "approximate_connection_time": 18_060 });
    let info = json!({ "app_id": "A0STAKEOUT" });
    say(socket, &json!({ "type": "hello", "num_connections": 1, "debug_info": place, "connection_info": info }))?;
    let mut pinged = Instant::now();
    loop {
        let (next, cut) = {
            let mut shared = shared.lock().unwrap();
            (shared.waiting.pop_front(), shared.cut.filter(|_| shared.all == number))
        };
        if let Some(politely) = cut {
            if politely {
                let host = json!({ "host": "applink-1" });
                say(socket, &json!({ "type": "disconnect", "reason": "refresh_requested", "debug_info": host }))?;
                thread::sleep(PAUSE);
            }
            return Ok(());
        }
        if let Some(envelope) = next {
            let id = envelope["envelope_id"].as_str().unwrap().to_owned();
            shared.lock().unwrap().sent.insert(id, (Instant::now(), None));
            say(socket, &envelope)?;
        }
        if pinged.elapsed() > PING {
            pinged = Instant::now();
            socket.send(Message::Ping(b"Ping from applink-1".to_vec().into()))?;
        }
        match socket.read() {
            Ok(Message::Text(text)) => note(&text, shared),
            Ok(Message::Close(_)) => return Ok(()),
            Ok(_) => {}
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}

fn say(socket: &mut WebSocket<TcpStream>, what: &Value) -> tungstenite::Result<()> {
    socket.send(Message::Text(what.to_string().into()))
}

/// An answer acknowledges the envelope that it names.
fn note(text: &str, shared: &Mutex<Shared>) {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    let mut shared = shared.lock().unwrap();
    let sent = answer["envelope_id"].as_str().and_then(|id| shared.sent.get_mut(id));
    if let Some((when, took @ None)) = sent {
        *took = Some(when.elapsed());
    }
}
