//! A server that answers as a test tells it to; for what no emulator has.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What came in at a [`Fake`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// The part of `X-Amz-Target` behind the service, the `Action` of a form, or else the method and the path.
    pub(crate) operation: String,
    /// The service and the region that the request is signed for.
    pub(crate) service: String,
    pub(crate) region: String,
    /// The lines of the head, as they came.
    pub(crate) head: String,
    pub(crate) text: String,
    /// The text, where it is JSON.
    pub(crate) body: Value,
}

/// What answers a request and its number: with a status and a body.
type Answer = dyn Fn(&Request, usize) -> (u16, Vec<u8>) + Send + Sync;

/// Serves until the test process ends, many connections side by side.
pub(crate) struct Fake {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    pub(crate) fn start<B: Into<Vec<u8>>>(
        answer: impl Fn(&Request, usize) -> (u16, B) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let answer: Arc<Answer> = Arc::new(move |request: &Request, number| {
            let (status, body) = answer(request, number);
            (status, body.into())
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || drop(serve(stream, &seen, answer.as_ref())));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some((request, _)) = read(&mut reader)? else { return Ok(()) };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let (status, body) = answer(&request, number);
    let kind = if body.starts_with(b"<") { "text/xml" } else { "application/x-amz-json-1.1" };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nConnection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes())?;
    stream.write_all(&body)
}

/// One request, and its bytes as they came; none where the connection ends before one.
pub(super) fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<(Request, Vec<u8>)>> {
    let mut raw = Vec::new();
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    raw.extend_from_slice(line.as_bytes());
    let mut words = line.split(' ');
    let place = format!("{} {}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request { operation: place, ..Request::default() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        let ends = reader.read_line(&mut line)? == 0 || line.trim().is_empty();
        raw.extend_from_slice(line.as_bytes());
        if ends {
            break;
        }
        request.head.push_str(&line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => request.operation = value.trim().rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => {
                // Credential=KEY/DATE/REGION/SERVICE/aws4_request
                let mut scope = value.split("Credential=").nth(1).unwrap_or_default().split('/').skip(2);
                request.region = scope.next().unwrap_or_default().to_owned();
                request.service = scope.next().unwrap_or_default().to_owned();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    raw.extend_from_slice(&body);
    request.text = String::from_utf8_lossy(&body).into_owned();
    request.body = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(action) = request.text.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        request.operation = action.to_owned();
    }
    Ok(Some((request, raw)))
}
