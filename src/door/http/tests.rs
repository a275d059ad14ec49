//! The listener: what it answers, and that nobody makes the others wait.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Receiver, channel};

use super::*;
use crate::door::receive::tests::{NOW, PRESS, SECRET, sign};
use crate::slack::tests::revealed;

fn door(room: usize) -> (SocketAddr, Receiver<Click>) {
    let (clicks, taken) = channel(room);
    let listening = listen("127.0.0.1:0".parse().unwrap(), revealed(SECRET), clicks, || NOW);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    (runtime.block_on(listening).unwrap(), taken)
}

fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // A request that is refused early may not be read to its end.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn post(address: SocketAddr, path: &str, body: &str, signature: &str) -> u16 {
    let length = body.len();
    let answer = send(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Slack-Signature: {signature}\
             \r\nX-Slack-Request-Timestamp: {NOW}\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(body.is_empty() && head.to_lowercase().contains("connection: close"), "{answer}");
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn slack_listener_answers_and_hands_on() {
    let (address, mut taken) = door(1);
    let good = sign(NOW, PRESS.as_bytes());
    assert_eq!(post(address, "/", PRESS, "v0=00"), 401);
    assert_eq!(post(address, "/slack/anything?x=1", PRESS, &good), 200);
    assert_eq!(post(address, "/healthz", PRESS, &good), 200, "delivered again");
    let later = PRESS.replace("1795327200.123456", "1795327201.000000");
    let signature = sign(NOW, later.as_bytes());
    assert_eq!(post(address, "/", &later, &signature), 503, "there is no room");
    let first = taken.try_recv().unwrap();
    assert_eq!(post(address, "/", &later, &signature), 200, "there is room again");
    let second = taken.try_recv().unwrap();
    assert_ne!(first.id, second.id);
    assert!(taken.try_recv().is_err());
    assert!(send(address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
    assert!(send(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
    let large = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", LARGEST + 1);
    assert!(send(address, &format!("{large}\r\n")).starts_with("HTTP/1.1 401 "), "it is not read");
    let large = format!("{large}X-Slack-Signature: {good}\r\nX-Slack-Request-Timestamp: {NOW}\r\n\r\n");
    assert!(send(address, &large).starts_with("HTTP/1.1 413 "));
    drop(taken);
    let start = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(10), "it listens although nobody takes clicks");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn slack_listener_does_not_wait_for_the_slow() {
    let (address, mut taken) = door(8);
    let slow: Vec<_> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(address).unwrap();
            let part = ["", "POST / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"];
            stream.write_all(part[number % 3].as_bytes()).unwrap();
            stream
        })
        .collect();
    let start = Instant::now();
    assert_eq!(post(address, "/", PRESS, &sign(NOW, PRESS.as_bytes())), 200);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(taken.try_recv().is_ok());
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "it is open for ever");
    }
}
