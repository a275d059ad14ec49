//! A Slack that says what a test wants, and which addresses a token goes over.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;
use crate::config::Secret;

/// The token of every test. It must be in no error.
pub(crate) const TOKEN: &str = "xoxb-hunter2";

/// A request as it came.
pub(crate) struct Asked {
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// A status with headers, each line ended, and a body. An empty status: the connection ends without an answer.
pub(crate) type Answer = (&'static str, &'static str, String);

/// Whoever knows it, knows a secret.
pub(crate) fn revealed(text: &str) -> Revealed {
    Secret::parse("env:NAME").unwrap().reveal_from(|_| Some(text.to_owned())).ok().unwrap()
}

/// A success of the API with this JSON.
pub(crate) fn said(body: &str) -> Answer {
    ("200 OK", "content-type: application/json; charset=utf-8\r\n", body.to_owned())
}

/// Answers one connection after the other with what it is given, and tells what it was asked.
pub(crate) fn fake(answers: Vec<Answer>) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    thread::spawn(move || {
        for (status, headers, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = reader.by_ref().lines().map(Result::unwrap);
            let line = lines.next().unwrap_or_default();
            let sent = lines.take_while(|line| !line.is_empty());
            let sent: HashMap<_, _> = sent
                .map(|line| line.split_once(": ").map(|(k, v)| (k.to_lowercase(), v.to_owned())).unwrap())
                .collect();
            let mut asked = vec![0; sent.get("content-length").map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut asked).unwrap();
            let _ = tell.send(Asked { line, headers: sent, body: String::from_utf8(asked).unwrap() });
            if !status.is_empty() {
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
                );
            }
        }
    });
    (format!("http://{address}/api"), told)
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_slack_token_goes_over_https_or_stays_on_this_machine() {
    for url in
        ["https://slack.com/api", "https://slack-gov.com/api/", "http://127.0.0.1:4700/api", "http://[::1]:1/api"]
    {
        assert!(Api::new(&revealed(TOKEN), url).is_ok(), "{url}");
    }
    let refused =
        ["http://slack.com/api", "http://127.0.0.1.example.com/api", "ftp://127.0.0.1/", "https://a:b@slack.com/"];
    for url in refused.into_iter().chain(["", "slack.com"]) {
        let why = Api::new(&revealed(TOKEN), url).err().unwrap();
        assert!(why.contains("slack.api_url") && !why.contains("hunter2"), "{url}: {why}");
    }
}

#[test]
fn a_slack_ticket_is_for_an_encrypted_connection() {
    let ticket = |url: &str| {
        let (api, asked) = fake(vec![said(&format!("{{\"ok\":true,\"url\":\"{url}\"}}"))]);
        let ticket = run(Api::new(&revealed(TOKEN), &api).unwrap().ticket());
        let asked = asked.recv().unwrap();
        assert!(asked.line.starts_with("POST /api/apps.connections.open "), "{}", asked.line);
        assert_eq!(asked.headers["authorization"], "Bearer xoxb-hunter2");
        ticket
    };
    assert!(ticket("wss://wss-primary.slack.com/link/?ticket=x").is_ok());
    assert!(ticket("ws://127.0.0.1:9/link?ticket=x").is_ok());
    for url in ["ws://example.com/link?ticket=secret", "https://slack.com/?secret", "secret"] {
        let failure = ticket(url).unwrap_err();
        assert!(matches!(&failure, Failure::Lost(why) if !why.contains("secret")), "{failure}");
    }
}
