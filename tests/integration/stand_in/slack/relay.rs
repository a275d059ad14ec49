//! Stands between an app and `emulate`: knows what that does not know, keeps every call, and lets calls fail.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::limits::wrong;
use crate::stand_in::fake::{Request, read};

/// A call of the API, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Such as `chat.postMessage`.
    pub(crate) method: String,
    pub(crate) token: String,
    pub(crate) with: Value,
}

/// What becomes of a call.
pub(crate) enum Turn {
    Pass,
    /// Too many requests; how many seconds to wait.
    Later(u32),
    /// A status of HTTP, and a page.
    Status(u16),
    /// No error, and nonsense.
    Garbage,
    /// No answer for as long.
    Silent(Duration),
    /// The connection ends.
    Lost,
    /// It is done, and nobody hears of that.
    Unheard,
    /// The same, after something else happened.
    Then(Box<dyn FnOnce() + Send>),
}

type Rule = dyn FnMut(&Call) -> Turn + Send;

/// An answer to whoever pressed a button.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Which press.
    pub(crate) to: usize,
    pub(crate) with: Value,
}

#[derive(Default)]
pub(super) struct Shared {
    pub(super) rule: Option<Box<Rule>>,
    pub(super) calls: Vec<Call>,
    pub(super) answers: Vec<Answer>,
    /// Messages that Slack refuses.
    pub(super) wrong: Vec<String>,
    /// Members of user groups.
    pub(super) groups: BTreeMap<String, Vec<String>>,
    /// Scopes by token; other tokens are nobody's.
    pub(super) tokens: BTreeMap<String, &'static str>,
    /// Where Socket Mode is, and the app's token for it.
    pub(super) link: (String, String),
}

/// Listens until the test process ends, many connections side by side.
pub(super) fn listen(behind: u16, shared: &Arc<Mutex<Shared>>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || drop(serve(stream, behind, &shared)));
        }
    });
    port
}

fn serve(mut stream: TcpStream, behind: u16, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some((request, raw)) = read(&mut reader)? else { return Ok(()) };
    let place = request.operation.split_once(' ').map_or("", |(_, place)| place);
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    if let Some(to) = path.strip_prefix("/respond/") {
        let to = to.parse().unwrap_or(0);
        shared.lock().unwrap().answers.push(Answer { to, with: request.body });
        return stream.write_all(answered("200 OK", "text/html", "ok").as_bytes());
    }
    let Some(method) = path.strip_prefix("/api/") else {
        return stream.write_all(answered("404 Not Found", "text/html", "<html>404</html>").as_bytes());
    };
    let call = Call { method: method.to_owned(), token: token(&raw), with: with(&request, query) };
    let turn = {
        let mut shared = shared.lock().unwrap();
        shared.calls.push(call.clone());
        shared.rule.as_mut().map_or(Turn::Pass, |rule| rule(&call))
    };
    let mut say = |status: &str, kind: &str, body: &str| stream.write_all(answered(status, kind, body).as_bytes());
    match turn {
        Turn::Pass => {
            let (head, body) = done(&call, behind, shared)?;
            say(&format!("200 OK\r\n{head}"), "application/json; charset=utf-8", &body)
        }
        Turn::Later(seconds) => {
            let head = format!("429 Too Many Requests\r\nRetry-After: {seconds}");
            say(&head, "application/json", r#"{"ok":false,"error":"ratelimited"}"#)
        }
        Turn::Status(status) => say(&format!("{status} Status"), "text/html", "<html><b>upstream</b></html>"),
        Turn::Garbage => say("200 OK", "application/json", r#"{"ok":true,"channel":"#),
        Turn::Silent(time) => {
            thread::sleep(time);
            Ok(())
        }
        Turn::Lost => Ok(()),
        Turn::Unheard => done(&call, behind, shared).map(drop),
        Turn::Then(happens) => {
            done(&call, behind, shared)?;
            happens();
            Ok(())
        }
    }
}

/// What a call is answered, with headers of its own.
fn done(call: &Call, behind: u16, shared: &Mutex<Shared>) -> std::io::Result<(String, String)> {
    let no = |error: &str| (String::from("X-Stand-In: 1"), json!({ "ok": false, "error": error }).to_string());
    let (scopes, link, members) = {
        let shared = shared.lock().unwrap();
        let group = call.with["usergroup"].as_str().unwrap_or_default();
        (shared.tokens.get(&call.token).copied(), shared.link.clone(), shared.groups.get(group).cloned())
    };
    if call.method == "apps.connections.open" {
        if call.token != link.1 {
            return Ok(no("invalid_auth"));
        }
        return Ok((String::from("X-Stand-In: 1"), json!({ "ok": true, "url": link.0 }).to_string()));
    }
    let Some(scopes) = scopes else { return Ok(no("invalid_auth")) };
    let head = format!("X-OAuth-Scopes: {scopes}");
    if call.method == "usergroups.users.list" {
        let has = scopes.split(',').any(|scope| scope == "usergroups:read");
        let answer = match members {
            _ if !has => {
                json!({ "ok": false, "error": "missing_scope", "needed": "usergroups:read", "provided": scopes })
            }
            Some(users) => json!({ "ok": true, "users": users }),
            None => json!({ "ok": false, "error": "no_such_subteam" }),
        };
        return Ok((head, answer.to_string()));
    }
    if ["chat.postMessage", "chat.update"].contains(&call.method.as_str()) && !call.with["blocks"].is_null() {
        let wrong = wrong(&call.with["blocks"]);
        if !wrong.is_empty() {
            shared.lock().unwrap().wrong.push(format!("{}: {wrong:?}: {}", call.method, call.with));
            return Ok((head, json!({ "ok": false, "error": "invalid_blocks", "errors": wrong }).to_string()));
        }
    }
    Ok((head, ask(behind, &call.method, &call.token, &call.with)?))
}

/// Makes a call of the API at a port. `emulate` takes POST alone; HTTP/1.0 spares both sides pieces and connections that stay.
pub(super) fn ask(port: u16, method: &str, token: &str, with: &Value) -> std::io::Result<String> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    let (body, host) = (with.to_string(), format!("127.0.0.1:{port}"));
    let length = body.len();
    let head = format!("POST /api/{method} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n");
    let kind = "Content-Type: application/json; charset=utf-8\r\n";
    server.write_all(format!("{head}{kind}Content-Length: {length}\r\n\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Ok(answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
}

/// The parameters of a call: of its JSON, its form or its query.
fn with(request: &Request, query: &str) -> Value {
    if request.body.is_object() {
        return request.body.clone();
    }
    let form = if request.text.is_empty() { query } else { &request.text };
    let url = reqwest::Url::parse(&format!("http://127.0.0.1/?{form}")).unwrap();
    let pairs = url.query_pairs().map(|(name, value)| {
        let value = value.into_owned();
        let parsed = if name == "blocks" { serde_json::from_str(&value).ok() } else { None };
        (name.into_owned(), parsed.unwrap_or(Value::String(value)))
    });
    Value::Object(pairs.collect())
}

/// The token of a request.
fn token(raw: &[u8]) -> String {
    let head = String::from_utf8_lossy(raw);
    let lines = head.lines().take_while(|line| !line.is_empty());
    let mut tokens = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim().strip_prefix("Bearer ")?;
        name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
    });
    tokens.next().unwrap_or_default()
}

fn answered(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}
