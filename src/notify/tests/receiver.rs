//! A server that answers as a test wants it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

pub(super) const AT_ONCE: Duration = Duration::ZERO;

/// A request as it came.
pub(super) struct Request {
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// Answers one connection after the other with what it is given, and tells what it was asked.
pub(super) fn receiver(answers: Vec<(&'static str, Duration)>) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    thread::spawn(move || {
        for (answer, delay) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = reader.by_ref().lines().map(Result::unwrap);
            let line = lines.next().unwrap();
            let headers = lines.take_while(|line| !line.is_empty());
            let headers =
                headers.map(|line| line.split_once(": ").map(|(k, v)| (k.to_lowercase(), v.to_owned())).unwrap());
            let headers: HashMap<_, _> = headers.collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = tell.send(Request { line, headers, body: String::from_utf8(body).unwrap() });
            thread::sleep(delay);
            let _ = write!(stream, "HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (format!("http://{address}/hook?token=hunter2"), told)
}
